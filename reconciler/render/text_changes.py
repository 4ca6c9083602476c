"""The changes of one key for people, in Terraform's form: the action, then the fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.model.escape import escape_control
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import counted
from reconciler.render.impact import ends_at_once, is_high_impact, lost_access
from reconciler.render.lines import SYMBOLS, Mark, change_note, field_view
from reconciler.render.text_layout import CONTINUED, PLAIN, Colour, Screen
from reconciler.render.values import declaration, key_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.model.plan import Action, Change, Effect, FieldChange
    from reconciler.render.lines import FieldView, Line
    from reconciler.render.text_layout import Piece

_COLOURS: Final = {Mark.ADD: Colour.ADD, Mark.REMOVE: Colour.REMOVE, Mark.CHANGE: Colour.CHANGE}
_EFFECT_INDENT: Final = "      "


@dataclass(frozen=True, slots=True)
class KeyView:
    """The view of a key: ``fields`` of a change, and the phrase ``becomes`` for the ``action``.

    A plan shows the change; drift is shown in the other direction. ``note`` is the effect on access, and the
    title is red if ``is_alarming``.
    """

    change: Change
    action: Action
    becomes: str
    fields: Sequence[FieldChange]
    effect: Effect
    note: str
    is_alarming: bool


def plan_view(change: Change) -> KeyView:
    """Return a change as a plan shows it."""
    action, fields, effect = change.action, change.fields, change.effect
    is_alarming = action.destroys or ends_at_once(change)
    return KeyView(change, action, SYMBOLS[action][2], fields, effect, change_note(change), is_alarming)


def change_lines(view: KeyView, screen: Screen = PLAIN) -> Iterator[str]:
    """Yield the lines of a key, and an empty one.

    The first line has the effect on access; the fields of a key that is created or deleted do not repeat it.
    """
    change, fields = view.change, view.fields
    colour = Colour.ALARM if view.is_alarming else Colour.STRONG
    title, hang = (f"# {escape_control(change.address)} {view.becomes}", colour), "  #   "
    note = screen.glued(f"({view.note})", hang)
    yield from screen.lines("  ", title, " ", (note, _effect_colour(view.effect)), hang=hang)
    if lost := lost_access(change):
        yield from screen.lines("  ", (f"# {lost}", Colour.ALARM), hang="  #   ", rest_colour=Colour.ALARM)
    place = (f"# ({declaration(change)})", Colour.QUIET)
    yield from screen.lines("  ", place, hang="  #   ", rest_colour=Colour.QUIET)
    kind, name = change.scope.kind, escape_control(change.name)
    start = f'{kind} "{name}" {{'
    yield from screen.lines(*symbol_pieces(view.action), f" {start}", hang=f"      {CONTINUED}")
    yield from field_lines(fields, screen)
    if change.unchanged:
        hidden = f"# ({counted(change.unchanged, 'unchanged attribute')} hidden)"
        yield from screen.lines("        ", (hidden, Colour.QUIET), hang="        #   ")
    yield from ("    }", "")


def key_lines(change: Change, screen: Screen = PLAIN) -> Iterator[str]:
    """Yield a change on one line: the key, the effect on access, and as much of the fields as fits.

    The effect begins a second line only if it does not fit beside the address.
    """
    colour = _effect_colour(change.effect)
    key = (key_text(change), Colour.ALARM if change.action.destroys else Colour.STRONG)
    start: tuple[Piece, ...] = (*symbol_pieces(change.action), " ", key)
    undeclared = ", not declared" if change.is_undeclared else ""
    names = [field_view(field).name for field in change.fields if not field.with_key]
    ends = (f": {', '.join(names)}", f": {counted(len(names), 'field')}") if names else ()
    texts = (f"{change_note(change)}{undeclared}", f"{change.effect}{undeclared}")
    for text, end in (*((texts[0], end) for end in ends), *((text, "") for text in texts)):
        if screen.fits(*start, "  ", text, end):
            yield screen.line(*start, "  ", (text, colour), end)
            return
    yield from screen.lines(*start, hang="      ")
    yield from screen.lines("      ", (texts[1], colour), hang="      ")


def _fits_beside(fields: Sequence[FieldChange], screen: Screen) -> bool:
    """Return whether the effect of each field fits beside it."""
    if screen.width is None:
        return True
    starts = ((*_first_pieces(view := field_view(field)), *_note(field, view)) for field in fields)
    return all(screen.fits(*pieces) for pieces in starts)


def field_lines(fields: Sequence[FieldChange], screen: Screen = PLAIN) -> Iterator[str]:
    """Yield the lines that show the changes of fields: their effects beside them, or above without room."""
    is_beside = _fits_beside(fields, screen)
    for field in fields:
        view = field_view(field)
        note = _note(field, view)
        if note and not is_beside:
            hang = f"{_EFFECT_INDENT}#   "
            yield from screen.lines(_EFFECT_INDENT, note[1], hang=hang, rest_colour=_note_colour(field))
            note = ()
        yield from _view_lines(view, screen, note)


def _view_lines(view: FieldView, screen: Screen, note: tuple[Piece, ...]) -> Iterator[str]:
    if not view.brackets:
        yield from _value_lines(view.lines[0], _EFFECT_INDENT, screen, note)
        return
    yield from screen.lines(*_first_pieces(view), *note, hang=f"{_EFFECT_INDENT}  {CONTINUED}")
    for line in view.lines:
        indent = " " * (10 + 4 * line.depth)
        if line.mark is Mark.HIDDEN:
            hidden = (f"# {line.text}", Colour.QUIET)
            yield from screen.lines(f"{indent}  ", hidden, hang=f"{indent}  #   ", rest_colour=Colour.QUIET)
        else:
            yield from _value_lines(line, indent, screen)
    yield f"        {view.brackets[1]}"


def _first_pieces(view: FieldView) -> tuple[Piece, ...]:
    first = f"{view.name} = {view.brackets[0]}" if view.brackets else view.lines[0].text
    mark = view.mark if view.brackets else view.lines[0].mark
    return (_EFFECT_INDENT, *_mark(mark), f" {first}")


def _note(field: FieldChange, view: FieldView) -> tuple[Piece, ...]:
    """Return the effect of a field as parts of a line; empty if the line of the key shows it."""
    return () if field.with_key else ("  ", (f"# {view.note}", _note_colour(field)))


def _note_colour(field: FieldChange) -> Colour:
    return Colour.REMOVE if is_high_impact(field) else _effect_colour(field.effect)


def symbol_pieces(action: Action) -> tuple[Piece, ...]:
    """Return the coloured symbol of an action, padded to the width of the longest."""
    symbol = SYMBOLS[action][0]
    return " " * (3 - len(symbol)), (symbol, _COLOURS[Mark(symbol[0])])


def _value_lines(line: Line, indent: str, screen: Screen, note: tuple[Piece, ...] = ()) -> Iterator[str]:
    """Yield one line of a field; if it is too wide, the new value begins a line of its own."""
    start: tuple[Piece, ...] = (indent, *_mark(line.mark), " ")
    hang = f"{indent}    "
    if line.before is None or line.after is None or screen.fits(*start, line.text):
        yield from screen.lines(*start, line.text, *note, hang=f"{hang}{CONTINUED}")
        return
    yield from screen.lines(*start, f"{line.lead}{line.before}", hang=f"{hang}{CONTINUED}")
    yield from screen.lines(f"{hang}-> {line.after}", hang=f"{hang}{CONTINUED} ")


def _mark(mark: Mark) -> tuple[Piece, ...]:
    return ((mark.value, _COLOURS[mark]) if mark in _COLOURS else mark.value,)


def _effect_colour(effect: Effect) -> Colour:
    if effect.revokes:
        return Colour.REMOVE
    return Colour.ADD if effect.grants else Colour.QUIET
