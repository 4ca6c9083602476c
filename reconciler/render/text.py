"""Plans and outcomes for people, in Terraform's words."""

from __future__ import annotations

import math
import re
from collections import Counter
from enum import Flag, auto
from typing import TYPE_CHECKING

from reconciler.model.configuration import BUILT_IN_API
from reconciler.model.escape import escape_control
from reconciler.model.outcome import Result
from reconciler.model.phrases import counted
from reconciler.model.plan import Action, Effect, Origin, action_counts
from reconciler.model.scope import SCOPE_NAMES
from reconciler.plan.needs import Asked, shown_needs
from reconciler.render.lines import SYMBOLS
from reconciler.render.text_changes import change_lines, key_lines, plan_view, symbol_pieces
from reconciler.render.text_layout import PLAIN, Colour, Screen
from reconciler.render.values import joined, key_text, shown_address

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reconciler.model.outcome import Outcome
    from reconciler.model.plan import Change, Plan
    from reconciler.model.scope import Scope
    from reconciler.plan.drift import DriftedKey
    from reconciler.render.text_layout import Piece


class Detail(Flag):
    """How much of a plan is shown: one line for each key (``KEYS``), the names of ``UNMANAGED`` keys."""

    USUAL = 0
    KEYS = auto()
    UNMANAGED = auto()


@joined
def render_text(
    plan: Plan, detail: Detail = Detail.USUAL, screen: Screen = PLAIN, asked: Asked = Asked.PLAN
) -> Iterator[str]:
    """Yield the lines of the plan for people."""
    if plan.changes and Detail.KEYS in detail:
        for change in plan.changes:
            yield from key_lines(change, screen)
        yield ""
    elif plan.changes:
        yield from _action_lines(plan, screen)
    if plan.changes:
        for line in summary_lines(plan, asked):
            yield from counts_lines(line, screen)
    else:
        (nothing,) = summary_lines(plan)
        yield from screen.lines(nothing if plan.problems else (nothing, Colour.ADD))
    if plan.unmanaged:
        yield from (_unmanaged if Detail.UNMANAGED in detail else _unmanaged_count)(plan, screen)
    if plan.errors:
        yield from screen.lines((f"{errors_line(plan)}.", Colour.ALARM))


def _action_lines(plan: Plan, screen: Screen) -> Iterator[str]:
    yield from screen.lines("Resource actions are indicated with the following symbols:")
    for action in filter(plan.count, Action):
        yield from screen.lines(*symbol_pieces(action), f" {SYMBOLS[action][1]}", hang="      ")
    yield ""
    yield from screen.lines("reconciler will perform the following actions:")
    yield ""
    for change in plan.changes:
        yield from change_lines(plan_view(change), screen)


def _unmanaged_count(plan: Plan, screen: Screen) -> Iterator[str]:
    advice = "(-v lists them, reconciler export --into FILE adopts them)"
    yield from counts_lines(f"{unmanaged_line(plan)} {advice}", screen)


def _unmanaged(plan: Plan, screen: Screen) -> Iterator[str]:
    yield from counts_lines(f"{unmanaged_line(plan)}:", screen)
    for _, name in unmanaged_names(plan.unmanaged, plan.unmanaged_ids, plan.shown_apis):
        yield from screen.lines("  ", name, hang="    ")


def counts_lines(
    line: str, screen: Screen, alarming: str = r"\d+ to destroy|revokes on \d+ keys?"
) -> Iterator[str]:
    """Yield a line of bold counts; those that are ``alarming`` and not 0 are red."""
    pieces: list[Piece] = []
    at = 0
    for found in re.finditer(rf"{alarming}|\d+", line):
        text = found.group()
        number = next(re.finditer(r"\d+", text)).group()
        is_alarming = number not in {text, "0"}
        pieces.append(line[at : found.start()])
        if is_alarming or text == number:
            pieces.append((text, Colour.ALARM if is_alarming else Colour.STRONG))
        else:
            before, _, after = text.partition(number)
            pieces.extend((before, (number, Colour.STRONG), after))
        at = found.end()
    yield from screen.lines(*pieces, line[at:])


def summary_lines(plan: Plan, asked: Asked = Asked.PLAN) -> Iterator[str]:
    """Yield how many keys change, the effect on access and, where known, the side that changed them."""
    if plan.changes:
        words = "Plan: {create} to add, {update} to change, {delete} to destroy."
        yield words.format_map(plan.action_counts)
        yield access_line(plan.changes)
        yield from (f"{need.line}." for need in shown_needs(plan, asked))
        if plan.has_origins:
            origins = (f"{origin} on {_keys(plan.of_origin(origin))}" for origin in Origin)
            yield f"Origin: {', '.join(origins)}."
    elif plan.problems:
        yield "No changes can be planned for the keys with errors; the others match the configuration."
    else:
        yield "No changes. Your infrastructure matches the configuration."


def changes_text(plan: Plan, actions: Iterable[Action] = Action) -> str:
    """Return the number of keys of each of the actions, in a few words; empty if there are none."""
    verbs = dict(zip(Action, ("create", "change", "destroy", "replace"), strict=True))
    counts = [(plan.count(action), verbs[action]) for action in actions]
    return ", ".join(f"{_keys(count)} to {verb}" for count, verb in counts if count)


def unmanaged_names(
    addresses: Iterable[str], ids: Mapping[str, Sequence[str]], apis: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield each address and its text: with its id in ``ids``, where several live keys share the address."""
    left = {address: iter(found) for address, found in ids.items()}
    for address in addresses:
        number = next(left[address], "") if address in left else ""
        yield address, f"{shown_address(address, apis)}{f', id {number}' if number else ''}"


def unmanaged_line(plan: Plan) -> str:
    """Return how many live keys no file declares."""
    return f"Unmanaged: {_keys(len(plan.unmanaged))} live but not declared"


def errors_line(plan: Plan) -> str:
    """Return how many errors there are, and whether they prevent an apply."""
    count = counted(len(plan.errors), "error")
    if plan.objections:
        return f"{count}: the plan must not be applied as it is"
    return f"{count}: keys that cannot be read or compared are not changed, the others can be applied"


def summary_line(plan: Plan) -> str:
    """Return all counts on one line."""
    unmanaged = (f"{unmanaged_line(plan)}.",) if plan.unmanaged else ()
    errors = (f"{errors_line(plan)}.",) if plan.errors else ()
    return " ".join((*summary_lines(plan), *unmanaged, *errors))


def access_line(keys: Iterable[Change | DriftedKey]) -> str:
    """Return how many keys gain, lose or keep their access."""
    effects = [key.effect for key in keys]
    grants, revokes = sum(effect.grants for effect in effects), sum(effect.revokes for effect in effects)
    neutral = _keys(effects.count(Effect.NEUTRAL))
    return f"Access: grants on {_keys(grants)}, revokes on {_keys(revokes)}, neutral on {neutral}."


@joined
def render_outcomes(
    outcomes: Sequence[Outcome], screen: Screen = PLAIN, most: float = math.inf
) -> Iterator[str]:
    """Yield the outcome of each change, and the closing line.

    More than ``most`` changes that were not attempted for the same reason are only counted.
    """
    reasons = Counter(outcome.detail for outcome in outcomes if outcome.result is Result.NOT_ATTEMPTED)
    counts = {reason: n for reason, n in reasons.items() if n > most}
    for outcome in outcomes:
        if outcome.result is not Result.NOT_ATTEMPTED or outcome.detail not in counts:
            yield from screen.lines(*_outcome_pieces(outcome), hang="    ")
    for reason, count in counts.items():
        what = (f"{_keys(count)}: {Result.NOT_ATTEMPTED.value}", Colour.REMOVE)
        yield from screen.lines(what, f": {escape_control(reason)} (-v lists them)", hang="    ")
    yield ""
    colour = Colour.ADD if _is_complete(outcomes) else Colour.REMOVE
    yield from screen.lines((closing_line(outcomes), colour))


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
    return all(outcome.result.is_success for outcome in outcomes)


def _outcome_pieces(outcome: Outcome) -> tuple[Piece, ...]:
    address = key_text(outcome.change)
    rest = secret_remark(outcome) + f"; {escape_control(outcome.notice)}" * bool(outcome.notice)
    if _is_complete((outcome,)) and not outcome.detail:
        return (f"{address}: {outcome.result.value}{rest}",)
    shown = f"{escape_control(outcome.detail)}{rest}"
    return (f"{address}: {outcome.result.value}", Colour.REMOVE), f": {shown}"


def secret_remark(outcome: Outcome) -> str:
    """Return where the secret of a new key is stored, as the end of a sentence."""
    if not outcome.secret_at or outcome.secret_at in outcome.detail:
        return ""
    return f"; its secret is in {escape_control(outcome.secret_at)}"


def _keys(count: int) -> str:
    return counted(count, "key")


def empty_text(scope: Scope) -> str:
    """Return the warning for a scope without live keys, which may be the wrong one."""
    text = f"No key is live in {scope}: are the ids right?"
    is_listed = scope.api == BUILT_IN_API and any(name in SCOPE_NAMES for name, _ in scope.parameters)
    return f"{text} reconciler projects and reconciler regions list them." if is_listed else text
