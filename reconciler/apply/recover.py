"""Clearing up what a run that was killed left in doubt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from reconciler.api.workers import Workers, completed
from reconciler.errors import ConfigurationError, NotFoundError, ReconcilerError
from reconciler.model.plan import Action
from reconciler.plan.planning import fields_not_stored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.api.reader import Reader
    from reconciler.apply.in_doubt import InDoubtWrite
    from reconciler.kinds.kind import Kind
    from reconciler.model.endpoint import BaseUrl


_UNKEPT: Final = "nothing says that its secret was kept"
_AGAIN: Final = "declare the key `state: absent`, apply, and declare it again"


class Fate(StrEnum):
    """What a write in doubt turns out to be."""

    TOOK_EFFECT = "took effect"
    DID_NOT = "did not take effect"
    OVERTAKEN = "holds something else"
    GONE = "the key is gone"
    UNKNOWN = "cannot be told"


@dataclass(frozen=True, slots=True)
class Finding:
    """What the server says of one write in doubt, with the fields that differ."""

    doubt: InDoubtWrite
    fate: Fate
    detail: str = ""


def clear_up(
    reader: Reader,
    kinds: Mapping[str, Kind],
    base_url: BaseUrl,
    doubts: Sequence[InDoubtWrite],
    parallelism: int,
) -> tuple[Finding, ...]:
    """Read each key in doubt from the API at ``base_url`` and tell whether its write took effect.

    ``parallelism`` keys are read at a time.
    """
    with Workers(parallelism) as workers:
        workers.start(len(doubts))
        findings = [workers.submit(_clear_up, reader, kinds, base_url, doubt) for doubt in doubts]
        for _ in completed(findings):
            pass
        return tuple(finding.result() for finding in findings)


def secret_text(doubt: InDoubtWrite) -> str:
    """Return what a journal says of the secret of a key that was made, or was to be; empty if it has none."""
    if not doubt.action.adds:
        return ""
    if doubt.secret_at:
        return f"its secret is in {doubt.secret_at}"
    if not doubt.secret_to:
        return ""
    older = ", unless that is still the one of the key before" if doubt.action is Action.REPLACE else ""
    return f"{_UNKEPT}: look in {doubt.secret_to}, where it was to go{older}; if it is not there, {_AGAIN}"


def _clear_up(reader: Reader, kinds: Mapping[str, Kind], base_url: BaseUrl, doubt: InDoubtWrite) -> Finding:
    finding = _read_and_judge(reader, kinds, base_url, doubt)
    is_open = bool(doubt.secret_at) or finding.fate in {Fate.UNKNOWN, Fate.OVERTAKEN}
    secret = secret_text(doubt) if is_open else ""
    if not secret or secret in finding.detail:
        return finding
    return replace(finding, detail="; ".join(part for part in (finding.detail, secret) if part))


def _read_and_judge(
    reader: Reader, kinds: Mapping[str, Kind], base_url: BaseUrl, doubt: InDoubtWrite
) -> Finding:
    kind = kinds.get(doubt.address.partition("/")[0])
    key = None if kind is None else kind.parse_address(doubt.address)
    if kind is None or key is None:
        return Finding(doubt, Fate.UNKNOWN, "no such address")
    try:
        path = kind.item_path(*key)
        if doubt.base_url != base_url:
            raise ConfigurationError(f"it was written to {doubt.base_url}")
        if doubt.path not in {"", path}:
            raise ConfigurationError(f"it was written to {doubt.path}, and its kind now says {path}")
        live = reader.get(path, {})
        if not isinstance(live, dict) or live.get(kind.identity) != key[1]:
            return Finding(doubt, Fate.UNKNOWN, "the answer is not about this key")
        return _judge(kind, doubt, kind.with_response_defaults(live))
    except NotFoundError:
        fates = {Action.CREATE: Fate.DID_NOT, Action.DELETE: Fate.TOOK_EFFECT}
        is_halved = doubt.action is Action.REPLACE and not doubt.secret_at
        dead = f"what {doubt.secret_to} holds of its secret is dead" if doubt.secret_to and is_halved else ""
        return Finding(doubt, fates.get(doubt.action, Fate.GONE), dead)
    except (ReconcilerError, RecursionError) as error:
        return Finding(doubt, Fate.UNKNOWN, str(error))


def _judge(kind: Kind, doubt: InDoubtWrite, live: Mapping[str, Any]) -> Finding:
    if doubt.action is Action.DELETE:
        return Finding(doubt, Fate.DID_NOT)
    moved = fields_not_stored(kind, doubt.address, doubt.before, live)
    if doubt.action is Action.REPLACE and not moved:
        return Finding(doubt, Fate.DID_NOT)  # what a new key is made of leaves out what is null
    unstored = fields_not_stored(kind, doubt.address, doubt.patch, live)
    if not unstored:
        is_born = doubt.action.adds and kind.secret is not None
        kept = secret_text(doubt) or f"{_UNKEPT}: unless a secret sink has it, {_AGAIN}"
        return Finding(doubt, Fate.TOOK_EFFECT, kept if is_born else "")
    is_other = moved or doubt.action is Action.CREATE
    return Finding(doubt, Fate.OVERTAKEN if is_other else Fate.DID_NOT, ", ".join(d.field for d in unstored))
