"""``reconciler notify-test``."""

from __future__ import annotations

import threading
from contextlib import closing

import click

from reconciler.cli.options import OutputOptions
from reconciler.cli.receivers import ReceiverOptions, receivers
from reconciler.cli.system import RANDOMNESS, clock_of
from reconciler.cli.values import command
from reconciler.errors import ConfigurationError, ExitCode, ReconcilerError
from reconciler.model.frozen import dataclass
from reconciler.render.notification import sample_message
from reconciler.service.outbox import new_identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyTestOptions:
    """The options of ``notify-test``: the receiver options of ``drift``."""

    receivers: ReceiverOptions
    output: OutputOptions


@command(NotifyTestOptions, "RECONCILER_DRIFT_SLACK=https://hooks.slack.com/… reconciler notify-test")
def notify_test(context: click.Context, options: NotifyTestOptions) -> ExitCode:
    """Send a sample message to each receiver of notifications, and print its response.

    The receivers are those of drift: the options and variables are the same. Exit code 0: each one accepted
    its message. 1: one did not, or there is none.
    """
    console, clock = options.output.console(), clock_of(context)
    found = receivers(options.receivers, clock, console, threading.Event())
    if not found:
        names = "RECONCILER_DRIFT_SLACK, _TEAMS, _WEBHOOK, or _SMTP with _MAIL_TO and _MAIL_FROM"
        raise ConfigurationError(f"there is no receiver to notify: set {names}")
    is_done = True
    for receiver in found:
        with closing(receiver):
            try:
                response = receiver.send(sample_message(clock.now()), new_identifier(RANDOMNESS))
            except ReconcilerError as error:
                console.error(f"{receiver.name}: {error}")
                is_done = False
            else:
                console.text(f"{receiver.name}: {receiver.place} took the message: {response}\n")
    return ExitCode.DONE if is_done else ExitCode.ERROR
