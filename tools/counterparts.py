#!/usr/bin/env python3
"""The real programs that `make integration` runs against: ``python tools/counterparts.py`` obtains them.

Each comes from a registry of packages, by the ordinary client, into a folder of its own under
``.venv/counterparts``; nothing is installed on the machine. What cannot be had is recorded with its
reason, and asked for again the next time.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = ROOT / ".venv/counterparts"
REQUIREMENTS: Final = ROOT / "requirements/integration"
_STATE: Final = FOLDER / "state.json"
_NPM: Final = "npm"
_PROMETHEUS: Final = "prometheus"
_ALERTMANAGER: Final = "prometheus-alertmanager"
_RSYNC: Final = "rsync"
_REGO: Final = "rego"
_VENDOR: Final = "gcore"


@dataclass(frozen=True, slots=True)
class Counterpart:
    """A program or library that this project has to get along with; ``source`` is where it comes from."""

    name: str
    source: str
    program: str = ""
    """What has to be there; empty where it is a library."""


COUNTERPARTS: Final = tuple(
    Counterpart(*each)
    for each in (
        ("OpenBao", "openbao", "bao"),
        ("OPA's engine", _REGO),
        ("regorus", _REGO),
        ("opa", "", "opa"),
        ("conftest", "", "conftest"),
        ("Prometheus", _PROMETHEUS, "prometheus"),
        ("promtool", _PROMETHEUS, "promtool"),
        ("Alertmanager", _ALERTMANAGER, "prometheus-alertmanager"),
        ("systemd", "", "systemd-analyze"),
        ("kubectl", "kubectl", "kubectl"),
        ("kubernetes-validate", "", "kubernetes-validate"),
        ("act", "act", "act"),
        ("gitlab-ci-local", _NPM, "gitlab-ci-local"),
        ("rsync", _RSYNC, "rsync"),  # which gitlab-ci-local runs
        ("pre-commit", "pre-commit", "pre-commit"),
        ("terraform-compliance", "terraform-compliance", "terraform-compliance"),
        ("checkov", "checkov", "checkov"),
        ("tf-peek", "tf-peek", "tf-peek"),
        ("readtheplan", "readtheplan", "readtheplan"),
        ("zizmor", "zizmor", "zizmor"),
        ("actionlint", "actionlint", "actionlint"),
        ("hadolint", "hadolint", "hadolint"),
        ("shellcheck", "shellcheck", "shellcheck"),
        ("the vendor's SDK", _VENDOR),
        ("pip-audit", "pip-audit", "pip-audit"),
        ("uv", "", "uv"),
        ("yaml-language-server", _NPM, "yaml-language-server"),
        ("zensical", "zensical", "zensical"),
    )
)


def find(program: str) -> str | None:
    """Return the path of a program: one that was obtained, else one of this machine."""
    places = [*FOLDER.glob("*/bin"), *FOLDER.glob("*/usr/bin"), *FOLDER.glob("*/node_modules/.bin")]
    places.append(Path(sys.executable).parent)
    return shutil.which(program, path=":".join(map(str, places))) or shutil.which(program)


def reason(name: str) -> str:
    """Return why a counterpart cannot be had; empty if it is there."""
    (wanted,) = (each for each in COUNTERPARTS if each.name == name)
    if find(wanted.program) if wanted.program else (FOLDER / wanted.source).is_dir():
        return ""
    missing = _state().get(wanted.source, {}).get("missing", "")
    return missing or (
        "`make integration` obtains it"
        if wanted.source
        else "no registry of packages has it, and this machine neither"
    )


def _state() -> dict[str, dict[str, str]]:
    state: dict[str, dict[str, str]] = json.loads(_STATE.read_text("utf-8")) if _STATE.exists() else {}
    return state


def _run(*words: str | Path, place: Path | None = None) -> str:
    """Run a command; return its output, or raise with the last line of what it said."""
    done = subprocess.run(words, cwd=place, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()] or ["no message"]
        raise OSError(f"{Path(words[0]).name} ended with {done.returncode}: {lines[-1].strip()}")
    return done.stdout


def _environment(place: Path) -> None:
    """Install into an environment of its own: what these need cannot be had together."""
    uv = Path(sys.executable).with_name("uv")
    lock = REQUIREMENTS / f"{place.name}.txt"
    _run(uv, "venv", "--quiet", "--python", sys.executable, place)
    _run(uv, "pip", "install", "--quiet", "--python", place / "bin/python", "--require-hashes", "-r", lock)


def _engines(place: Path) -> None:
    """Unpack the engines of policies, without an environment: one asks for Python 3.14, and loads on 3.11."""
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install")
    wheels = ("--no-deps", "--only-binary=:all:", "--python-version", "3.14", "--ignore-requires-python")
    lock = REQUIREMENTS / f"{place.name}.txt"
    _run(*pip, "--target", place, *wheels, "--require-hashes", "-r", lock)


def _vendor(place: Path) -> None:
    """Install the vendor's SDK, and unpack its source, in which its tests are."""
    _environment(place)
    lines = (REQUIREMENTS / f"{place.name}.txt").read_text("utf-8").split("\n")
    first = next(number for number, line in enumerate(lines) if line.startswith(f"{_VENDOR}"))
    last = next(number for number in range(first, len(lines)) if not lines[number].endswith("\\"))
    only = place / "source.txt"
    only.write_text("\n".join(lines[first : last + 1]).replace("[aiohttp]", ""), encoding="utf-8")
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "download")
    _run(*pip, "--no-deps", f"--no-binary={_VENDOR}", "--require-hashes", "-r", only, "--dest", place)
    (archive,) = place.glob("*.tar.gz")
    shutil.unpack_archive(archive, place / "source", filter="data")


def _debian(place: Path, *libraries: str) -> None:
    """Unpack the package of Debian that a folder is named after, without its service and users."""
    place.mkdir()
    try:
        _run("apt-get", "download", place.name, *libraries, place=place)
    except OSError:  # the lists of packages are older than the packages, or there are none
        _run("apt-get", "update")
        _run("apt-get", "download", place.name, *libraries, place=place)
    for package in place.glob("*.deb"):
        _run("dpkg", "-x", package, place)


def _started(place: Path, command: str) -> None:
    """Write the program that a folder is named after, which starts the unpacked one by a command; try it."""
    program = place / "bin" / place.name
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nplace={shlex.quote(str(place))}\n{command}\n", encoding="utf-8")
    program.chmod(0o755)
    _run(program, "--version")


def _alertmanager(place: Path) -> None:
    """Unpack Alertmanager; its templates have to be in /usr/share, as it sees it."""
    _debian(place)
    command = 'mount --bind "$0/usr/share" /usr/share && exec "$0/usr/bin/prometheus-alertmanager" "$@"'
    _started(place, f'exec unshare --map-root-user --mount sh -c \'{command}\' "$place" "$@"')


def _rsync(place: Path) -> None:
    """Unpack rsync, with the libraries that no other program of a small machine brings."""
    _debian(place, "libpopt0", "libxxhash0")
    found = 'LD_LIBRARY_PATH=$(echo "$place"/usr/lib/*-linux-gnu)'
    _started(place, f'{found} exec "$place/usr/bin/rsync" "$@"')


def _npm(place: Path) -> None:
    shutil.copytree(REQUIREMENTS / _NPM, place)
    _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", place)


_WAYS: Final[dict[str, Callable[[Path], None]]] = {
    _REGO: _engines,
    _VENDOR: _vendor,
    _PROMETHEUS: _debian,
    _ALERTMANAGER: _alertmanager,
    _RSYNC: _rsync,
    _NPM: _npm,
}


def _wanted(source: str) -> str:
    """Return a digest of what is wanted, which changes with it."""
    files = sorted([*REQUIREMENTS.glob(f"{source}.txt"), *REQUIREMENTS.glob(f"{source}/*.json")])
    texts = [file.read_bytes() for file in files] or [Path(__file__).read_bytes()]
    return hashlib.sha256(b"\n".join(texts)).hexdigest()


def _obtain(source: str) -> dict[str, str]:
    """Obtain what comes from a source, unless it is there; return what became of it."""
    wanted, place = _wanted(source), FOLDER / source
    if place.is_dir() and _state().get(source) == {"wanted": wanted}:
        return {"wanted": wanted}
    shutil.rmtree(place, ignore_errors=True)
    try:
        _WAYS.get(source, _environment)(place)
    except OSError as error:
        shutil.rmtree(place, ignore_errors=True)
        return {"missing": str(error)}
    return {"wanted": wanted}


def main(sources: Sequence[str]) -> None:
    """Obtain everything, or what comes from these sources, and record what cannot be had."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    asked = sources or sorted({each.source for each in COUNTERPARTS if each.source})
    with ThreadPoolExecutor(4) as pool:
        state = _state() | dict(zip(asked, pool.map(_obtain, asked), strict=True))
    _STATE.write_text(json.dumps(state, indent=1), encoding="utf-8")
    for source in asked:
        print(f"{source}: {state[source].get('missing', 'there')}")


if __name__ == "__main__":
    main(sys.argv[1:])
