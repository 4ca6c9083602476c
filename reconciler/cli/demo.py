"""``reconciler demo``: the main job against the embedded emulator, with the real commands."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from gcore_emulator.command import emulator_class
from reconciler.cli.console import CONTEXT
from reconciler.cli.values import epilog
from reconciler.errors import ExitCode
from reconciler.kinds.packaged import resource
from reconciler.load.process import MACHINE, child_environment

if TYPE_CHECKING:
    from gcore_emulator import RequestRecord

_SHOWN: Final = ("COLUMNS", "FORCE_COLOR", "NO_COLOR", "PYTHON*", "TERM")
"""How a command is started, and how it prints."""


@click.command(context_settings=CONTEXT, epilog=epilog("reconciler demo"))
def demo() -> ExitCode:
    """Run a short tour: plan, apply and plan again against an emulated API.

    Nothing leaves this machine, no token is needed, and nothing is left running.
    """
    make = emulator_class("demo")
    examples = resource("examples")
    desired = _shown(examples / "keys.yaml")
    with make(seed=json.loads((examples / "live.json").read_text(encoding="utf-8"))) as emulator:
        environment = _environment(emulator.url, emulator.token)
        _say(f"An emulated API runs at {emulator.url}. Its live keys differ from {desired}.")
        codes = [_run(["plan", desired], environment)]
        _say("Apply sends only the fields that differ, in one PATCH for each changed key.")
        codes.append(_run(["apply", desired, "--auto-approve"], environment))
        _say("What the server received:")
        click.echo("\n".join(_patches(emulator.requests)))
        _say("Now nothing is left to do.")
        codes.append(_run(["plan", desired, "--detailed-exitcode"], environment))
    if any(codes):
        raise click.ClickException("the demo did not end with a live state that equals the file")
    return ExitCode.DONE


def _say(text: str) -> None:
    click.echo(f"\n{click.style(f'==> {text}', bold=True)}")


def _run(arguments: list[str], environment: Mapping[str, str]) -> int:
    click.echo(f"\n$ reconciler {shlex.join(arguments)}")
    sys.stdout.flush()
    # -P: a folder named `reconciler` in the current directory is not what runs.
    command = [sys.executable, "-P", "-m", "reconciler", *arguments]
    return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603 - our own command


def _environment(url: str, token: str) -> Mapping[str, str]:
    """Return the environment of a command that talks to the emulator, whatever this one is set to."""
    ours = {"GCORE_BASE_URL": url, "GCORE_API_KEY": token, "RECONCILER_CONFIG": os.devnull}
    return child_environment(os.environ, MACHINE, _SHOWN) | ours


def _patches(requests: Iterable[RequestRecord]) -> Iterable[str]:
    patches = sorted((record.path, record.body) for record in requests if record.method == "PATCH")
    for path, body in patches:
        yield f"  PATCH {path}"
        yield f"        {json.dumps(body)}"


def _shown(path: Path) -> str:
    """Return a path the way a user in the current directory would type it."""
    with contextlib.suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)
