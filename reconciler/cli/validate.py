"""``reconciler validate``."""

from __future__ import annotations

from dataclasses import dataclass

import click

from reconciler.cli.console import standard_input
from reconciler.cli.options import InputOptions, OutputOptions, clock_of, paths_argument
from reconciler.cli.values import command, option
from reconciler.model.phrases import counted
from reconciler.validate.state import desired_state


@dataclass(frozen=True, slots=True, kw_only=True)
class _Output(OutputOptions):
    verbose: int = option("Count the keys of each scope.", "-v", "--verbose", count=True)


@dataclass(frozen=True, slots=True)
class ValidateOptions:
    """The options of ``validate``."""

    inputs: InputOptions
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
    Violations are reported together, each with its place and with what to write instead: the first 50, and
    how many more there are.
    """
    console, inputs = options.output.console(), options.inputs
    rules = inputs.rules(inputs.known_kinds(console.warning), clock_of(context).now())
    state = desired_state(inputs.paths, standard_input(), rules)
    console.warn(state.warnings)
    for part in state.scopes:
        console.detail(f"{part.scope}: {counted(len(part.keys), 'key')}")
    keys, scopes = counted(state.key_count, "key"), counted(len(state.scopes), "scope")
    console.result(f"Success! The configuration is valid: {keys} in {scopes}.\n")
