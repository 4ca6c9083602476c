"""The log of a ``drift`` service: each finding when it begins and when it ends, once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial

from reconciler.cli.console import Console, Log
from reconciler.cli.drift_options import DriftOptions
from reconciler.cli.writing import WritePrinter
from reconciler.model.clock import Clock
from reconciler.model.cycle import DriftedField, FieldOutcome
from reconciler.model.endpoint import place_text
from reconciler.model.outcome import Outcome
from reconciler.model.source import Problem
from reconciler.model.status import NewKey, ServiceCondition
from reconciler.plan.report import DriftReport
from reconciler.render.drift import (
    NOTHING_DIFFERS,
    NOTHING_DRIFTED,
    DriftView,
    contested_text,
    drift_line,
    render_drift_json,
)
from reconciler.render.log import LogFormat, field_outcome_text, found_text, outcome_text, unmanaged_text
from reconciler.render.notification import condition_words
from reconciler.render.text import access_line, closing_line
from reconciler.service.journald import Priority
from reconciler.service.outbox import Receiver

_Value = tuple[str, str]
"""The address of a key, and the name of its field."""


def logging_console(console: Console, options: DriftOptions, clock: Clock) -> Console:
    """Return a console whose lines on stderr are those of a log."""
    return console.logging(Log(clock, LogFormat(options.log_format or options.format)))


def banner(options: DriftOptions, receivers: Iterable[Receiver]) -> str:
    """Return what a service reads, how often, what it corrects, and who is notified."""
    planning, schedule = options.planning, options.schedule
    paths = ", ".join(planning.inputs.paths)
    jitter = f", up to {options.jitter:g} s later" * bool(options.jitter)
    corrected = "nothing" if options.correct is None else options.correct
    notified = ", ".join(f"{receiver.name} {receiver.place}" for receiver in receivers)
    destroy = ", keys may be deleted" * options.allow_destroy
    facts = (
        f"watches {paths} at {place_text(planning.connection.base_urls)}",
        f"a round {schedule}{jitter}",
        f"corrects {corrected}{destroy}",
        f"notifies {notified or 'no receiver'}",
        f"history {options.records.history or 'of one day, in memory'}",
    )
    return "; ".join(facts)


class DriftLog(WritePrinter):
    """Follows cycles: logs the news of each, and prints documents if requested."""

    def __init__(self, console: Console, options: DriftOptions) -> None:
        """Store the console, whether documents are printed, and the text about contested fields."""
        super().__init__(console)
        self._has_documents = options.format == "json"
        self._contested_after, self._history = options.contested_after, options.records.history
        self._known: Mapping[_Value, DriftedField] = {}
        self._last: dict[str, object] = {}
        self.note, self.detail, self.error = console.note, console.detail, console.error

    def progress(self, what: str, total: int) -> AbstractContextManager[Callable[[], None]]:
        """Show a progress bar."""
        return self.console.progress(what, total)

    def written(self, outcomes: Sequence[Outcome]) -> bool:
        """Log the outcome of each write; a corrected field no longer counts as logged drift."""
        done: set[str] = set()
        for outcome in outcomes:
            address, level = outcome.change.address, Priority.ERROR
            if outcome.result.is_success:
                done.add(address)
                level = Priority.INFO
            self.console.finding(outcome_text(outcome), "correction", address, level)
        self._known = {key: field for key, field in self._known.items() if key[0] not in done}
        self.console.finding(closing_line(outcomes), "corrections", priority=Priority.INFO)
        self.store = None
        return True

    def troubled(self, conditions: Mapping[ServiceCondition, Sequence[str]]) -> None:
        """Log the problems of the files or their checkout, and when they are solved."""
        for condition in (ServiceCondition.CHECKOUT, ServiceCondition.FILES):
            texts = tuple(conditions.get(condition, ()))
            if self._is_changed(condition.value, texts):
                begun, over, words = condition_words(condition)
                for text in texts:
                    self.console.error(text, begun)
                if not texts:
                    self.console.note(words, over)

    def detected(self, detection: DriftReport, new_keys: tuple[NewKey, ...], at: dt.datetime) -> None:
        """Log warnings, new drift and ended drift, and keys that could not be compared."""
        plan = detection.plan
        if self._is_changed("warnings", plan.warnings):
            self.console.warn(plan.warnings, "compare.warning")
        is_changed = [
            self._is_changed("fields", detection.fields()),
            self._is_changed("pending", detection.pending_fields()),
            self._is_changed("unmanaged", (plan.unmanaged, new_keys)),
            self._is_changed("problems", tuple(map(str, plan.problems))),
        ]
        if not any(is_changed) and "began" in self._last:
            self.console.detail("No change since the last round", "round.unchanged")
            return
        self._last["began"] = True
        if self._has_documents:
            view = DriftView(detection.drifted, detection.pending, new=new_keys)
            self.console.result(render_drift_json(plan, view, at, indent=None))
        self._log_fields(detection)
        for key in detection.pending if is_changed[1] else ():
            names = ", ".join(field.field for field in key.fields if field.field)
            text = f"waits for apply{': ' * bool(names)}{names}"
            self.console.note(text, "pending", key.correction.address)
        if is_changed[2]:
            self._log_unmanaged(plan.unmanaged, new_keys)
        if is_changed[3]:
            self._log_problems(detection)
        self._log_sum(detection)

    def left(self, _detection: DriftReport, fields: Sequence[DriftedField]) -> None:
        """Log which fields are left to a person, with the reason if there is one, and which are contested."""
        left = [one for one in fields if one.outcome is FieldOutcome.LEFT]
        contested = [one for one in fields if one.outcome is FieldOutcome.CONTESTED]
        if self._is_changed("left", (*left, *(one.key for one in contested))):
            for one in left:
                self.console.note(field_outcome_text(one), "drift.left", one.address)
            for one in contested:
                text = contested_text(one, self._contested_after, self._history)
                self.console.warning(text, "drift.contested", one.address)

    def _log_fields(self, detection: DriftReport) -> None:
        """Log each field with another value than logged before, and each that is as desired again."""
        news = detection.since(self._known)
        for field in news.found:
            self.console.finding(found_text(field), "drift.found", field.address)
        for address, name in news.ended:
            text = f"{name or 'the key'} no longer differs from the files"
            self.console.finding(text, "drift.ended", address, Priority.INFO)
        self._known = news.known

    def _log_unmanaged(self, unmanaged: Sequence[str], new_keys: Sequence[NewKey]) -> None:
        known = self._last.get("new", frozenset())
        self._last["new"] = frozenset(new_keys)
        for key in new_keys:
            if not isinstance(known, frozenset) or key not in known:
                self.console.warning("is new, and no file declares it", "keys.unmanaged", key.address)
        if unmanaged:
            self.console.note(unmanaged_text(len(unmanaged), len(new_keys)), "keys.unmanaged")

    def _log_problems(self, detection: DriftReport) -> None:
        log_each(partial(self.console.error, event="compare.failed"), detection.problems)
        log_each(partial(self.console.warning, event="compare.obstacle"), detection.obstacles)

    def _log_sum(self, detection: DriftReport) -> None:
        drifted = detection.drifted
        if drifted:
            self.console.finding(f"{drift_line(drifted)} {access_line(drifted)}", "drift")
        elif not detection.problems:
            text = NOTHING_DRIFTED if detection.pending else NOTHING_DIFFERS
            self.console.finding(text, "drift.none", priority=Priority.INFO)

    def _is_changed(self, topic: str, content: tuple[object, ...]) -> bool:
        """Return whether ``content`` differs from that of the cycle before."""
        is_changed = self._last.get(topic, ()) != content
        self._last[topic] = content
        return is_changed


def log_each(show: Callable[..., None], problems: Iterable[Problem]) -> None:
    """Log problems, each with the address of its key."""
    for problem in problems:
        show(str(replace(problem, address="")), address=problem.address)
