"""What ``drift`` prints of a round; a service prints only what it has not printed in the round before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.model.cycle import FieldOutcome
from reconciler.model.phrases import first_texts
from reconciler.model.source import Problem

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Mapping

    from reconciler.cli.console import Console
    from reconciler.model.cycle import DriftedField
    from reconciler.model.status import NewKey
    from reconciler.service.detection import Detection


class DriftPrinter:
    """Prints rounds, and remembers the last."""

    def __init__(self, parameters: Mapping[str, Any], console: Console) -> None:
        """Store the options, and where to print."""
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
        """Print the warnings of a round."""
        if warnings != self._warned:
            self._console.warn(warnings)
        self._warned = warnings

    def show(self, detection: Detection, new_keys: tuple[NewKey, ...], now: dt.datetime) -> None:
        """Print the drift, then what could not be compared, and what could not be applied as it stands."""
        from reconciler.render.drift import NAMED, DriftView, render_drift  # noqa: PLC0415 - --help needs no renderer
        from reconciler.render.json import render_drift_json  # noqa: PLC0415 - the same

        plan = detection.plan
        problems = first_texts(detection.problems)
        named = len(plan.unmanaged) if self._console.verbosity > 0 else NAMED
        is_complete = not problems
        view = DriftView(detection.drifted, detection.pending, plan.unmanaged, new_keys, is_complete, named)
        text = render_drift(view, self._console.paint)
        shown = "\n".join([text, *map(str, plan.problems)])
        if shown == self._shown:
            self._console.detail("No news since the last round")
            return
        self._shown = shown
        is_json = self._parameters["format"] == "json"
        self._console.result(render_drift_json(plan, view, now) if is_json else text)
        for obstacle in first_texts(detection.obstacles):
            self._console.warning(obstacle)
        for problem in problems:
            self._console.error(problem)

    def tell_left(self, detection: Detection, fields: Collection[DriftedField]) -> None:
        """Name what is left to a person, with the reason if there is one, and what is contested."""
        left = dict.fromkeys(
            (field.address, field.detail) for field in fields if field.outcome is FieldOutcome.LEFT
        )
        contested = [field for field in fields if field.outcome is FieldOutcome.CONTESTED]
        told = (*left, *((field.address, field.change.field) for field in contested))
        if told == self._left:
            return
        self._left = told
        texts = [f"{address}{f': {reason}' if reason else ''}" for address, reason in left]
        for text in first_texts(texts, "key"):
            self._console.note(f"Left to a person: {text}")
        places = {key.correction.address: key.correction.position for key in detection.drifted}
        self._console.warn(
            Problem(self._contested(field), places[field.address], field.address) for field in contested
        )

    def _contested(self, field: DriftedField) -> str:
        from reconciler.render.values import clear_command, field_name  # noqa: PLC0415 - --help needs no renderer

        name, times = field.change.field, self._parameters["contested_after"]
        file = self._parameters["history"]
        command = "" if file is None else f", or until {clear_command(field.address, name, file)}"
        return (
            f"{field_name(name)} is contested: corrected {times} times and changed back, it is left alone "
            f"until the file says something else{command}"
        )
