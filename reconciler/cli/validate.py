"""``reconciler validate``."""

from __future__ import annotations

from dataclasses import dataclass

import click

from reconciler.cli.console import CONTEXT, OutputOptions, standard_input
from reconciler.cli.options import DECLARED, OUTPUT, PATHS, VERBOSE_OFFLINE, add, clock_of
from reconciler.cli.settings import InputOptions, takes
from reconciler.model.phrases import counted
from reconciler.validate.files import desired_state


@dataclass(frozen=True, slots=True)
class ValidateOptions:
    """The options of ``validate``."""

    inputs: InputOptions
    output: OutputOptions


@click.command(
    context_settings=CONTEXT,
    epilog="""\b
Examples:
  reconciler validate keys/
  reconciler validate keys/shop.yaml keys/bank.yaml
  generate-keys | reconciler validate -
""",
)
@add(PATHS, DECLARED, VERBOSE_OFFLINE, OUTPUT)
@takes(ValidateOptions)
def validate(context: click.Context, options: ValidateOptions) -> None:
    """Check desired-state files, offline.

    PATH is a file, a directory (every *.yaml and *.yml below it) or - for standard input.
    Violations are reported together, each with its place and with what to write instead: the first 50, and
    how many more there are.
    """
    console = options.output.console()
    inputs = options.inputs
    checks = inputs.validator(inputs.known_kinds(console.warning), clock_of(context).now())
    state = desired_state(inputs.paths, standard_input(), checks)
    console.warn(state.warnings)
    for part in state.scopes:
        console.detail(f"{part.scope}: {counted(len(part.keys), 'key')}")
    keys, scopes = counted(state.key_count, "key"), counted(len(state.scopes), "scope")
    console.result(f"Success! The configuration is valid: {keys} in {scopes}.\n")
