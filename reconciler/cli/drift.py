"""``reconciler drift``."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.console import CONTEXT, Console, OutputOptions
from reconciler.cli.drift_options import check, drift_options, is_service
from reconciler.cli.options import RECORDS, add, api_options, clock_of, missing_extra, pass_env_option
from reconciler.cli.settings import build
from reconciler.errors import ExitCode
from reconciler.service.records import open_history

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.model.clock import Clock
    from reconciler.service.history.database import Database
    from reconciler.service.loop import Service
    from reconciler.service.observers import Watch


@click.command(
    context_settings=CONTEXT,
    epilog="""\b
Examples:
  reconciler drift keys/                         # 2 when something differs from the files
  reconciler drift keys/ --history drift.db      # 2 when something changed since apply
  reconciler drift keys/ --correct all           # and bring it back
  reconciler drift keys/ --correct grants        # undo what widened access, report the rest
  reconciler drift keys/ --every 15m --jitter 1m --history drift.db --metrics-port 9464
""",
)
@drift_options
@pass_env_option
@add(RECORDS)
@api_options
@click.pass_context
def drift(context: click.Context, /, **parameters: Any) -> ExitCode:
    """Show which live keys are not as the files say; with --correct, bring back what changed outside Git.

    Keys count that were changed, deleted or, where their scope is exclusive or they are declared absent,
    created. With --history or --base it is known which side changed: what Git alone did is pending, which is
    no drift and is left to apply.

    Without --correct nothing is written. Exit code 0: no drift, or none is left. 1: an error, or a key that
    cannot be compared. 2: there is drift, or drift is left to a person or contested. 3: the correction was
    refused, by --max-revoked or --max-changes. 4: a correction failed or could not be verified. 130:
    interrupted.

    With --every or --cron the command is a service: files and token are read anew in each round, files that
    are invalid leave the last valid ones in force, and failed rounds come at growing distances. SIGHUP begins
    a round at once; SIGTERM and SIGINT let writes in flight finish, and the exit code is 0. A second one ends
    the service with 130, at once, or once the secret of a new key that is on its way is stored.
    """
    check(context, parameters)
    console = build(OutputOptions, parameters).console()
    clock = clock_of(context)
    stop = threading.Event()
    from reconciler.service.cycle import Cycles  # noqa: PLC0415 - --help needs no engine
    from reconciler.service.observers import open_watch, systemd  # noqa: PLC0415 - the same

    supervisor = systemd()
    with (
        open_history(parameters, clock, "drift") as (database, history, records),
        open_watch(parameters, records.run, clock, console, stop, database, supervisor) as watch,
    ):
        rounds = Cycles(parameters, clock, console, stop, records, database, history, watch)
        if not is_service(parameters):
            return rounds.once()
        from reconciler.service.loop import Service  # noqa: PLC0415 - only a service needs it
        from reconciler.service.schedule import Every  # noqa: PLC0415 - the same

        schedule = parameters["cron"] or Every(parameters["every"])
        service = Service(schedule, parameters["jitter"], clock, console, stop, watch.heartbeat, supervisor)
        with _pages(parameters, service, watch, database, clock, console):
            service.run(rounds.again, rounds.held, rounds.tell_stored)
        return ExitCode.DONE


@contextmanager
def _pages(  # noqa: PLR0913, PLR0917 - everything that the pages show
    parameters: Mapping[str, Any],
    service: Service,
    watch: Watch,
    database: Database,
    clock: Clock,
    console: Console,
) -> Iterator[None]:
    """Serve the pages of the service, if they are wanted. Raises ConfigurationError if they cannot be."""
    port, address = parameters["metrics_port"], parameters["metrics_address"]
    if port is None or watch.metrics is None:
        yield
        return
    from reconciler.service.http import serve  # noqa: PLC0415 - only a service that is watched needs it

    try:
        from reconciler.service.pages import Pages  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise missing_extra("metrics", error) from error
    pages = Pages(service, database, watch.metrics, watch.heartbeat, clock)
    with serve(address, port, pages.paths(), parameters["metrics_host"], clock) as taken:
        host = f"[{address}]" if ":" in address else address
        console.note(f"Status page: http://{host}:{taken}/")
        yield
