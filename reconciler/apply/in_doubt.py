"""Writes in doubt: those without an outcome in a journal, and their resolution by the API."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from reconciler.api.workers import completed
from reconciler.errors import ConfigurationError, NotFoundError, ReconcilerError
from reconciler.kinds.ids import clear_key, named_kind
from reconciler.model.canonical import json_text
from reconciler.model.endpoint import BaseUrl
from reconciler.model.frozen import dataclass
from reconciler.model.plan import Action
from reconciler.observe.items import key_in
from reconciler.observe.listing import observe
from reconciler.plan.recheck import fields_not_stored

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from concurrent.futures import Future

    from reconciler.api.client import Session, Sessions
    from reconciler.api.reader import Reader
    from reconciler.kinds.kind import Kind
    from reconciler.model.scope import Scope

_REQUIRED: Final[Mapping[str, type]] = {"run": str, "base_url": str, "patch": dict, "before": dict}
_SETTLED: Final = frozenset({"applied", "failed", "stale", "already as planned"})
_UNSTORED: Final = "it is unknown whether its secret was stored"
_AGAIN: Final = "declare the key `state: absent`, apply, and declare it again"


@dataclass(frozen=True, slots=True)
class InDoubtWrite:
    """A write whose outcome the journal does not hold.

    ``patch`` is the patch sent to the API at ``base_url``, ``before`` the values of those fields in the plan.
    ``secret_to`` is the destination of the secret of a new key, ``secret_at`` where it was stored. ``path``
    is the path of the key at the time of the write; empty if the journal does not have it. ``path_id`` is the
    id in that path, if it is not the name; it is empty for a key that had no id yet, which then has
    ``new_id`` if the response to its creation showed one. ``api`` is the name of the API, if the journal has
    it.
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
    path_id: str = ""
    new_id: str = ""
    api: str = ""

    @property
    def secret_text(self) -> str:
        """Return where the secret of a new key is, or was to be, stored; empty if it has none."""
        if not self.action.adds:
            return ""
        if self.secret_at:
            return f"its secret is in {self.secret_at}"
        if not self.secret_to:
            return ""
        older = ", unless it is that of the replaced key" if self.action is Action.REPLACE else ""
        look = f"look in {self.secret_to}, where it was to be stored{older}"
        return f"{_UNSTORED}: {look}; if it is not there, {_AGAIN}"


@dataclass(frozen=True, slots=True)
class Reading:
    """The content of a journal: writes in doubt, sorted by address, and the number of unreadable lines."""

    in_doubt: tuple[InDoubtWrite, ...]
    writes: int
    torn: int


class Resolution(StrEnum):
    """The resolution of a write in doubt."""

    TOOK_EFFECT = "took effect"
    DID_NOT = "did not take effect"
    SUPERSEDED = "holds something else"
    GONE = "the key is gone"
    UNKNOWN = "outcome unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """The resolution of one write in doubt, with the fields that differ."""

    write: InDoubtWrite
    resolution: Resolution
    detail: str = ""


def read_journal(lines: Iterable[bytes]) -> Reading:
    """Return the writes in doubt.

    A definite outcome of a write resolves it, and also earlier writes to the same key. The outcome of a write
    that was not sent resolves no earlier write.
    """
    in_doubt: dict[tuple[str, str], dict[str, InDoubtWrite]] = defaultdict(dict)
    base_urls: dict[tuple[str, str], str] = {}  # a run may write to several APIs
    writes = torn = 0
    for line in lines:
        entry = entry_of(line)
        if entry is None:
            torn += bool(line.strip())
        elif entry["event"] == "write":
            writes += 1
            write = _write_of(entry)
            base_urls[write.run, write.address] = write.base_url
            open_writes = in_doubt[write.address, write.base_url]
            open_writes.pop(write.run, None)
            open_writes[write.run] = write
        elif isinstance(run := entry.get("run"), str):
            open_writes = in_doubt[entry["address"], base_urls.get((run, entry["address"]), "")]
            if entry.get("outcome") in _SETTLED:
                _settle(open_writes, run)
            elif entry.get("outcome") == "not attempted":
                open_writes.pop(run, None)
            elif run in open_writes:
                where, number = str(entry.get("secret_at") or ""), str(entry.get("id") or "")
                before = open_writes[run]
                where, number = where or before.secret_at, number or before.new_id
                open_writes[run] = replace(before, secret_at=where, new_id=number)
    return Reading(tuple(write for key in sorted(in_doubt) for write in in_doubt[key].values()), writes, torn)


def _write_of(entry: Mapping[str, Any]) -> InDoubtWrite:
    return InDoubtWrite(
        address=entry["address"],
        base_url=BaseUrl.recorded(entry["base_url"]),  # runs may have spelt one API in several ways
        patch=entry["patch"],
        before=entry["before"],
        run=entry["run"],
        at=str(entry.get("at")),
        action=Action(entry.get("action", Action.UPDATE)),
        secret_to=str(entry.get("secret_to") or ""),
        path=str(entry.get("path", "")),
        path_id=str(entry.get("id", "")),
        api=str(entry.get("api", "")),
    )


def _settle(writes: dict[str, InDoubtWrite], run: str) -> None:
    """Remove the write of ``run`` and every earlier one; those of an overlapping run remain.

    A creation whose secret is elsewhere, or perhaps lost, remains until the key is created again or deleted.
    """
    if run not in writes:
        return
    is_update = writes[run].action is Action.UPDATE
    for earlier in list(writes)[: list(writes).index(run) + 1]:
        if earlier == run or not writes[earlier].action.adds or not is_update:
            del writes[earlier]


def entry_of(line: bytes) -> dict[str, Any] | None:
    """Return the object in a line of a journal, None if the line is invalid."""
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
    is_complete = all(isinstance(entry.get(name), kind) for name, kind in _REQUIRED.items())
    return entry if entry.get("event") == "write" and is_complete else None


def resolve(
    client: Sessions, kinds: Mapping[str, Kind], writes: Sequence[InDoubtWrite]
) -> tuple[Finding, ...]:
    """Read each key in doubt from its API and determine whether its write took effect.

    The result is unknown for an API that is not configured, or whose token is missing. Raises
    ConfigurationError if no API is configured.
    """
    findings: list[Future[Finding] | Finding] = []
    failure: ConfigurationError | None = None
    for write in writes:
        kind = named_kind(kinds, write.address.partition("/")[0])
        if kind is None:
            findings.append(_with_secret(Finding(write, Resolution.UNKNOWN, "no such address")))
            continue
        try:
            session = client.session(kind.api)
        except ConfigurationError as error:
            failure = error
            findings.append(_with_secret(Finding(write, Resolution.UNKNOWN, str(error))))
        else:
            findings.append(session.workers.submit(_resolve, session, kind, write))
    futures = [finding for finding in findings if not isinstance(finding, Finding)]
    if failure is not None and not futures:
        raise failure
    for _ in completed(futures):
        pass
    return tuple(finding if isinstance(finding, Finding) else finding.result() for finding in findings)


def _resolve(session: Session, kind: Kind, write: InDoubtWrite) -> Finding:
    return _with_secret(_find(session, kind, write))


def _with_secret(finding: Finding) -> Finding:
    """Add the state of the secret of a new key, where that is still relevant."""
    write = finding.write
    is_open = write.secret_at or finding.resolution in {Resolution.UNKNOWN, Resolution.SUPERSEDED}
    if not is_open or write.secret_text in finding.detail:
        return finding
    return replace(finding, detail="; ".join(filter(None, (finding.detail, write.secret_text))))


def _find(session: Session, kind: Kind, write: InDoubtWrite) -> Finding:
    reader = session.reader
    key = kind.parse_address(write.address)
    if key is None:
        return Finding(write, Resolution.UNKNOWN, "no such address")
    scope, name = key
    is_new = kind.has_ids and write.action is Action.CREATE
    path_id = None if is_new else write.path_id or name
    try:
        path = kind.collection_path(scope) if path_id is None else kind.item_path(scope, path_id)
        if write.base_url != session.base_url:
            raise ConfigurationError(f"it was written to {write.base_url}")
        if write.path not in {"", path}:
            raise ConfigurationError(f"it was written to {write.path}, and its kind now says {path}")
        live = None if path_id is None else _item(reader, kind, path, path_id)
        if live is not None and kind.has_ids and write.action is Action.REPLACE:
            return Finding(write, Resolution.DID_NOT)  # a new key has another id
        if live is None and kind.has_ids and write.action.adds:
            live = _new(reader, kind, scope, name, write.new_id)
        return _gone(write) if live is None else _with_name(kind, name, live, _compare(kind, write, live))
    except (ReconcilerError, RecursionError) as error:
        return Finding(write, Resolution.UNKNOWN, str(error))


def _item(reader: Reader, kind: Kind, path: str, path_id: str) -> Mapping[str, Any] | None:
    """Return the key at ``path``, None if there is none. Raises ReconcilerError if that is unknown."""
    try:
        return key_in(kind, path, path_id, reader.get(path, kind.query, kind.headers))
    except NotFoundError:
        return None


def _new(reader: Reader, kind: Kind, scope: Scope, name: str, new_id: str) -> Mapping[str, Any] | None:
    """Return the key of a creation in doubt, by its id if the response had it, else by its name."""
    live = _item(reader, kind, kind.item_path(scope, new_id), new_id) if new_id else None
    if live is not None:
        return live
    return clear_key(kind, observe(reader, kind, scope, lambda live: live.holds([name]), [name]), name)


def _with_name(kind: Kind, name: str, live: Mapping[str, Any], finding: Finding) -> Finding:
    """Return a finding that includes the new name of a key that was found by its id."""
    if kind.name_of(live) == name:
        return finding
    renamed = f"it is named {json_text(live.get(kind.identity))} now"
    return replace(finding, detail="; ".join(filter(None, (finding.detail, renamed))))


def _gone(write: InDoubtWrite) -> Finding:
    found = {Action.CREATE: Resolution.DID_NOT, Action.DELETE: Resolution.TOOK_EFFECT}
    is_halved = write.action is Action.REPLACE and not write.secret_at
    dead = f"its secret in {write.secret_to} is no longer valid"
    is_dead = bool(write.secret_to) and is_halved
    return Finding(write, found.get(write.action, Resolution.GONE), dead if is_dead else "")


def _compare(kind: Kind, write: InDoubtWrite, live: Mapping[str, Any]) -> Finding:
    if write.action is Action.DELETE:
        return Finding(write, Resolution.DID_NOT)
    moved = fields_not_stored(kind, write.address, write.before, live)
    if write.action is Action.REPLACE and not moved and not kind.has_ids:
        return Finding(write, Resolution.DID_NOT)  # a creation leaves out null fields
    unstored = fields_not_stored(kind, write.address, write.patch, live)
    if not unstored:
        is_new = write.action.adds and kind.secret is not None
        secret = write.secret_text or f"{_UNSTORED}: unless a secret sink has it, {_AGAIN}"
        return Finding(write, Resolution.TOOK_EFFECT, secret if is_new else "")
    is_other = moved or write.action.adds
    detail = ", ".join(difference.field for difference in unstored)
    return Finding(write, Resolution.SUPERSEDED if is_other else Resolution.DID_NOT, detail)
