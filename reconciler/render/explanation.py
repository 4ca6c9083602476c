"""Why fields are equal or different, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.model.escape import escape_control, quoted
from reconciler.plan.explain import Explanation, Value, Verdict
from reconciler.render.lines import field_view
from reconciler.render.text import Colour, field_lines, plain
from reconciler.render.values import joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.model.plan import Plan
    from reconciler.model.source import Position, Problem
    from reconciler.render.text import Paint

_COMPARED: Final = {Verdict.EQUAL, Verdict.DIFFERENT, Verdict.UNREADABLE, Verdict.ABSENT}
_COLOURS: Final = {Verdict.DIFFERENT: Colour.CHANGE, Verdict.UNREADABLE: Colour.REMOVE}


@joined
def render_explanations(
    address: str, position: Position, explanations: Sequence[Explanation], requests: str, paint: Paint = plain
) -> Iterator[str]:
    """Return the fields of one key, and the requests that would be sent."""
    yield paint(f"# {escape_control(address)}", Colour.STRONG)
    yield f"# (declared at {escape_control(str(position))})"
    for explanation in explanations:
        yield from _lines(explanation, paint)
    yield from ("", requests)


def _lines(explanation: Explanation, paint: Paint) -> Iterator[str]:
    colour = _COLOURS.get(explanation.verdict, Colour.QUIET)
    yield from ("", f"{escape_control(explanation.field)}: {paint(explanation.verdict.value, colour)}")
    yield f"  desired   {_value(explanation.desired, 'not declared')}"
    if explanation.inherited_from is not None:
        yield f"            from defaults at {escape_control(str(explanation.inherited_from))}"
    yield f"  live      {_value(explanation.live, 'not in the response')}"
    if explanation.change is not None and field_view(explanation.change).brackets:
        for number, line in enumerate(field_lines(explanation.change, paint)):
            yield f"  change    {line[6:]}" if number == 0 else f"{' ' * 12}{line[6:]}"
    if explanation.verdict in _COMPARED:
        yield f"  rule      {explanation.rule}"
        yield f"  request   {explanation.carried.value}"


def _value(value: Value | None, absent: str) -> str:
    if value is None:
        return absent
    if value.problem:
        return f"{quoted(value.raw)}: {escape_control(value.problem)}"
    raw, form = quoted(value.raw), quoted(value.form)
    return raw if raw == form else f"{raw}\n            normalised to {form}"


def render_requests(plan: Plan) -> str:
    """Return what would be sent, with what it does to access; or that nothing would be, and why."""
    stops = blocking_problems(plan)
    if stops:
        return f"No request would be sent: {escape_control(stops[0].message)}"
    if not plan.changes:
        return "No request would be sent."
    (change,) = plan.changes
    requests = [escape_control(str(request)) for request in change.requests]
    if change.is_undeclared:
        requests.insert(0, "Only with --allow-destroy:")
    effects = [f"  {field_view(field).name}: {field_view(field).note}" for field in change.fields]
    return "\n".join([*requests, *effects])


def blocking_problems(plan: Plan) -> list[Problem]:
    """Return the problems for which nothing of the key would be sent."""
    return [problem for problem in plan.problems if not (problem.is_live and plan.changes)]
