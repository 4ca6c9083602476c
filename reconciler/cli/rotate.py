"""``reconciler rotate``: another key takes the place of one, by edits of files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import click

from reconciler.adopt.located import Located, located_keys, rewritten
from reconciler.adopt.rotate import abort, finish
from reconciler.adopt.successor import Begun, Succession
from reconciler.cli.completing import by
from reconciler.cli.credentials import sessions
from reconciler.cli.lifetimes import (
    LifetimeOptions,
    check_files,
    content_of,
    lifetime_option,
    live_scopes,
    resolved,
    write,
)
from reconciler.cli.options import clock_of
from reconciler.cli.plan import read_files
from reconciler.cli.renew import is_due, renewals_of
from reconciler.cli.values import command, option
from reconciler.errors import ConfigurationError, ExitCode
from reconciler.kinds.ids import clear_key
from reconciler.model.addresses import advice_near
from reconciler.model.desired import DesiredState
from reconciler.model.escape import escape_control
from reconciler.model.frozen import dataclass
from reconciler.model.live import LiveScope
from reconciler.model.policy import RenewPolicy, RotatePolicy, renew_policy, rotate_policy
from reconciler.model.scope import Scope
from reconciler.observe.key import whole_address
from reconciler.plan.rotation import Rotation, Successions, rotations
from reconciler.render.lifetimes import begun_line, step_line

_MODES: Final = ("now", "finish", "abort", "due")


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateOptions(LifetimeOptions):
    """The options of ``rotate``."""

    addresses: tuple[str, ...]
    now: bool = option(
        "For a leak: no overlap, or the end of it; the key loses access once its successor is there."
    )
    finish: bool = option("Write the next step of rotations whose overlap has passed, or whose key is gone.")
    abort: bool = option("Undo a rotation whose successor is not live yet.")
    due: bool = option("Begin the rotation of each key that renew names for it.")
    overlap: str | None = lifetime_option("How long both keys work.  [default: 7d]", needs=("!abort",))
    to: str | None = lifetime_option(
        "How long the successor lives.  [default: that of renew, or 180d; forever if the key does]",
        needs=("!abort", "!finish"),
    )

    def renewal(self, one: Located) -> RenewPolicy | None:
        """Return the policy by which a key is renewed."""
        return renew_policy(*self.layers("renew", {"to": self.to}, one.renew))

    def policy(self, one: Located) -> RotatePolicy:
        """Return the policy of a key: what options say, then its document, then the configuration."""
        policy = rotate_policy(
            self.layers("renew", {"to": self.to}, one.renew),
            self.layers("rotate", {"overlap": self.overlap}, one.rotate),
        )
        return replace(policy, must_end=self.to is not None)


@dataclass(frozen=True, slots=True)
class _Keys:
    """Declared keys by their addresses, where they are written, and the live keys of their scopes."""

    options: RotateOptions
    state: DesiredState
    located: Mapping[str, Located]
    live: Mapping[Scope, LiveScope]
    now: dt.datetime
    warn: Callable[[str], None]

    def key(self, address: str) -> Located:
        """Return a declared key. Raises ConfigurationError if there is none."""
        found = self.located.get(address)
        if found is None:
            near = advice_near(address, self.located)
            raise ConfigurationError(f"{address} is not declared in these files{near}")
        return found

    def row(self, one: Located) -> Mapping[str, Any]:
        """Return the live key. Raises ConfigurationError if there is none, or more than one of its name."""
        live = clear_key(one.kind, self.live[one.scope], one.key.name)
        if live is None:
            message = f"{one.address} is not live, so there is nothing to rotate; apply creates it"
            raise ConfigurationError(f"{one.key.position}: {message}")
        return live

    def rotations(self, addresses: Sequence[str]) -> list[Rotation]:
        """Return the declared rotations: of these keys, or all."""
        found: list[Rotation] = []
        for part in self.state.scopes:
            kind = next((one.kind for one in self.located.values() if one.scope == part.scope), None)
            if kind is not None and part.scope in self.live:
                found += rotations(kind, part.scope, part.keys, self.live[part.scope].keys)
        return [
            one for one in found if not addresses or not {one.address, one.successor}.isdisjoint(addresses)
        ]

    def begun(self, addresses: Sequence[str]) -> Iterator[str]:
        """Start rotations, and yield a line about each. One that is not asked for by its name may fail."""
        taken: set[str] = set()
        for address in dict.fromkeys(addresses):
            try:
                found = self._begun(self.key(address), taken)
            except ConfigurationError as error:
                if not self.options.due:
                    raise
                self.warn(str(error))
                continue
            taken.add(found.new)
            yield begun_line(found.old, found.new, found.end)

    def _begun(self, one: Located, taken: Collection[str]) -> Begun:
        """Start a rotation, or end its overlap; ``taken`` are the addresses of other new keys."""
        of_scope = [each for each in self.located.values() if each.scope == one.scope]
        before = one.key.lifecycle.rotates
        succession = Succession(
            one,
            self.row(one),
            {
                *self.live[one.scope].keys,
                *(each.key.name for each in of_scope),
                *(each.key.lifecycle.alias or "" for each in of_scope),
                *(
                    address.rpartition("/")[2]
                    for address in taken
                    if address.startswith(one.scope.address(""))
                ),
            },
            self.options.policy(one),
            self.now,
            None if before is None else self.located.get(one.scope.address(before)),
        )
        successor = next((each for each in of_scope if each.key.lifecycle.rotates == one.key.name), None)
        if successor is None:
            return succession.begin_at_once() if self.options.now else succession.begin()
        if self.options.now:
            return succession.end_at_once(successor)
        name = successor.key.name
        raise ConfigurationError(
            f"{successor.key.position}: {one.address} is being rotated: {name} takes its place; --abort "
            f"undoes that before it is applied, --now ends the overlap, and --now with "
            f"{name} replaces the successor"
        )

    def finished(self, addresses: Sequence[str]) -> Iterator[str]:
        """Write the next steps of rotations, and yield a line about each; one of a chain at a time."""
        touched: set[str] = set()
        for rotation in self.rotations(addresses):
            both = {rotation.address, rotation.successor}
            if not touched.isdisjoint(both):
                continue
            old, new = self.key(rotation.address), self.key(rotation.successor)
            step = finish(rotation, old, new, self.options.policy(old), self.now)
            touched |= both if step.is_edit else set()
            yield step_line(step.rotation, step.text)

    def undone(self, addresses: Sequence[str]) -> Iterator[str]:
        """Undo rotations, and yield a line about each."""
        for address in addresses:
            found = self.rotations([address])
            if len(found) != 1:
                which = "takes part in two rotations; name the other key" if found else "is not being rotated"
                raise ConfigurationError(f"{self.key(address).key.position}: {address} {which}")
            (rotation,) = found
            old = self.key(rotation.address)
            abort(rotation, old, self.key(rotation.successor), self.row(old))
            yield step_line(rotation, "undone")

    def due(self) -> list[str]:
        """Return the addresses of keys that a renewal names for rotation."""
        near = [one for one in self.located.values() if is_due(one, self.options.renewal(one), self.now)]
        found = renewals_of(near, self.options.renewal, self.live, self.state, self.now)
        return [one.address for one in found if one.is_for_rotation]

    def edited(self, addresses: Sequence[str]) -> list[str]:
        """Make the edits that the options ask for, and return the lines about them."""
        if self.options.finish:
            return [*self.finished(addresses)]
        if self.options.abort:
            return [*self.undone(addresses)]
        return [*self.begun(self.due() if self.options.due else addresses)]


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
    --due or --check, something was written or would be. --due warns of a key that cannot, and goes on.
    """
    check_files(options)
    modes = [mode for mode in _MODES if getattr(options, mode)]
    if len(modes) > 1:
        raise click.UsageError(f"--{modes[0]} and --{modes[1]} exclude each other.", context)
    if not options.addresses and not (options.finish or options.due):
        raise click.UsageError("name the key (ADDRESS) that is to be rotated.", context)
    if options.addresses and options.due:
        raise click.UsageError("--due finds the keys itself; name none.", context)
    console, clock = options.output.console(), clock_of(context)
    kinds = options.inputs.known_kinds(console.warning)
    now = clock.now()
    state = read_files(kinds, options.inputs, now)
    with sessions(options.connection, clock, console, at_once=False) as client:
        state = resolved(client, state)
        addresses = [whole_address(kinds, text, state) for text in options.addresses]
        located = {one.address: one for one in located_keys(state, kinds, content_of)}
        live = live_scopes(client, kinds, _scopes(options, state, addresses, located, now))
    lines = _Keys(options, state, located, live, now, console.warning).edited(addresses)
    files = rewritten(located.values(), options.inputs.rules(kinds, now))
    write(files, console, is_checked=options.check)
    for line in lines:
        console.text(escape_control(line) + "\n")
    if not files:
        console.note("Nothing to write.")
    is_asked = options.check or options.finish or options.due
    return ExitCode.CHANGES if files and is_asked else ExitCode.DONE


def _scopes(
    options: RotateOptions,
    state: DesiredState,
    addresses: Sequence[str],
    located: Mapping[str, Located],
    now: dt.datetime,
) -> Iterator[Scope]:
    """Yield the scopes whose live keys have to be known."""
    yield from (located[address].scope for address in addresses if address in located)
    if options.finish and not addresses:
        yield from (part.scope for part in state.scopes if Successions.of(part.keys).last)
    if options.due:
        yield from (one.scope for one in located.values() if is_due(one, options.renewal(one), now))
