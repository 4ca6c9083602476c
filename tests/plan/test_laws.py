"""Properties of every plan, whatever the keys."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.render.text import render_text
from tests.properties import examples
from tests.values import NOW, declared, live, make_plan, plan_json

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    from reconciler.model.desired import DesiredKey
    from reconciler.model.plan import Change

SPELLINGS: list[Callable[[dt.datetime], str]] = [
    lambda instant: instant.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    lambda instant: instant.astimezone(dt.UTC).strftime("%Y-%m-%dt%H:%M:%S.000z"),
    lambda instant: instant.isoformat(),
    lambda instant: instant.astimezone(dt.timezone(dt.timedelta(hours=5, minutes=30))).isoformat(),
    lambda instant: instant.astimezone(dt.timezone(dt.timedelta(hours=-11))).isoformat(),
]
INSTANTS = st.integers(0, 5).map(lambda days: NOW.replace(year=2030) + dt.timedelta(days=days))
EXPIRIES = st.one_of(
    st.none(), st.tuples(INSTANTS, st.sampled_from(SPELLINGS)).map(lambda pair: pair[1](pair[0]))
)
BOXES = st.fixed_dictionaries({"name": st.sampled_from(["web", "api", "db"]), "namespace": st.just("shop")})
FIELDS = {
    "description": st.sampled_from(["", "mine", "theirs"]),
    "expire": EXPIRIES,
    "is_disabled": st.booleans(),
    "containers": st.lists(BOXES, max_size=4),
}
DESIRED = st.fixed_dictionaries({}, optional=FIELDS)
OBSERVED = st.fixed_dictionaries(FIELDS)
NAMES = st.sampled_from(["key-a", "key-b", "key-c", "key-d"])
DESIRED_KEYS = st.dictionaries(NAMES, DESIRED, max_size=4)
OBSERVED_KEYS = st.fixed_dictionaries(dict.fromkeys(["key-a", "key-b", "key-c"], OBSERVED))


def meaning(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what fields mean, in a way that shares nothing with the engine."""
    return {field: _meaning(field, value) for field, value in fields.items()}


def _meaning(field: str, value: Any) -> Any:
    if field == "expire" and value is not None:
        return dt.datetime.fromisoformat(value.upper())
    if field == "containers":
        return {(box["name"], box["namespace"]) for box in value}
    return value


def merge_patch(observed: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    return {**observed, **patch}


def changes(want: Mapping[str, Any], have: Mapping[str, Any]) -> tuple[Change, ...]:
    return make_plan([declared(**want)], [live(**have)]).changes


def patch_of(want: Mapping[str, Any], have: Mapping[str, Any]) -> Mapping[str, Any]:
    found = changes(want, have)
    return found[0].patch if found else {}


@given(DESIRED, OBSERVED)
def test_after_an_apply_the_plan_is_empty(want: dict[str, Any], have: dict[str, Any]) -> None:
    assert changes(want, merge_patch(have, patch_of(want, have))) == ()


@given(DESIRED, OBSERVED)
def test_the_patched_key_has_the_declared_values(want: dict[str, Any], have: dict[str, Any]) -> None:
    patched = meaning(merge_patch(have, patch_of(want, have)))
    assert {field: patched[field] for field in want} == meaning(want)


@given(DESIRED, OBSERVED)
def test_every_field_of_a_patch_is_necessary(want: dict[str, Any], have: dict[str, Any]) -> None:
    patch = patch_of(want, have)
    for field in patch:
        less = {name: value for name, value in patch.items() if name != field}
        assert meaning(merge_patch(have, less))[field] != meaning(want)[field]


@given(DESIRED, OBSERVED)
def test_a_patch_contains_exactly_the_declared_fields_that_differ(
    want: dict[str, Any], have: dict[str, Any]
) -> None:
    before, after = meaning(have), meaning(want)
    assert set(patch_of(want, have)) == {field for field in want if before[field] != after[field]}


@given(DESIRED, OBSERVED)
def test_a_change_shows_the_patch_and_every_field_that_was_declared(
    want: dict[str, Any], have: dict[str, Any]
) -> None:
    for change in changes(want, have):
        assert {field.field: field.after for field in change.fields} == change.patch
        assert change.before.keys() == change.after.keys() == want.keys()
        assert meaning(change.after) == meaning(want)


@given(OBSERVED)
def test_a_live_key_never_differs_from_itself(have: dict[str, Any]) -> None:
    assert changes(have, have) == ()


def shuffled(chance: random.Random, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Write the same fields another way: another order, other spellings, repeated items."""
    again = {field: fields[field] for field in chance.sample(sorted(fields), len(fields))}
    if again.get("expire") is not None:
        again["expire"] = chance.choice(SPELLINGS)(_meaning("expire", again["expire"]))
    if "containers" in again:
        boxes = [dict(reversed(box.items())) for box in again["containers"]]
        again["containers"] = chance.sample(boxes * 2, len(boxes * 2))
    return again


def everything_shown(keys: list[DesiredKey], observed: list[dict[str, Any]]) -> str:
    plan = make_plan(keys, observed)
    return plan_json(plan) + render_text(plan)


@examples(25)
@given(DESIRED_KEYS, OBSERVED_KEYS, st.randoms(use_true_random=False))
def test_equal_inputs_produce_identical_bytes(
    want: dict[str, Any], have: dict[str, Any], chance: random.Random
) -> None:
    lines = {name: line for line, name in enumerate(sorted(want), 1)}
    keys = [declared(name, line=lines[name], **fields) for name, fields in want.items()]
    again = [declared(name, line=lines[name], **shuffled(chance, fields)) for name, fields in want.items()]
    observed = [live(name, **fields) for name, fields in have.items()]
    observed_again = [live(name, **shuffled(chance, fields)) for name, fields in have.items()]
    chance.shuffle(again)
    chance.shuffle(observed_again)
    assert everything_shown(keys, observed) == everything_shown(again, observed_again)


@given(DESIRED, OBSERVED, OBSERVED)
def test_equal_fingerprints_mean_equal_changes(
    want: dict[str, Any], have: dict[str, Any], other: dict[str, Any]
) -> None:
    one, two = (make_plan([declared(**want)], [live(**fields)]) for fields in (have, other))
    assume(one.changes and two.changes)
    same = [one.changes[0].before, one.changes[0].patch] == [two.changes[0].before, two.changes[0].patch]
    assert (one.fingerprint == two.fingerprint) is same
