"""``reconciler explain``."""

from __future__ import annotations

import click

from reconciler.api.reader import Reader
from reconciler.cli.addressed import KeyOptions, declared_key, find_live_key, known_field, parsed_address
from reconciler.cli.credentials import connection
from reconciler.cli.options import clock_of
from reconciler.cli.plan import read_files
from reconciler.cli.values import command
from reconciler.errors import ConfigurationError, ExitCode
from reconciler.model.desired import DesiredScope, DesiredState
from reconciler.model.escape import escape_control
from reconciler.model.plan import ObservedScope
from reconciler.model.scope import Scope
from reconciler.model.source import Position, Problem
from reconciler.observe.names import Directory
from reconciler.plan.explain import explanations
from reconciler.plan.planning import ScopePlan, plan_scope
from reconciler.render.explanation import render_explanations
from reconciler.render.lines import field_view


@command(
    KeyOptions,
    "reconciler explain caas/1/76/storefront --file keys/",
    "reconciler explain caas/1/76/storefront expire --file keys/",
)
@click.argument("address")
@click.argument("field", required=False)
def explain(context: click.Context, options: KeyOptions) -> ExitCode:
    """Explain why fields of one key are equal or different, and print what apply would send. Never writes.

    ADDRESS is the key's, such as caas/1/76/storefront; FIELD narrows the answer to one field. The requests
    are those of apply to the letter: method, path and body, also of a key that would be created, replaced
    or deleted.
    """
    console, clock = options.output.console(), clock_of(context)
    settings = connection(options.connection, clock, console)

    kinds = options.inputs.known_kinds(console.warning)
    kind, scope, name = parsed_address(kinds, options.address)
    field = known_field(kind, options.field)
    now = clock.now()
    written = read_files(kinds, options.inputs, now)
    with Reader(settings) as reader:
        part, position = _declaration(Directory(reader).resolved(written), scope, name)
        live = find_live_key(reader, kind, scope, name)
    if live is None and not part.keys:
        raise ConfigurationError(
            f"{scope.address(name)} is neither declared in these files nor on the server"
        )
    made = plan_scope(kind, part, ObservedScope(scope, {} if live is None else {name: live}), now)
    key = part.keys[0] if part.keys else None
    change = None if _stops(made) or not made.changes else made.changes[0]
    shown = [one for one in explanations(kind, key, live, change) if field in {None, one.field}]
    text = render_explanations(options.address, position, shown, _requests(made), console.paint)
    console.result(text)
    return ExitCode.DONE


def _declaration(state: DesiredState, scope: Scope, name: str) -> tuple[DesiredScope, Position]:
    """Return what is declared of one key alone, and where: by itself, or by its scope being exclusive."""
    part = next((part for part in state.scopes if part.scope == scope), None)
    if part is not None and part.exclusive is not None and all(key.name != name for key in part.keys):
        return DesiredScope(scope, (), part.exclusive), part.exclusive
    key = declared_key(state, scope, name)
    return DesiredScope(scope, (key,)), key.position


def _stops(made: ScopePlan) -> list[Problem]:
    return [problem for problem in made.problems if not (problem.is_live and made.changes)]


def _requests(made: ScopePlan) -> str:
    """Say what would be sent, with what it does to access; or that nothing would be, and why."""
    stops = _stops(made)
    if stops:
        return f"No request would be sent: {escape_control(stops[0].message)}"
    if not made.changes:
        return "No request would be sent."
    (change,) = made.changes
    requests = [escape_control(str(request)) for request in change.requests]
    if change.is_undeclared:
        requests.insert(0, "Only with --allow-destroy:")
    effects = [f"  {field_view(field).name}: {field_view(field).note}" for field in change.fields]
    return "\n".join([*requests, *effects])
