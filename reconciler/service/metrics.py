"""Metrics for Prometheus; the only module that imports prometheus_client, of the extra ``metrics``."""

from __future__ import annotations

import functools
import math
from collections import Counter as Tally
from pathlib import Path
from typing import TYPE_CHECKING, Final

import prometheus_client as prometheus
from prometheus_client.parser import text_string_to_metric_families

from reconciler.model.configuration import BUILT_IN_API
from reconciler.model.cycle import CycleResult, FieldOutcome, ScopeState, effect_of_fields
from reconciler.model.plan import Action, DriftOrigin, Effect
from reconciler.model.succession import Stage

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable
    from enum import StrEnum

    from reconciler.api.exchange import Exchange
    from reconciler.model.cycle import CycleReport, DriftedField
    from reconciler.model.succession import Lifetimes

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_NAMESPACE: Final = "reconciler"
_CYCLE_SECONDS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_NEAREST: Final = "nearest_expiry_timestamp_seconds"
_DAY: Final = 86_400
_DAYS: Final = (1, 7, 14, 30, 90)
_ATTEMPTS: Final = (
    FieldOutcome.CORRECTED,
    FieldOutcome.FAILED,
    FieldOutcome.NOT_VERIFIED,
    FieldOutcome.NOT_ATTEMPTED,
    FieldOutcome.REFUSED,
)
"""What can become of a field that was to be corrected."""


class Metrics:
    """The metrics of a service, or of one run. Any thread may update them."""

    def __init__(self, version: str, apis: Iterable[str] = (BUILT_IN_API,)) -> None:
        """Start at zero; ``version`` is that of this tool, ``apis`` are the names of the APIs in use."""
        prometheus.disable_created_metrics()  # type: ignore[no-untyped-call]  # untyped in the library
        self._registry = prometheus.CollectorRegistry(auto_describe=False)
        self._in_a_row = 0
        self._apis = set(apis)
        gauge = functools.partial(prometheus.Gauge, namespace=_NAMESPACE, registry=self._registry)
        counter = functools.partial(prometheus.Counter, namespace=_NAMESPACE, registry=self._registry)
        histogram = functools.partial(prometheus.Histogram, namespace=_NAMESPACE, registry=self._registry)
        gauge("build_info", "The version of the program; always 1", ["version"]).labels(version).set(1)
        self._success = gauge("last_success_timestamp_seconds", "When the last successful round ended")
        self._next = gauge("next_round_timestamp_seconds", "When the next round is due")
        self._rounds = counter("rounds", "Rounds, by result", ["result"])
        self._seconds = histogram("round_duration_seconds", "Seconds a round took", buckets=_CYCLE_SECONDS)
        self._last_seconds = gauge("last_round_duration_seconds", "Seconds the last round took")
        self._failures = gauge("failed_rounds_in_a_row", "Consecutive failed rounds")
        self._drifted = gauge(
            "drifted_keys", "Keys that were drifted in the last round", ["api", "kind", "effect"]
        )
        self._created = gauge("created_keys", "Live keys that are not desired", ["api", "kind"])
        self._deleted = gauge("deleted_keys", "Desired keys that are not live", ["api", "kind"])
        self._differing = gauge(
            "differing_keys",
            "Keys that differ from the desired state, by the side that changed",
            ["api", "kind", "origin"],
        )
        self._unmanaged = gauge("unmanaged_keys", "Live keys that no file declares", ["api", "kind"])
        self._new = gauge(
            "new_unmanaged_keys", "Unmanaged keys that appeared since rounds began", ["api", "kind"]
        )
        self._contested = gauge("contested_fields", "Drifted fields that are contested", ["api"])
        self._corrections = counter("corrections", "Fields that were to be corrected", ["api", "outcome"])
        self._requests = counter(
            "api_requests", "Requests to an API, by response", ["api", "method", "status"]
        )
        self._latency = histogram(
            "api_request_duration_seconds", "Seconds until a response of an API began", ["api", "method"]
        )
        self._scopes = gauge("scopes", "Scopes, by state in the last round", ["api", "standing"])
        of_kind = ["api", "kind"]
        self._nearest = gauge(_NEAREST, "When the first declared key expires; +Inf: none does", of_kind)
        self._expiring = gauge(
            "expiring_keys",
            "Declared keys, not rotated, that expire within this many days",
            [*of_kind, "days"],
        )
        self._rotations = gauge("rotations", "Keys that are being rotated, by state", [*of_kind, "state"])
        self._files = gauge("files_valid", "Whether the files were valid in the last round")
        self._notifications = counter("notifications", "Notifications, one for each receiver", ["result"])
        self._start_at_zero()

    def _start_at_zero(self) -> None:
        """Initialise every label that is known in advance."""
        for result in CycleResult:
            self._rounds.labels(_label(result))
        for api in self._apis:
            self._contested.labels(api)
            for outcome in _ATTEMPTS:
                self._corrections.labels(api, _label(outcome))
        for sent in ("sent", "failed"):
            self._notifications.labels(sent)
        self._files.set(1)

    def exchange(self, exchange: Exchange) -> None:
        """Count a request to an API."""
        status = "none" if exchange.status is None else str(exchange.status)
        self._requests.labels(exchange.api, exchange.method, status).inc()
        self._latency.labels(exchange.api, exchange.method).observe(exchange.seconds)

    def cycle(self, report: CycleReport) -> None:
        """Count a cycle."""
        self._rounds.labels(_label(report.result)).inc()
        self._seconds.observe(report.seconds)
        self._last_seconds.set(report.seconds)
        if report.result is not CycleResult.INTERRUPTED:  # which is not a failure
            self._in_a_row = 0 if report.result.is_success else self._in_a_row + 1
        self._failures.set(self._in_a_row)
        if report.result.is_success:
            self._success.set(report.ended.timestamp())
        for field in report.fields:
            if field.outcome in _ATTEMPTS:
                self._corrections.labels(field.scope.api, _label(field.outcome)).inc()
        if report.scopes:
            self._set_states(report)
        if report.lifetimes is not None:
            self._set_lives(report.lifetimes, report.ended)

    def set_files_valid(self, valid: int) -> None:
        """Set whether the files are valid: 1 or 0."""
        self._files.set(valid)

    def next_cycle(self, due: dt.datetime) -> None:
        """Set when the next cycle is due."""
        self._next.set(due.timestamp())

    def notification(self, result: str) -> None:
        """Count a notification of one receiver: ``sent`` or ``failed``."""
        self._notifications.labels(result).inc()

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return prometheus.generate_latest(self._registry)

    def resume(self, file: str) -> None:
        """Continue the counters in ``file``, which an earlier run wrote, if it exists.

        Histograms are per run. Raises OSError or ValueError if the file cannot be read, or holds other
        metrics, which would be lost.
        """
        path = Path(file)
        if not path.exists():
            return
        if not path.is_file() and not path.is_dir():
            raise ValueError("it is not a regular file; use another file")
        counters = {
            "rounds": self._rounds,
            "corrections": self._corrections,
            "api_requests": self._requests,
            "notifications": self._notifications,
        }
        text = path.read_text(encoding="utf-8")
        families = list(text_string_to_metric_families(text))
        if text and not (families and all(family.name.startswith(f"{_NAMESPACE}_") for family in families)):
            raise ValueError("it contains data that is not from this tool; use another file")
        for family in families:
            name = family.name.removeprefix(f"{_NAMESPACE}_")
            for sample in family.samples:
                if not math.isfinite(sample.value) and name != _NEAREST:  # where none expires
                    raise ValueError(f"{sample.name} is {sample.value}")
                if name in counters and sample.name.endswith("_total"):
                    is_of_api = name in {"api_requests", "corrections"}
                    missing = {"api": BUILT_IN_API} if is_of_api else {}  # of an older version
                    counters[name].labels(**(missing | sample.labels)).inc(sample.value)
                elif name == "last_success_timestamp_seconds":
                    self._success.set(sample.value)
                elif name == "failed_rounds_in_a_row":
                    self._in_a_row = int(sample.value)

    def write(self, file: str) -> None:
        """Write all metrics to ``file`` for the textfile collector, atomically. Raises OSError."""
        prometheus.write_to_textfile(file, self._registry)

    def _set_states(self, report: CycleReport) -> None:
        states = Tally((part.scope.api, part.state) for part in report.scopes)
        self._apis |= {api for api, _ in states}
        for api in self._apis:
            for state in ScopeState:
                self._scopes.labels(api, _label(state)).set(states[api, state])
        if report.is_blind:
            return  # what was drifted may be so still
        for api, kind in {(part.scope.api, part.scope.kind) for part in report.scopes}:
            self._set_keys(api, kind, report)
        contested = Tally(one.scope.api for one in report.fields if one.outcome is FieldOutcome.CONTESTED)
        for api in self._apis:
            self._contested.labels(api).set(contested[api])

    def _set_lives(self, found: Lifetimes, now: dt.datetime) -> None:
        """Set the expiries of each kind, and the stages of its rotations."""
        for (api, kind), (count, first) in found.expiring.items():
            self._nearest.labels(api, kind).set(math.inf if first is None else first.timestamp())
            near = [one for one in found.expiries if one.address.startswith(f"{kind}/")]
            waiting = [one.at - now for one in near if not one.is_rotated and one.at > now]
            for days in _DAYS:
                due = sum(left.total_seconds() <= days * _DAY for left in waiting)
                self._expiring.labels(api, kind, f"{days}").set(due)
            self._expiring.labels(api, kind, "+Inf").set(count)
            stages = Tally(one.stage for one in found.rotations if one.address.startswith(f"{kind}/"))
            for stage in Stage:
                self._rotations.labels(api, kind, _label(stage)).set(stages[stage])

    def _set_keys(self, api: str, kind: str, report: CycleReport) -> None:
        """Count the keys of a kind that are drifted at the end of a cycle, and the undeclared ones."""
        by_key: dict[str, list[DriftedField]] = {}
        for field in report.fields:
            if field.scope.kind == kind:
                by_key.setdefault(field.address, []).append(field)
        effects = Tally(effect_of_fields(fields) for fields in by_key.values())
        for effect in Effect:
            self._drifted.labels(api, kind, effect.value).set(effects[effect])
        left = [field for field in report.fields if field.outcome is not FieldOutcome.CORRECTED]
        fields = [field for field in (*left, *report.pending) if field.scope.kind == kind]
        keys = {(field.address, field.action, field.origin) for field in fields}
        actions = Tally(action for _, action, origin in keys if origin is not DriftOrigin.PENDING)
        self._created.labels(api, kind).set(actions[Action.CREATE])
        self._deleted.labels(api, kind).set(actions[Action.DELETE])
        origins = Tally(origin for _, _, origin in keys)
        for origin in (*DriftOrigin, None):
            side = "unknown" if origin is None else origin.value
            self._differing.labels(api, kind, side).set(origins[origin])
        unmanaged = sum(len(part.unmanaged) for part in report.scopes if part.scope.kind == kind)
        self._unmanaged.labels(api, kind).set(unmanaged)
        self._new.labels(api, kind).set(sum(address.startswith(f"{kind}/") for address in report.new_keys))


def _label(value: StrEnum) -> str:
    return value.value.replace(" ", "_")
