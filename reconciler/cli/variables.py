"""Variables of the environment: the known ones, misspelt ones, and lists in one variable."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any, Final

import click

from reconciler.cli.console import plain_console
from reconciler.cli.sections import GLOBAL, Option
from reconciler.cli.system import ENVIRONMENT
from reconciler.model.configuration import BOUND_SECRETS
from reconciler.model.escape import escape_control
from reconciler.model.expressions import expression

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

PREFIX: Final = "RECONCILER"
WEBHOOK: Final = f"{PREFIX}_DRIFT_WEBHOOK"
SLACK: Final = f"{PREFIX}_DRIFT_SLACK"
TEAMS: Final = f"{PREFIX}_DRIFT_TEAMS"
MAIL: Final = f"{PREFIX}_DRIFT_MAIL"
SMTP: Final = f"{PREFIX}_DRIFT_SMTP"
SMTP_PASSWORD: Final = f"{SMTP}_PASSWORD"
WEBHOOK_SECRET: Final = f"{WEBHOOK}_SECRET"
OLD_WEBHOOK_SECRET: Final = f"{PREFIX}_WEBHOOK_SECRET"
"""What the variable was called before; it is still read."""
STRICT: Final = f"{PREFIX}_STRICT_ENV"
_OTHERS: Final = (
    WEBHOOK_SECRET,
    OLD_WEBHOOK_SECRET,
    SMTP_PASSWORD,
    f"{PREFIX}_COMMIT",
    f"{PREFIX}_FINGERPRINT",
    f"{PREFIX}_GITLAB_TOKEN",
    f"{PREFIX}_ROTATION",
    f"{PREFIX}_SOURCE",
)
"""Variables that no option has: read by hand, or by the templates for pipelines."""
_BOUND_WORDS: Final = (
    *(f"{PREFIX}_{word}_FILE_" for word in (*BOUND_SECRETS, "CLIENT_ID")),
    *(f"{PREFIX}_{word}_" for word in (*BOUND_SECRETS, "CLIENT_ID", "TOKEN_FROM")),
)
_BOUND: Final = expression(f"(?:{'|'.join(_BOUND_WORDS)})[a-z0-9_]+", re.ASCII)
"""Variables that bind a secret to a host, whose name is in small letters."""
FILE_VARIABLE: Final = expression(
    f"{PREFIX}_(?:{'|'.join((*BOUND_SECRETS, 'CLIENT_ID'))})_FILE_[a-z0-9_]+", re.ASCII
)
"""Variables that bind the file of a secret to a host."""
_META: Final = f"{__name__}.strict"


def known_variables(group: click.Group) -> Mapping[str, str]:
    """Return the variables of all options of all commands, by the names that users may write instead.

    Each is its own key; a name made from the flag of an option leads to its variable.
    """
    return _named(_options(group, PREFIX))


def _named(options: Iterable[tuple[str, click.Option]]) -> dict[str, str]:
    found = {name: name for name in _OTHERS}
    for prefix, option in options:
        given = option.envvar or ()
        names = [given] if isinstance(given, str) else [*given]
        if option.allow_from_autoenv:
            names.append(f"{prefix}_{str(option.name).upper()}")
        found |= {name: name for name in names}
        for flag in option.opts if names else ():
            found.setdefault(f"{prefix}_{flag.lstrip('-').replace('-', '_').upper()}", names[-1])
    return found


def _options(command: click.Command, prefix: str) -> Iterator[tuple[str, click.Option]]:
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield prefix, parameter
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _options(inner, f"{prefix}_{name.replace('-', '_').upper()}")


def misspelt(group: click.Group, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return a message for each variable with this program's prefix that nothing reads, without its value."""
    names = sorted(name for name in environment if _is_ours(name, environment))
    known = known_variables(group) if names else {}
    real = [name for name, right in known.items() if name == right != OLD_WEBHOOK_SECRET]
    return tuple(
        escape_control(
            f"the variable {name} is not known, and is ignored{_advice(name.upper(), known, real)}"
        )
        for name in names
        if known.get(name) != name and not _BOUND.fullmatch(name)
    )


def _is_ours(name: str, environment: Mapping[str, str]) -> bool:
    """Return whether a variable is meant for this program: not one that Kubernetes makes for a Service."""
    if not name.upper().startswith(f"{PREFIX}_"):
        return False
    service = re.split(r"_SERVICE_|_PORT", name)[0]
    return service == name or f"{service}_SERVICE_HOST" not in environment


def _advice(name: str, known: Mapping[str, str], real: Sequence[str]) -> str:
    for what in sorted(_BOUND_WORDS, key=len, reverse=True):
        if name.startswith(what):
            host = name.removeprefix(what).lower().replace("-", "__").replace(".", "_")
            return f"; did you mean {what}{host}?"
    close = [known[name]] if name in known else difflib.get_close_matches(name, real, n=1, cutoff=0.8)
    return f"; did you mean {close[0]}?" if close else ""


def strict_env(root: click.Group, command: click.Command) -> click.Command:
    """Add --strict-env to a command and its subcommands, and check the environment before each runs."""
    command.params.append(strict_option())
    if command.callback is not None:
        command.callback = _checked(root, command.callback)
    if isinstance(command, click.Group):
        for below in command.commands.values():
            strict_env(root, below)
    return command


def strict_option() -> click.Option:
    """Return --strict-env, which every command has."""
    return Option(
        ["--strict-env"],
        section=GLOBAL,
        is_flag=True,
        expose_value=False,
        envvar=STRICT,
        allow_from_autoenv=False,
        callback=_remember,
        help=f"Refuse {PREFIX}_ variables that nothing reads, such as a misspelt limit.  [env: {STRICT}]",
    )


def _remember(context: click.Context, _option: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's
    if value:
        context.meta[_META] = True


def _checked(root: click.Group, callback: Callable[..., Any]) -> Callable[..., Any]:
    def run(*arguments: Any, **parameters: Any) -> Any:
        context = click.get_current_context()
        if context.invoked_subcommand is None:
            _check(root, context)
        return callback(*arguments, **parameters)

    return run


def _check(root: click.Group, context: click.Context) -> None:
    """Warn about variables that nothing reads. Raises UsageError with --strict-env."""
    ours = {name for name in ENVIRONMENT if _is_ours(name, ENVIRONMENT)}
    known = _named(_options(context.command, context.auto_envvar_prefix or PREFIX))
    for command in root.commands:  # a command is imported only where one of its variables may be set
        prefix = f"{PREFIX}_{command.replace('-', '_').upper()}"
        if any(name.startswith(f"{prefix}_") and name not in known for name in ours):
            known |= _named(_options(root.commands[command], prefix))
    ours = {name for name in ours if not _BOUND.fullmatch(name)}
    texts = () if all(known.get(name) == name for name in ours) else misspelt(root, ENVIRONMENT)
    if texts and context.meta.get(_META):
        raise click.UsageError("\n".join(texts), context)
    console = plain_console()  # quiet or not: a limit that does nothing must not do so in silence
    for text in texts:
        console.warning(text)
    if ENVIRONMENT.get(OLD_WEBHOOK_SECRET):
        console.warning(f"{OLD_WEBHOOK_SECRET} is an old name; set {WEBHOOK_SECRET} instead")
