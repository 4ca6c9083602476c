"""Plans and outcomes for people, in Terraform's words."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.model import Origin, Result
from reconciler.render.escape import printable
from reconciler.render.lines import field_view, is_grave

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reconciler.model import Change, FieldChange, Outcome, Plan

    Paint = Callable[[str, "Colour"], str]


class Colour(StrEnum):
    """What a piece of text means; the names are those of terminal colours."""

    CHANGE = "yellow"
    ADD = "green"
    REMOVE = "red"
    QUIET = "bright_black"
    STRONG = "bold"


def plain(text: str, _colour: Colour) -> str:
    """Leave text as it is: what every output that is not a terminal gets."""
    return text


class Detail(StrEnum):
    """How much of a plan is shown."""

    SUMMARY = "unmanaged keys are counted"
    FULL = "unmanaged keys are listed"


def render_text(plan: Plan, detail: Detail = Detail.SUMMARY, paint: Paint = plain) -> str:
    """Give the plan for people, ending with a newline."""
    return "\n".join(_plan_lines(plan, detail, paint)) + "\n"


def _plan_lines(plan: Plan, detail: Detail, paint: Paint) -> Iterator[str]:
    if plan.changes:
        yield "Resource actions are indicated with the following symbols:"
        yield f"  {paint('~', Colour.CHANGE)} update in-place"
        yield ""
        yield "reconciler will perform the following actions:"
        yield ""
        for change in plan.changes:
            yield from change_lines(change, change.fields, "will be updated in-place", paint)
            yield ""
        yield from summary_lines(plan)
    else:
        (nothing,) = summary_lines(plan)
        yield nothing if plan.problems else paint(nothing, Colour.ADD)
    yield from _unmanaged_lines(plan, detail)
    if plan.objections:
        yield paint(f"{errors_line(plan)}.", Colour.REMOVE)


def summary_lines(plan: Plan) -> Iterator[str]:
    """Give how many keys change, what happens to access and, where it is known, who made the keys differ."""
    if plan.changes:
        yield f"Plan: 0 to add, {len(plan.changes)} to change, 0 to destroy."
        yield access_line(plan.grants, plan.revokes, plan.neutral)
        if any(field.origin is not None for change in plan.changes for field in change.fields):
            counts = (f"{origin} on {_keys(plan.of_origin(origin))}" for origin in Origin)
            yield f"Origin: {', '.join(counts)}."
    elif plan.problems:
        yield "No changes can be planned for the keys with errors; the others match the configuration."
    else:
        yield "No changes. Your infrastructure matches the configuration."


def unmanaged_line(plan: Plan) -> str:
    """Say how many live keys no file declares."""
    return f"Unmanaged: {_keys(len(plan.unmanaged))} live but not declared"


def errors_line(plan: Plan) -> str:
    """Say how many errors stand in the way."""
    return f"{counted(len(plan.objections), 'error')}: the plan must not be applied as it stands"


def summary_line(plan: Plan) -> str:
    """Give all the counts on one line."""
    parts = list(summary_lines(plan))
    if plan.unmanaged:
        parts.append(f"{unmanaged_line(plan)}.")
    if plan.objections:
        parts.append(f"{errors_line(plan)}.")
    return " ".join(parts)


def _unmanaged_lines(plan: Plan, detail: Detail) -> Iterator[str]:
    if not plan.unmanaged:
        return
    if detail is Detail.SUMMARY:
        yield f"{unmanaged_line(plan)} (-v lists them, reconciler export --into FILE adopts them)"
        return
    yield f"{unmanaged_line(plan)}:"
    for address in plan.unmanaged:
        yield f"  {printable(address)}"


def access_line(grants: int, revokes: int, neutral: int) -> str:
    """Say of how many keys the access changes, and how."""
    return f"Access: grants on {_keys(grants)}, revokes on {_keys(revokes)}, neutral on {_keys(neutral)}."


def change_lines(change: Change, fields: Sequence[FieldChange], becomes: str, paint: Paint) -> Iterator[str]:
    """Give the lines that show ``fields`` of the key of ``change``; ``becomes`` says what becomes of it."""
    place = printable(f"{change.position.source}:{change.position.line}")
    title = f"# {printable(change.address)} {becomes}"
    yield f"  {paint(title, Colour.STRONG)}"
    yield f"  {paint(f'# (declared at {place})', Colour.QUIET)}"
    mark = paint("~", Colour.CHANGE)
    yield f'  {mark} {change.scope.kind} "{printable(change.name)}" {{'
    for field in fields:
        yield from _field_lines(field, paint)
    hidden = len(change.after) - len(fields)
    if hidden:
        yield paint(f"        # ({hidden} unchanged {_plural('attribute', hidden)} hidden)", Colour.QUIET)
    yield "    }"


def _field_lines(field: FieldChange, paint: Paint) -> Iterator[str]:
    mark = paint("~", Colour.CHANGE)
    view = field_view(field)
    note = "  " + paint(f"# {view.note}", _colour(field))
    if not view.is_set:
        yield f"      {mark} {view.name} = {view.removed[0]} -> {view.added[0]}{note}"
        return
    yield f"      {mark} {view.name} = [{note}"
    for item in view.removed:
        yield f"          {paint('-', Colour.REMOVE)} {item}"
    for item in view.added:
        yield f"          {paint('+', Colour.ADD)} {item}"
    if view.kept:
        yield paint(f"            # ({counted(view.kept, 'unchanged element')} hidden)", Colour.QUIET)
    yield "        ]"


def _colour(field: FieldChange) -> Colour:
    if is_grave(field):
        return Colour.REMOVE
    return Colour.ADD if field.effect.grants else Colour.QUIET


def render_outcomes(outcomes: Sequence[Outcome], paint: Paint = plain) -> str:
    """Give what became of each change and the closing line, ending with a newline."""
    lines = [_outcome_line(outcome, paint) for outcome in outcomes]
    colour = Colour.ADD if _is_complete(outcomes) else Colour.REMOVE
    return "\n".join([*lines, "", paint(closing_line(outcomes), colour)]) + "\n"


def closing_line(outcomes: Sequence[Outcome]) -> str:
    """Say how an apply ended."""
    counts = Counter(outcome.result for outcome in outcomes)
    if _is_complete(outcomes):
        return f"Apply complete! Resources: 0 added, {counts[Result.APPLIED]} changed, 0 destroyed."
    rest = ", ".join(f"{counts[result]} {result.value}" for result in Result if counts[result])
    return f"Apply incomplete: {rest}. Run plan again to see what is left."


def _is_complete(outcomes: Sequence[Outcome]) -> bool:
    return all(outcome.result in {Result.APPLIED, Result.UNCHANGED} for outcome in outcomes)


def _outcome_line(outcome: Outcome, paint: Paint) -> str:
    address = printable(outcome.change.address)
    if outcome.result in {Result.APPLIED, Result.UNCHANGED} and not outcome.detail:
        return f"{address}: {outcome.result.value}"
    return f"{paint(f'{address}: {outcome.result.value}', Colour.REMOVE)}: {printable(outcome.detail)}"


def counted(count: int, noun: str) -> str:
    """Give a number with its noun, such as ``1 key`` or ``2 keys``."""
    return f"{count} {_plural(noun, count)}"


def _keys(count: int) -> str:
    return counted(count, "key")


def _plural(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"
