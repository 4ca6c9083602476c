"""``reconciler rotate``: another key takes the place of one, by edits of files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

import click

from reconciler.adopt.located import Located, located_keys
from reconciler.cli.completing import by
from reconciler.cli.console import Console
from reconciler.cli.credentials import sessions
from reconciler.cli.lifetimes import (
    Editing,
    check_files,
    content_of,
    live_scopes,
    resolved,
    write,
)
from reconciler.cli.options import clock_of
from reconciler.cli.plan import read_files
from reconciler.cli.renew import is_due
from reconciler.cli.rotating import RotatedKeys, RotateOptions
from reconciler.cli.values import command
from reconciler.errors import ExitCode
from reconciler.kinds.kind import Kind
from reconciler.model.desired import DesiredState
from reconciler.model.escape import escape_control
from reconciler.model.live import LiveScope
from reconciler.model.phrases import counted
from reconciler.model.plan import Plan
from reconciler.model.scope import Scope
from reconciler.observe.key import whole_address
from reconciler.plan.limits import Count
from reconciler.plan.planning import plan_scope
from reconciler.plan.portions import Portions
from reconciler.plan.rotation import Successions

_MODES: Final = ("now", "finish", "abort", "due")


@command(
    RotateOptions,
    "reconciler rotate storefront --overlap 14d",
    "reconciler rotate caas/1/76/storefront --now     # it has leaked",
    "reconciler rotate --finish                       # in a scheduled run",
)
@click.argument("addresses", nargs=-1, metavar="[ADDRESS...]", shell_complete=by("addresses"))
def rotate(context: click.Context, options: RotateOptions) -> ExitCode:
    """Edit files so that another key takes the place of one. Never writes to the API.

    A successor is declared behind the key, with its fields and an expiry of its own, and the key itself
    expires after the overlap. Apply creates the successor, stores its secret, and shortens the old key, in
    this order. Later --finish declares the old key absent, and removes its entry once it is gone.

    ADDRESS is the key's, or its end where that is unique. --finish is about all rotations if there is none.

    Exit code 0: done. 1: a key cannot be rotated, which the error says; nothing is written. 2: with --finish,
    --due or --check, something was written or would be. --due warns of a key that cannot, and goes on; so do
    --due and --finish of a file that cannot be edited in place. Both propose at once, of each scope, no more
    than one apply may revoke; the others wait for the next run, and the keys that end first go first.
    """
    _check(options, context)
    console, clock = options.output.console(), clock_of(context)
    kinds = options.inputs.known_kinds(console.warning)
    now = clock.now()
    state = read_files(kinds, options.inputs, now)
    with sessions(options.connection, clock, console, at_once=False) as client:
        state = resolved(client, state)
        addresses = [whole_address(kinds, text, state) for text in options.addresses]
        first = located_keys(state, kinds, content_of)
        located = {one.address: one for one in first}
        live = live_scopes(client, kinds, _scopes(options, state, addresses, located, now))
    plans = _plans(kinds, state, live, now) if options.is_scheduled else None

    def edit(each: Iterable[Located], refused: Collection[str]) -> RotatedKeys:
        portions = None if plans is None else Portions(options.limit, plans)
        keys = RotatedKeys(options, state, {one.address: one for one in each}, live, now, refused, portions)
        keys.edit(addresses)
        return keys

    rules = options.inputs.rules(kinds, now)
    editing = Editing(lambda: located_keys(state, kinds, content_of), rules, console, options.is_scheduled)
    files, keys = editing.files(first, edit)
    for text in keys.report.warnings:
        console.warning(text)
    write(files, console, is_checked=options.check)
    _print(keys, console)
    if not files:
        console.note("Nothing to write.")
    is_asked = options.check or options.finish or options.due
    return ExitCode.CHANGES if files and is_asked else ExitCode.DONE


def _check(options: RotateOptions, context: click.Context) -> None:
    """Raise UsageError or BadParameter for options that cannot be meant together."""
    check_files(options)
    modes = [mode for mode in _MODES if getattr(options, mode)]
    if len(modes) > 1:
        raise click.UsageError(f"--{modes[0]} and --{modes[1]} exclude each other.", context)
    if not options.addresses and not (options.finish or options.due):
        raise click.UsageError("name the key (ADDRESS) that is to be rotated.", context)
    if options.addresses and options.due:
        raise click.UsageError("--due finds the keys itself; name none.", context)


def _plans(
    kinds: Mapping[str, Kind], state: DesiredState, live: Mapping[Scope, LiveScope], now: dt.datetime
) -> list[Plan]:
    """Return what the files, as they are now, change in the scopes that were read."""
    parts = (part for part in state.scopes if part.scope in live)
    return [plan_scope(kinds[part.scope.kind], part, live[part.scope], now) for part in parts]


def _print(keys: RotatedKeys, console: Console) -> None:
    """Print what was edited, and how many keys wait."""
    for line in keys.report.lines:
        console.text(escape_control(line) + "\n")
    if keys.report.waiting:
        why = f"one apply may take access from {keys.options.limit.words} (--max-revoked)"
        console.note(f"Left {counted(len(keys.report.waiting), 'key')} for the next run, because {why}.")


def _scopes(
    options: RotateOptions,
    state: DesiredState,
    addresses: Sequence[str],
    located: Mapping[str, Located],
    now: dt.datetime,
) -> Iterator[Scope]:
    """Yield the scopes whose live keys have to be known."""
    yield from (located[address].scope for address in addresses if address in located)
    if options.is_scheduled and isinstance(options.limit, Count):  # it is about all scopes together
        yield from (part.scope for part in state.scopes)
    if options.finish and not addresses:
        yield from (part.scope for part in state.scopes if Successions.of(part.keys).last)
    if options.due:
        yield from (one.scope for one in located.values() if is_due(one, options.renewal(one), now))
