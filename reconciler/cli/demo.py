"""``reconciler demo``: a tour against the embedded emulator, with the real commands."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gcore_emulator.command import emulator_class
from reconciler.adopt.modeline import MODELINE, SCHEMA_FILE
from reconciler.cli.console import CONTEXT, plain_console
from reconciler.cli.system import ENVIRONMENT
from reconciler.cli.values import epilog
from reconciler.errors import ExitCode
from reconciler.kinds.bundle import editor_schema
from reconciler.kinds.packaged import load_kinds, resource
from reconciler.load.process import MACHINE, child_environment
from reconciler.model.frozen import dataclass
from reconciler.render.text_layout import Colour

if TYPE_CHECKING:
    from gcore_emulator import Emulator, RequestRecord

_SHOWN: Final = ("COLUMNS", "FORCE_COLOR", "CLICOLOR_FORCE", "NO_COLOR", "PYTHON*", "TERM")
"""How a command is started, and how it prints."""
_FILE: Final = "keys.yaml"
_SEED: Final = "live.json"
_PAGE: Final = "status.html"
_NEW: Final = """
  - name: search-index        # a new one: apply creates it, and stores its secret
    description: Builds the index of the shop, owned by team search
    expire: 2036-12-31T00:00:00Z
    containers:
      - {name: indexer, namespace: shop}
"""
_SCOPE: Final = (1, 76)
_DRIFT: Final[Mapping[str, Mapping[str, Any]]] = {
    "partner-acme": {"is_disabled": False},
    "storefront": {"expire": "2037-07-31T00:00:00Z"},
}
"""What a person changes by hand."""


@dataclass(frozen=True, slots=True)
class _Tour:
    """A folder, and the environment of the commands that run in it."""

    folder: Path
    environment: Mapping[str, str]

    def run(self, line: str, expected: ExitCode = ExitCode.DONE, into: str | None = None) -> None:
        """Run a command as a user would type it. Raises ClickException if it does not end as expected."""
        click.echo(f"\n$ reconciler {line}{'' if into is None else f' > {into}'}")
        sys.stdout.flush()
        # -P: a folder named `reconciler` in the current directory is not what runs.
        command = [sys.executable, "-P", "-m", "reconciler", *shlex.split(line)]
        done = subprocess.run(  # noqa: S603 - our own command
            command,
            cwd=self.folder,
            env=self.environment,
            check=False,
            stdout=subprocess.PIPE if into else None,
        )
        if done.returncode != expected:
            raise click.ClickException(f"the demo did not end as expected; its files are in {self.folder}")
        if into is not None:
            (self.folder / into).write_bytes(done.stdout)


@click.command(context_settings=CONTEXT, epilog=epilog("reconciler demo"))
def demo() -> ExitCode:
    """Run a short tour: a creation, drift by hand, its correction, and how it is shown.

    It runs against an emulated API: nothing leaves this machine, no token is needed, and nothing is left
    running. The files remain in a new temporary folder for your own experiments.
    """
    make = emulator_class("demo")
    seed = json.loads((resource("examples") / _SEED).read_text(encoding="utf-8"))
    folder = Path(tempfile.mkdtemp(prefix="reconciler-demo-"))
    _write_files(folder)
    with make(seed=seed) as emulator:
        tour = _Tour(folder, _environment(emulator.url, emulator.token))
        _show_plan(tour, emulator)
        _show_drift(tour, emulator)
        keys = [*emulator.keys(*_SCOPE).values()]
    # Families map scopes to keys; the projects and regions are lists, and stay as they are.
    live = {what: dict.fromkeys(of, keys) if isinstance(of, dict) else of for what, of in seed.items()}
    (folder / _SEED).write_text(json.dumps(live, indent=2) + "\n", encoding="utf-8")
    _say_next(folder)
    return ExitCode.DONE


def _write_files(folder: Path) -> None:
    """Write the example with one more key, and the schema for editors."""
    text = (resource("examples") / _FILE).read_text(encoding="utf-8")
    rest = text.partition("\n")[2]
    (folder / _FILE).write_text(f"{MODELINE}{SCHEMA_FILE}\n{rest}{_NEW}", encoding="utf-8")
    (folder / SCHEMA_FILE).write_text(editor_schema(load_kinds().values()), encoding="utf-8")
    (folder / ".gitignore").write_bytes((resource("deploy") / "gitignore").read_bytes())


def _show_plan(tour: _Tour, emulator: Emulator) -> None:
    _say(f"An emulated API runs at {emulator.url}; {tour.folder / _FILE} declares its keys.")
    _say("Apply shows the plan, and sends only the fields that differ. A new secret goes into a folder.")
    tour.run(f"apply {_FILE} --auto-approve --secret-sink file:secrets --history drift.db")
    _say("What the server received:")
    click.echo("\n".join(_writes(emulator.requests)))
    _say("Now nothing is left to do.")
    tour.run(f"plan {_FILE} --detailed-exitcode")


def _show_drift(tour: _Tour, emulator: Emulator) -> None:
    for name, fields in _DRIFT.items():
        emulator.put_key(*_SCOPE, {**emulator.keys(*_SCOPE)[name], **fields})
    _say("Someone enables a partner's key again by hand, and extends another one. drift finds both.")
    tour.run(f"drift {_FILE} --history drift.db", ExitCode.CHANGES)
    _say("One change was right: accept writes the live value into the file.")
    tour.run(f"accept caas/1/76/storefront --file {_FILE}")
    _say("The other one granted access outside Git: drift reverts it.")
    tour.run(f"drift {_FILE} --history drift.db --correct grants")
    _say("The history of both, as a page:")
    if find_spec("jinja2") is None:
        plain_console().text(
            "\nA page needs the packages of requirements/runtime.txt; this is the text of it.\n"
        )
        tour.run("history --history drift.db")
    else:
        tour.run("history --history drift.db --format html", into=_PAGE)
    _say("Files and API are equal again.")
    tour.run(f"plan {_FILE} --detailed-exitcode")


def _say_next(folder: Path) -> None:
    """Print the remaining files, and suggestions."""
    own = Path(sys.executable).with_name("reconciler")
    program = "reconciler" if shutil.which("reconciler") or not own.exists() else shlex.quote(str(own))
    page = folder / _PAGE
    look = f" Open {page}, or continue:" if page.exists() else " Go on there:"
    _say(f"The emulated API has stopped; the files remain.{look}")
    plain_console().text(f"""
  cd {shlex.quote(str(folder))}
  {program} emulator --seed {_SEED}   # leave it running; it prints two lines that begin with export
  {program} plan {_FILE}              # in another terminal, after these two; edit {_FILE}, and plan again

  In a folder of your own, with your token in GCORE_API_KEY: {program} init
""")


def _say(text: str) -> None:
    console = plain_console()
    lines = console.screen().lines((f"==> {text}", Colour.STRONG), hang="    ")
    console.result("".join(f"{line}\n" for line in ("", *lines)))


def _environment(url: str, token: str) -> Mapping[str, str]:
    """Return the environment of a command that uses the emulator, without other settings."""
    ours = {"GCORE_BASE_URL": url, "GCORE_API_KEY": token, "RECONCILER_CONFIG": os.devnull}
    return child_environment(ENVIRONMENT, MACHINE, _SHOWN) | ours


def _writes(requests: Iterable[RequestRecord]) -> Iterable[str]:
    writes = sorted(
        (record.method, record.path, record.body) for record in requests if record.method != "GET"
    )
    for method, path, body in writes:
        yield f"  {method} {path}"
        yield f"  {' ' * len(method)} {json.dumps(body)}"
