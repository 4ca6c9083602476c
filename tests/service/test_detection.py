"""One round of drift detection: what is reported of what was found, read or not, corrected or not."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.api.client import Session
from reconciler.api.workers import Workers
from reconciler.errors import ConfigurationError, ExitCode, ForbiddenError, StoppedError, UnreadableError
from reconciler.model.cycle import CycleResult, DriftedField, FieldOutcome, ScopeReport, ScopeState
from reconciler.model.desired import DesiredScope, DesiredState
from reconciler.model.live import LiveScope
from reconciler.model.outcome import Outcome, Result
from reconciler.model.plan import Plan
from reconciler.model.scope import Scope
from reconciler.model.source import Problem
from reconciler.pipeline.comparing import drift
from reconciler.plan.drift import drift_of
from reconciler.plan.planning import assemble, everything, plan_scope
from reconciler.plan.report import DriftReport
from reconciler.service.detection import (
    cycle_result,
    refused_fields,
    scopes_after,
    settled_fields,
    unreachable_scopes,
)
from tests.support import EMPTY_LIST, Script, connect
from tests.values import CAAS, NOW, SCOPE, declared, live

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reconciler.errors import ReconcilerError
    from reconciler.model.desired import DesiredKey

KINDS = {"caas": CAAS}
OTHER = Scope("caas", 1, 77)
GONE = Scope("caas", 1, 9)
HTTP_500 = ConfigurationError("HTTP 500")
OURS: dict[str, Any] = {"description": "ours"}
THEIRS: dict[str, Any] = {"description": "theirs"}
LEFT, CORRECTED, CONTESTED = FieldOutcome.LEFT, FieldOutcome.CORRECTED, FieldOutcome.CONTESTED

Keys = tuple["DesiredKey", ...]


def detect(
    keys: Mapping[Scope, Keys],
    observed: Mapping[Scope, Iterable[Mapping[str, Any]]],
    unread: Mapping[Scope, ReconcilerError] | None = None,
) -> DriftReport:
    """Detect the drift between declared and live keys; ``unread`` scopes become problems, as in a round."""
    parts = [
        plan_scope(
            CAAS,
            DesiredScope(scope, keys[scope]),
            LiveScope(scope, {key["name"]: key for key in found}),
            NOW,
        )
        for scope, found in observed.items()
    ]
    plan = assemble(parts)
    return DriftReport(plan, drift_of(KINDS, plan), unread or {})


def state(*scopes: Scope) -> DesiredState:
    return DesiredState(tuple(DesiredScope(scope, ()) for scope in scopes))


def web(**fields: Any) -> dict[str, Any]:
    return live("web", **fields)


def one_drifted(unread: Mapping[Scope, ReconcilerError] | None = None) -> DriftReport:
    return detect({SCOPE: (declared("web", **OURS),)}, {SCOPE: [web(**THEIRS), live("api")]}, unread)


def only_field() -> DriftedField:
    (field,) = one_drifted().fields()
    return field


def test_each_drifted_field_is_initially_not_corrected() -> None:
    keys = (declared("web", description="ours", is_disabled=True), declared("api"), declared("late", **OURS))
    found = detect({SCOPE: keys}, {SCOPE: [web(**THEIRS), live("api"), live("late", **THEIRS)]})
    fields = [(one.address, one.change.field, one.desired, one.live, one.outcome) for one in found.fields()]
    assert fields == [
        ("caas/1/76/late", "description", "ours", "theirs", LEFT),
        ("caas/1/76/web", "description", "ours", "theirs", LEFT),
        ("caas/1/76/web", "is_disabled", True, False, LEFT),
    ]


def test_scopes_are_in_sync_drifted_or_unreachable_in_order() -> None:
    keys = {SCOPE: (declared("web", **OURS),), OTHER: (declared("web"),)}
    found = detect(keys, {SCOPE: [web(**THEIRS), live("api")], OTHER: [web()]}, {GONE: HTTP_500})
    assert found.scopes() == (
        ScopeReport(GONE, ScopeState.UNREACHABLE, 0, "HTTP 500"),
        ScopeReport(SCOPE, ScopeState.DRIFTED, 2, unmanaged=("caas/1/76/api",)),
        ScopeReport(OTHER, ScopeState.IN_SYNC, 1),
    )


@pytest.mark.parametrize(
    ("address", "compared"),
    [
        ("caas/1/76/web", True),
        ("caas/1/76/in-sync", True),
        ("caas/1/76/no-longer-declared", True),
        ("caas/1/76/gone", True),
        ("caas/1/76/foreign", False),
        ("caas/1/77/web", False),
        ("caas/1/7/web", True),
        ("caas/1/770/web", True),
        ("caas/2/77/web", True),
        ("faas/1/web", True),
    ],
)
def test_a_key_counts_as_compared_if_it_was_readable_or_its_scope_is_undeclared(
    address: str, *, compared: bool
) -> None:
    keys = (declared("web", **OURS), declared("in-sync"), declared("gone"), declared("foreign"))
    theirs = live("foreign", source="iate")
    found = detect({SCOPE: keys}, {SCOPE: [web(**THEIRS), live("in-sync"), theirs]}, {OTHER: HTTP_500})
    assert [problem.address for problem in found.problems] == ["caas/1/76/foreign"]
    assert found.compared(state(SCOPE, OTHER), everything)(address) is compared


@pytest.mark.parametrize(("selected", "compared"), [(True, True), (False, False)])
def test_a_key_that_is_not_selected_was_not_compared(*, selected: bool, compared: bool) -> None:
    was_compared = one_drifted().compared(state(SCOPE), lambda _address: selected)
    assert was_compared("caas/1/76/web") is compared
    assert was_compared("caas/1/99/web") is compared


def test_a_key_of_a_no_longer_declared_scope_counts_as_compared_without_reading() -> None:
    found = one_drifted({OTHER: HTTP_500})
    assert found.compared(state(SCOPE), everything)("caas/1/77/web")


def outcome(result: Result, detail: str = "") -> Outcome:
    return Outcome(one_drifted().drifted[0].correction, result, detail)


@pytest.mark.parametrize(
    ("contested", "outcomes", "after"),
    [
        (False, [], (LEFT, "")),
        (True, [], (CONTESTED, "")),
        (False, [outcome(Result.APPLIED)], (CORRECTED, "")),
        (False, [outcome(Result.APPLIED, "the journal is full")], (CORRECTED, "")),
        (False, [outcome(Result.FAILED, "HTTP 409")], (FieldOutcome.FAILED, "HTTP 409")),
        (False, [outcome(Result.NOT_VERIFIED, "lost")], (FieldOutcome.NOT_VERIFIED, "lost")),
        (False, [outcome(Result.NOT_ATTEMPTED, "stop")], (FieldOutcome.NOT_ATTEMPTED, "stop")),
        (False, [outcome(Result.STALE, "moved")], (FieldOutcome.NOT_ATTEMPTED, "moved")),
    ],
)
def test_a_field_is_resolved_by_correction_or_as_contested(
    outcomes: list[Outcome], after: tuple[FieldOutcome, str], *, contested: bool
) -> None:
    names = {("caas/1/76/web", "description")} if contested else set[tuple[str, str]]()
    (field,) = settled_fields([only_field()], names, outcomes)
    assert (field.outcome, field.detail) == after
    assert field.change == only_field().change


def test_fields_are_resolved_independently() -> None:
    keys = (declared("web", description="ours", is_disabled=True), declared("api", **OURS))
    found = detect({SCOPE: keys}, {SCOPE: [web(**THEIRS), live("api", **THEIRS)]})
    contested = {("caas/1/76/web", "description")}
    (correction,) = (key.correction for key in found.drifted if key.correction.name == "api")
    after = settled_fields(found.fields(), contested, [Outcome(correction, Result.APPLIED)])
    assert [(one.name, one.change.field, one.outcome) for one in after] == [
        ("api", "description", CORRECTED),
        ("web", "description", CONTESTED),
        ("web", "is_disabled", LEFT),
    ]


def test_fields_of_a_refused_correction_are_marked() -> None:
    keys = (declared("web", **OURS), declared("api", **OURS))
    found = detect({SCOPE: keys}, {SCOPE: [web(**THEIRS), live("api", **THEIRS)]})
    correction = Plan((found.drifted[0].correction,), 0, (), (), (), "")
    after = refused_fields(found.fields(), correction)
    assert [(one.name, one.outcome) for one in after] == [("api", FieldOutcome.REFUSED), ("web", LEFT)]
    contested = settled_fields(found.fields(), {("caas/1/76/web", "description")}, ())
    assert [one.outcome for one in refused_fields(contested, correction)] == [FieldOutcome.REFUSED, CONTESTED]


@pytest.mark.parametrize(
    ("before", "outcome", "after"),
    [
        (ScopeState.DRIFTED, CORRECTED, ScopeState.IN_SYNC),
        (ScopeState.DRIFTED, LEFT, ScopeState.DRIFTED),
        (ScopeState.DRIFTED, CONTESTED, ScopeState.DRIFTED),
        (ScopeState.DRIFTED, FieldOutcome.FAILED, ScopeState.DRIFTED),
        (ScopeState.IN_SYNC, CORRECTED, ScopeState.IN_SYNC),
        (ScopeState.UNREACHABLE, CORRECTED, ScopeState.UNREACHABLE),
    ],
)
def test_a_scope_is_in_sync_once_all_its_drift_is_corrected(
    before: ScopeState, outcome: FieldOutcome, after: ScopeState
) -> None:
    fields = [
        DriftedField(SCOPE, "web", only_field().change, outcome),
        DriftedField(SCOPE, "api", only_field().change, CORRECTED),
        DriftedField(OTHER, "web", only_field().change, LEFT),
    ]
    scopes = [ScopeReport(SCOPE, before, 7, "why"), ScopeReport(OTHER, ScopeState.DRIFTED, 1)]
    expected = (ScopeReport(SCOPE, after, 7, "why"), ScopeReport(OTHER, ScopeState.DRIFTED, 1))
    assert scopes_after(scopes, fields) == expected


@pytest.mark.parametrize(
    ("error", "details"),
    [
        (HTTP_500, ["HTTP 500", "HTTP 500"]),
        (
            UnreadableError({"caas/1/77": HTTP_500, "caas/1/76": ConfigurationError("HTTP 503")}),
            ["HTTP 503", "HTTP 500"],
        ),
        (
            UnreadableError({"caas/1/76": HTTP_500}),
            ["HTTP 500", "caas/1/76 could not be read: HTTP 500"],
        ),
    ],
)
def test_after_a_round_that_ended_early_every_scope_is_unreachable_with_its_own_reason(
    error: ReconcilerError, details: list[str]
) -> None:
    found = unreachable_scopes(state(SCOPE, OTHER), error)
    assert [(part.scope, part.state, part.keys) for part in found] == [
        (SCOPE, ScopeState.UNREACHABLE, 0),
        (OTHER, ScopeState.UNREACHABLE, 0),
    ]
    assert [part.detail for part in found] == details


@pytest.mark.parametrize(
    "error",
    [StoppedError("stop"), UnreadableError({"caas/1/77": HTTP_500, "caas/1/76": StoppedError("stop")})],
)
def test_an_interrupted_round_does_not_change_the_state_of_scopes(error: ReconcilerError) -> None:
    assert unreachable_scopes(state(SCOPE, OTHER), error) == ()


@pytest.mark.parametrize(
    ("outcomes", "problem", "code", "result"),
    [
        ([], False, ExitCode.DONE, CycleResult.IN_SYNC),
        ([CORRECTED], False, ExitCode.DONE, CycleResult.CORRECTED),
        ([CORRECTED, LEFT], False, ExitCode.DONE, CycleResult.DRIFTED),
        ([CONTESTED], False, ExitCode.DONE, CycleResult.DRIFTED),
        ([], True, ExitCode.DONE, CycleResult.FAILED),
        ([CORRECTED], True, ExitCode.DONE, CycleResult.FAILED),
        ([FieldOutcome.FAILED], False, ExitCode.PARTIAL, CycleResult.INCOMPLETE),
        ([FieldOutcome.FAILED], True, ExitCode.PARTIAL, CycleResult.INCOMPLETE),
        ([FieldOutcome.REFUSED], False, ExitCode.REFUSED, CycleResult.REFUSED),
        ([CORRECTED], False, ExitCode.INTERRUPTED, CycleResult.INTERRUPTED),
        ([CORRECTED], True, ExitCode.INTERRUPTED, CycleResult.INTERRUPTED),
    ],
)
def test_the_result_of_a_round_depends_on_remaining_drift_and_corrections(
    outcomes: list[FieldOutcome], code: ExitCode, result: CycleResult, *, problem: bool
) -> None:
    problems = (Problem("gone"),) if problem else ()
    detection = DriftReport(Plan((), 0, (), problems, (), ""), (), {})
    fields = [DriftedField(SCOPE, "web", only_field().change, outcome) for outcome in outcomes]
    assert cycle_result(detection, fields, code) is result


def plan_readable(
    handler: Callable[[httpx.Request], httpx.Response], *scopes: DesiredScope, **settings: Any
) -> tuple[Plan, Mapping[Scope, ReconcilerError], int]:
    reported: list[None] = []
    wanted = DesiredState(scopes, (Problem("soon"),))
    with Session(connect(handler, **settings), Workers(1)) as session:
        following = lambda _: nullcontext(lambda: reported.append(None))  # noqa: E731 - one of two values
        report = drift(wanted, session, kinds=KINDS, now=NOW, reading=following)
    return report.plan, report.unread, len(reported)


EMPTY = [DesiredScope(scope, ()) for scope in (GONE, SCOPE, OTHER)]
REFUSED = httpx.Response(403, json={"message": "No."})
FINE = httpx.Response(200, json=EMPTY_LIST)


def test_readable_scopes_are_planned_without_unreadable_ones() -> None:
    remote = Script(REFUSED, FINE, REFUSED)
    plan, unread, reported = plan_readable(remote, *EMPTY)
    assert {str(scope): type(error) for scope, error in unread.items()} == {
        "caas/1/9": ForbiddenError,
        "caas/1/77": ForbiddenError,
    }
    assert [problem.address for problem in plan.problems] == ["caas/1/77", "caas/1/9"]
    assert str(plan.problems[0]).startswith("caas/1/77: could not be read: GET ")
    assert [scope for scope, _ in plan.observed] == [SCOPE]
    assert [warning.message for warning in plan.warnings] == ["soon"]
    assert (reported, len(remote.requests)) == (3, 3)


def test_a_key_that_does_not_match_the_schema_is_a_problem_of_that_key_only() -> None:
    odd = httpx.Response(200, json={"count": 1, "results": [{"name": "web"}]})
    keys = (declared("web", **OURS),)
    plan, unread, _reported = plan_readable(Script(odd, FINE), DesiredScope(SCOPE, keys), EMPTY[2])
    assert [(problem.address, problem.is_live) for problem in plan.problems] == [("caas/1/76/web", True)]
    assert unread == {}


def test_readable_scopes_are_not_problems() -> None:
    plan, unread, reported = plan_readable(Script(FINE), *EMPTY)
    assert (plan.problems, unread, reported) == ((), {}, 3)


def test_if_no_scope_is_readable_the_error_has_all_reasons() -> None:
    with pytest.raises(UnreadableError) as error:
        plan_readable(Script(REFUSED), *EMPTY)
    assert list(error.value.causes) == ["caas/1/76", "caas/1/77", "caas/1/9"]


def test_without_declared_scopes_none_is_unreadable() -> None:
    plan, unread, reported = plan_readable(Script(REFUSED))
    assert (plan.changes, unread, reported) == ((), {}, 0)


def test_an_interrupted_round_marks_no_scope_as_unreadable() -> None:
    """What was not read because the service is stopping says nothing about the API."""
    stop = threading.Event()

    def handler(_request: httpx.Request) -> httpx.Response:
        stop.set()
        return httpx.Response(200, json=EMPTY_LIST)

    with pytest.raises(UnreadableError, match="caas/1/77 could not be read: interrupted"):
        plan_readable(handler, *EMPTY, stop=stop)
