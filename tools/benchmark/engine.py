"""Running the engine, and refusing every run that did not do what it should."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmark.processes import RECONCILER, ROOT, BenchmarkError, Place, Run, Server, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmark.report import Row
    from benchmark.scale import Scale

    Measure = Callable[[Place, Scale, frozenset[str]], list[Row]]

PARALLELISM: Final = "10"
EXAMPLE: Final = "examples/keys.yaml"
ONE_PROCESS: Final = "1"
AUTO: Final = "auto"


def plan(place: Place, server: Server, files: str, changed: int, *, processes: str = ONE_PROCESS) -> Run:
    """Run a plan that must find ``changed`` keys to change; ``processes`` is how many it may use, or auto."""
    finished = run(place, (*RECONCILER, "plan", files, "--processes", processes), url=server.url)
    return _checked(place, finished, "plan", _planned(changed) if changed else "No changes.")


def plan_on(place: Place, server: Server, files: str, changed: int, address: str) -> Run:
    """Run a plan on the cluster with this scheduler; it must find ``changed`` keys to change."""
    finished = run(place, (*RECONCILER, "plan", files, "--dask", address), url=server.url)
    return _checked(place, finished, "plan", _planned(changed) if changed else "No changes.")


def plan_example(place: Place, program: tuple[str, ...], url: str, changed: int) -> Run:
    """Run a plan of the example file by an installed program; it must find ``changed`` keys to change."""
    finished = run(place, (*program, "plan", EXAMPLE), url=url, directory=ROOT)
    return _checked(place, finished, "plan", _planned(changed))


def apply(place: Place, server: Server, files: str, changed: int) -> Run:
    """Run an approved apply that must change ``changed`` keys."""
    command = (*RECONCILER, "apply", files, "--auto-approve", "--parallelism", PARALLELISM)
    finished = run(place, command, url=server.url)
    wanted = f"Apply complete! Resources: 0 added, {changed} changed, 0 destroyed."
    return _checked(place, finished, "apply", wanted)


def help_text(place: Place) -> Run:
    """Print the engine's help."""
    return _checked(place, run(place, (*RECONCILER, "--help")), "--help", "plan")


def validate_example(place: Place) -> Run:
    """Validate the example file."""
    return run(place, (*RECONCILER, "validate", EXAMPLE), directory=ROOT)


def _planned(changed: int) -> str:
    return f"Plan: 0 to add, {changed} to change, 0 to destroy."


def _checked(place: Place, finished: Run, command: str, wanted: str) -> Run:
    if wanted not in finished.output:
        last = place.without_paths("\n".join(finished.output.splitlines()[-3:]))
        raise BenchmarkError(f"reconciler {command}: expected {wanted!r}, but the output ends with:\n{last}")
    return finished
