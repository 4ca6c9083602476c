"""``reconciler init``: from a token to a first plan."""

from __future__ import annotations

import fnmatch
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from reconciler.adopt.export import Live, named_by
from reconciler.adopt.repository import (
    FORGES,
    NewFile,
    beginning,
    configuration_file,
    lacking,
    to_fill_in,
    workflow_fault,
    written,
)
from reconciler.cli.asking import ask, ask_number, can_ask, candidates
from reconciler.cli.configuration import is_open
from reconciler.cli.credentials import sessions
from reconciler.cli.export import tell_elsewhere, usable_kind
from reconciler.cli.options import ConnectionOptions, KindOptions, OutputOptions, flag_of, id_option
from reconciler.cli.other_api import asked_api, other_api, other_files, other_next
from reconciler.cli.system import clock_of
from reconciler.cli.values import ListType, command, option
from reconciler.errors import ConfigurationError, ExitCode
from reconciler.kinds.packaged import document_schema
from reconciler.load.configuration import found_configuration
from reconciler.load.links import work_tree
from reconciler.load.sources import CONFIGURATION
from reconciler.model.configuration import BUILT_IN_API
from reconciler.model.escape import escape_control
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import counted, listed
from reconciler.model.scope import ScopeDefaults
from reconciler.observe.listing import observe
from reconciler.observe.names import every_name
from reconciler.render.text import empty_text
from reconciler.validate.validator import DEFAULT_KIND, Rules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.cli.console import Console
    from reconciler.kinds.kind import Kind
    from reconciler.model.live import LiveScope
    from reconciler.observe.paging import Source

_NUMBERS: Final = {"project_id": "project", "region_id": "region"}
"""What the parts of a scope are called, of the kinds that this command can begin with."""
_ALL: Final = "all"
_NONE: Final = "none"
_SHOWN: Final = 20

_OF_BUILT_IN: Final = ("!api|api=gcore",)
"""Where keys of the built-in API are adopted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InitOptions:
    """The options of ``init``."""

    api: str | None = option(
        "The API: gcore, which is built in, or the address of another one, for which a kind is drafted next.",
        metavar="NAME|URL",
    )
    kind: str = option("Kind of the keys.", default=DEFAULT_KIND, metavar="KIND", needs=_OF_BUILT_IN)
    project_id: int | None = id_option("project", "the keys; without it the command asks")
    region_id: int | None = id_option(
        "region", "the keys, for kinds that have one; without it the command asks"
    )
    keys: tuple[str, ...] = option(
        "Adopt only live keys of this name; * matches any text, and none means no key. Repeatable."
        "  [default: all]",
        "--key",
        "keys",
        type=ListType(),
        metavar="NAME",
        needs=_OF_BUILT_IN,
    )
    workflow: str | None = option(
        "Write a workflow that plans before a merge and applies after it.",
        type=click.Choice((*FORGES, _NONE)),
        needs=_OF_BUILT_IN,
    )
    sources: KindOptions
    connection: ConnectionOptions
    output: OutputOptions


@command(InitOptions, "reconciler init", "reconciler init --project-id 1 --region-id 76 --workflow github")
def init(context: click.Context, options: InitOptions) -> ExitCode:
    """Start in this folder: adopt the live keys of a project, and write what the commands need.

    On a terminal the command asks for what no option gives: the project and the region, of those that the
    token sees, the keys, and a workflow. It writes reconciler.yaml, a file of the keys whose plan is empty,
    keys.schema.json for editors and .gitignore. No file is overwritten, and nothing is sent to the API.
    """
    console, clock = options.output.console(), clock_of(context)
    if options.workflow in FORGES and (fault := workflow_fault()):
        raise click.BadParameter(f"{fault}; run init there", param_hint="--workflow")
    known = found_configuration()
    is_asked = options.api is None and known is None and is_open(context, "base_url")
    if _other_begun(console, asked_api(console) if is_asked else options.api or BUILT_IN_API):
        return ExitCode.DONE
    kinds = options.sources.known_kinds(console.warning)
    kind = _kind(context, kinds, options.kind)
    apis = sessions(options.connection, clock, console).opened()
    console.note(f"API: {options.connection.base_urls[kind.api]}")
    now = clock.now()
    rules = Rules(document_schema=document_schema(), kinds=kinds, defaults=ScopeDefaults(), now=now)
    with apis as client:
        observed = _observed(console, client.session(kind.api).reader, kind, options)
    live = Live(kind, _chosen(console, observed, options.keys), now, rules)
    forge = _forge(options.workflow, console)
    found = beginning(live, forge)
    console.warn(found.export.warnings)
    tell_elsewhere(console, found.export)
    folders = [folder for folder in options.sources.kinds if folder not in options.sources.configured.kinds]
    first: list[NewFile] = []
    if known is None:
        configured, folders = _configurable(folders)
        first = [configuration_file(configured)]
    else:
        console.note(f"Kept {known.file}, the configuration file in use")
    made, kept = written([*first, *found.files])
    _report(console, made, kept)
    _say_next(
        console, live, made, found.place, "".join(f" --kinds {shlex.quote(folder)}" for folder in folders)
    )
    _say_tasks(console, forge)
    return ExitCode.DONE


def _observed(console: Console, source: Source, kind: Kind, options: InitOptions) -> LiveScope:
    """Return the live keys of the project and region that are given or chosen."""
    given = {"project_id": options.project_id, "region_id": options.region_id}
    numbers = [given[name] or _number(console, name, source) for name in kind.scope]
    return observe(source, kind, kind.scope_of(numbers))


def _configurable(folders: list[str]) -> tuple[str | None, list[str]]:
    """Return the single folder of kinds that the configuration file can contain, and the others."""
    if len(folders) == 1 and Path(folders[0]).resolve().is_relative_to(Path.cwd()):
        return folders[0], []
    return None, folders


def _other_begun(console: Console, api: str) -> bool:
    """Write the files of another API if one is named. Raises BadParameter for one that cannot be."""
    try:
        other = other_api(api)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--api") from error
    if other is not None:
        _report(console, *written(other_files(other)))
        console.text(other_next(other))
    return other is not None


def _kind(context: click.Context, kinds: Mapping[str, Kind], name: str) -> Kind:
    """Return the kind to start with. Raises UsageError for one whose scope this command cannot ask for."""
    kind = usable_kind(context, kinds, name)
    if not {*kind.scope} <= {*_NUMBERS}:
        able = [one.name for one in kinds.values() if {*one.scope} <= {*_NUMBERS} and not one.api_fault]
        advice = "reconciler export adopts keys of this one"
        raise click.BadParameter(f"{name!r} is not one of {listed(able)}; {advice}", param_hint="--kind")
    return kind


def _number(console: Console, parameter: str, source: Source) -> int:
    """Return the id of the project or region: the only one, or the chosen one. Raises UsageError."""
    what, flag = _NUMBERS[parameter], flag_of(parameter)
    names = every_name(source, parameter)
    if not names:
        message = f"the token sees no {what}: check that the token is right and belongs to the right account;"
        raise ConfigurationError(f"{message} {flag} sets the id without asking")
    if len(names) == 1:
        ((number, name),) = names.items()
        console.note(f"{what.capitalize()}: {number} ({name}), the only one that the token sees")
        return number
    if not can_ask():
        raise click.UsageError(f"Missing option '{flag}'. The token sees {candidates(names)}.")
    return ask_number(console, what, names)


def _chosen(console: Console, observed: LiveScope, wanted: Sequence[str]) -> LiveScope:
    """Return the live keys to adopt. Raises BadParameter if a name matches none."""
    names = sorted({*observed.keys, *observed.unclear})
    if not wanted and names and can_ask():
        shown = escape_control(listed(names, _SHOWN))
        console.ask(f"\n{counted(len(names), 'key')} live in {observed.scope}: {shown}\n")
        question = (
            "Which of them should the file declare? all (the default), none, or names with commas and *."
        )
        answer = ask(console, question, lambda text: _fault(names, _words(text)))
        wanted = _words(answer)
    elif fault := _fault(names, wanted):
        raise click.BadParameter(fault, param_hint="--key")
    if not wanted or _ALL in wanted:
        return observed
    return named_by(observed, wanted)


def _words(text: str) -> list[str]:
    return [word for part in text.split(",") if (word := part.strip())]


def _fault(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    """Return the word that matches no key, None if all do."""
    words = [word for word in dict.fromkeys(wanted) if word not in {_ALL, _NONE}]
    unknown = [word for word in words if not any(fnmatch.fnmatchcase(name, word) for name in names)]
    return escape_control(f"No live key is called {listed(unknown)}.") if unknown else None


def _forge(given: str | None, console: Console) -> str:
    """Return the forge to write a workflow for."""
    if given is not None or not can_ask():
        return given or _NONE
    if fault := workflow_fault():
        console.note(escape_control(f"No workflow is written: {fault}"))
        return _NONE
    known = (*FORGES, _NONE)
    fault = f"It is one of {listed(known)}."
    question = f"A workflow that plans before a merge and applies after it? {listed(known)} (the default)."
    answer = ask(console, question, lambda text: None if text in {*known, ""} else fault)
    return answer or _NONE


def _say_tasks(console: Console, forge: str) -> None:
    """Print what a workflow needs before it runs."""
    if forge in FORGES:
        tasks = "".join(f"  {task}\n" for task in to_fill_in(forge))
        console.text(f"\nBefore the workflow runs:\n{tasks}")


def _report(console: Console, made: Sequence[NewFile], kept: Sequence[NewFile]) -> None:
    """Print which files were written, and which were there already."""
    width = max((len(file.path) for file in made), default=0)
    lines = [f"Wrote {file.path:<{width}}  {file.about}" for file in made]
    if lines:
        console.text("".join(f"{escape_control(line)}\n" for line in lines))
    for file in kept:
        console.note(f"Kept {file.path}, which exists already")
        if rest := lacking(file):
            console.note(f"  {rest}")


def _say_next(console: Console, live: Live, made: Sequence[NewFile], place: str, flags: str) -> None:
    """Print the next steps; without a configuration file written here, the commands include the file."""
    if place not in {file.path for file in made}:
        kind = "" if live.kind.name == DEFAULT_KIND else f" --kind {live.kind.name}"
        parts = "".join(f" {flag_of(name)} {value}" for name, value in live.scope.parameters)
        console.hint(f"To add keys that it lacks: reconciler export{kind}{parts}{flags} --into {place}")
    elif not live.observed.count:
        console.note(empty_text(live.scope))
    if work_tree(".") is None:
        console.note("This folder is not in a Git repository; run git init.")
    named = "" if CONFIGURATION in {file.path for file in made} else f" {place}"
    plan, apply = (f"reconciler {verb}{named}{flags}" for verb in ("plan", "apply"))
    width = len(apply)
    console.text(
        f"\nNext:\n  {plan:<{width}}  # no changes yet: edit {place}, and plan again\n"
        f"  {apply}  # plans, asks, and sends the fields that differ\n"
    )
