"""Plans and outcomes for people, in Terraform's words."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from reconciler.model.escape import escape_control
from reconciler.model.outcome import Result
from reconciler.model.phrases import counted
from reconciler.model.plan import Action, Effect, Origin, action_counts
from reconciler.render.lines import SYMBOLS, Mark, field_view, is_high_impact
from reconciler.render.values import joined, key_text, place_text, shown_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from reconciler.model.outcome import Outcome
    from reconciler.model.plan import Change, FieldChange, Plan
    from reconciler.plan.drift import DriftedKey

    Paint = Callable[[str, "Colour"], str]


class Colour(StrEnum):
    """What a piece of text means; the names are those of terminal colours."""

    CHANGE = "yellow"
    ADD = "green"
    REMOVE = "red"
    QUIET = "bright_black"
    STRONG = "bold"


_COLOURS: Final = {Mark.ADD: Colour.ADD, Mark.REMOVE: Colour.REMOVE, Mark.CHANGE: Colour.CHANGE}


def plain(text: str, _colour: Colour) -> str:
    """Return text as it is, for an output that is not a terminal."""
    return text


class Detail(StrEnum):
    """How much of a plan is shown."""

    SUMMARY = "unmanaged keys are counted"
    FULL = "unmanaged keys are listed"


@joined
def render_text(plan: Plan, detail: Detail = Detail.SUMMARY, paint: Paint = plain) -> Iterator[str]:
    """Return the plan for people."""
    if plan.changes:
        yield "Resource actions are indicated with the following symbols:"
        for action in filter(plan.count, Action):
            yield f"{_symbol(action, paint)} {SYMBOLS[action][1]}"
        yield from ("", "reconciler will perform the following actions:", "")
        for change in plan.changes:
            yield from change_lines(change, change.fields, SYMBOLS[change.action][2], paint)
        yield from summary_lines(plan)
    else:
        (nothing,) = summary_lines(plan)
        yield nothing if plan.problems else paint(nothing, Colour.ADD)
    if plan.unmanaged and detail is Detail.SUMMARY:
        yield f"{unmanaged_line(plan)} (-v lists them, reconciler export --into FILE adopts them)"
    elif plan.unmanaged:
        yield f"{unmanaged_line(plan)}:"
        names = unmanaged_names(plan.unmanaged, plan.unmanaged_ids, plan.shown_apis)
        yield from (f"  {name}" for _, name in names)
    if plan.errors:
        yield paint(f"{errors_line(plan)}.", Colour.REMOVE)


def summary_lines(plan: Plan) -> Iterator[str]:
    """Return how many keys change, the effect on access and, where known, which side changed them."""
    if plan.changes:
        words = "Plan: {create} to add, {update} to change, {delete} to destroy."
        yield words.format_map(plan.action_counts)
        yield access_line(plan.changes)
        if plan.new_secrets:
            yield f"{secrets_line(plan)}."
        if plan.has_origins:
            origins = (f"{origin} on {_keys(plan.of_origin(origin))}" for origin in Origin)
            yield f"Origin: {', '.join(origins)}."
    elif plan.problems:
        yield "No changes can be planned for the keys with errors; the others match the configuration."
    else:
        yield "No changes. Your infrastructure matches the configuration."


def changes_text(plan: Plan) -> str:
    """Return how many keys are created, changed and so on, in a few words."""
    verbs = zip(Action, ("create", "change", "destroy", "replace"), strict=True)
    counts = [(plan.count(action), verb) for action, verb in verbs]
    return ", ".join(f"{_keys(count)} to {verb}" for count, verb in counts if count) or "no changes"


def secrets_line(plan: Plan) -> str:
    """Return how many new keys have a secret that apply has to store."""
    verb = "created or replaced" if plan.count(Action.REPLACE) else "created"
    return f"Secrets: {_keys(plan.new_secrets)} will be {verb}; apply needs --secret-sink"


def unmanaged_names(
    addresses: Iterable[str], ids: Mapping[str, Sequence[str]], apis: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield each address and how it is shown: with its id of ``ids``, where several live keys have it."""
    left = {address: iter(found) for address, found in ids.items()}
    for address in addresses:
        number = next(left[address], "") if address in left else ""
        yield address, f"{shown_address(address, apis)}{f', id {number}' if number else ''}"


def unmanaged_line(plan: Plan) -> str:
    """Return how many live keys no file declares."""
    return f"Unmanaged: {_keys(len(plan.unmanaged))} live but not declared"


def errors_line(plan: Plan) -> str:
    """Return how many errors there are, and whether they stop an apply."""
    count = counted(len(plan.errors), "error")
    if plan.objections:
        return f"{count}: the plan must not be applied as it is"
    return f"{count}: what cannot be read or compared is left as it is, the rest can be applied"


def summary_line(plan: Plan) -> str:
    """Return all the counts on one line."""
    unmanaged = (f"{unmanaged_line(plan)}.",) if plan.unmanaged else ()
    errors = (f"{errors_line(plan)}.",) if plan.errors else ()
    return " ".join((*summary_lines(plan), *unmanaged, *errors))


def access_line(keys: Iterable[Change | DriftedKey]) -> str:
    """Return how many keys gain, lose or keep their access."""
    effects = [key.effect for key in keys]
    grants, revokes = sum(effect.grants for effect in effects), sum(effect.revokes for effect in effects)
    neutral = _keys(effects.count(Effect.NEUTRAL))
    return f"Access: grants on {_keys(grants)}, revokes on {_keys(revokes)}, neutral on {neutral}."


def change_lines(change: Change, fields: Sequence[FieldChange], becomes: str, paint: Paint) -> Iterator[str]:
    """Return the lines that show ``fields`` of a change, and an empty one; ``becomes`` is about the key."""
    title = f"# {escape_control(change.address)} {becomes}"
    yield f"  {paint(title, Colour.STRONG)}"
    yield f"  {paint(f'# (declared at {place_text(change)})', Colour.QUIET)}"
    yield f'{_symbol(change.action, paint)} {change.scope.kind} "{escape_control(change.name)}" {{'
    for field in fields:
        yield from field_lines(field, paint)
    if change.unchanged:
        yield paint(f"        # ({counted(change.unchanged, 'unchanged attribute')} hidden)", Colour.QUIET)
    yield from ("    }", "")


def field_lines(field: FieldChange, paint: Paint) -> Iterator[str]:
    """Return the lines that show the change of one field."""
    view = field_view(field)
    note = "  " + paint(f"# {view.note}", _colour(field))
    if not view.brackets:
        (line,) = view.lines
        yield f"      {_mark(line.mark, paint)} {line.text}{note}"
        return
    yield f"      {_mark(Mark.CHANGE, paint)} {view.name} = {view.brackets[0]}{note}"
    for line in view.lines:
        indent = " " * (10 + 4 * line.depth)
        if line.mark is Mark.HIDDEN:
            yield f"{indent}  {paint(f'# {line.text}', Colour.QUIET)}"
        else:
            yield f"{indent}{_mark(line.mark, paint)} {line.text}"
    yield f"        {view.brackets[1]}"


def _mark(mark: Mark, paint: Paint) -> str:
    return paint(mark, _COLOURS[mark]) if mark in _COLOURS else mark


def _symbol(action: Action, paint: Paint) -> str:
    """Return the symbol of an action in its colour, padded before that to the width of the longest."""
    symbol = SYMBOLS[action][0]
    return " " * (3 - len(symbol)) + paint(symbol, _COLOURS[Mark(symbol[0])])


def _colour(field: FieldChange) -> Colour:
    if is_high_impact(field):
        return Colour.REMOVE
    return Colour.ADD if field.effect.grants else Colour.QUIET


@joined
def render_outcomes(outcomes: Sequence[Outcome], paint: Paint = plain) -> Iterator[str]:
    """Return what became of each change, and the closing line."""
    yield from (_outcome_line(outcome, paint) for outcome in outcomes)
    yield ""
    yield paint(closing_line(outcomes), Colour.ADD if _is_complete(outcomes) else Colour.REMOVE)


def closing_line(outcomes: Sequence[Outcome]) -> str:
    """Return how an apply ended."""
    if _is_complete(outcomes):
        words = "Apply complete! Resources: {create} added, {update} changed, {delete} destroyed."
        return words.format_map(applied_counts(outcomes))
    counts = Counter(outcome.result for outcome in outcomes)
    rest = ", ".join(f"{counts[result]} {result.value}" for result in Result if counts[result])
    return f"Apply incomplete: {rest}. Run plan again to see what is left."


def applied_counts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """Return how many keys were created, updated and deleted."""
    return action_counts(outcome.change.action for outcome in outcomes if outcome.result is Result.APPLIED)


def _is_complete(outcomes: Sequence[Outcome]) -> bool:
    return all(outcome.result in {Result.APPLIED, Result.UNCHANGED} for outcome in outcomes)


def _outcome_line(outcome: Outcome, paint: Paint) -> str:
    address = key_text(outcome.change)
    rest = secret_remark(outcome) + f"; {escape_control(outcome.notice)}" * bool(outcome.notice)
    if _is_complete((outcome,)) and not outcome.detail:
        return f"{address}: {outcome.result.value}{rest}"
    shown = f"{escape_control(outcome.detail)}{rest}"
    return f"{paint(f'{address}: {outcome.result.value}', Colour.REMOVE)}: {shown}"


def secret_remark(outcome: Outcome) -> str:
    """Return where the secret of a new key is, as the end of a sentence that does not say so yet."""
    if not outcome.secret_at or outcome.secret_at in outcome.detail:
        return ""
    return f"; its secret is in {escape_control(outcome.secret_at)}"


def _keys(count: int) -> str:
    return counted(count, "key")
