"""``reconciler renew``: later expiries for keys that expire soon."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

import click

from reconciler.adopt.located import Located
from reconciler.adopt.renew import renewed
from reconciler.cli.completing import by
from reconciler.cli.console import Console
from reconciler.cli.credentials import sessions
from reconciler.cli.lifetimes import LifetimeOptions, lifetime_option, max_changes_option, note_waiting
from reconciler.cli.rewriting import check_files, read_declarations
from reconciler.cli.system import clock_of
from reconciler.cli.values import command
from reconciler.errors import ExitCode
from reconciler.model.escape import escape_control
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import counted, listed
from reconciler.model.policy import RenewPolicy
from reconciler.plan.limits import Count, Limits, Share
from reconciler.plan.renewal import Renewal
from reconciler.render.lifetimes import renewal_line


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewOptions(LifetimeOptions):
    """The options of ``renew``."""

    targets: tuple[str, ...]
    within: str | None = lifetime_option("Renew keys that expire within this time, such as 30d.")
    to: str | None = lifetime_option("Set their expiry this long after today, such as 180d.")
    max_total: str | None = lifetime_option(
        "Set no expiry later than this after the creation of a key, such as 2y."
    )
    max_changes: Count | Share | None = max_changes_option("Without a TARGET")

    def policy(self, one: Located) -> RenewPolicy | None:
        """Return the policy of a key: from options, then its document, then the configuration file."""
        return self.renewal_of(one, {"within": self.within, "to": self.to, "max_total": self.max_total})


@command(
    RenewOptions,
    "reconciler renew --within 30d --to 180d",
    "reconciler renew 'caas/1/76/web-*' --file keys/ --check",
)
@click.argument("targets", nargs=-1, metavar="[TARGET...]", shell_complete=by("addresses"))
def renew(context: click.Context, options: RenewOptions) -> ExitCode:
    """Write later expiries into the files of keys that expire soon. Never writes to the API.

    TARGET is an address, or the end of it if that is unique, or a pattern such as 'caas/1/76/web-*'; without
    a TARGET, all declared keys are renewed. An option that is not set is read from renew in the document of
    the key, then from renew in the configuration. An expiry in defaults is changed only if all keys that use
    it are renewed. A key that is being rotated, or has lifecycle: {renew: false}, is skipped; a key that has
    reached max_total is reported for rotation. Without a TARGET, a key that cannot be edited automatically is
    left with a warning, and keys beyond --max-changes are left for the next run; keys that expire first come
    first.

    Exit code 0: no key expires within the time, or all are left for the next run. 2: something was written,
    would be written with --check, or a key is reported for rotation.
    """
    check_files(options.inputs.paths)
    console, clock = options.output.console(), clock_of(context)
    declared = read_declarations(options.inputs, clock, console)
    with sessions(options.connection, clock, console) as client:
        limits = Limits(max_changes=options.max_changes)
        found = renewed(declared, client, options.policy, options.targets, limits)
    options.write(found.edits, console)
    for one in found.renewals:
        console.text(escape_control(renewal_line(one)) + "\n")
    for why, keys in groupby(sorted(found.passed_over.items(), key=itemgetter(1)), itemgetter(1)):
        console.note(f"Skipped {listed([address for address, _ in keys], 10)}: {why}.")
    note_waiting(found.waiting, console)
    if not found.renewals and not found.waiting:
        console.note("Nothing to renew.")
    verb = "would be renewed" if options.check else "renewed in the files; apply sends it"
    return _ended(found.renewals, verb, console)


def _ended(renewals: Sequence[Renewal], verb: str, console: Console) -> ExitCode:
    """Print what was done, and return the exit code."""
    count = sum(found.value is not None for found in renewals)
    due = sum(found.is_for_rotation for found in renewals)
    if count:
        console.note(f"{counted(count, 'key')} {verb}.")
    if due:
        console.note(f"{counted(due, 'key')} to be rotated: run reconciler rotate --due.")
    return ExitCode.CHANGES if count or due else ExitCode.DONE
