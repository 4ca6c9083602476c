"""Options that would have no effect are refused: who wrote one expects that it does something."""

from __future__ import annotations

from typing import Final

import click
from click.core import ParameterSource

from reconciler.cli.sections import Option

_GIVEN: Final = frozenset({ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT})


def check_effects(context: click.Context) -> None:
    """Check that each option that is given has an effect. Raises UsageError."""
    for option in context.command.params:
        if isinstance(option, Option) and option.name and _is_changed(context, option):
            needed = [one for one in option.needs if one.partition("=")[0] in context.params]
            if needed and not any(_holds(context, one) for one in needed):
                others = " or ".join(_written(context, one) for one in needed)
                raise click.UsageError(f"{_flag(option)} has no effect without {others}.", context)


def _is_changed(context: click.Context, option: click.Option) -> bool:
    """Return whether somebody gave an option, another value than its default."""
    name = str(option.name)
    if context.get_parameter_source(name) not in _GIVEN:
        return False
    value, default = context.params.get(name), option.get_default(context)
    if isinstance(default, str | int | float):
        return bool(value != option.type_cast_value(context, default))
    return not _is_nothing(value)


def _holds(context: click.Context, needed: str) -> bool:
    """Return whether a parameter is given, or has the value after the equals sign."""
    name, sign, value = needed.partition("=")
    given = context.params[name]
    return str(given) == value if sign else not _is_nothing(given)


def _is_nothing(value: object) -> bool:
    return value is None or value is False or value == ()  # 0 is a port


def _written(context: click.Context, needed: str) -> str:
    name, _, value = needed.partition("=")
    parameter = next(one for one in context.command.params if one.name == name)
    flag = _flag(parameter) if isinstance(parameter, click.Option) else str(name).upper()
    return f"{flag} {value}".strip()


def _flag(option: click.Parameter) -> str:
    return max(option.opts, key=len)
