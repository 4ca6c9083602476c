"""Plans by several processes of which one is killed: the same plan, within the same limits, and no rest."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from chaos_runs import listing
from chaos_runs.data import make_keys, write_files
from chaos_runs.processes import ChaosError, Ended, Place, a_place, complaint
from chaos_runs.promises import Findings

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from random import Random

    from chaos_runs.listing import Api
    from chaos_runs.scale import Scale

_SIZES: Final = (150, 90, 60, *(20,) * 17)
_SLOWEST: Final = 0.1
_PARALLELISM: Final = (1, 2, 3, 6)
_PLAN: Final = ("plan", "--max-revoked", "100%", "--quiet")
_LIMIT_SECONDS: Final = 240
_LONGEST_LIFE: Final = 5.0
_STEP: Final = 0.01
_UNHEARD: Final = 0.2
"""Seconds in which a process may not have read a response yet."""
_LONGEST_LINGERING: Final = 0.5
_CHANGING: Final = ("timestamp", "checksum")


class Workers(Protocol):
    """The processes that make a plan with ``options``, and of which one is killed."""

    @property
    def options(self) -> tuple[str, ...]:
        """Return the options of the plan."""
        ...

    def of(self, run: int) -> list[int]:
        """Return the processes that work for a run, which is the process with this number."""
        ...

    def renew(self) -> None:
        """Restart what was killed."""
        ...

    def left(self) -> list[str]:
        """Return what is left of runs that have ended."""
        ...


@dataclass(frozen=True, slots=True)
class Processes:
    """Processes of this machine, each run's own."""

    width: int
    options: tuple[str, ...]

    def of(self, run: int) -> list[int]:
        """Return the children of the server process that makes them."""
        return [worker for server in _children(run) for worker in _children(server)]

    def renew(self) -> None:
        """Do nothing: the run does that."""

    def left(self) -> list[str]:
        """Return nothing: they are in the group of the run."""
        return []


def numbers(most: int, findings: Findings) -> Iterator[int]:
    """Yield the numbers of plans until so many workers are killed: a plan may end before it is due."""
    for number in range(3 * most):
        if findings.figures.get("workers killed", 0) >= most:
            return
        yield number


def kill_processes(scale: Scale) -> Findings:
    """Kill one of two or three processes in each of many plans."""
    with a_setting(scale) as setting:
        return kill_in(setting, scale)


def kill_in(setting: Setting, scale: Scale) -> Findings:
    """Kill processes as ``kill_processes`` does, in a setting that is there."""
    findings = Findings("processes: a worker of each plan is killed with SIGKILL at a random point")
    for number in numbers(scale.workers, findings):
        draw = random.Random(f"{scale.seed}/{number}")  # noqa: S311 - has to be repeatable
        width = draw.choice((2, 3))
        one_run(setting, Processes(width, ("--processes", str(width))), draw, findings)
    return findings


@dataclass(frozen=True, slots=True)
class Setting:
    """Files, the API that they are compared with, and the plan of one process."""

    place: Place
    api: Api
    expected: tuple[str, str]
    seconds: float

    @property
    def requests(self) -> int:
        """How many requests a plan needs."""
        return len(_SIZES)


@contextmanager
def a_setting(scale: Scale) -> Iterator[Setting]:
    """Serve keys, declare them, and make the plan of one process."""
    draw = random.Random(scale.seed)  # noqa: S311 - has to be repeatable
    keys = make_keys(_SIZES, draw)
    delays = iter(lambda: draw.uniform(0, _SLOWEST), None)
    with a_place() as place, listing.serving(keys, delays) as api:
        write_files(keys, place.files)
        began = time.monotonic()
        ended = place.run(api.url, *_PLAN, "--processes", "1", "--out", "one.json", str(place.files))
        if ended.code != 0:
            raise ChaosError(ended.reported)
        yield Setting(place, api, (ended.out, _content(place, "one.json")), time.monotonic() - began)


def one_run(setting: Setting, workers: Workers, draw: Random, findings: Findings) -> None:
    """Make one plan while a worker is killed, and judge it."""
    api, place = setting.api, setting.place
    parallelism = draw.choice(_PARALLELISM)
    api.begin(draw.randint(1, setting.requests) if draw.random() < 1 / 2 else 0)
    at_request = draw.randint(1, setting.requests) if draw.random() < 2 / 3 else None
    if api.busy_at and draw.random() < 1 / 2:
        at_request = api.busy_at  # in the pause that is asked for
    wait = draw.uniform(0, 2 * setting.seconds)
    due = threading.Event()
    if at_request is not None:
        api.on_request = lambda count: due.set() if count == at_request else None
    options = (*workers.options, "--parallelism", str(parallelism), "--out", "many.json")
    command = (*_PLAN, *options, str(place.files))
    with (
        ThreadPoolExecutor(1) as pool,
        place.started(api.url, *command, start_new_session=True) as process,
    ):
        killed = pool.submit(_kill, process, workers, due, None if at_request else wait, draw)
        out, err = process.communicate(timeout=_LIMIT_SECONDS)
        due.set()
        done, killed_at = killed.result()
        findings.add(done)
    point = f"request {at_request}" if at_request else f"{wait:.2f} s after the first worker"
    where = f"killed at {point}, {' '.join(options)}, 429 at request {api.busy_at}"
    if api.asked_at is not None and 0 <= killed_at - api.asked_at < _UNHEARD:
        api.asked_at = None
        findings.add("killed before it may have heard of the pause")
    _judge(setting, Ended(process.returncode, out, err), parallelism, where, findings)
    left = _left(process.pid) + workers.left()
    findings.promise("nothing is left of a plan", [f"{where}: {left}"] if left else [])
    workers.renew()


def _kill(
    process: subprocess.Popen[str], workers: Workers, due: threading.Event, wait: float | None, draw: Random
) -> tuple[str, float]:
    """Kill one of the workers when that is due, or some time after the first one began.

    Return what was done, and when.
    """
    victims: list[int] = []
    while not victims and process.poll() is None:
        time.sleep(_STEP)
        victims = workers.of(process.pid)
    if due.wait(wait):
        time.sleep(draw.uniform(0, _LONGEST_LINGERING))
    victims = workers.of(process.pid)
    if process.poll() is not None or not victims:
        return "plans that had ended before", 0.0
    killed_at = time.monotonic()
    try:
        os.kill(draw.choice(victims), signal.SIGKILL)
    except ProcessLookupError:
        return "workers that had ended before", 0.0
    return "workers killed", killed_at


def _judge(setting: Setting, ended: Ended, parallelism: int, where: str, findings: Findings) -> None:
    api = setting.api
    findings.add("plans")
    findings.add("requests", api.requests)
    findings.add("requests sent again", api.requests - setting.requests - api.refused)
    findings.figures["most requests in flight"] = max(
        findings.figures.get("most requests in flight", 0), api.most
    )
    findings.promise(
        "each plan succeeds, without a message",
        [f"{where}: {text}" for text in complaint(ended)] + ([f"{where}: {ended.err}"] if ended.err else []),
    )
    found = (ended.out, _content(setting.place, "many.json"))
    findings.promise(
        "each plan is that of one process, byte for byte",
        [where] if ended.code == 0 and found != setting.expected else [],
    )
    findings.promise(
        "never more requests in flight than asked for",
        [f"{where}: {api.most}"] if api.most > parallelism else [],
    )
    findings.promise(
        "no request arrives while the API asked for a pause",
        [f"{where}: {api.hurried}"] if api.hurried else [],
    )


def _content(place: Place, name: str) -> str:
    """Return the text of a saved plan without the time at which it was made, and what follows from it."""
    file = place.directory / name
    if not file.exists():
        return ""
    text = file.read_text(encoding="utf-8")
    values = json.loads(text)
    for member in _CHANGING:
        text = text.replace(json.dumps(values[member]), '"-"')
    file.unlink()
    return text


def _left(group: int) -> list[str]:
    """Return the processes of a group that live after a while."""
    found: list[str] = []
    for _ in range(round(_LONGEST_LIFE / _STEP)):
        if not (found := _living(group)):
            break
        time.sleep(_STEP)
    return found


def _living(group: int) -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            state, _, its_group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state != "Z":
                found.append((folder / "cmdline").read_text().replace("\0", " "))
    return found


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):
            found += map(int, file.read_text().split())
    return found
