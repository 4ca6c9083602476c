"""``reconciler rotate``: replace a key by a successor, by edits of files."""

from __future__ import annotations

from dataclasses import replace

import click

from reconciler.adopt.located import Located
from reconciler.adopt.rotation_edits import Mode, Request
from reconciler.adopt.rotations import rotated
from reconciler.cli.completing import by
from reconciler.cli.credentials import sessions
from reconciler.cli.lifetimes import LifetimeOptions, lifetime_option, max_changes_option, note_waiting
from reconciler.cli.rewriting import check_files, read_declarations
from reconciler.cli.system import clock_of
from reconciler.cli.values import LIMIT, command, option
from reconciler.errors import ExitCode
from reconciler.model.escape import escape_control
from reconciler.model.frozen import dataclass
from reconciler.model.policy import RenewPolicy, RotatePolicy, rotate_policy
from reconciler.plan.limits import DEFAULT_REVOKED, Count, Limits, Share


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateOptions(LifetimeOptions):
    """The options of ``rotate``."""

    addresses: tuple[str, ...]
    now: bool = option(
        "For a leaked key: skip or end the overlap; the key loses access once its successor exists."
    )
    finish: bool = option(
        "Write the next step of rotations whose overlap has ended or whose old key is deleted."
    )
    abort: bool = option("Undo a rotation whose successor is not live yet.")
    due: bool = option("Start the rotation of each key that renew reports for rotation.")
    overlap: str | None = lifetime_option("How long both keys work.  [default: 7d]", needs=("!abort",))
    to: str | None = lifetime_option(
        "How long the successor is valid.  [default: as in renew, else 180d; no expiry if the key has none]",
        needs=("!abort", "!finish"),
    )
    max_revoked: Count | Share | None = option(
        "With --due and --finish: write at most as many revocations as one apply may send, N keys or P% of a"
        f" scope.  [default: {DEFAULT_REVOKED.words}]",
        type=LIMIT,
    )
    max_changes: Count | Share | None = max_changes_option("With --due and --finish")

    @property
    def limits(self) -> Limits:
        """Return the limits of one apply."""
        return Limits(self.max_revoked or DEFAULT_REVOKED, self.max_changes)

    def renewal(self, one: Located) -> RenewPolicy | None:
        """Return the policy by which a key is renewed."""
        return self.renewal_of(one, {"to": self.to})

    def policy(self, one: Located) -> RotatePolicy:
        """Return the policy of a key: what options say, then its document, then the configuration."""
        policy = rotate_policy(
            self.layers("renew", {"to": self.to}, one.renew),
            self.layers("rotate", {"overlap": self.overlap}, one.rotate),
        )
        return replace(policy, must_end=self.to is not None)


@command(
    RotateOptions,
    "reconciler rotate storefront --overlap 14d",
    "reconciler rotate caas/1/76/storefront --now     # it has leaked",
    "reconciler rotate --finish                       # in a scheduled run",
)
@click.argument("addresses", nargs=-1, metavar="[ADDRESS...]", shell_complete=by("addresses"))
def rotate(context: click.Context, options: RotateOptions) -> ExitCode:
    """Replace a key by a successor, by edits of its file. Never writes to the API.

    The command declares a successor below the key, with the same fields and an expiry of its own, and sets
    the expiry of the key to the end of the overlap. Apply then creates the successor, stores its secret, and
    shortens the life of the old key, in this order. Later --finish declares the old key absent, and removes
    its entry once apply has deleted it.

    ADDRESS is the address of the key, or the end of it if that is unique. Without ADDRESS, --finish continues
    all rotations.

    Exit code 0: done. 1: a key cannot be rotated; the error says why, and nothing is written. 2: with
    --finish, --due or --check, something was written or would be. --due warns of a key that cannot be
    rotated, and continues; --due and --finish do the same for a key that cannot be edited automatically. For
    each scope, both write at most as much as one apply may revoke and change. Keys that end first come first;
    the others are left for the next run.
    """
    mode = _mode(options, context)
    console, clock = options.output.console(), clock_of(context)
    declared = read_declarations(options.inputs, clock, console)
    request = Request(mode, options.addresses, options.limits, options.renewal, options.policy)
    with sessions(options.connection, clock, console) as client:
        found = rotated(declared, client, request)
    for text in found.report.warnings:
        console.warning(text)
    options.write(found.edits, console)
    for line in found.report.lines:
        console.text(escape_control(line) + "\n")
    for line in found.report.unchanged:
        console.note(escape_control(line))
    note_waiting(found.report.waiting, console)
    if not found.edits.files:
        console.note("Nothing to write.")
    elif options.check:
        console.note("Nothing was written, because of --check.")
    else:
        console.note("Written to the files; plan shows what apply will send.")
    is_asked = options.check or mode in {Mode.FINISH, Mode.DUE}
    return ExitCode.CHANGES if found.edits.files and is_asked else ExitCode.DONE


def _mode(options: RotateOptions, context: click.Context) -> Mode:
    """Return the mode. Raises UsageError or BadParameter for options that cannot be meant together."""
    check_files(options.inputs.paths)
    every = {
        Mode.NOW: options.now,
        Mode.FINISH: options.finish,
        Mode.ABORT: options.abort,
        Mode.DUE: options.due,
    }
    modes = [mode for mode, is_asked in every.items() if is_asked]
    if len(modes) > 1:
        raise click.UsageError(f"--{modes[0]} and --{modes[1]} cannot be combined.", context)
    if not options.addresses and not (options.finish or options.due):
        raise click.UsageError("specify the key to rotate (ADDRESS).", context)
    if options.addresses and options.due:
        raise click.UsageError("--due selects the keys; omit ADDRESS.", context)
    return modes[0] if modes else Mode.BEGIN
