"""``reconciler explain``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.console import CONTEXT, console_of
from reconciler.cli.kinds import known_kinds
from reconciler.cli.options import clock_of, connection, explain_options
from reconciler.cli.plan import read_files
from reconciler.errors import ConfigurationError, ExitCode, NotFoundError
from reconciler.render.escape import printable
from reconciler.render.lines import field_view

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.kinds import Kind
    from reconciler.model import DesiredKey, DesiredState, Scope
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
    from reconciler.explanation import explanations  # noqa: PLC0415 - --help needs no engine
    from reconciler.model import DesiredScope, ObservedScope  # noqa: PLC0415 - the same
    from reconciler.plan import plan_scope  # noqa: PLC0415 - the same
    from reconciler.render.explanation import render_explanations  # noqa: PLC0415 - the same

    kinds = known_kinds(parameters)
    kind, scope, name = _parsed(kinds, parameters["address"])
    field = parameters["field"]
    if field is not None and field not in kind.fields:
        known = ", ".join(kind.fields)
        raise ConfigurationError(f"{field} is no field of a {kind.name} key; it has {known}")
    now = clock.now()
    key = _declared(read_files(kinds, parameters, now), scope, name)
    path = kind.item_path(scope, name)
    try:
        with Reader(link) as reader:
            live = reader.get(path, {})
    except NotFoundError as error:
        raise ConfigurationError(f"{parameters['address']} is declared, but not on the server") from error
    if not isinstance(live, dict):
        raise ConfigurationError(f"GET {path}: the answer is not an object")
    whole = kind.completed(live)
    found = explanations(kind, key.fields, whole)
    made = plan_scope(kind, DesiredScope(scope, (key,)), ObservedScope(scope, {name: whole}), now)
    request = _request(made)
    shown = [one for one in found if field in {None, one.field}]
    console.result(render_explanations(parameters["address"], key.position, shown, request, console.paint))
    return ExitCode.DONE


def _request(made: ScopePlan) -> str:
    """Say what would be sent, with what it does to access; or that nothing would be, and why."""
    if made.problems:
        return f"No PATCH would be sent: {printable(made.problems[0].message)}"
    if not made.changes:
        return "No PATCH would be sent."
    (change,) = made.changes
    effects = "\n".join(f"  {field_view(field).name}: {field_view(field).note}" for field in change.fields)
    return f"PATCH {change.path} {printable(json.dumps(change.patch))}\n{effects}"


def _parsed(kinds: Mapping[str, Kind], address: str) -> tuple[Kind, Scope, str]:
    kind = kinds.get(address.partition("/")[0])
    found = None if kind is None else kind.parse_address(address)
    if kind is None or found is None:
        raise ConfigurationError(f"{address} is no address such as caas/1/76/name")
    return kind, *found


def _declared(state: DesiredState, scope: Scope, name: str) -> DesiredKey:
    for part in state.scopes:
        for key in part.keys if part.scope == scope else ():
            if key.name == name:
                return key
    raise ConfigurationError(f"{scope.address(name)} is not declared in these files")
