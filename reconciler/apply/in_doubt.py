"""What a journal leaves in doubt: writes without an outcome, and secrets of which no outcome tells."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from reconciler.model.endpoint import BaseUrl
from reconciler.model.plan import Action

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NEEDED: Final[Mapping[str, type]] = {"run": str, "base_url": str, "patch": dict, "before": dict}
_SETTLED: Final = frozenset({"applied", "failed", "stale", "already as planned"})


@dataclass(frozen=True, slots=True)
class InDoubtWrite:
    """A write whose outcome the journal does not hold.

    ``patch`` is what was sent to the API at ``base_url``, ``before`` what those fields held in the plan.
    ``action`` is what the write does to the key, ``secret_to`` where the secret of a new one was to go, and
    ``secret_at`` where it was put.
    ``path`` is where the key was when it was written to; empty where the journal does not say.
    """

    address: str
    base_url: BaseUrl
    patch: Mapping[str, Any]
    before: Mapping[str, Any]
    run: str
    at: str
    action: Action = Action.UPDATE
    secret_to: str = ""
    secret_at: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a journal says: writes in doubt, sorted by address, and how many lines could not be read."""

    doubts: tuple[InDoubtWrite, ...]
    writes: int
    torn: int


def read_journal(lines: Iterable[bytes]) -> Reading:
    """Find the writes in doubt.

    An outcome that settles a write clears it up, and with it the writes to the same key that came
    before. A write that was not sent after all leaves those as they were.
    """
    doubts: dict[tuple[str, str], dict[str, InDoubtWrite]] = defaultdict(dict)
    apis: dict[str, str] = {}
    writes = torn = 0
    for line in lines:
        entry = entry_of(line)
        if entry is None:
            torn += bool(line.strip())
        elif entry["event"] == "write":
            writes += 1
            facts = {name: entry[name] for name in _NEEDED}
            action = Action(entry.get("action", Action.UPDATE))
            facts["base_url"] = BaseUrl.recorded(
                facts["base_url"]
            )  # runs may have spelt one API in several ways
            facts |= {"path": str(entry.get("path", "")), "secret_to": str(entry.get("secret_to") or "")}
            at = str(entry.get("at"))
            doubt = InDoubtWrite(address=entry["address"], at=at, action=action, **facts)
            apis[doubt.run] = doubt.base_url
            key = (doubt.address, doubt.base_url)
            doubts[key].pop(doubt.run, None)
            doubts[key][doubt.run] = doubt
        elif isinstance(entry.get("run"), str):
            open_writes = doubts[entry["address"], apis.get(entry["run"], "")]
            if entry.get("outcome") in _SETTLED:
                _clear(open_writes, entry["run"])
            elif isinstance(where := entry.get("secret_at"), str) and where and entry["run"] in open_writes:
                open_writes[entry["run"]] = replace(open_writes[entry["run"]], secret_at=where)
            elif entry.get("outcome") == "not attempted":
                open_writes.pop(entry["run"], None)
    found = (doubt for key in sorted(doubts) for doubt in doubts[key].values())
    return Reading(tuple(found), writes, torn)


def _clear(doubts: dict[str, InDoubtWrite], run: str) -> None:
    """Drop the write of ``run`` and every earlier one; a run that overlaps keeps its own.

    A creation whose secret is elsewhere, or perhaps nowhere, stays until the key is made anew or deleted.
    """
    settling = doubts[run].action if run in doubts else Action.UPDATE
    for earlier in list(doubts) if run in doubts else ():
        if earlier == run or not doubts[earlier].action.adds or settling is not Action.UPDATE:
            del doubts[earlier]
        if earlier == run:
            return


def entry_of(line: bytes) -> dict[str, Any] | None:
    """Return what a line of a journal holds, None if it is none."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict) or not isinstance(entry.get("address"), str):
        return None
    if entry.get("event") == "outcome":
        return entry
    if entry.get("action", Action.UPDATE) not in set(Action):
        return None
    is_whole = all(isinstance(entry.get(name), kind) for name, kind in _NEEDED.items())
    return entry if entry.get("event") == "write" and is_whole else None
