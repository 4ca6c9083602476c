"""The options of ``drift`` alone: when, how often, who is told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import click

from reconciler.cli.options import base_option, secret_sink_option
from reconciler.cli.values import DURATION, ListType, Parsed
from reconciler.service.schedule import parse_cron

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Command = Callable[..., Any]

CORRECTIONS: Final = ("all", "grants", "revokes")


CRON: Final = Parsed("cron", parse_cron, "invalid cron expression {}; use five fields, such as 0 6 * * *.")


def _hosts(context: click.Context, parameter: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of hosts. Raises BadParameter for what is none."""
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,253}|[0-9A-Fa-f:.]{2,45}", name):
            message = f"{name!r} is not the name or the address of a host; write it without a port."
            raise click.BadParameter(message, context, parameter)
    return names


_OPTIONS = [
    click.option(
        "--correct",
        type=click.Choice(CORRECTIONS),
        help="Send what the files say for drift that did this to access.",
    ),
    secret_sink_option,
    click.option(
        "--allow-destroy",
        is_flag=True,
        help="Let --correct delete keys that the files do not want, and delete one to replace it.",
    ),
    base_option,
    click.option(
        "--format",
        type=click.Choice(("text", "json")),
        default="text",
        show_default=True,
        help="How the drift is printed.",
    ),
    click.option("--every", type=DURATION, help="Run as a service: a round at this distance, such as 15m."),
    click.option(
        "--cron",
        type=CRON,
        metavar="EXPRESSION",
        help="Run as a service: rounds at the moments of a cron expression, in UTC.",
    ),
    click.option(
        "--jitter",
        type=DURATION,
        default="0s",
        show_default=True,
        help="Begin each round up to so much later.",
    ),
    click.option(
        "--git-pull", is_flag=True, help="Before each round, git pull --ff-only the files' checkout."
    ),
    click.option(
        "--keep",
        type=DURATION,
        default="90d",
        show_default=True,
        help="Drop from the history what ended longer ago.",
    ),
    click.option(
        "--contested-after",
        type=click.IntRange(min=1),
        default=3,
        show_default=True,
        metavar="N",
        help="Stop correcting a field that was corrected so often and changed back.",
    ),
    click.option(
        "--contested-window",
        type=DURATION,
        default="24h",
        show_default=True,
        help="Count the corrections within this time.",
    ),
    click.option(
        "--notify-after",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        metavar="N",
        help="Tell of drift that so many rounds in a row saw; of corrections at once.",
    ),
    click.option(
        "--webhook",
        metavar="URL",
        help="Tell this address what changed, by a POST. Better in the environment.",
    ),
    click.option(
        "--webhook-secret-file",
        type=click.Path(),
        help="File with the secret that signs messages; goes before RECONCILER_DRIFT_WEBHOOK_SECRET.",
    ),
    click.option(
        "--metrics-port",
        type=click.IntRange(0, 65535),
        help="Serve status page, /metrics, /healthz and /readyz on this port; 0 takes any.",
    ),
    click.option(
        "--metrics-address",
        default="127.0.0.1",
        show_default=True,
        help="Listen on this address only.",
    ),
    click.option(
        "--metrics-host",
        multiple=True,
        type=ListType(),
        metavar="NAME",
        callback=_hosts,
        help="Answer for this host too, besides loopback and the address that is listened on. Repeatable.",
    ),
    click.option(
        "--metrics-file",
        type=click.Path(dir_okay=False),
        help="Write metrics to this file after each round, for a textfile collector.",
    ),
]


def drift_options(command: Command) -> Command:
    """Add the options of ``drift``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def is_service(parameters: Mapping[str, Any]) -> bool:
    """Return whether rounds come on a schedule."""
    return parameters["every"] is not None or parameters["cron"] is not None


def check(context: click.Context, parameters: Mapping[str, Any]) -> None:
    """Refuse options that make no sense together. Raises UsageError."""
    for is_wrong, complaint in (*_of_corrections(parameters), *_of_rounds(parameters)):
        if is_wrong:
            raise click.UsageError(complaint, context)


def _of_corrections(parameters: Mapping[str, Any]) -> list[tuple[bool, str]]:
    return [
        (
            parameters["correct"] is not None and parameters["format"] != "text",
            "--format json shows drift; it cannot go with --correct.",
        ),
        (
            parameters["correct"] is None
            and (parameters["allow_destroy"] or parameters["secret_sink"] is not None),
            "--allow-destroy and --secret-sink are for --correct.",
        ),
    ]


def _of_rounds(parameters: Mapping[str, Any]) -> list[tuple[bool, str]]:
    service = is_service(parameters)
    has_memory = service or parameters["history"] is not None
    contested = parameters["contested_after"] != 3 or parameters["contested_window"] != 86_400  # noqa: PLR2004 - the defaults
    return [
        (
            parameters["every"] is not None and parameters["cron"] is not None,
            "--every and --cron are two schedules; choose one.",
        ),
        (
            service and "-" in parameters["paths"],
            "standard input can be read once; a service needs files.",
        ),
        (parameters["every"] == 0, "--every must be longer than 0s."),
        (
            not service and bool(parameters["jitter"]),
            "--jitter delays the rounds of a service; it needs --every or --cron.",
        ),
        (
            parameters["keep"] < parameters["contested_window"],
            "--keep must not be shorter than --contested-window, which counts what is kept.",
        ),
        (
            not has_memory and parameters["notify_after"] > 1,
            "--notify-after counts rounds; it needs --history, --every or --cron.",
        ),
        (
            not has_memory and contested,
            "--contested-after and --contested-window count rounds; they need --history, --every or --cron.",
        ),
        (
            not service and parameters["metrics_port"] is not None,
            "--metrics-port is for a service; with one round, use --metrics-file.",
        ),
        (
            parameters["metrics_host"] and parameters["metrics_port"] is None,
            "--metrics-host is for the pages of a service; it needs --metrics-port.",
        ),
        (
            parameters["webhook_secret_file"] is not None and parameters["webhook"] is None,
            "--webhook-secret-file signs messages; it needs --webhook.",
        ),
    ]
