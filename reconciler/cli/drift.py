"""``reconciler drift``."""

from __future__ import annotations

import datetime as dt
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from importlib import import_module

import click

from reconciler.api.apis import Apis
from reconciler.api.exchange import Exchange
from reconciler.api.redaction import Redactor
from reconciler.api.workers import Workers
from reconciler.apply.sinks.store import SinkSecretStore
from reconciler.cli.console import Console, standard_input
from reconciler.cli.credentials import sessions
from reconciler.cli.drift_log import DriftLog, banner, logging_console
from reconciler.cli.drift_options import DriftOptions, checked
from reconciler.cli.drift_printer import DriftPrinter
from reconciler.cli.execution import executor
from reconciler.cli.options import paths_argument
from reconciler.cli.receivers import receivers
from reconciler.cli.signals import handling, stop_handler, stopping
from reconciler.cli.system import ENVIRONMENT, HOST, RANDOMNESS, clock_of
from reconciler.cli.values import command
from reconciler.cli.writing import record_settings, secret_store
from reconciler.errors import ExitCode, ReconcilerError
from reconciler.load.git import git_commit, not_committed, pull
from reconciler.model.clock import Clock
from reconciler.model.plan import Change
from reconciler.model.succession import SecretAlias
from reconciler.plan.correction import Permissions
from reconciler.plan.drift import Correction, FlappingRule
from reconciler.service.records import open_history
from reconciler.service.run import run_drift
from reconciler.service.settings import DriftSettings, Ports
from reconciler.service.systemd import Supervisor

_LONGEST_SILENCE = 300.0
_READ_PARTS = 4


@command(
    DriftOptions,
    "reconciler drift keys/                         # 2 when something differs from the files",
    "reconciler drift keys/ --history drift.db      # 2 when something changed since apply",
    "reconciler drift keys/ --correct all           # and bring it back",
    "reconciler drift keys/ --correct grants        # undo granted access, report the rest",
    "reconciler drift keys/ --every 15m --jitter 1m --history drift.db --metrics-port 9464",
)
@paths_argument
def drift(context: click.Context, options: DriftOptions) -> ExitCode:
    """Show which live keys differ from the files; with --correct, correct what changed outside Git.

    Drift is a key that was changed, deleted or, where its scope is exclusive or it is declared absent,
    created. With --history or --base it is known which side changed: a change that only Git made is pending,
    which is not drift and is left to apply.

    Without --correct nothing is written. Exit code 0: no drift, or none is left. 1: an error, or a key that
    cannot be compared. 2: there is drift, or drift that is not corrected or contested. 3: the correction was
    refused, by --max-revoked or --max-changes. 4: a correction failed or could not be verified. 130:
    interrupted.

    With --every or --cron the command is a service: files and token are read again in each round, the last
    valid files remain in use while they are invalid, and failed rounds are repeated at growing intervals.
    SIGHUP starts a round at once; SIGTERM and SIGINT let writes in flight finish, and the exit code is 0. A
    second one ends the service with 130, at once, or once the secret of a new key is stored.
    """
    console = options.output.console()
    options = checked(context, options, console)
    history_file, advised = options.records.history, _advised(context, options)
    clock = clock_of(context)
    if options.schedule is None:
        printer = DriftPrinter(console, options.format, options.contested_after, history_file, advised)
        return _run(options, clock, console, lambda: _ports(options, clock, console, printer))
    console = logging_console(console, options, clock)

    def started() -> Ports:
        ports = _ports(options, clock, console, DriftLog(console, options))
        console.note(banner(options, ports.receivers), "service.started")
        return ports

    try:
        return _run(options, clock, console, started)
    except ReconcilerError as error:
        console.complain(error, "service.failed")
        return error.exit_code
    except KeyboardInterrupt:  # before the first round, nothing else handles it
        console.note("Interrupted.", "interrupted")
        return ExitCode.INTERRUPTED
    finally:
        console.note("The service has ended.", "service.stopped")


def _run(options: DriftOptions, clock: Clock, console: Console, ports: Callable[[], Ports]) -> ExitCode:
    settings = _settings(options, console)
    for module, use in (("pages", options.metrics_port), ("metrics", options.metrics_file)):
        if use is not None:  # an extra is missing before anything is done, or not at all
            import_module(f"reconciler.service.{module}")
    with open_history(settings.records, clock) as (records, history):
        return run_drift(settings, ports(), records, history)


def _advised(context: click.Context, options: DriftOptions) -> tuple[str, ...] | None:
    """Return the paths on the command line, for advice about drift; None if the reader is no person."""
    if options.correct is not None or options.schedule is not None:
        return None
    return tuple("PATH" if path == "-" else path for path in context.params["paths"])


def _settings(options: DriftOptions, console: Console) -> DriftSettings:
    planning = options.planning
    connecting, selection, paths = planning.connection, planning.selection, planning.inputs.paths
    commit = partial(git_commit, planning.inputs.versioned, HOST, console.warning)
    window = dt.timedelta(seconds=options.contested_window)
    return DriftSettings(
        paths=paths,
        targets=selection.target,
        parallelism=connecting.parallelism_by_api,
        limits=selection.limits,
        correct=None if options.correct is None else Correction(options.correct),
        permissions=Permissions(selection.allow_destroy, options.secrets.secret_sink is not None),
        flapping=FlappingRule(options.contested_after, window),
        records=record_settings(
            "drift", connecting.base_urls, options.records, commit, console, options.metrics_file
        ),
        retention=dt.timedelta(seconds=options.retention),
        metrics_port=options.metrics_port,
        metrics_address=options.metrics_address,
        metrics_hosts=options.metrics_host,
        metrics_file=options.metrics_file,
        notify_after=options.notify_after,
        longest_silence=_LONGEST_SILENCE + connecting.connect_timeout + _READ_PARTS * connecting.read_timeout,
        schedule=options.schedule,
        jitter=options.jitter,
    )


def _ports(options: DriftOptions, clock: Clock, console: Console, printer: DriftPrinter | DriftLog) -> Ports:
    inputs, stop, wake = options.planning.inputs, threading.Event(), threading.Event()
    notified = receivers(options.receivers, clock, console, stop)
    console.warn_of_readers(options.records.history, "history")
    kinds, passed = inputs.known_kinds(console.warning), options.secrets.pass_env

    show = options.planning.connection.shown_by(console)

    def connect(
        on_exchange: Callable[[Exchange], None], workers: Mapping[str, Workers], redactor: Redactor
    ) -> Apis:
        def followed(exchange: Exchange) -> None:
            show(exchange)
            on_exchange(exchange)

        return sessions(
            options.planning.connection, clock, console, stop, followed, workers, redactor
        ).opened()

    def open_store(
        changes: Sequence[Change], aliases: Sequence[SecretAlias], redactor: Redactor
    ) -> SinkSecretStore | None:
        places = (options.secrets, options.records)
        printer.store = secret_store(changes, aliases, *places, clock, console, redactor)
        return printer.store

    return Ports(
        clock=clock,
        randomness=RANDOMNESS,
        kinds=kinds,
        standard_input=standard_input(),
        rules_at=partial(inputs.rules, kinds),
        not_committed=partial(not_committed, inputs.paths, HOST),
        connect=connect,
        open_store=open_store,
        signals=partial(_signals, options, stop, wake, console, printer),
        supervisor=Supervisor.of(ENVIRONMENT, os.getpid()),
        observer=printer,
        base=partial(inputs.read_base, kinds),
        pull=partial(pull, inputs.paths, HOST, passed=passed) if options.git_pull else None,
        receivers=notified,
        executor=partial(executor, options.execution, options.planning.connection, console),
        stop=stop,
        wake=wake,
    )


def _signals(
    options: DriftOptions,
    stop: threading.Event,
    wake: threading.Event,
    console: Console,
    printer: DriftPrinter | DriftLog,
) -> AbstractContextManager[None]:
    """Return a context in which signals end the cycles; for a service, another one starts the next cycle."""
    if options.schedule is None:
        return stopping(stop, console, lambda: printer.store)
    finish = stop_handler(stop, console, lambda: printer.store)

    def end() -> None:
        finish()
        wake.set()

    return handling({signal.SIGINT: end, signal.SIGTERM: end, signal.SIGHUP: wake.set})
