"""The plan as one comment on a pull request, which a pipeline finds again by its first line.

Untrusted text is in code spans and in one fenced block, where it cannot be a link, a mention, a picture,
markup or the end of the block.
"""

from __future__ import annotations

import urllib.parse
from typing import TYPE_CHECKING, Final

from reconciler.model.escape import escape_control
from reconciler.model.expressions import expression
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import counted
from reconciler.model.plan import Action, Effect
from reconciler.render.impact import is_high_impact, lost_access, priority
from reconciler.render.lines import Bound, becomes_with_note, cut, diff_lines, field_view
from reconciler.render.text import access_line, changes_text, errors_line, summary_lines, unmanaged_line
from reconciler.render.values import heading, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.model.plan import Change, FieldChange, Plan
    from reconciler.model.source import Problem
    from reconciler.render.lines import FieldView

_COMMENT: Final = 65_536
"""What GitHub takes as a comment, in characters."""
_FOOTER: Final = 1_000
"""Characters that are left for a link to the run."""
_ROOM: Final = _COMMENT - 1 - _FOOTER
_RESERVE: Final = 200
"""What the counts of the keys that are left out can take more than they do when all are."""
_LEFT_EMPTY: Final = 1_000
"""No key is looked for that would fill the last few lines."""
_BOUND: Final = Bound(characters=500, items=20)
_ERRORS: Final = 20_000
_WARNINGS: Final = 8_000
_LONGEST_WORD: Final = 500
_ORIGINS: Final = "(config: Git changed it; drift: the live API changed it; conflict: both did, differently)"
_MARKS: Final = "In the plan below, `!` marks what revokes access or is in conflict."
_ORDER: Final = (
    "The keys below are not in the order of their addresses: those in conflict come first, "
    "then those that lose access, then those that gain access. The text, JSON and HTML formats show all keys."
)
_DESTROYING: Final = tuple(action for action in Action if action.destroys)
_KEEPING: Final = tuple(action for action in Action if not action.destroys)
_TICKS: Final = expression("`+")


@dataclass(frozen=True, slots=True)
class _Block:
    """The lines that show one key."""

    change: Change
    text: str
    is_bounded: bool


def render_markdown(plan: Plan, key: str = "", facts: Sequence[tuple[str, str]] = ()) -> str:
    """Return the comment, ending with a newline; ``key`` distinguishes several comments.

    ``facts`` are names and values that follow the counts, such as the commit.

    It stays below the maximum length of GitHub, in bytes and in characters, with 1,000 to spare. In a plan
    that is longer, first the ends of long values are omitted, then keys: those in conflict or losing access
    are omitted last, before them those gaining access. The number of omitted keys is shown before the fold.
    """
    head = tuple(_head_lines(plan, key, facts))
    for bound in (None, _BOUND):
        blocks = list(_while_they_fit(plan.changes, bound))
        if len(blocks) == len(plan.changes) and _size(comment := _comment(head, plan, blocks)) <= _ROOM:
            return comment
    return _comment(head, plan, list(_by_priority(head, plan)))


def _size(text: str) -> int:
    """Return the size in UTF-8 bytes, never less than the number of code points or UTF-16 units."""
    return len(text.encode())


def _while_they_fit(changes: Sequence[Change], bound: Bound | None) -> Iterator[_Block]:
    """Yield blocks until they alone are too long for a comment, since the rest is never shown."""
    room = _ROOM
    for change in changes:
        block = _block(change, bound)
        room -= _size(block.text)
        if room < 0:
            return
        yield block


def _by_priority(head: Sequence[str], plan: Plan) -> Iterator[_Block]:
    """Yield the blocks that fit, by priority."""
    room = _ROOM - _size(_comment(head, plan, [])) - _RESERVE
    fence = len(_fence(""))
    for change in sorted(plan.changes, key=priority):
        if room < _LEFT_EMPTY:
            return
        block = _block(change, _BOUND)
        longer = max(len(_fence(block.text)) - fence, 0)
        size = _size(block.text) + len("\n\n") + 2 * longer
        if size <= room:
            room -= size
            fence += longer
            yield block


def _block(change: Change, bound: Bound | None) -> _Block:
    lines = tuple(_block_lines(change, bound))
    is_bounded = bound is not None and lines != tuple(_block_lines(change))
    return _Block(change, "\n".join(lines), is_bounded)


@joined
def _comment(head: Sequence[str], plan: Plan, blocks: Sequence[_Block]) -> Iterator[str]:
    yield from (*head, *_cut_lines(plan, blocks), *_fold_lines(plan, blocks))


def _head_lines(plan: Plan, key: str, facts: Sequence[tuple[str, str]]) -> Iterator[str]:
    # Percent-encoded, a key can neither end the HTML comment nor hold its "--".
    name = urllib.parse.quote(key, safe="/ ", errors="replace").replace("--", "-%2D")
    yield from (f"<!-- reconciler-plan{' ' if name else ''}{name} -->", "")
    headline = changes_text(plan, (*_DESTROYING, *_KEEPING)) if plan.changes else "no changes"
    yield from (f"### Plan{f' for {_code(key)}' if key else ''}: {headline}", "")
    if any(change.action.destroys for change in plan.changes):
        yield "- **Destroys** are marked by `-` before the address below."
    for line in _beside_the_headline(plan):
        yield f"- {line} {_ORIGINS}" if line.startswith("Origin:") else f"- {line}"
    if plan.unmanaged:
        yield f"- {unmanaged_line(plan)}."
    if any(map(is_high_impact, plan.changes)):
        yield f"- {_MARKS}"
    yield from _problem_lines(plan.errors, errors_line(plan), _ERRORS)
    yield from _problem_lines(plan.warnings, counted(len(plan.warnings), "warning"), _WARNINGS)
    if facts:
        yield from ("", f"{', '.join(f'{name} {_code(value)}' for name, value in facts)}.")


def _beside_the_headline(plan: Plan) -> Iterator[str]:
    """Yield the lines of the summary that do not repeat the headline."""
    first, *others = summary_lines(plan)
    if not plan.changes:
        yield first.removeprefix("No changes. ")
    yield from others


def _problem_lines(problems: Sequence[Problem], title: str, room: int) -> Iterator[str]:
    if not problems:
        return
    yield from ("", f"**{title}**", "")
    for number, problem in enumerate(problems):
        place = "" if problem.position is None else str(problem.position)
        line = "- " + ": ".join(_code(part) for part in (place, problem.address, problem.message) if part)
        room -= _size(line)
        if room < 0:
            yield f"- {len(problems) - number} more, which do not fit into a comment"
            return
        yield line


def _cut_lines(plan: Plan, blocks: Sequence[_Block]) -> Iterator[str]:
    """Yield the lines about changes that are left out of the fold."""
    shown = {block.change.address for block in blocks}
    missing = [change for change in plan.changes if change.address not in shown]
    bounded = sum(block.is_bounded for block in blocks)
    if missing:
        access = access_line(missing).replace("Access", "Left out", 1)
        yield ""
        yield (
            f"**{len(missing)} of {counted(len(plan.changes), 'key')} left out below**: a comment takes "
            f"{_COMMENT:,} characters. {access} {_ORDER}"
        )
    if bounded:
        cut_on = f"**Long values cut below on {counted(bounded, 'key')}**"
        yield from ("", f"{cut_on}, each with how much is left out.")


def _fold_lines(plan: Plan, blocks: Sequence[_Block]) -> Iterator[str]:
    if not plan.changes:
        return
    text = "\n\n".join(block.text for block in blocks)
    fence = _fence(text)
    some = "" if len(blocks) == len(plan.changes) else f"{len(blocks)} of "
    summary = f"Show the plan: {some}{counted(len(plan.changes), 'key')}"
    yield from ("", f"<details><summary>{summary}</summary>", "")
    yield from (f"{fence}diff", text, fence, "", "</details>")


def _block_lines(change: Change, bound: Bound | None = None) -> Iterator[str]:
    title = heading(change)
    other = "!" if is_high_impact(change) else "#"
    mark = "-" if change.action.destroys else other  # red, where a diff is shown in colour
    yield f"{mark} {title if bound is None else cut(title, bound.characters)}{becomes_with_note(change)}"
    if lost := lost_access(change):
        yield f"-   {lost if bound is None else cut(lost, bound.characters)}"
    for field in change.fields:
        view = field_view(field, bound)
        if (note := _note(field, view)) or view.brackets:
            yield f"{'!' if is_high_impact(field) else '#'}   {view.name}{': ' if note else ''}{note}"
        yield from diff_lines(view, "#")
        if view.left_out:
            yield f"!   (left out: {counted(view.left_out, 'more item')} that differ)"


def _note(field: FieldChange, view: FieldView) -> str:
    """Return the note of a field, without parts that its values or its key already show."""
    if field.with_key:
        return ""
    if field.effect is not Effect.NEUTRAL:
        return view.note
    return "" if field.origin is None else f"[{field.origin}]"


def _code(text: str) -> str:
    """Return untrusted text as a code span, the only form without markup."""
    shown = cut(escape_control(text), _LONGEST_WORD)
    ticks = "`" * (_longest_run(shown) + 1)
    pad = " " if shown.startswith(("`", " ")) or shown.endswith(("`", " ")) else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def _fence(text: str) -> str:
    return "`" * max(3, _longest_run(text) + 1)


def _longest_run(text: str) -> int:
    return max(map(len, _TICKS.findall(text)), default=0)
