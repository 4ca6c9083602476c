"""``reconciler validate``."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import click

from reconciler.cli.console import Console, standard_input
from reconciler.cli.execution_options import AUTO, ExecutionOptions
from reconciler.cli.options import InputOptions, OutputOptions, clock_of, paths_argument
from reconciler.cli.values import command, option
from reconciler.load.files import Input
from reconciler.model.phrases import counted
from reconciler.validate.parts import Part
from reconciler.validate.state import check_each, desired_state, measured
from reconciler.validate.validator import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class _Output(OutputOptions):
    verbose: int = option("Count the keys of each scope.", "-v", "--verbose", count=True)


@dataclass(frozen=True, slots=True)
class ValidateOptions:
    """The options of ``validate``."""

    inputs: InputOptions
    execution: ExecutionOptions
    output: _Output


@command(
    ValidateOptions,
    "reconciler validate keys/",
    "reconciler validate keys/shop.yaml keys/bank.yaml",
    "generate-keys | reconciler validate -",
)
@paths_argument
def validate(context: click.Context, options: ValidateOptions) -> None:
    """Check desired-state files, offline.

    PATH is a file, a directory (every *.yaml and *.yml below it) or - for standard input.
    Violations are reported together, each with its place, the line of the file there and what to write
    instead: the first 50, and how many more there are.
    """
    console, inputs = options.output.console(), options.inputs
    rules = inputs.rules(inputs.known_kinds(console.warning), clock_of(context).now())
    with ExitStack() as stack:
        check = partial(_check, options.execution, console, stack)
        state = desired_state(inputs.paths, standard_input(), rules, check=check)
    console.warn(state.warnings)
    for part in state.scopes:
        console.detail(f"{part.scope}: {counted(len(part.keys), 'key')}")
    keys, scopes = counted(state.key_count, "key"), counted(len(state.scopes), "scope")
    console.result(f"Success! The configuration is valid: {keys} in {scopes}.\n")


def _check(
    options: ExecutionOptions, console: Console, stack: ExitStack, rules: Rules, files: Iterable[Input]
) -> Iterable[Part]:
    """Check files, in processes that end with ``stack`` where the options want some."""
    if options.processes == AUTO and options.dask is None:
        files, is_large = measured(files)
        if not is_large:
            return check_each(rules, files)
    from reconciler.cli.execution import executor  # noqa: PLC0415 - it loads all that connects to an API

    return stack.enter_context(executor(options, None, console)).check(rules, files)
