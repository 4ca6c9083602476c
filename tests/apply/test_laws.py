"""Properties of plan and apply for any keys: an applied plan converges with the fewest writes."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from reconciler.model.outcome import Result
from reconciler.model.plan import Freshness
from tests.engine import Engine, desired
from tests.properties import examples
from tests.support import emulate, live, patches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gcore_emulator import Emulator
    from reconciler.model.desired import DesiredState

NAMES = tuple(f"key-{letter}" for letter in "abcde")
REGIONS = itertools.count(1)
BEHAVIOURS: dict[str, dict[str, Any]] = {
    "plain": {},
    "random order": {"order": "random", "container_order": "shuffled"},
    "strict": {"unknown_members": "400", "null_other": "400", "limit_range": "400"},
    **{form: {"timestamps": form} for form in ("naive", "offset", "compact", "fraction")},
}

instants = st.datetimes(dt.datetime(2027, 1, 1), dt.datetime(2099, 1, 1))  # noqa: DTZ001 - zones are written below
expiries = st.none() | st.builds(
    lambda instant, zone: instant.replace(microsecond=0).isoformat() + zone,
    instants,
    st.sampled_from(["Z", "+00:00", "+02:00", "-11:30", ".5Z"]),
)
texts = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=8)
boxes = st.builds(
    lambda name, space: {"name": name, "namespace": space}, *[st.sampled_from(["web", "api", "job"])] * 2
)
bindings = st.lists(boxes, max_size=4, unique_by=lambda box: (box["name"], box["namespace"]))
fields = {"description": texts, "expire": expiries, "is_disabled": st.booleans(), "containers": bindings}
key_fields = st.fixed_dictionaries({}, optional=fields)
live_and_declared = st.dictionaries(
    st.sampled_from(NAMES), st.tuples(key_fields, st.none() | key_fields), min_size=1
)
law = examples(5, suppress_health_check=[HealthCheck.function_scoped_fixture])

Keys = dict[str, tuple[dict[str, Any], dict[str, Any] | None]]


@pytest.fixture(params=BEHAVIOURS)
def emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    with emulate(**BEHAVIOURS[request.param]) as running:
        yield running


def prepare(emulator: Emulator, keys: Keys) -> tuple[int, DesiredState]:
    """Make the live keys in a region of their own, forget every earlier request, and declare the others."""
    region = next(REGIONS)
    for name, (given_fields, _) in keys.items():
        emulator.put_key(1, region, live(name, **given_fields))
    emulator.clear_requests()
    declared = [{"name": name} | wanted for name, (_, wanted) in keys.items() if wanted is not None]
    return region, desired(*declared, region_id=region)


def comparable(name: str, value: Any) -> Any:
    """Return a value in a form in which equal meanings are equal, independently of the engine."""
    if name == "expire" and value is not None:
        return dt.datetime.fromisoformat(value).replace(microsecond=0).astimezone(dt.UTC)
    return sorted(map(json.dumps, value)) if name == "containers" else value


def differing(name: str, before: dict[str, Any], wanted: dict[str, Any] | None) -> set[str]:
    """Return the declared fields that differ, independently of the engine."""
    shown = live(name, **before)
    return {
        field
        for field, value in (wanted or {}).items()
        if comparable(field, value) != comparable(field, shown[field])
    }


@law
@given(keys=live_and_declared)
def test_an_applied_plan_leaves_no_changes(emulator: Emulator, keys: Keys) -> None:
    _, state = prepare(emulator, keys)
    engine = Engine(emulator)
    outcomes = engine.apply(engine.plan(state))
    assert {outcome.result for outcome in outcomes} <= {Result.APPLIED}
    emulator.clear_requests()
    again = engine.plan(state)
    assert (again.changes, again.problems) == ((), ())
    assert (engine.apply(again), patches(emulator)) == ((), [])


@law
@given(keys=live_and_declared)
def test_a_request_carries_the_fields_that_differ_and_no_other(emulator: Emulator, keys: Keys) -> None:
    _, state = prepare(emulator, keys)
    engine = Engine(emulator)
    engine.apply(engine.plan(state))
    writes = [record for record in emulator.requests if record.method == "PATCH"]
    expected = {name: differing(name, *pair) for name, pair in keys.items()}
    assert {record.path.rpartition("/")[2]: set(record.body) for record in writes} == {
        name: fields for name, fields in expected.items() if fields
    }
    assert len(emulator.requests) == 1 + len(writes)


@law
@given(keys=live_and_declared)
def test_undeclared_fields_are_not_changed(emulator: Emulator, keys: Keys) -> None:
    region, state = prepare(emulator, keys)
    earlier = emulator.keys(1, region)
    engine = Engine(emulator)
    engine.apply(engine.plan(state), Freshness.WAITED)
    for name, key in emulator.keys(1, region).items():
        untouched = key.keys() - differing(name, *keys[name]) - {"status"}
        assert {field: key[field] for field in untouched} == {
            field: earlier[name][field] for field in untouched
        }
