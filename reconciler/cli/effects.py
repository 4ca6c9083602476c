"""Options without an effect are refused: a user who writes one expects an effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click
from click.core import ParameterSource

from reconciler.cli.sections import Option

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_NOT: Final = "!"
_GIVEN: Final = frozenset({ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT})


def check_effects(context: click.Context) -> None:
    """Check that each given option has an effect. Raises UsageError.

    A variable that several commands read is set for all of them, so it may have no effect in one of them.
    """
    for option in context.command.params:
        if isinstance(option, Option) and option.name and _is_changed(context, option):
            for need in option.needs:
                needed = [one for one in need.split("|") if _name(one) in context.params]
                if needed and not any(_holds(context, one) for one in needed):
                    lack = " and ".join(_lacks(context, needed))
                    raise click.UsageError(f"{_flag(option)} has no effect {lack}.", context)


def check_handed_on(context: click.Context, *used: str) -> None:
    """Check that a subcommand uses each option that is given before it. Raises UsageError."""
    for option in context.command.params:
        if isinstance(option, Option) and option.name not in used and _is_changed(context, option):
            raise click.UsageError(
                f"{_flag(option)} has no effect with {context.invoked_subcommand}.", context
            )


def _lacks(context: click.Context, needed: Sequence[str]) -> Iterator[str]:
    """Yield conflicting parameters, and missing ones; for one parameter only that it is missing."""
    missing = [one for one in needed if not one.startswith(_NOT)]
    valued = {_name(one) for one in missing}
    in_the_way = [one for one in needed if one.startswith(_NOT) and _name(one) not in valued]
    for word, found in (("with", in_the_way), ("without", missing)):
        if found:
            yield f"{word} {' or '.join(_written(context, one) for one in found)}"


def _name(needed: str) -> str:
    return needed.removeprefix(_NOT).partition("=")[0]


def _is_changed(context: click.Context, option: click.Option) -> bool:
    """Return whether an option is set to another value than its default."""
    name = str(option.name)
    source = context.get_parameter_source(name)
    if source not in _GIVEN or (source is ParameterSource.ENVIRONMENT and option.envvar is not None):
        return False
    value, default = context.params.get(name), option.get_default(context)
    if isinstance(default, str | int | float):
        return bool(value != option.type_cast_value(context, default))
    return not _is_nothing(value)


def _holds(context: click.Context, needed: str) -> bool:
    """Return whether a parameter is given, or not, or has the value after the equals sign."""
    given = context.params[_name(needed)]
    if needed.startswith(_NOT):
        return _is_nothing(given)
    _, sign, value = needed.partition("=")
    return str(given) == value if sign else not _is_nothing(given)


def _is_nothing(value: object) -> bool:
    return value is None or value is False or value == ()  # 0 is a port


def _written(context: click.Context, needed: str) -> str:
    name, value = _name(needed), needed.partition("=")[2]
    parameter = next(one for one in context.command.params if one.name == name)
    flag = _flag(parameter) if isinstance(parameter, click.Option) else str(name).upper()
    return f"{flag} {value}".strip()


def _flag(option: click.Parameter) -> str:
    return max(option.opts, key=len)
