"""Any sequence of writes agrees with a dictionary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from tests.gcore_emulator.conftest import KEYS
from tests.gcore_emulator.kinds import BOX
from tests.properties import examples

if TYPE_CHECKING:
    from tests.gcore_emulator.conftest import Api

DEFAULTS = {"description": "", "expire": None, "is_disabled": False}
NAMES = st.sampled_from(["one", "two", "three"])
MEMBERS = st.fixed_dictionaries(
    {},
    optional={
        "description": st.text(max_size=5),
        "expire": st.sampled_from([None, "2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z"]),
        "is_disabled": st.booleans(),
        "containers": st.lists(st.sampled_from([BOX, {"name": "shop", "namespace": ""}]), max_size=3),
    },
)
STEPS = st.lists(st.tuples(st.sampled_from(["create", "patch", "delete"]), NAMES, MEMBERS), max_size=12)
Model = dict[str, dict[str, Any]]


def _expected_status(model: Model, verb: str, name: str, members: dict[str, Any]) -> int:
    """Apply one step to the model and return the expected status of the API."""
    if verb == "create":
        if name in model:
            return 409
        model[name] = DEFAULTS | {"containers": []} | members
        return 200
    if name not in model:
        return 404
    if verb == "patch":
        model[name] |= members
        return 200
    del model[name]
    return 204


def _step(api: Api, verb: str, name: str, members: dict[str, Any]) -> int:
    actions = {
        "create": lambda: api.create(name, **members),
        "patch": lambda: api.patch(name, **members),
        "delete": lambda: api.delete(name),
    }
    return actions[verb]().status_code


@examples(15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_writes_match_a_dictionary_model(api: Api, steps: list[tuple[str, str, dict[str, Any]]]) -> None:
    for name in api.emulator.keys(1, 76):
        api.emulator.remove_key(1, 76, name)
    model: Model = {}
    for verb, name, members in steps:
        assert _step(api, verb, name, members) == _expected_status(model, verb, name, members)
    shown = {key["name"]: key for key in api.client.get(KEYS).json()["results"]}
    assert {name: {field: key[field] for field in model[name]} for name, key in shown.items()} == model
    assert {name: api.read(name).json() for name in shown} == shown == api.emulator.keys(1, 76)
