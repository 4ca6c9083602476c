"""How a frozen class declares its options, where their values come from, and their types.

The value of an option is the first that click finds: on the command line, in its variable (``envvar``, then
RECONCILER_COMMAND_OPTION), or in its default, which a value of the configuration file replaces, as
:func:`reconciler.cli.configuration.with_configuration` returns it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, fields, is_dataclass
from typing import Any, Final, TypeVar, get_origin, get_type_hints

import click

from reconciler.cli.configuration import with_configuration
from reconciler.cli.console import CONTEXT
from reconciler.cli.effects import check_effects
from reconciler.cli.redaction import SECRET_FILES, without_secrets
from reconciler.cli.sections import Command as SectionedCommand
from reconciler.cli.sections import Option
from reconciler.errors import InputError
from reconciler.plan.limits import parse_limit

Command = Callable[..., Any]
Refused = Callable[[Mapping[str, Any], InputError], object]
Options = TypeVar("Options")
_LONGEST_TIMEOUT: Final = 86_400
_OPTION: Final = "option"


def option(text: str, *names: str, **settings: Any) -> Any:
    """Declare the option of a field, which has its name unless there are ``names``; ``text`` is its help.

    A ``bool`` is a flag, and an option of a tuple may be repeated. Of click's ``settings`` a default is shown
    unless ``show_default`` is False, and so is a variable. In help it is in the ``section``, or in the one
    that its class has as SECTION; ``needs``, the conditions of its effect, are those of
    :class:`reconciler.cli.sections.Option`.
    """
    return field(metadata={_OPTION: (text, names, settings)})


def command(
    kind: type[Options], *examples: str, group: click.Group | None = None, refused: Refused | None = None
) -> Callable[[Callable[[click.Context, Options], Any]], click.Command]:
    """Make a command, of a group or by itself, which is called with the values of ``kind``.

    ``refused`` is called with click's values if files are invalid, before the error is printed.
    """
    make = click.command if group is None else group.command
    settings: dict[str, Any] = {
        "context_settings": CONTEXT,
        "epilog": epilog(*examples),
        "cls": SectionedCommand,
    }

    def decorate(function: Callable[[click.Context, Options], Any]) -> click.Command:
        return make(**settings)(takes(kind, refused)(function))

    return decorate


def epilog(*examples: str) -> str | None:
    """Return the epilog of a command's help."""
    title = "Example" if len(examples) == 1 else "Examples"
    return "\n  ".join([f"\b\n{title}:", *examples]) if examples else None


def takes(
    kind: type[Options], refused: Refused | None = None
) -> Callable[[Callable[[click.Context, Options], Any]], Command]:
    """Add the options that ``kind`` declares, and call the command with its context and their values."""

    def decorate(command: Callable[[click.Context, Options], Any]) -> Command:
        @click.pass_context
        @functools.wraps(command)
        def callback(context: click.Context, /, **given: Any) -> Any:
            check_effects(context)
            try:
                return command(context, build(kind, with_configuration(context, given)))
            except InputError as error:
                safe = without_secrets(error, filter(None, map(given.get, SECRET_FILES)))
                if refused is not None:
                    refused(given, safe)
                raise safe from error

        decorated: Command = callback
        for add in reversed(_declared(kind).values()):
            decorated = add(decorated)
        return decorated

    return decorate


_cached_types: Final = functools.cache(get_type_hints)


def _types_of(kind: type[Any]) -> Mapping[str, Any]:
    """Return the types of the fields of a class, cached because they are slow to evaluate."""
    return _cached_types(kind)  # type: ignore[arg-type]  # a class is hashable, whatever its objects are


def _declared(kind: type[Any]) -> dict[str, Command]:
    """Return a decorator for each option of a class, in the order of its fields; a field may be such a class.

    If two fields have one name, the first declares the option of both.
    """
    hints = _types_of(kind)
    found: dict[str, Command] = {}
    for part in fields(kind):
        hint = hints[part.name]
        if _OPTION in part.metadata:
            text, names, settings = part.metadata[_OPTION]
            variable = f"  [env: {settings['envvar']}]" if "envvar" in settings else ""
            of_type = {"is_flag": True} if hint is bool else {"multiple": get_origin(hint) is tuple}
            known = {"help": text + variable, "show_default": "default" in settings, **of_type}
            flags = names or [f"--{part.name.replace('_', '-')}"]
            section = getattr(_declaring(kind, part.name), "SECTION", None)
            known |= {"cls": Option} if section is None else {"cls": Option, "section": section}
            found.setdefault(part.name, click.option(*flags, **known | settings))
        elif isinstance(hint, type) and is_dataclass(hint):
            for name, add in _declared(hint).items():
                found.setdefault(name, add)
    return found


def _declaring(kind: type[Any], name: str) -> type[Any]:
    """Return the class, this one or a parent, that declares a field first."""
    return next(one for one in reversed(kind.__mro__) if name in getattr(one, "__dataclass_fields__", ()))


def build(kind: type[Options], given: Mapping[str, Any]) -> Options:
    """Build options from click's values by name, and likewise each field that is a class of options."""
    hints = _types_of(kind)
    values = {name: given[name] for name in hints if name in given}
    classes = {name: hint for name, hint in hints.items() if isinstance(hint, type) and is_dataclass(hint)}
    parts = {name: hint for name, hint in classes.items() if name not in given}
    return kind(**values, **{name: build(part, given) for name, part in parts.items()})


class Integers(click.IntRange):
    """A range of integers, with a name for errors."""

    name = "integer"


class Seconds(click.FloatRange):
    """A timeout for sockets; a range alone accepts NaN."""

    name = "number"

    def __init__(self) -> None:
        super().__init__(0, _LONGEST_TIMEOUT, min_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the seconds, which must not be NaN."""
        seconds = super().convert(value, param, ctx)
        if math.isnan(seconds):
            self.fail(f"{value} is not a number of seconds.", param, ctx)
        return seconds


class Parsed(click.ParamType[Any]):
    """A value that ``parse`` returns for a text; if it returns None, ``advice`` is the error message."""

    def __init__(self, name: str, parse: Callable[[str], Any], advice: str) -> None:
        self.name, self._parse, self._advice = name, parse, advice

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the parsed value."""
        parsed = self._parse(value) if isinstance(value, str) else value
        if parsed is None:
            self.fail(self._advice.format(repr(value)), param, ctx)
        return parsed


LIMIT: Final = Parsed("N|P%", parse_limit, "{} is neither a number of keys nor a percentage such as 30%.")
FILE: Final = click.Path(dir_okay=False)


class ListType(click.ParamType[Any]):
    """The values of an option that may be repeated; its variable has one on each line.

    On a single line blanks separate values too, but only if ``is_value`` is true for each word, since a value
    may contain a blank.
    """

    name = "text"

    def __init__(self, is_value: Callable[[str], bool] = bool) -> None:
        self._is_value = is_value

    def split_envvar_value(self, rv: str) -> Sequence[str]:
        """Return the values in a variable."""
        if "\n" in rv:
            return _lines(rv)
        words = rv.split()
        return words if all(map(self._is_value, words)) else [rv]


class PathListType(click.Path):
    """Paths of an option that may be repeated: in its variable one on each line, or between colons."""

    def split_envvar_value(self, rv: str) -> Sequence[str]:
        """Return the paths in a variable."""
        return _lines(rv) if "\n" in rv else super().split_envvar_value(rv)


def _lines(text: str) -> list[str]:
    return [line for line in (line.removesuffix("\r") for line in text.split("\n")) if line.strip()]
