"""``reconciler validate``."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli.console import CONTEXT, console_of, standard_input
from reconciler.cli.kinds import known_kinds
from reconciler.cli.options import clock_of, input_options, validator
from reconciler.pipeline import desired_state
from reconciler.render.text import counted


@click.command(
    context_settings=CONTEXT,
    epilog="""\b
Examples:
  reconciler validate keys/
  reconciler validate keys/shop.yaml keys/bank.yaml
  generate-keys | reconciler validate -
""",
)
@input_options
@click.pass_context
def validate(context: click.Context, /, **parameters: Any) -> None:
    """Check desired-state files, offline.

    PATH is a file, a directory (every *.yaml and *.yml below it) or - for standard input.
    Violations are reported together, each with its place and with what to write instead: the first 50, and
    how many more there are.
    """
    console = console_of(parameters)
    checks = validator(parameters, known_kinds(parameters, console.warning), clock_of(context).now())
    state = desired_state(parameters["paths"], standard_input(), checks)
    console.warn(state.warnings)
    for part in state.scopes:
        console.detail(f"{part.scope}: {counted(len(part.keys), 'key')}")
    keys, scopes = counted(state.key_count, "key"), counted(len(state.scopes), "scope")
    console.result(f"Success! The configuration is valid: {keys} in {scopes}.\n")
