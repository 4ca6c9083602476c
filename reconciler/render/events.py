"""The events of an apply, as JSON lines with the types of OpenTofu's machine-readable output.

https://opentofu.org/docs/internals/machine-readable-ui/ lists them. Each function returns events: a message
for people and the members of the type; :func:`event_line` renders them.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from reconciler.model.canonical import json_text
from reconciler.model.escape import neutralize_log_commands
from reconciler.model.frozen import dataclass
from reconciler.model.outcome import Result
from reconciler.model.plan import Action
from reconciler.model.version import __version__
from reconciler.render.text import applied_counts, closing_line, secret_remark, summary_line

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.model.outcome import Outcome
    from reconciler.model.plan import Change, Plan
    from reconciler.model.source import Position

EVENTS_VERSION: Final = "1.0"
_BEGUN: Final = {
    Action.CREATE: "Creating",
    Action.UPDATE: "Modifying",
    Action.DELETE: "Destroying",
    Action.REPLACE: "Replacing",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its type, a message for people, and the members that its type has."""

    type: str
    message: str
    members: Mapping[str, Any]
    level: str = "info"


def event_line(event: Event, time: dt.datetime) -> str:
    """Return an event as one line of JSON, ending with a newline."""
    line = {
        "@level": event.level,
        "@message": event.message,
        "@module": "reconciler.ui",
        "@timestamp": time.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "type": event.type,
        **event.members,
    }
    return neutralize_log_commands(json.dumps(line, ensure_ascii=True)) + "\n"


def version() -> Event:
    """Return the event with the versions of reconciler and of the event format."""
    return Event("version", f"reconciler {__version__}", {"reconciler": __version__, "ui": EVENTS_VERSION})


def planned(plan: Plan) -> Iterator[Event]:
    """Yield an event for each planned change, each warning and error, and the counts."""
    for change in plan.changes:
        fields = {field.field: field.effect.value for field in change.fields}
        members = {"change": {**_subject(change), "fields": fields}}
        yield Event("planned_change", f"{change.address}: Plan to {change.action}", members)
    for severity, problems in (("warning", plan.warnings), ("error", plan.errors)):
        for problem in problems:
            yield _diagnostic(severity, problem.message, problem.address, problem.position)
    summary = {"changes": _sum(plan.action_counts, "plan"), "fingerprint": plan.fingerprint}
    yield Event("change_summary", summary_line(plan), summary)


def begun(change: Change) -> Event:
    """Return the event before a write is sent."""
    message = f"{change.address}: {_BEGUN[change.action]}... {json_text(change.patch)}"
    return Event("apply_start", message, {"hook": _subject(change)})


def ended(outcome: Outcome, seconds: float | None) -> tuple[Event, ...]:
    """Return the events of an outcome; ``seconds`` is the duration of its write, None if none was sent."""
    change, result = outcome.change, outcome.result
    message = f"{change.address}: {result.value}{secret_remark(outcome)}"
    if seconds is None and result is Result.UNCHANGED:
        return (Event("log", message, {"address": change.address}),)
    text = f"{change.address}: {result.value}: {outcome.detail}{secret_remark(outcome)}"
    diagnostic = _diagnostic("error", text, change.address, change.position)
    if seconds is None:
        return (diagnostic,)
    hook = {**_subject(change), "elapsed_seconds": round(seconds, 3), "result": result.value}
    if outcome.secret_at:
        hook["secret_at"] = outcome.secret_at
    if outcome.request_id is not None:
        hook["request_id"] = outcome.request_id
    if result is not Result.APPLIED:
        return (Event("apply_errored", message, {"hook": hook}, "error"), diagnostic)
    found = [Event("apply_complete", message, {"hook": hook})]
    if outcome.detail:
        found.append(diagnostic)
    if outcome.notice:
        notice = f"{change.address}: {outcome.notice}"
        found.append(_diagnostic("warning", notice, change.address, change.position))
    return tuple(found)


def applied(outcomes: Sequence[Outcome]) -> Event:
    """Return the event with the counts of an apply, by result."""
    results = dict(Counter(outcome.result.value for outcome in outcomes))
    members = {"changes": _sum(applied_counts(outcomes), "apply"), "results": results}
    return Event("change_summary", closing_line(outcomes), members)


def _sum(counts: Mapping[str, int], operation: str) -> dict[str, Any]:
    added, changed, removed = (counts[action] for action in ("create", "update", "delete"))
    return {"add": added, "change": changed, "remove": removed, "operation": operation}


def error(text: str) -> Event:
    """Return the event of an error."""
    return _diagnostic("error", text)


def _diagnostic(severity: str, text: str, address: str = "", position: Position | None = None) -> Event:
    diagnostic: dict[str, Any] = {"severity": severity, "summary": text, "detail": ""}
    if address:
        diagnostic["address"] = address
    if position is not None:
        start = {"start": {"line": position.line, "column": position.column}} if position.line else {}
        diagnostic["range"] = {"filename": position.source, **start}
    level = "warn" if severity == "warning" else severity
    return Event("diagnostic", f"{severity.capitalize()}: {text}", {"diagnostic": diagnostic}, level)


def _subject(change: Change) -> dict[str, Any]:
    """Return the key of an event, and the action on it."""
    resource = {
        "addr": change.address,
        "module": "",
        "resource": change.address,
        "resource_type": change.scope.kind,
        "resource_name": change.name,
        "resource_key": None,
    }
    api = {"api": change.api} if change.scope.shown_api else {}
    return {"resource": resource, **api, "action": change.action.value}
