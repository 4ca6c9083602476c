#!/usr/bin/env python3
"""The pinned requirements: ``python tools/locks.py`` writes them, ``--check`` compares them.

Both need the index of packages. A check upgrades nothing: a lock is what ``pyproject.toml`` asks for, or not.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

ROOT: Final = Path(__file__).parents[1]
_COMPILE: Final = (
    "pip",
    "compile",
    "--quiet",
    "--universal",
    "--generate-hashes",
    "--no-emit-index-url",
    "--custom-compile-command=make lock",
)
_DEV: Final = "--constraint=requirements/dev.txt"
_PARTS: Final[dict[str, tuple[str, ...]]] = {
    "dev": ("--all-extras", "--group=dev"),
    "runtime": ("--extra=metrics", _DEV),
    "command": ("--group=wheel", _DEV),
    "cluster": ("--extra=metrics", "--extra=dask", _DEV),
    "demo": ("--extra=emulator", "--extra=report", "--group=build", _DEV),
}
"""What the project itself needs: by extras and groups of pyproject.toml."""
_ALONE: Final = {"lock": "uv", "release": "cyclonedx-bom"}
"""One tool each, beside the project."""
_NEWER: Final = {"rego": ("--python-version=3.14", "--no-deps")}
"""Those of make integration that ask for a newer Python than this project."""


def locks(root: Path) -> Iterator[str]:
    """Yield the path of every lock of a tree, those that others are held to first."""
    yield from (f"requirements/{name}.txt" for name in (*_ALONE, *_PARTS))
    yield from (str(lock.relative_to(root)) for lock in sorted(root.glob("requirements/integration/*.txt")))


def _words(lock: str) -> tuple[Sequence[str], str]:
    """Return the words for uv, and what it reads from standard input."""
    name = Path(lock).stem
    if lock.startswith("requirements/integration/"):
        return ("--no-annotate", f"--group={name}", *_NEWER.get(name, ("--python-version=3.11",))), ""
    if name in _ALONE:
        return ("--python-version=3.11", "-"), _ALONE[name]
    return ("--python-version=3.11", *_PARTS[name], "pyproject.toml"), ""


def _compile(root: Path, lock: str, output: Path, *more: str) -> None:
    words, text = _words(lock)
    uv = str(Path(sys.executable).with_name("uv"))
    command = [uv, *_COMPILE, *more, *words, f"--output-file={output}"]
    done = subprocess.run(command, cwd=root, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{lock}: {done.stderr.strip()}")


def write(root: Path) -> None:
    """Pin the newest versions of tools, and versions of the project's own needs where they changed."""
    for lock in locks(root):
        _compile(root, lock, root / lock, *(() if Path(lock).stem in _PARTS else ("--upgrade",)))


def outdated(root: Path, names: Iterable[str]) -> list[str]:
    """Return those of the locks that would be written differently though nothing is upgraded."""
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(4) as pool:

        def differs(lock: str) -> bool:
            copy = Path(place) / lock.replace("/", "-")
            shutil.copy(root / lock, copy)
            _compile(root, lock, copy)
            return copy.read_bytes() != (root / lock).read_bytes()

        every = list(names)
        return [lock for lock, found in zip(every, pool.map(differs, every), strict=True) if found]


def main(words: Sequence[str]) -> int:
    """Write or check the locks; return the exit code."""
    parser = argparse.ArgumentParser(prog="locks.py", description="Write or check the pinned requirements.")
    parser.add_argument("--check", action="store_true", help="say which are out of date, and write nothing")
    if not parser.parse_args(words).check:
        write(ROOT)
        return 0
    found = outdated(ROOT, locks(ROOT))
    for name in found:
        print(f"{name} is not what pyproject.toml asks for; run: make lock", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
