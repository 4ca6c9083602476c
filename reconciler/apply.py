"""Executing a plan: one PATCH per changed key, every answer compared with what was asked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING

from reconciler.errors import ApiError, BadAnswerError, WrongShapeError
from reconciler.model import Outcome, Result
from reconciler.normalize import json_text
from reconciler.observe import observe
from reconciler.plan import moved_fields, unstored_fields

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from reconciler.client import Writer
    from reconciler.kinds import Kind
    from reconciler.model import Change
    from reconciler.plan import Difference

    Listener = Callable[[Outcome], None]


class Executor:
    """Sends changes. ``parallelism`` requests are in flight at a time; ``stop`` ends the sending."""

    def __init__(
        self, writer: Writer, kinds: Mapping[str, Kind], parallelism: int, stop: threading.Event
    ) -> None:
        """Take what every change needs."""
        self._writer = writer
        self._kinds = kinds
        self._parallelism = parallelism
        self._stop = stop

    def find_stale(self, changes: Iterable[Change]) -> tuple[Outcome, ...]:
        """List the scopes of ``changes`` again and give those that were overtaken since they were planned.

        A change is stale if a field of its patch no longer holds the value that the plan showed, or
        if its key is gone. Raises ApiError if a scope cannot be read.
        """
        by_scope: dict[object, list[Change]] = {}
        for change in changes:
            by_scope.setdefault(change.scope, []).append(change)
        stale = []
        for together in by_scope.values():
            kind = self._kinds[together[0].scope.kind]
            observed = observe(self._writer, kind, together[0].scope)
            for change in together:
                moved = moved_fields(kind, change, observed.keys.get(change.name))
                if moved:
                    stale.append(
                        Outcome(change, Result.STALE, _describe("was planned from", "is now", moved))
                    )
        return tuple(stale)

    def execute(self, changes: Sequence[Change], on_outcome: Listener) -> tuple[Outcome, ...]:
        """Send each change once and give what became of each, in the order of ``changes``.

        One failure does not stop the rest. Once ``stop`` is set, requests in flight finish and the
        changes that have not begun are not attempted.
        """
        with ThreadPoolExecutor(self._parallelism, thread_name_prefix="apply") as pool:
            futures = [pool.submit(self._attempt, change) for change in changes]
            for future in as_completed(futures):
                on_outcome(future.result())
        return tuple(future.result() for future in futures)

    def _attempt(self, change: Change) -> Outcome:
        if self._stop.is_set():
            return Outcome(change, Result.NOT_ATTEMPTED, "interrupted before it was sent")
        try:
            answer = self._writer.patch(change.path, change.patch)
            if not isinstance(answer, dict):
                return Outcome(change, Result.NOT_VERIFIED, "the answer is not an object")
            unstored = unstored_fields(self._kinds[change.scope.kind], change, answer)
        except (BadAnswerError, WrongShapeError) as error:
            return Outcome(change, Result.NOT_VERIFIED, str(error))
        except ApiError as error:
            return Outcome(change, Result.FAILED, str(error))
        if not unstored:
            return Outcome(change, Result.APPLIED)
        detail = _describe("was accepted as", "but is stored as", unstored)
        return Outcome(change, Result.NOT_VERIFIED, detail)


def _describe(expected: str, found: str, differences: Iterable[Difference]) -> str:
    return "; ".join(
        f"{item.field} {expected} {json_text(item.expected)} {found} {json_text(item.found)}"
        for item in differences
    )
