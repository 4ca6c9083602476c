"""The options of ``drift`` only: schedule, notifications, metrics."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Final

import click
from click.core import ParameterSource

from reconciler.cli.console import Console
from reconciler.cli.execution_options import ExecutionOptions
from reconciler.cli.options import OutputOptions, base_option
from reconciler.cli.planning_options import PlanningOptions
from reconciler.cli.receivers import ReceiverOptions
from reconciler.cli.record_options import RecordOptions, SecretOptions, pass_env_option, secret_sink_option
from reconciler.cli.values import FILE, Integers, ListType, Parsed, option
from reconciler.model.durations import parse_interval
from reconciler.model.frozen import dataclass
from reconciler.plan.drift import Correction
from reconciler.render.log import LogFormat
from reconciler.service.schedule import Cron, Every, Schedule, parse_cron

_SERVICE, _MEMORY, _PAGES = "Service", "Records", "Metrics and pages"
"""Sections of options."""
_ROUNDS: Final = ("every|cron",)
_RECORDED: Final = ("history|every|cron",)
"""What rounds are counted by."""
DURATION: Final = Parsed("duration", parse_interval, "invalid duration {}; use 30s, 15m, 6h or 1d.")
CRON: Final = Parsed("cron", parse_cron, "invalid cron expression {}; use five fields, such as 0 6 * * *.")


def _hosts(context: click.Context, parameter: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of hosts. Raises BadParameter for anything else."""
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,253}|[0-9A-Fa-f:.]{2,45}", name):
            message = f"{name!r} is not the name or the address of a host; write it without a port."
            raise click.BadParameter(message, context, parameter)
    return names


def _duration(text: str, default: str, section: str, needs: tuple[str, ...]) -> Any:
    return option(text, type=DURATION, default=default, section=section, needs=needs)


def _count(text: str, default: int, section: str) -> Any:
    kind = Integers(min=1)
    return option(text, type=kind, default=default, metavar="N", section=section, needs=_RECORDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftOptions:
    """The options of ``drift``; ``keep`` is the old name of ``retention``."""

    correct: str | None = option(
        "Correct drift with this effect on access.",
        type=click.Choice([correction.value for correction in Correction]),
    )
    secret_sink: str | None = secret_sink_option(needs=("correct",))
    allow_destroy: bool = option(
        "Allow --correct to delete keys that must not exist, and to replace keys.", needs=("correct",)
    )
    base: str | None = base_option()
    format: str = option("How the drift is printed.", type=click.Choice(("text", "json")), default="text")
    every: float | None = option(
        "Run as a service: a round at this interval, such as 15m.", type=DURATION, section=_SERVICE
    )
    cron: Cron | None = option(
        "Run as a service: rounds at the times of a cron expression, in UTC.",
        type=CRON,
        metavar="EXPRESSION",
        section=_SERVICE,
    )
    jitter: float = _duration("Delay each round by a random time, at most this.", "0s", _SERVICE, _ROUNDS)
    log_format: str | None = option(
        "How the lines of the log on standard error are written; as --format unless it is given.",
        type=click.Choice([form.value for form in LogFormat]),
        section=_SERVICE,
        needs=_ROUNDS,
    )
    git_pull: bool = option("Before each round, git pull --ff-only the files' checkout.", section=_SERVICE)
    retention: float = _duration(
        "Remove records from the history that ended longer ago than this.", "90d", _MEMORY, _RECORDED
    )
    keep: float | None = option(
        "The deprecated name of --retention.", type=DURATION, hidden=True, needs=_RECORDED
    )
    contested_after: int = _count(
        "Stop correcting a field that was corrected this often and changed back.", 3, _MEMORY
    )
    contested_window: float = _duration("Count the corrections within this time.", "24h", _MEMORY, _RECORDED)
    notify_after: int = _count(
        "Notify of drift after this many rounds in a row; of corrections at once.",
        1,
        ReceiverOptions.SECTION,
    )
    receivers: ReceiverOptions
    metrics_port: int | None = option(
        "Serve status page, /metrics, /healthz and /readyz on this port; 0 takes any.",
        type=Integers(0, 65535),
        metavar="PORT",
        section=_PAGES,
    )
    metrics_address: str = option(
        "Listen on this address only.", default="127.0.0.1", section=_PAGES, needs=("metrics_port",)
    )
    metrics_host: tuple[str, ...] = option(
        "Serve this host too, besides loopback and the address that is listened on. Repeatable.",
        type=ListType(),
        metavar="NAME",
        callback=_hosts,
        needs=("metrics_port",),
        section=_PAGES,
    )
    metrics_file: str | None = option(
        "Write metrics to this file after each round, for a textfile collector.",
        type=FILE,
        section=_PAGES,
    )
    pass_env: tuple[str, ...] = pass_env_option(needs=("secret_sink|git_pull",))
    records: RecordOptions
    planning: PlanningOptions
    execution: ExecutionOptions
    output: OutputOptions
    secrets: SecretOptions

    @property
    def schedule(self) -> Schedule | None:
        """Return when cycles are due, None if there is one cycle only."""
        return self.cron if self.every is None else Every(self.every)


def checked(context: click.Context, options: DriftOptions, console: Console) -> DriftOptions:
    """Return the options, with an old one under its new name. Raises UsageError if they contradict."""
    if options.keep is not None:
        console.warning("--keep is deprecated; use --retention instead")
        if context.get_parameter_source("retention") is ParameterSource.DEFAULT:
            options = replace(options, retention=options.keep)
    for mistake, is_made in _mistakes(options).items():
        if is_made:
            raise click.UsageError(mistake, context)
    return options


def _mistakes(options: DriftOptions) -> dict[str, object]:
    """Return the possible contradictions of options, each with whether it applies."""
    is_service = options.schedule is not None
    lacks_correct = options.correct is None
    reads_standard_input = "-" in options.planning.inputs.paths
    return {
        "--format json shows drift; it cannot go with --correct.": (
            not lacks_correct and options.format != "text"
        ),
        "--every and --cron cannot be combined; choose one.": (
            options.every is not None and options.cron is not None
        ),
        "a service cannot read from standard input; specify files.": is_service and reads_standard_input,
        "--every must be longer than 0s.": options.every == 0,
        "--retention must not be shorter than --contested-window, which counts what is retained.": (
            options.retention < options.contested_window
        ),
        "--metrics-port is for a service; with one round, use --metrics-file.": (
            not is_service and options.metrics_port is not None
        ),
    }
