"""Why fields are equal or different, for people."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from reconciler.model.escape import escape_control
from reconciler.plan.explain import Explanation, Value, Verdict
from reconciler.render.lines import field_view
from reconciler.render.text_changes import field_lines
from reconciler.render.text_layout import CONTINUED, PLAIN, Colour, Screen
from reconciler.render.values import joined, value_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.model.plan import Plan
    from reconciler.model.source import Position, Problem

_INDENT: Final = " " * 12
_DEEPER: Final = 6
_COMPARED: Final = {Verdict.EQUAL, Verdict.DIFFERENT, Verdict.UNREADABLE, Verdict.ABSENT}
_COLOURS: Final = {Verdict.DIFFERENT: Colour.CHANGE, Verdict.UNREADABLE: Colour.REMOVE}


@joined
def render_explanations(
    address: str,
    position: Position,
    explanations: Sequence[Explanation],
    requests: Iterable[str],
    screen: Screen = PLAIN,
) -> Iterator[str]:
    """Yield the lines about the fields of one key, and the requests that would be sent."""
    yield from screen.lines((f"# {escape_control(address)}", Colour.STRONG), hang="#   ")
    yield from screen.lines(f"# (declared at {escape_control(str(position))})", hang="#   ")
    for explanation in explanations:
        yield ""
        yield from _lines(explanation, screen)
    yield from ("", *requests)


def _lines(explanation: Explanation, screen: Screen) -> Iterator[str]:
    colour = _COLOURS.get(explanation.verdict, Colour.QUIET)
    yield from screen.lines(f"{escape_control(explanation.field)}: ", (explanation.verdict.value, colour))
    for title, text in _facts(explanation):
        yield from screen.lines(f"  {title:<10}{text}", hang=f"{_INDENT}{CONTINUED}")
    if explanation.change is not None and field_view(explanation.change).brackets:
        # Beside the title, the lines of a field are indented by six columns more than in a plan.
        narrow = replace(screen, width=None if screen.width is None else screen.width - _DEEPER)
        first, *rest = field_lines((explanation.change,), narrow)
        yield f"  change    {first[len(_INDENT) - _DEEPER :]}"
        yield from (f"{' ' * _DEEPER}{line}" for line in rest)
    if explanation.verdict in _COMPARED:
        yield from screen.lines(f"  rule      {explanation.rule}", hang=_INDENT)
        yield from screen.lines(f"  request   {explanation.carried.value}", hang=_INDENT)


def _facts(explanation: Explanation) -> Iterator[tuple[str, str]]:
    """Yield the texts about the two values of a field, each with its title."""
    first, *rest = _value(explanation.desired, "not declared")
    yield "desired", first
    yield from (("", text) for text in rest)
    if explanation.inherited_from is not None:
        yield "", f"from defaults at {escape_control(str(explanation.inherited_from))}"
    first, *rest = _value(explanation.live, "not in the response")
    yield "live", first
    yield from (("", text) for text in rest)


def _value(value: Value | None, absent: str) -> Sequence[str]:
    if value is None:
        return (absent,)
    if value.problem:
        return (f"{value_text(value.raw)}: {escape_control(value.problem)}",)
    raw, form = value_text(value.raw), value_text(value.form)
    return (raw,) if raw == form else (raw, f"normalised to {form}")


def request_lines(plan: Plan, screen: Screen = PLAIN) -> Iterator[str]:
    """Yield the requests that would be sent, with their effects; or that there is none, and why.

    A request is one line, however narrow the screen is, so that it can be copied.
    """
    stops = blocking_problems(plan)
    if stops or not plan.changes:
        reason = f": {escape_control(stops[0].message)}" if stops else "."
        yield from screen.lines(f"No request would be sent{reason}")
        return
    (change,) = plan.changes
    if change.is_undeclared:
        yield from screen.lines("Only with --allow-destroy:")
    yield from (escape_control(str(request)) for request in change.requests)
    for view in map(field_view, change.fields):
        yield from screen.lines(f"  {view.name}: {view.note}", hang="    ")


def blocking_problems(plan: Plan) -> list[Problem]:
    """Return the problems that prevent requests for the key."""
    return [problem for problem in plan.problems if not (problem.is_live and plan.changes)]
