"""``reconciler explain``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.addressed import declared_key, known_field, live_key, parsed_address
from reconciler.cli.console import CONTEXT, console_of
from reconciler.cli.kinds import known_kinds
from reconciler.cli.options import clock_of, connection, explain_options
from reconciler.cli.plan import read_files
from reconciler.errors import ExitCode

if TYPE_CHECKING:
    from reconciler.plan import ScopePlan


@click.command(
    context_settings=CONTEXT,
    epilog="""\b
Examples:
  reconciler explain caas/1/76/storefront --file keys/
  reconciler explain caas/1/76/storefront expire --file keys/
""",
)
@click.argument("address")
@click.argument("field", required=False)
@explain_options
@click.pass_context
def explain(context: click.Context, /, **parameters: Any) -> ExitCode:
    """Say why the fields of one key are equal or different, and what a PATCH would carry. Never writes.

    ADDRESS is the key's, such as caas/1/76/storefront; FIELD narrows the answer to one field.
    """
    console = console_of(parameters)
    clock = clock_of(context)
    link = connection(parameters, clock, console)
    from reconciler.client import Reader  # noqa: PLC0415 - only commands that talk load httpx
    from reconciler.declared import DesiredScope  # noqa: PLC0415 - the same
    from reconciler.explanation import explanations_of  # noqa: PLC0415 - --help needs no engine
    from reconciler.model import ObservedScope  # noqa: PLC0415 - the same
    from reconciler.names import Directory  # noqa: PLC0415 - the same
    from reconciler.plan import plan_scope  # noqa: PLC0415 - the same
    from reconciler.render.explanation import render_explanations  # noqa: PLC0415 - the same

    kinds = known_kinds(parameters, console.warning)
    kind, scope, name = parsed_address(kinds, parameters["address"])
    field = known_field(kind, parameters["field"])
    now = clock.now()
    written = read_files(kinds, parameters, now)
    with Reader(link) as reader:
        key = declared_key(Directory(reader).resolved(written), scope, name)
        whole = live_key(reader, kind, scope, name)
    found = explanations_of(kind, key, whole)
    made = plan_scope(kind, DesiredScope(scope, (key,)), ObservedScope(scope, {name: whole}), now)
    request = _request(made)
    shown = [one for one in found if field in {None, one.field}]
    console.result(render_explanations(parameters["address"], key.position, shown, request, console.paint))
    return ExitCode.DONE


def _request(made: ScopePlan) -> str:
    """Say what would be sent, with what it does to access; or that nothing would be, and why."""
    from reconciler.render.escape import printable  # noqa: PLC0415 - --help needs no renderer
    from reconciler.render.lines import field_view  # noqa: PLC0415 - the same

    stops = [problem for problem in made.problems if not (problem.is_live and made.changes)]
    if stops:
        return f"No PATCH would be sent: {printable(stops[0].message)}"
    if not made.changes:
        return "No PATCH would be sent."
    (change,) = made.changes
    effects = "\n".join(f"  {field_view(field).name}: {field_view(field).note}" for field in change.fields)
    return f"PATCH {change.path} {printable(json.dumps(change.patch))}\n{effects}"
