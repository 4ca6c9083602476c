"""Plans and outcomes for people, in Terraform's words."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from reconciler.model import Effect, Result
from reconciler.render.escape import printable, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reconciler.model import Change, FieldChange, Outcome, Plan

    Paint = Callable[[str, "Colour"], str]

_ELIDED_FROM: Final = 200
_KEPT: Final = 40


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
        yield f"Plan: 0 to add, {len(plan.changes)} to change, 0 to destroy."
        yield access_line(plan.grants, plan.revokes, plan.neutral)
    elif plan.problems:
        yield "No changes can be planned for the keys with errors; the others match the configuration."
    else:
        yield paint("No changes. Your infrastructure matches the configuration.", Colour.ADD)
    yield from _unmanaged_lines(plan, detail)


def _unmanaged_lines(plan: Plan, detail: Detail) -> Iterator[str]:
    if not plan.unmanaged:
        return
    count = f"Unmanaged: {_keys(len(plan.unmanaged))} live but not declared"
    if detail is Detail.SUMMARY:
        yield f"{count} (-v lists them)"
        return
    yield f"{count}:"
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
    note = _note(field, paint)
    lists = isinstance(field.before, list) and isinstance(field.after, list)
    if not lists or not (field.added or field.removed):
        before, after = _shortened(field.before, field.after)
        yield f"      {mark} {field.field} = {before} -> {after}{note}"
        return
    yield f"      {mark} {field.field} = [{note}"
    for item in field.removed:
        yield f"          {paint('-', Colour.REMOVE)} {_item(item)}"
    for item in field.added:
        yield f"          {paint('+', Colour.ADD)} {_item(item)}"
    kept = len(field.after) - len(field.added)
    if kept:
        yield paint(f"            # ({kept} unchanged {_plural('element', kept)} hidden)", Colour.QUIET)
    yield "        ]"


def _note(field: FieldChange, paint: Paint) -> str:
    colours = {Effect.GRANTS: Colour.ADD, Effect.NEUTRAL: Colour.QUIET}
    colour = colours.get(field.effect, Colour.REMOVE)
    return "  " + paint(f"# {field.effect.value}: {field.reason}", colour)


def _item(item: Any) -> str:
    if isinstance(item, dict):
        return "{" + ", ".join(f"{printable(key)}: {quoted(value)}" for key, value in item.items()) + "}"
    return quoted(item)


def _shortened(before: Any, after: Any) -> tuple[str, str]:
    """Quote two values; of two long texts leave out what both share, never what differs."""
    old, new = quoted(before), quoted(after)
    if not (isinstance(before, str) and isinstance(after, str)) or max(len(old), len(new)) <= _ELIDED_FROM:
        return old, new
    start = _common_start(old, new)
    end = _common_start(old[start:][::-1], new[start:][::-1])
    return _elided(old, start, end), _elided(new, start, end)


def _common_start(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))


def _elided(text: str, start: int, end: int) -> str:
    tail = text[len(text) - end :]
    head = text[:start]
    if len(head) > 2 * _KEPT:
        head = f"{head[:_KEPT]}…({len(head) - 2 * _KEPT} characters alike)…{head[-_KEPT:]}"
    if len(tail) > 2 * _KEPT:
        tail = f"{tail[:_KEPT]}…({len(tail) - 2 * _KEPT} characters alike)…{tail[-_KEPT:]}"
    return head + text[start : len(text) - end] + tail


def render_outcomes(outcomes: Sequence[Outcome], paint: Paint = plain) -> str:
    """Give what became of each change and the closing line, ending with a newline."""
    lines = [_outcome_line(outcome, paint) for outcome in outcomes]
    counts = Counter(outcome.result for outcome in outcomes)
    applied = counts[Result.APPLIED]
    if applied == len(outcomes):
        closing = f"Apply complete! Resources: 0 added, {applied} changed, 0 destroyed."
    else:
        rest = ", ".join(f"{counts[result]} {result.value}" for result in Result if counts[result])
        closing = f"Apply incomplete: {rest}. Run plan again to see what is left."
    colour = Colour.ADD if applied == len(outcomes) else Colour.REMOVE
    return "\n".join([*lines, "", paint(closing, colour)]) + "\n"


def _outcome_line(outcome: Outcome, paint: Paint) -> str:
    address = printable(outcome.change.address)
    if outcome.result is Result.APPLIED and not outcome.detail:
        return f"{address}: {outcome.result.value}"
    return f"{paint(f'{address}: {outcome.result.value}', Colour.REMOVE)}: {printable(outcome.detail)}"


def counted(count: int, noun: str) -> str:
    """Give a number with its noun, such as ``1 key`` or ``2 keys``."""
    return f"{count} {_plural(noun, count)}"


def _keys(count: int) -> str:
    return counted(count, "key")


def _plural(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"
