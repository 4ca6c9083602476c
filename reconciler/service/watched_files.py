"""The desired state of files that are read repeatedly."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING

from reconciler.load.files import inputs
from reconciler.model.collector import paused_collector
from reconciler.validate.parts import merged

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Sequence

    from reconciler.load.files import Input
    from reconciler.model.desired import DesiredState
    from reconciler.model.source import Problem
    from reconciler.validate.parts import Part
    from reconciler.validate.state import Check
    from reconciler.validate.validator import Rules

    _Name = tuple[str, bytes]
    """The label of a file, and the digest of its content."""


class WatchedFiles:
    """The desired state of files that are read repeatedly.

    Unchanged files are neither parsed nor validated again, except once a day: an expiry may become near
    without a change.
    """

    def __init__(self, paths: Sequence[str], rules_at: Callable[[dt.datetime], Rules], check: Check) -> None:
        """Store the paths, a function that returns the rules at a time, and the check of files."""
        self._paths, self._rules_at, self._check = paths, rules_at, check
        self._date: dt.date | None = None
        self._parts: dict[_Name, Part] = {}
        self._known: tuple[tuple[_Name, ...], DesiredState] | None = None

    def read(self, now: dt.datetime) -> DesiredState:
        """Return the present desired state; the same object, if no file changed.

        Raises InputError with every problem found.
        """
        with paused_collector():
            problems: list[Problem] = []
            if self._date != now.date():
                self._date, self._parts, self._known = now.date(), {}, None
            names: list[_Name] = []
            new: list[_Name] = []

            def changed() -> Iterator[Input]:
                for file in inputs(self._paths, io.BytesIO(), problems):
                    names.append((file.label, hashlib.sha256(file.content).digest()))
                    if names[-1] not in self._parts:
                        new.append(names[-1])
                        yield file

            rules = self._rules_at(now)
            checked = [*self._check(rules, changed())]
            parts = self._parts | dict(zip(new, checked, strict=True))
            self._parts = {name: parts[name] for name in names}
            if not problems and self._known is not None and self._known[0] == tuple(names):
                return self._known[1]
            state = merged(self._parts.values(), rules.kinds, problems)
            self._known = (tuple(names), state)
            return state
