"""What ``drift`` prints of a round; a service prints only what it has not printed in the round before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.errors import Problem
from reconciler.report import FieldOutcome

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Mapping

    from reconciler.cli.console import Console
    from reconciler.commands.drift import Detection
    from reconciler.report import DriftedField


class DriftPrinter:
    """Prints rounds, and remembers the last."""

    def __init__(self, parameters: Mapping[str, Any], console: Console) -> None:
        """Take the options, and where to print."""
        self._parameters = parameters
        self._console = console
        self._shown = ""
        self._complained: tuple[str, ...] = ()
        self._warned: tuple[Problem, ...] = ()
        self._left: tuple[object, ...] = ()

    def complain(self, complaints: tuple[str, ...]) -> None:
        """Print what is wrong with the files or their checkout."""
        if complaints != self._complained:
            for complaint in complaints:
                self._console.error(complaint)
        self._complained = complaints

    def warn(self, warnings: tuple[Problem, ...]) -> None:
        """Print the warnings of the files."""
        if warnings != self._warned:
            self._console.warn(warnings)
        self._warned = warnings

    def show(self, detection: Detection, now: dt.datetime) -> None:
        """Print the drift, then the reasons why some keys could not be compared."""
        from reconciler.render.drift import render_drift  # noqa: PLC0415 - --help needs no renderer
        from reconciler.render.json import render_json  # noqa: PLC0415 - the same

        plan, drifted = detection.plan, detection.drifted
        problems = [str(problem) for problem in plan.problems]
        live = [warning for warning in plan.warnings if warning.is_live]
        told = "\n".join([plan.fingerprint, *problems, *map(str, live)])
        if told == self._shown:
            self._console.detail("No news since the last round")
            return
        self._shown = told
        if self._parameters["format"] == "json":
            self._console.result(render_json(plan, now, drifted))
        else:
            is_whole = not plan.problems
            self._console.result(render_drift(drifted, is_whole=is_whole, paint=self._console.paint))
        self._console.warn(live)
        for problem in problems:
            self._console.error(problem)

    def tell_left(self, detection: Detection, fields: Collection[DriftedField]) -> None:
        """Name what is left to a person, and what is contested."""
        left = tuple(dict.fromkeys(field.address for field in fields if field.outcome is FieldOutcome.LEFT))
        contested = [field for field in fields if field.outcome is FieldOutcome.CONTESTED]
        told = (*left, *((field.address, field.change.field) for field in contested))
        if told == self._left:
            return
        self._left = told
        for address in left:
            self._console.note(f"Left to a person: {address}")
        places = {key.correction.address: key.correction.position for key in detection.drifted}
        self._console.warn(
            Problem(self._contested(field), places[field.address], field.address) for field in contested
        )

    def _contested(self, field: DriftedField) -> str:
        from reconciler.render.values import clear_command  # noqa: PLC0415 - --help needs no renderer

        name, times = field.change.field, self._parameters["contested_after"]
        file = self._parameters["history"]
        command = "" if file is None else f", or until {clear_command(field.address, name, file)}"
        return (
            f"{name} is contested: corrected {times} times and changed back, it is left alone "
            f"until the file says something else{command}"
        )
