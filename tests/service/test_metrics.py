"""The figures of a service: their names and labels, what each round does to them, and the file of a timer."""

from __future__ import annotations

import datetime as dt
import os
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from reconciler.api.exchange import Exchange
from reconciler.model.cycle import (
    CycleReport,
    CycleResult,
    DriftedField,
    FieldOutcome,
    ScopeReport,
    ScopeState,
)
from reconciler.model.plan import Action, DriftOrigin, Effect, FieldChange
from reconciler.model.scope import Scope
from reconciler.model.succession import KeyExpiry, KeyRotation, Lifetimes, Stage
from reconciler.service.metrics import CONTENT_TYPE, Metrics
from tests.support import NOON

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

DAY = dt.timedelta(days=1)
SCOPE = Scope("caas", 1, 76)
OTHER = Scope("caas", 1, 77)
EMPTY = {
    'build_info{version="1.2.3"}': 1.0,
    "last_success_timestamp_seconds": 0.0,
    "next_round_timestamp_seconds": 0.0,
    'rounds_total{result="in_sync"}': 0.0,
    'rounds_total{result="corrected"}': 0.0,
    'rounds_total{result="drifted"}': 0.0,
    'rounds_total{result="pending"}': 0.0,
    'rounds_total{result="refused"}': 0.0,
    'rounds_total{result="correction_failed"}': 0.0,
    'rounds_total{result="failed"}': 0.0,
    'rounds_total{result="interrupted"}': 0.0,
    "last_round_duration_seconds": 0.0,
    "failed_rounds_in_a_row": 0.0,
    'contested_fields{api="gcore"}': 0.0,
    'corrections_total{api="gcore",outcome="corrected"}': 0.0,
    'corrections_total{api="gcore",outcome="correction_failed"}': 0.0,
    'corrections_total{api="gcore",outcome="not_verified"}': 0.0,
    'corrections_total{api="gcore",outcome="not_attempted"}': 0.0,
    'corrections_total{api="gcore",outcome="refused"}': 0.0,
    "files_valid": 1.0,
    'notifications_total{result="sent"}': 0.0,
    'notifications_total{result="failed"}': 0.0,
}
KEYS = {"created_keys", "deleted_keys", "differing_keys", "unmanaged_keys", "new_unmanaged_keys"}
TYPES = {
    "build_info": "gauge",
    "last_success_timestamp_seconds": "gauge",
    "next_round_timestamp_seconds": "gauge",
    "rounds": "counter",
    "round_duration_seconds": "histogram",
    "last_round_duration_seconds": "gauge",
    "failed_rounds_in_a_row": "gauge",
    "drifted_keys": "gauge",
    "created_keys": "gauge",
    "deleted_keys": "gauge",
    "differing_keys": "gauge",
    "nearest_expiry_timestamp_seconds": "gauge",
    "expiring_keys": "gauge",
    "rotations": "gauge",
    "unmanaged_keys": "gauge",
    "new_unmanaged_keys": "gauge",
    "contested_fields": "gauge",
    "corrections": "counter",
    "api_requests": "counter",
    "api_request_duration_seconds": "histogram",
    "scopes": "gauge",
    "files_valid": "gauge",
    "notifications": "counter",
}


def series(metrics: Metrics | str) -> dict[str, float]:
    """Return every series without its prefix; of histograms only the sums and counts."""
    text = metrics if isinstance(metrics, str) else metrics.exposition().decode()
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name.endswith("_bucket"):
                continue
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            name = sample.name.removeprefix("reconciler_")
            assert name != sample.name
            found[f"{name}{{{labels}}}" if labels else name] = sample.value
    return found


def changed(metrics: Metrics, before: dict[str, float] | None = None) -> dict[str, float]:
    """Return the series that are not as at the beginning, but for the durations of rounds."""
    known = EMPTY if before is None else before
    found = {name: value for name, value in series(metrics).items() if known.get(name) != value}
    return {name: value for name, value in found.items() if "round_duration" not in name}


def drifted(
    name: str = "web",
    effect: Effect = Effect.GRANTS,
    outcome: FieldOutcome = FieldOutcome.LEFT,
    **settings: Any,
) -> DriftedField:
    scope = settings.get("scope", SCOPE)
    change = FieldChange(settings.get("field", "expire"), 1, 2, effect, origin=settings.get("origin"))
    return DriftedField(scope, name, change, outcome, action=settings.get("action", Action.UPDATE))


def report(
    result: CycleResult,
    fields: Iterable[DriftedField] = (),
    *states: ScopeState,
    seconds: float = 2.0,
) -> CycleReport:
    scopes = tuple(ScopeReport(Scope("caas", 1, region), state) for region, state in enumerate(states, 76))
    return CycleReport(NOON, NOON + dt.timedelta(seconds=seconds), result, scopes, tuple(fields))


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("1.2.3")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "reconciler.prom"


def test_every_known_label_starts_at_zero(metrics: Metrics) -> None:
    found = series(metrics)
    histogram = {"round_duration_seconds_count": 0.0, "round_duration_seconds_sum": 0.0}
    assert found == EMPTY | histogram


def test_every_metric_has_a_type_and_help_text(metrics: Metrics) -> None:
    families = list(text_string_to_metric_families(metrics.exposition().decode()))
    assert {family.name.removeprefix("reconciler_"): family.type for family in families} == TYPES
    assert all(family.documentation for family in families)
    assert CONTENT_TYPE == "text/plain; version=0.0.4; charset=utf-8"


def test_two_registries_are_independent(metrics: Metrics) -> None:
    other = Metrics("2")
    other.notification("sent")
    assert changed(metrics) == {}


@pytest.mark.parametrize(
    ("result", "label", "success", "failures"),
    [
        (CycleResult.IN_SYNC, "in_sync", True, 0),
        (CycleResult.CORRECTED, "corrected", True, 0),
        (CycleResult.DRIFTED, "drifted", True, 0),
        (CycleResult.PENDING, "pending", True, 0),
        (CycleResult.REFUSED, "refused", False, 1),
        (CycleResult.INCOMPLETE, "correction_failed", False, 1),
        (CycleResult.FAILED, "failed", False, 1),
        (CycleResult.INTERRUPTED, "interrupted", False, 0),
    ],
)
def test_a_round_is_counted_by_its_result(
    metrics: Metrics, result: CycleResult, label: str, failures: int, *, success: bool
) -> None:
    metrics.cycle(report(result))
    expected = {f'rounds_total{{result="{label}"}}': 1.0}
    if success:
        expected["last_success_timestamp_seconds"] = NOON.timestamp() + 2
    if failures:
        expected["failed_rounds_in_a_row"] = 1.0
    assert changed(metrics) == expected


def test_failures_in_a_row_end_with_a_success_and_not_with_an_interruption(metrics: Metrics) -> None:
    found = []
    for result in (
        CycleResult.FAILED,
        CycleResult.INCOMPLETE,
        CycleResult.INTERRUPTED,
        CycleResult.REFUSED,
        CycleResult.DRIFTED,
        CycleResult.FAILED,
    ):
        metrics.cycle(report(result))
        found.append(series(metrics)["failed_rounds_in_a_row"])
    assert found == [1, 2, 2, 3, 0, 1]


def test_the_duration_of_rounds_is_shown(metrics: Metrics) -> None:
    for seconds in (0.2, 700.0):
        metrics.cycle(report(CycleResult.IN_SYNC, seconds=seconds))
    found = series(metrics)
    assert found["last_round_duration_seconds"] == 700
    assert found["round_duration_seconds_count"] == 2
    assert found["round_duration_seconds_sum"] == 700.2
    text = metrics.exposition().decode()
    buckets = [line.split() for line in text.splitlines() if "_round_duration_seconds_bucket" in line]
    bounds = ["0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "30.0", "60.0", "120.0", "300.0", "+Inf"]
    names = [f'reconciler_round_duration_seconds_bucket{{le="{bound}"}}' for bound in bounds]
    assert buckets == [
        [name, value] for name, value in zip(names, ["0.0", *["1.0"] * 10, "2.0"], strict=True)
    ]


def test_drifted_keys_are_counted_by_the_combined_effect_of_their_fields(metrics: Metrics) -> None:
    fields = [
        drifted("one", Effect.GRANTS),
        drifted("two", Effect.GRANTS, field="a"),
        drifted("two", Effect.REVOKES, field="b"),
        drifted("three", Effect.NEUTRAL),
        drifted("three", Effect.NEUTRAL, field="b"),
        drifted("one", Effect.REVOKES, scope=OTHER),
    ]
    metrics.cycle(report(CycleResult.DRIFTED, fields, ScopeState.DRIFTED, ScopeState.DRIFTED))
    found = series(metrics)
    assert {name: value for name, value in found.items() if name.startswith("drifted_keys")} == {
        'drifted_keys{api="gcore",effect="neutral",kind="caas"}': 1,
        'drifted_keys{api="gcore",effect="grants",kind="caas"}': 1,
        'drifted_keys{api="gcore",effect="revokes",kind="caas"}': 1,
        'drifted_keys{api="gcore",effect="grants+revokes",kind="caas"}': 1,
    }
    metrics.cycle(report(CycleResult.IN_SYNC, [], ScopeState.IN_SYNC))
    assert sum(value for name, value in series(metrics).items() if name.startswith("drifted_keys")) == 0


def test_keys_are_counted_by_change_and_origin(metrics: Metrics) -> None:
    fields = [
        drifted("one", action=Action.CREATE, origin=DriftOrigin.DRIFT),
        drifted("two", Effect.REVOKES, action=Action.DELETE),
        drifted("gone", Effect.REVOKES, FieldOutcome.CORRECTED, action=Action.DELETE),
        drifted("three", field="a", origin=DriftOrigin.CONFLICT),
        drifted("three", field="b", origin=DriftOrigin.CONFLICT),
    ]
    waiting = (drifted("three", field="c", origin=DriftOrigin.PENDING),)
    found = report(CycleResult.DRIFTED, fields, ScopeState.DRIFTED)
    scopes = (replace(found.scopes[0], unmanaged=("caas/1/76/other", "caas/1/76/stray")),)
    metrics.cycle(replace(found, scopes=scopes, pending=waiting, new_keys=("caas/1/76/stray",)))
    values = {name: value for name, value in series(metrics).items() if name.partition("{")[0] in KEYS}
    assert values == {
        'created_keys{api="gcore",kind="caas"}': 1,
        'deleted_keys{api="gcore",kind="caas"}': 1,
        'differing_keys{api="gcore",kind="caas",origin="conflict"}': 1,
        'differing_keys{api="gcore",kind="caas",origin="drift"}': 1,
        'differing_keys{api="gcore",kind="caas",origin="pending"}': 1,
        'differing_keys{api="gcore",kind="caas",origin="unknown"}': 1,
        'unmanaged_keys{api="gcore",kind="caas"}': 2,
        'new_unmanaged_keys{api="gcore",kind="caas"}': 1,
    }


def test_contested_fields_are_those_of_the_last_round(metrics: Metrics) -> None:
    contested = [drifted(name, outcome=FieldOutcome.CONTESTED) for name in ("one", "two")]
    metrics.cycle(report(CycleResult.DRIFTED, [*contested, drifted("three")], ScopeState.DRIFTED))
    assert series(metrics)['contested_fields{api="gcore"}'] == 2
    metrics.cycle(report(CycleResult.DRIFTED, [drifted("three")], ScopeState.DRIFTED))
    assert series(metrics)['contested_fields{api="gcore"}'] == 0


@pytest.mark.parametrize(
    ("outcome", "label"),
    [
        (FieldOutcome.CORRECTED, "corrected"),
        (FieldOutcome.FAILED, "correction_failed"),
        (FieldOutcome.NOT_VERIFIED, "not_verified"),
        (FieldOutcome.NOT_ATTEMPTED, "not_attempted"),
        (FieldOutcome.REFUSED, "refused"),
        (FieldOutcome.LEFT, None),
        (FieldOutcome.CONTESTED, None),
    ],
)
def test_corrections_are_counted_by_outcome(
    metrics: Metrics, outcome: FieldOutcome, label: str | None
) -> None:
    metrics.cycle(report(CycleResult.IN_SYNC, [drifted("one", outcome=outcome)] * 2))
    found = {name: value for name, value in changed(metrics).items() if name.startswith("corrections")}
    assert found == ({} if label is None else {f'corrections_total{{api="gcore",outcome="{label}"}}': 2.0})


def test_scopes_are_counted_by_state(metrics: Metrics) -> None:
    metrics.cycle(
        report(CycleResult.FAILED, [], ScopeState.UNREACHABLE, ScopeState.UNREACHABLE, ScopeState.DRIFTED)
    )
    found = {name: value for name, value in changed(metrics).items() if name.startswith("scopes")}
    assert found == {
        'scopes{api="gcore",standing="in_sync"}': 0,
        'scopes{api="gcore",standing="pending"}': 0,
        'scopes{api="gcore",standing="drifted"}': 1,
        'scopes{api="gcore",standing="incomplete"}': 0,
        'scopes{api="gcore",standing="unreachable"}': 2,
    }


def test_scopes_and_keys_are_counted_for_each_api(metrics: Metrics) -> None:
    hub, tea = (Scope(f"{api}.label", "acme", names=["owner"], api=api) for api in ("github", "gitea"))
    field = drifted(scope=hub)
    found = report(CycleResult.FAILED, [field])
    down = (ScopeReport(hub, ScopeState.DRIFTED), ScopeReport(tea, ScopeState.UNREACHABLE))
    metrics.cycle(replace(found, scopes=down))
    shown = changed(metrics)
    assert shown['scopes{api="gitea",standing="unreachable"}'] == 1
    assert shown['scopes{api="github",standing="unreachable"}'] == 0
    assert shown['drifted_keys{api="github",effect="grants",kind="github.label"}'] == 1
    metrics.cycle(replace(found, scopes=down[:1]))
    assert changed(metrics)['scopes{api="gitea",standing="unreachable"}'] == 0


def test_a_round_that_read_no_scope_does_not_change_drift_metrics(metrics: Metrics) -> None:
    contested = drifted(outcome=FieldOutcome.CONTESTED)
    metrics.cycle(report(CycleResult.DRIFTED, [contested], ScopeState.DRIFTED))
    before = series(metrics)
    metrics.cycle(report(CycleResult.FAILED))
    assert changed(metrics, before) == {'rounds_total{result="failed"}': 1, "failed_rounds_in_a_row": 1}


def test_after_a_round_without_readable_scopes_drift_is_unknown(metrics: Metrics) -> None:
    contested = drifted(outcome=FieldOutcome.CONTESTED)
    metrics.cycle(report(CycleResult.DRIFTED, [contested], ScopeState.DRIFTED))
    before = series(metrics)
    metrics.cycle(report(CycleResult.FAILED, [], ScopeState.UNREACHABLE))
    assert changed(metrics, before) == {
        'rounds_total{result="failed"}': 1,
        "failed_rounds_in_a_row": 1,
        'scopes{api="gcore",standing="drifted"}': 0,
        'scopes{api="gcore",standing="unreachable"}': 1,
    }


def test_requests_are_counted_by_method_and_status(metrics: Metrics) -> None:
    for method, status in (("GET", 200), ("GET", 200), ("PATCH", 409), ("GET", None)):
        metrics.exchange(Exchange(method, "/secret/path", 0.5, status, "gcore"))
    assert changed(metrics) == {
        'api_requests_total{api="gcore",method="GET",status="200"}': 2,
        'api_requests_total{api="gcore",method="GET",status="none"}': 1,
        'api_requests_total{api="gcore",method="PATCH",status="409"}': 1,
        'api_request_duration_seconds_count{api="gcore",method="GET"}': 3,
        'api_request_duration_seconds_sum{api="gcore",method="GET"}': 1.5,
        'api_request_duration_seconds_count{api="gcore",method="PATCH"}': 1,
        'api_request_duration_seconds_sum{api="gcore",method="PATCH"}': 0.5,
    }
    assert b"secret" not in metrics.exposition()


def test_metrics_include_file_validity_next_round_and_pending_notifications(metrics: Metrics) -> None:
    metrics.set_files_valid(0)
    metrics.next_cycle(NOON)
    metrics.notification("sent")
    metrics.notification("failed")
    metrics.notification("failed")
    assert changed(metrics) == {
        "files_valid": 0,
        "next_round_timestamp_seconds": NOON.timestamp(),
        'notifications_total{result="sent"}': 1,
        'notifications_total{result="failed"}': 2,
    }
    metrics.set_files_valid(1)
    assert "files_valid" not in changed(metrics)


def test_concurrent_requests_are_all_counted(metrics: Metrics) -> None:
    def work() -> None:
        for _ in range(200):
            metrics.exchange(Exchange("GET", "/", 0.1, 200, "gcore"))
            metrics.exposition()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert series(metrics)['api_requests_total{api="gcore",method="GET",status="200"}'] == 800


def used() -> Metrics:
    metrics = Metrics("1.2.3")
    corrected = drifted(outcome=FieldOutcome.CORRECTED)
    metrics.cycle(report(CycleResult.CORRECTED, [corrected], ScopeState.DRIFTED))
    metrics.cycle(report(CycleResult.FAILED))
    metrics.cycle(report(CycleResult.FAILED))
    metrics.exchange(Exchange("GET", "/", 0.1, 200, "gcore"))
    metrics.notification("sent")
    metrics.set_files_valid(0)
    return metrics


def test_counters_continue_from_the_file_of_an_earlier_run(file: Path) -> None:
    used().write(str(file))
    later = Metrics("2.0.0")
    later.resume(str(file))
    later.cycle(report(CycleResult.FAILED))
    later.exchange(Exchange("GET", "/", 0.1, 200, "gcore"))
    assert changed(later) == {
        'build_info{version="2.0.0"}': 1,
        "last_success_timestamp_seconds": NOON.timestamp() + 2,
        'rounds_total{result="corrected"}': 1,
        'rounds_total{result="failed"}': 3,
        "failed_rounds_in_a_row": 3,
        'corrections_total{api="gcore",outcome="corrected"}': 1,
        'api_requests_total{api="gcore",method="GET",status="200"}': 2,
        'api_request_duration_seconds_count{api="gcore",method="GET"}': 1,
        'api_request_duration_seconds_sum{api="gcore",method="GET"}': 0.1,
        'notifications_total{result="sent"}': 1,
    }


def test_requests_of_an_older_file_were_to_the_one_api(file: Path, metrics: Metrics) -> None:
    lines = [
        "# TYPE reconciler_api_requests_total counter",
        'reconciler_api_requests_total{method="GET",status="200"} 3',
        "# TYPE reconciler_corrections_total counter",
        'reconciler_corrections_total{outcome="corrected"} 2',
    ]
    file.write_text("\n".join([*lines, ""]), encoding="utf-8")
    metrics.resume(str(file))
    assert changed(metrics) == {
        'api_requests_total{api="gcore",method="GET",status="200"}': 3,
        'corrections_total{api="gcore",outcome="corrected"}': 2,
    }


def test_contested_fields_and_corrections_are_those_of_an_api() -> None:
    metrics = Metrics("1", ["hub", "tea"])
    hub = replace(drifted(outcome=FieldOutcome.CONTESTED), scope=Scope("label", 1, api="hub"))
    tea = replace(drifted(outcome=FieldOutcome.FAILED), scope=Scope("label", 1, api="tea"))
    metrics.cycle(report(CycleResult.DRIFTED, [hub, tea], ScopeState.DRIFTED))
    shown = series(metrics)
    assert [shown[f'contested_fields{{api="{api}"}}'] for api in ("hub", "tea")] == [1, 0]
    failed = [
        shown[f'corrections_total{{api="{api}",outcome="correction_failed"}}'] for api in ("hub", "tea")
    ]
    assert failed == [0, 1]


def test_without_an_earlier_file_counters_start_at_zero(file: Path, metrics: Metrics) -> None:
    metrics.resume(str(file))
    assert changed(metrics) == {}


def test_a_device_is_not_replaced_by_a_file(metrics: Metrics) -> None:
    with pytest.raises(ValueError, match="it is not a regular file"):
        metrics.resume("/dev/null")


def test_an_empty_file_counts_as_missing(file: Path, metrics: Metrics) -> None:
    file.touch()
    metrics.resume(str(file))
    assert changed(metrics) == {}


ROUNDS = "# TYPE reconciler_rounds_total counter\nreconciler_rounds_total"


@pytest.mark.parametrize(
    "content",
    [
        b"keys: []\n",
        b"# nothing\n",
        b'node_load1 0.5\nother_total{a="b"} 3\n',
        b"reconciler_failed_rounds_in_a_row 0\nnode_load1 0.5\n",
        b"\xff\xfe",
        b"\x00",
        b"{",
        b"reconciler_failed_rounds_in_a_row many\n",
        b"reconciler_failed_rounds_in_a_row +Inf\n",
        b"reconciler_failed_rounds_in_a_row NaN\n",
        b"reconciler_last_success_timestamp_seconds NaN\n",
        f'{ROUNDS}{{result="failed"}} NaN\n'.encode(),
        f'{ROUNDS}{{result="failed"}} +Inf\n'.encode(),
        f'{ROUNDS}{{result="failed"}} -1\n'.encode(),
        f'{ROUNDS}{{color="red"}} 1\n'.encode(),
        f"{ROUNDS} 1\n".encode(),
    ],
)
def test_a_file_of_another_program_is_refused(file: Path, metrics: Metrics, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(ValueError):  # noqa: PT011 - what it says is the library's
        metrics.resume(str(file))


@given(st.lists(st.tuples(st.integers(0, 3000), st.text(max_size=3)), min_size=1, max_size=4))
def test_a_damaged_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, damages: list[tuple[int, str]]
) -> None:
    text = used().exposition().decode()
    for place, damage in damages:
        text = text[:place] + damage + text[place + 2 :]
    file = tmp_path_factory.getbasetemp() / "damaged.prom"
    file.write_bytes(text.encode("utf-8", "replace"))
    try:
        Metrics("1").resume(str(file))
    except ValueError:
        return


def test_a_folder_is_not_a_metrics_file(tmp_path: Path, metrics: Metrics) -> None:
    with pytest.raises(IsADirectoryError):
        metrics.resume(str(tmp_path))
    with pytest.raises(OSError, match=r"directory|busy"):
        metrics.write(str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_the_file_has_the_served_metrics_and_is_world_readable(file: Path, metrics: Metrics) -> None:
    before = os.umask(0o022)
    try:
        metrics.write(str(file))
    finally:
        os.umask(before)
    assert file.read_bytes() == metrics.exposition()
    assert file.stat().st_mode & 0o777 == 0o644
    assert list(file.parent.iterdir()) == [file]


def test_a_file_is_replaced_atomically(file: Path, metrics: Metrics) -> None:
    metrics.write(str(file))
    with file.open("rb") as reader:
        old = metrics.exposition()
        metrics.notification("sent")
        metrics.write(str(file))
        assert reader.read() == old
    assert file.read_bytes() == metrics.exposition()


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path, metrics: Metrics) -> None:
    with pytest.raises(FileNotFoundError):
        metrics.write(str(tmp_path / "missing" / "reconciler.prom"))


def test_expiries_and_rotations_are_counted_by_kind(metrics: Metrics) -> None:
    near = [
        KeyExpiry(f"caas/1/76/key-{days}", "expire", NOON + days * DAY, days == 6) for days in (-1, 3, 6, 20)
    ]
    rotation = KeyRotation("caas/1/76/key-6", "key-7", Stage.OVER, NOON, "finish it")
    lives = Lifetimes(tuple(near), (rotation,), {("gcore", "caas"): (5, NOON + 3 * DAY)})
    metrics.cycle(replace(report(CycleResult.IN_SYNC), ended=NOON, lifetimes=lives))
    found = series(metrics)
    of_kind = 'api="gcore",kind="caas"'
    assert found[f"nearest_expiry_timestamp_seconds{{{of_kind}}}"] == (NOON + 3 * DAY).timestamp()
    counts = {
        days: found[f'expiring_keys{{api="gcore",days="{days}",kind="caas"}}']
        for days in ("1", "7", "14", "30", "90", "+Inf")
    }
    assert counts == {"1": 0, "7": 1, "14": 1, "30": 2, "90": 2, "+Inf": 5}
    states = {state: found[f'rotations{{{of_kind},state="{state}"}}'] for state in Stage}
    assert states == {state: float(state is Stage.OVER) for state in Stage}
