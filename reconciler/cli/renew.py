"""``reconciler renew``: later expiries for keys that expire soon."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import click

from reconciler.adopt.located import Located, located_keys
from reconciler.adopt.renew import write_renewals
from reconciler.cli.completing import by
from reconciler.cli.console import Console
from reconciler.cli.credentials import sessions
from reconciler.cli.lifetimes import (
    Editing,
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
from reconciler.cli.values import command
from reconciler.errors import ConfigurationError, ExitCode
from reconciler.model.canonical import parse_instant
from reconciler.model.desired import DesiredState
from reconciler.model.escape import escape_control
from reconciler.model.frozen import dataclass
from reconciler.model.live import LiveScope
from reconciler.model.phrases import counted
from reconciler.model.policy import RenewPolicy, renew_policy
from reconciler.model.scope import Scope
from reconciler.plan.changes import created_at
from reconciler.plan.planning import select
from reconciler.plan.renewal import Renewal, is_near, renewal
from reconciler.plan.rotation import Successions
from reconciler.render.lifetimes import renewal_line


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewOptions(LifetimeOptions):
    """The options of ``renew``."""

    targets: tuple[str, ...]
    within: str | None = lifetime_option("Renew keys that expire within this time, such as 30d.")
    to: str | None = lifetime_option("Let them expire so long after today, such as 180d.")
    max_total: str | None = lifetime_option("Let no key live longer after its creation, such as 2y.")

    def policy(self, one: Located) -> RenewPolicy | None:
        """Return the policy of a key: what options say, then its document, then the configuration."""
        policy = renew_policy(*self.layers("renew", self.given, one.renew))
        if policy is not None and policy.to <= policy.within:
            fault = f"the policy of {one.address} would renew a key again at once: within is not below to"
            raise ConfigurationError(fault)
        return policy

    @property
    def given(self) -> Mapping[str, str | None]:
        """Return what the options say of the policy."""
        return {"within": self.within, "to": self.to, "max_total": self.max_total}

    def is_limited(self, one: Located) -> bool:
        """Return whether the life of a key has a limit, which is counted from its creation."""
        policy = self.policy(one)
        return policy is not None and policy.max_total is not None


@command(
    RenewOptions,
    "reconciler renew --within 30d --to 180d",
    "reconciler renew 'caas/1/76/web-*' --file keys/ --check",
)
@click.argument("targets", nargs=-1, metavar="[TARGET...]", shell_complete=by("addresses"))
def renew(context: click.Context, options: RenewOptions) -> ExitCode:
    """Write later expiries into the files of keys that expire soon. Never writes to the API.

    TARGET is an address, or its end where that is unique, or a pattern such as 'caas/1/76/web-*'; without
    one all declared keys are meant. What is not given by options is taken from renew in the document of a
    key, then from renew in the configuration. A default is changed only where it is meant for all its keys.
    A key that is rotated, or has lifecycle: {renew: false}, is passed over; one that has reached max_total is
    named for rotation. Without a TARGET, a file that cannot be edited in place is left, with a warning.

    Exit code 0: nothing expires within the time. 2: something was written, would be with --check, or a key
    is named for rotation.
    """
    check_files(options)
    console, clock = options.output.console(), clock_of(context)
    kinds = options.inputs.known_kinds(console.warning)
    now = clock.now()
    state = read_files(kinds, options.inputs, now)
    located = located_keys(state, kinds, content_of)
    near = [one for one in located if is_due(one, options.policy(one), now)]
    if located and not any(map(options.policy, located)):
        where = "give --within and --to, or write renew: {within: 30d, to: 180d} into the configuration"
        raise ConfigurationError(f"no policy says which keys are renewed; {where}")
    live: Mapping[Scope, LiveScope] = {}
    if state.names or any(options.is_limited(one) for one in near):  # what the files do not say
        with sessions(options.connection, clock, console, at_once=False) as client:
            state = resolved(client, state)
            located = located_keys(state, kinds, content_of)
            near = [one for one in located if is_due(one, options.policy(one), now)]
            live = live_scopes(client, kinds, (one.scope for one in near if options.is_limited(one)))
    _, is_selected = select(state, options.targets, "")
    selected = [one for one in near if is_selected(one.address)]
    wanted = renewals_of(selected, options.policy, live, state, now)

    def edit(keys: Iterable[Located], refused: Collection[str]) -> list[Renewal]:
        found = [one for one in wanted if one.value is None or one.key.source not in refused]
        write_renewals(keys, found)
        return found

    rules = options.inputs.rules(kinds, now)
    editing = Editing(lambda: located_keys(state, kinds, content_of), rules, console, not options.targets)
    files, renewals = editing.files(located, edit)
    write(files, console, is_checked=options.check)
    for found in renewals:
        console.text(escape_control(renewal_line(found)) + "\n")
    return _ended(renewals, console, is_checked=options.check)


def is_due(one: Located, policy: RenewPolicy | None, now: dt.datetime) -> bool:
    """Return whether a policy asks for something to be done about a key."""
    return policy is not None and is_near(one.kind, one.key, policy, now)


def renewals_of(
    near: Iterable[Located],
    policy_of: Callable[[Located], RenewPolicy | None],
    live: Mapping[Scope, LiveScope],
    state: DesiredState,
    now: dt.datetime,
) -> list[Renewal]:
    """Return what is to become of keys that expire soon, but for those that are rotated already."""
    rotated = {part.scope.address(name) for part in state.scopes for name in Successions.of(part.keys).last}
    found = []
    for one in near:
        policy = policy_of(one)
        if policy is None or one.address in rotated:
            continue
        row = live[one.scope].keys.get(one.key.name) if one.scope in live else None
        created = None if row is None else parse_instant(created_at(one.kind, row) or "")
        found.append(renewal(one.kind, one.scope, one.key, policy, created, now))
    return [one for one in found if one is not None]


def _ended(renewals: Sequence[Renewal], console: Console, *, is_checked: bool) -> ExitCode:
    """Print what was done, and return the exit code."""
    count = sum(found.value is not None for found in renewals)
    due = sum(found.is_for_rotation for found in renewals)
    if count:
        verb = "would be renewed" if is_checked else "renewed in the files; apply sends it"
        console.note(f"{counted(count, 'key')} {verb}.")
    if due:
        console.note(f"{counted(due, 'key')} to be rotated: reconciler rotate --due begins it.")
    if not renewals:
        console.note("Nothing to renew.")
    return ExitCode.CHANGES if count or due else ExitCode.DONE
