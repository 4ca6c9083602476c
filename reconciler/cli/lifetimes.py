"""What the commands about the life of keys share: their options, live keys, and files that they rewrite."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import click

from reconciler.adopt.lines import changed_lines
from reconciler.adopt.located import Located, Rewritten, rewritten
from reconciler.adopt.write import replace_text
from reconciler.api.client import Sessions
from reconciler.cli.completing import by
from reconciler.cli.console import Console
from reconciler.cli.options import ConnectionOptions, InputOptions, OutputOptions
from reconciler.cli.values import Parsed, PathListType, option
from reconciler.kinds.kind import Kind
from reconciler.load.sources import STANDARD_INPUT, read
from reconciler.model.desired import DesiredState
from reconciler.model.escape import escape_control
from reconciler.model.frozen import dataclass
from reconciler.model.live import LiveScope
from reconciler.model.policy import parse_lifetime
from reconciler.model.scope import Scope
from reconciler.observe.listing import observe
from reconciler.pipeline.reading import directory_of
from reconciler.validate.validator import Rules

T = TypeVar("T")
LIFETIME: Final = Parsed(
    "DURATION",
    lambda text: None if parse_lifetime(text) is None else text,
    "invalid duration {}; use 36h, 30d, 8w or 2y.",
)


def lifetime_option(text: str, **settings: Any) -> Any:
    """Declare an option for a part of a policy, which goes before what files say."""
    return option(text, type=LIFETIME, metavar="DURATION", **settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class LifetimeOptions:
    """The options of a command that rewrites files."""

    check: bool = option("Write nothing: only say what would be written.")
    paths: tuple[str, ...] = option(
        "A file or directory of declarations; without it, those of the configuration, or this folder."
        " Repeatable.",
        "-f",
        "--file",
        "paths",
        metavar="PATH",
        type=PathListType(),
        shell_complete=by("inputs"),
    )
    inputs: InputOptions
    connection: ConnectionOptions
    output: OutputOptions

    def layers(
        self, word: str, given: Mapping[str, str | None], document: Mapping[str, str]
    ) -> tuple[Mapping[str, str], ...]:
        """Return what options, a document and the configuration say of a policy, in this order."""
        said = self.inputs.configured.configuration
        configured = (
            {"renew": {}, "rotate": {}} if said is None else {"renew": said.renew, "rotate": said.rotate}
        )
        return {name: text for name, text in given.items() if text is not None}, document, configured[word]


def check_files(options: LifetimeOptions) -> None:
    """Raise BadParameter where a file cannot be written back."""
    if STANDARD_INPUT in options.inputs.paths:
        raise click.BadParameter("standard input cannot be written; name a file", param_hint="--file")


def content_of(file: str) -> bytes:
    """Return the content of a file of declarations. Raises InputError."""
    return read(file, io.BytesIO())


def resolved(client: Sessions, state: DesiredState) -> DesiredState:
    """Return a state with numbers for names of scopes. Raises ReconcilerError if one cannot be looked up."""
    found = directory_of(client).resolved(state)
    for error in found.unresolved.values():
        raise error
    return found


def live_scopes(
    client: Sessions, kinds: Mapping[str, Kind], scopes: Iterable[Scope]
) -> Mapping[Scope, LiveScope]:
    """List the live keys of scopes. Raises ReconcilerError where one cannot be read."""
    found: dict[Scope, LiveScope] = {}
    for scope in dict.fromkeys(scopes):
        kind = kinds[scope.kind]
        found[scope] = observe(client.session(kind.api).reader, kind, scope)
    return found


@dataclass(frozen=True, slots=True)
class Editing:
    """How files are edited: ``read`` returns the declared keys at their places, without edits.

    In a scheduled run a file whose edits are refused is warned of, and stays as it is.
    """

    read: Callable[[], tuple[Located, ...]]
    rules: Rules
    console: Console
    is_scheduled: bool

    def files(
        self, located: tuple[Located, ...], edit: Callable[[tuple[Located, ...], Collection[str]], T]
    ) -> tuple[Sequence[Rewritten], T]:
        """Return the files with the edits that ``edit`` makes of ``located``, and what it returns.

        ``edit`` is also given the names of files that are to stay as they are. As soon as one more is refused
        all is edited again without it: what belongs to it is elsewhere, too, and others take its place.
        Raises InputError where a file is refused, and the run is not scheduled.
        """
        refused = set[str]()
        while True:
            result = edit(located, refused)
            files, more = rewritten(located, self.rules)
            if not more:
                return files, result
            for file, error in more.items():
                if not self.is_scheduled:
                    raise error
                self.console.warning(f"{error}; other files are edited")
                refused.add(file)
            located = self.read()


def write(files: Sequence[Rewritten], console: Console, *, is_checked: bool) -> None:
    """Print the lines that differ, and write the files unless they are only checked."""
    for one in files:
        for number, old, new in changed_lines(one.before.decode("utf-8"), one.after):
            removed = [console.paint(escape_control(f"- {line}"), "red") for line in old]
            added = [console.paint(escape_control(f"+ {line}"), "green") for line in new]
            console.result("\n".join([escape_control(f"{one.file}:{number}"), *removed, *added, ""]))
        if not is_checked:
            replace_text(one.file, one.before, one.after)
