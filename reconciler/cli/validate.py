"""``reconciler validate``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import click

from reconciler.cli.console import Console, plain_console, standard_input
from reconciler.cli.execution_options import AUTO, ExecutionOptions
from reconciler.cli.options import InputOptions, OutputOptions, paths_argument
from reconciler.cli.redaction import redacted
from reconciler.cli.system import clock_of
from reconciler.cli.values import command, option
from reconciler.errors import InputError
from reconciler.kinds.kind import Kind
from reconciler.kinds.packaged import load_kinds
from reconciler.load.files import Input
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import counted
from reconciler.model.source import Problem, Rule
from reconciler.render.validation import VALIDATIONS, Validation
from reconciler.validate.parts import Part
from reconciler.validate.state import check_each, desired_state, measured
from reconciler.validate.validator import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class _Output(OutputOptions):
    verbose: int = option("Count the keys of each scope.", "-v", "--verbose", count=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateOptions:
    """The options of ``validate``."""

    format: str = option("How the result is printed.", type=click.Choice(tuple(VALIDATIONS)), default="text")
    inputs: InputOptions
    execution: ExecutionOptions
    output: _Output


def _refused(given: Mapping[str, Any], error: InputError) -> None:
    """Print the errors of files in the requested format."""
    plain_console().result(VALIDATIONS[given["format"]](Validation(errors=error.problems)))


@command(
    ValidateOptions,
    "reconciler validate keys/",
    "reconciler validate keys/shop.yaml keys/bank.yaml",
    "generate-keys | reconciler validate -",
    "reconciler validate keys/ --format sarif > keys.sarif",
    refused=_refused,
)
@paths_argument
def validate(context: click.Context, options: ValidateOptions) -> None:
    """Check desired-state files, offline.

    PATH is a file, a directory (every *.yaml and *.yml below it) or - for standard input. Violations are
    reported together, each with its position, the source line and the fix: the first 50, and the number of
    the others. The formats json and sarif contain all of them; github annotates the files of a pull request,
    and gitlab is a Code Quality report.
    """
    console, inputs = options.output.console(), options.inputs
    kinds, wrong = _kinds(inputs, console)
    rules = inputs.rules(kinds, clock_of(context).now())
    with ExitStack() as stack:
        check = partial(_check, options.execution, console, stack)
        try:
            state = desired_state(inputs.paths, standard_input(), rules, check=check)
        except InputError as error:
            # A kind that is unknown may be one whose file is wrong.
            known = (one for one in error.problems if not wrong or one.rule is not Rule.UNKNOWN_KIND)
            raise InputError([*wrong, *known]) from error
    if wrong:
        raise InputError(wrong)
    warnings = redacted(state.warnings)
    console.warn(warnings)
    for part in state.scopes:
        console.detail(f"{part.scope}: {counted(len(part.keys), 'key')}")
    found = Validation(warnings=warnings, keys=state.key_count, scopes=len(state.scopes))
    put = console.text if options.format == "text" else console.result
    put(VALIDATIONS[options.format](found))


def _kinds(inputs: InputOptions, console: Console) -> tuple[Mapping[str, Kind], Sequence[Problem]]:
    """Return the kinds, and the errors of kind files: the packaged kinds are known all the same."""
    try:
        return inputs.known_kinds(console.warning), ()
    except InputError as error:
        return inputs.configured.at_apis(load_kinds()), error.problems


def _check(
    options: ExecutionOptions, console: Console, stack: ExitStack, rules: Rules, files: Iterable[Input]
) -> Iterable[Part]:
    """Check files, in processes that end with ``stack`` if the options request some."""
    if options.processes == AUTO and options.dask is None:
        files, is_large = measured(files)
        if not is_large:
            return check_each(rules, files)
    from reconciler.cli.execution import executor  # noqa: PLC0415 - it loads all that connects to an API

    return stack.enter_context(executor(options, None, console)).check(rules, files)
