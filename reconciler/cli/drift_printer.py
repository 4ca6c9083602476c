"""The output of ``drift`` for a single cycle."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import chain

from reconciler.cli.console import Console
from reconciler.cli.writing import WritePrinter
from reconciler.model.cycle import DriftedField, FieldOutcome
from reconciler.model.phrases import first_texts
from reconciler.model.source import Problem
from reconciler.model.status import NewKey, ServiceCondition
from reconciler.plan.report import DriftReport
from reconciler.render.drift import (
    NAMED,
    DriftView,
    contested_text,
    left_texts,
    render_drift,
    render_drift_json,
)


class DriftPrinter(WritePrinter):
    """Follows a cycle, and prints it."""

    def __init__(
        self,
        console: Console,
        shown: str,
        contested_after: int,
        history: str | None,
        advised: Sequence[str] | None = None,
    ) -> None:
        """Store the console, the format, and the text about contested fields.

        ``advised`` are the paths on the command line for advice about drift; None gives no advice.
        """
        super().__init__(console)
        self._advised = advised
        self._format = shown
        self._contested_after = contested_after
        self._history = history
        self.note, self.detail, self.error = console.note, console.detail, console.error

    def progress(self, what: str, total: int) -> AbstractContextManager[Callable[[], None]]:
        """Show a progress bar."""
        return self.console.progress(what, total)

    def troubled(self, conditions: Mapping[ServiceCondition, Sequence[str]]) -> None:
        """Print the problems of the files or their checkout."""
        for text in chain.from_iterable(conditions.values()):
            self.console.error(text)

    def detected(self, detection: DriftReport, new_keys: tuple[NewKey, ...], at: dt.datetime) -> None:
        """Print warnings, the drift, and what could not be compared or applied as declared."""
        plan = detection.plan
        self.console.warn(plan.warnings)
        problems = first_texts(detection.problems)
        named = len(plan.unmanaged) if self.console.verbosity > 0 else NAMED
        view = DriftView(
            detection.drifted,
            detection.pending,
            plan.unmanaged,
            new_keys,
            not problems,
            named,
            plan.shown_apis,
            plan.unmanaged_ids,
            detection.doubtful_scopes,
            self._advised,
        )
        if self._format == "json":
            self.console.result(render_drift_json(plan, view, at))
        else:
            self.console.result(render_drift(view, self.console.screen()))
        for obstacle in first_texts(detection.obstacles):
            self.console.warning(obstacle)
        for problem in problems:
            self.console.error(problem)

    def left(self, detection: DriftReport, fields: Sequence[DriftedField]) -> None:
        """Print the drift that is left to a person, with the reason if there is one, and contested drift."""
        contested = [field for field in fields if field.outcome is FieldOutcome.CONTESTED]
        for text in first_texts(left_texts(fields), "key"):
            self.console.note(f"Left to a person: {text}")
        positions = {key.correction.address: key.correction.position for key in detection.drifted}
        texts = (contested_text(field, self._contested_after, self._history) for field in contested)
        self.console.warn(
            Problem(text, positions[field.address], field.address)
            for text, field in zip(texts, contested, strict=True)
        )
