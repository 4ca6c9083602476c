"""From a key to its successor: the order of the steps, ended at each of them and repaired by another run.

At every time some key is valid whose secret is stored, and the alias never holds another secret than that
of a key which is there.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.api.client import Session
from reconciler.api.workers import Workers
from reconciler.apply.executor import apply_in
from reconciler.apply.sinks.fallback import Rescuer
from reconciler.apply.sinks.store import SinkSecretStore, open_secret_store
from reconciler.errors import SinkError
from reconciler.model.desired import Lifecycle
from reconciler.model.outcome import Outcome, Result
from reconciler.model.plan import Freshness, Plan
from reconciler.model.scope import Scope
from reconciler.model.secret import Secret
from tests.support import COLLECTION, connect
from tests.values import CAAS, declared, live, make_plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from reconciler.apply.sinks.sink import Held, Place
    from reconciler.model.desired import DesiredKey

SOON, LATER = "2026-06-08T00:00:00Z", "2026-12-01T00:00:00Z"
OLD = "caas/1/76/web-key"
NEW = "caas/1/76/web-key-2"
OTHER = replace(CAAS, name="other", api="other")


class KilledError(BaseException):
    """The end of a process: nothing catches it, and whoever tries anything afterwards dies too."""


class World:
    """A service and a sink that remember everything, and a process that ends at one of its steps."""

    def __init__(self) -> None:
        self.keys = {"web-key": live(expire=LATER)}
        self.secrets = {"web-key": "secret-0"}
        """The secret of each live key, as the service knows it."""
        self.places: dict[str, list[str]] = {OLD: ["secret-0"]}
        self.log: list[str] = []
        self.left = -1

    def step(self, what: str, *, is_effect: bool = False) -> None:
        """Count a step, and log one with an effect. Raises KilledError where the process is to end."""
        if self.left == 0:
            raise KilledError
        self.left -= 1
        if is_effect:
            self.log.append(what)
            self.check()

    def check(self) -> None:
        """Check what has to hold at every time."""
        stored = {place.rpartition("/")[2]: secrets[-1] for place, secrets in self.places.items()}
        own = {
            name: secret
            for name, secret in self.secrets.items()
            if secret in self.places.get(f"caas/1/76/{name}", ())
        }
        assert own, "no valid key whose secret is stored"
        assert stored["web-key"] in self.secrets.values(), "the alias holds the secret of no key"

    def __call__(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path.removeprefix(COLLECTION).lstrip("/")
        self.step(f"{request.method} {name}")
        response = self._respond(request, name)
        self.step(f"{request.method} {name}".strip(), is_effect=request.method != "GET")
        return response

    def _respond(self, request: httpx.Request, name: str) -> httpx.Response:
        match request.method:
            case "POST":
                body = json.loads(request.content)
                self.keys[body["name"]] = live(body["name"], **body)
                self.secrets[body["name"]] = f"secret-{len(self.secrets)}"
                return httpx.Response(
                    200, json=self.keys[body["name"]] | {"secret": self.secrets[body["name"]]}
                )
            case "PATCH":
                self.keys[name] |= json.loads(request.content)
                return httpx.Response(200, json=self.keys[name])
            case "DELETE":
                del self.keys[name], self.secrets[name]
                return httpx.Response(204)
        if not name:
            return httpx.Response(200, json={"count": len(self.keys), "results": [*self.keys.values()]})
        found = self.keys.get(name)
        return httpx.Response(404, json={}) if found is None else httpx.Response(200, json=found)

    # The sink

    has_versions = True

    def where(self, place: Place) -> str:
        return f"memory:{place.address}"

    def probe(self, places: Sequence[Place]) -> Mapping[Place, Held]:
        self.step("probe")
        return {place: str(len(self.places.get(place.address, ())) or "") for place in places}

    def store(self, place: Place, secret: Secret, held: Held = None) -> str:
        self.step("store")
        versions = self.places.setdefault(place.address, [])
        if held is not None and held != str(len(versions) or ""):
            raise SinkError("another version is there")
        versions.append(secret.reveal())
        self.step(f"store {place.name}", is_effect=True)
        return self.where(place)

    def read(self, place: Place) -> Secret | None:
        self.step("read")
        versions = self.places.get(place.address)
        return None if not versions else Secret(versions[-1])

    def hurry(self) -> None:
        pass


def plan_of(world: World, **old: Any) -> Plan:
    new = declared("web-key-2", line=5, expire=LATER, containers=[])
    new = new._replace(lifecycle=Lifecycle(rotates="web-key", alias="web-key"))
    key = declared("web-key", **({"expire": SOON} | old))
    return make_plan([key, new], world.keys.values())


def apply(world: World, folder: Path, plan: Plan) -> tuple[tuple[Outcome, ...], SinkSecretStore | None]:
    """Apply like the command does."""
    store = open_secret_store(plan.changes, lambda: world, Rescuer((folder,)), print, plan.aliases)
    return sent(world, plan, store), store


def sent(
    world: World, plan: Plan, store: SinkSecretStore | None, freshness: Freshness = Freshness.JUST_MADE
) -> tuple[Outcome, ...]:
    with Session(connect(world), Workers(2)) as session:
        return apply_in(session, {"caas": CAAS, "other": OTHER}, plan, freshness, (), store)


def test_the_order_is_create_store_alias_shorten(tmp_path: Path) -> None:
    world = World()
    outcomes, _ = apply(world, tmp_path, plan_of(world))
    assert [outcome.result for outcome in outcomes] == [Result.APPLIED] * 2
    assert world.log == ["POST", "store web-key-2", "store web-key", "PATCH web-key"]
    assert world.places == {OLD: ["secret-0", "secret-1"], NEW: ["secret-1"]}


def test_without_an_overlap_the_old_key_is_switched_off_last(tmp_path: Path) -> None:
    world = World()
    apply(world, tmp_path, plan_of(world, expire=LATER, is_disabled=True))
    assert world.log == ["POST", "store web-key-2", "store web-key", "PATCH web-key"]
    assert world.keys["web-key"]["is_disabled"] is True


@pytest.mark.parametrize("step", range(30))
def test_a_run_killed_at_any_step_is_repaired_by_another(tmp_path: Path, step: int) -> None:
    world = World()
    world.left = step
    try:
        apply(world, tmp_path, plan_of(world))
    except KilledError:
        world.check()
    world.left = -1
    outcomes, _ = apply(world, tmp_path, plan_of(world))
    if NEW not in world.places:  # killed between the creation and the store: the secret is nowhere
        (outcome,) = outcomes
        assert outcome.result is Result.NOT_ATTEMPTED
        assert "reconciler rotate caas/1/76/web-key-2 --now" in outcome.detail
        assert world.keys["web-key"]["expire"] == LATER
        world.check()
        return
    assert world.keys["web-key"]["expire"] == SOON
    assert world.places == {OLD: ["secret-0", "secret-1"], NEW: ["secret-1"]}
    assert plan_of(world).changes == ()


def test_each_of_these_steps_is_one_at_which_a_run_was_killed(tmp_path: Path) -> None:
    world = World()
    world.left = 1000
    apply(world, tmp_path, plan_of(world))
    assert 10 < 1000 - world.left <= 30


@pytest.mark.parametrize("changes_other", [False, True])
def test_an_alias_is_stored_although_nothing_of_its_api_changes(
    tmp_path: Path, *, changes_other: bool
) -> None:
    world = World()
    apply(world, tmp_path, plan_of(world))
    world.places[OLD].pop()  # as if the run had ended before the alias
    plan, scope = plan_of(world), Scope("other", 1, 76)
    if changes_other:
        change = make_plan([declared(description="new")], [live()], kind=OTHER, scope=scope).changes
        plan = replace(plan, changes=change)
    store = open_secret_store(plan.changes, lambda: world, Rescuer((tmp_path,)), print, plan.aliases)
    assert [outcome.result for outcome in sent(world, plan, store)] == [Result.APPLIED] * changes_other
    assert world.places[OLD] == ["secret-0", "secret-1"]


def test_successors_are_read_back_by_one_listing_of_each_scope_and_of_several_at_once() -> None:
    kind = replace(CAAS, secret=None)
    keys: list[DesiredKey] = []
    rows: dict[str, dict[str, Any]] = {}
    for i in range(25):
        old, new = f"old-{i}", f"new-{i}"
        keys += [
            declared(old, line=2 * i + 1, expire=SOON),
            declared(new, line=2 * i + 2)._replace(lifecycle=Lifecycle(rotates=old)),
        ]
        rows |= {old: live(old, expire=LATER), new: live(new)}
    plans = [make_plan(keys, rows.values(), kind=kind, scope=Scope("caas", 1, region)) for region in (76, 77)]
    plan = replace(plans[0], changes=(*plans[0].changes, *plans[1].changes))
    listed: list[str] = []
    together = threading.Barrier(2)

    def respond(request: httpx.Request) -> httpx.Response:
        if request.method == "PATCH":
            name = request.url.path.rpartition("/")[2]
            return httpx.Response(200, json=rows[name] | json.loads(request.content))
        listed.append(request.url.path)
        together.wait(timeout=60)
        return httpx.Response(200, json={"count": len(rows), "results": [*rows.values()]})

    with Session(connect(respond), Workers(2)) as session:
        outcomes = apply_in(session, {"caas": kind}, plan, Freshness.JUST_MADE)
    assert Counter(outcome.result for outcome in outcomes) == {Result.APPLIED: 50}
    assert sorted(listed) == [kind.collection_path(Scope("caas", 1, region)) for region in (76, 77)]


def test_a_successor_that_was_not_created_is_not_read_back(tmp_path: Path) -> None:
    world = Refusing("creation")
    apply(world, tmp_path, plan_of(world))
    assert world.requests == ["POST", "GET", "GET"]  # by its name, and in the listing: was it created?


class Refusing(World):
    """A service that refuses creations, or a sink that refuses an alias."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what
        self.requests: list[str] = []

    def _respond(self, request: httpx.Request, name: str) -> httpx.Response:
        self.requests.append(request.method)
        if request.method == "POST" and self.what == "creation":
            return httpx.Response(400, json={"message": "no"})
        if request.method == "GET" and "web-key-2" in self.keys and self.what == "reading":
            return httpx.Response(404, json={})
        if request.method == "GET" and "web-key-2" in self.keys and self.what == "listing":
            return httpx.Response(200, json={"count": 1, "results": [self.keys["web-key"]]})
        return super()._respond(request, name)

    def store(self, place: Place, secret: Secret, held: Held = None) -> str:
        if place.is_alias and self.what == "alias":
            raise SinkError("sealed")
        if self.what == "nothing":
            return self.where(place)  # it says that it has stored it
        return super().store(place, secret, held)

    def read(self, place: Place) -> Secret | None:
        found = super().read(place)
        return Secret("older") if found is not None and self.what == "older" else found


@pytest.mark.parametrize(
    ("what", "complaint"),
    [
        ("creation", f"{NEW} replaces it, and is not ready: failed"),
        ("reading", "it cannot be read back"),
        ("listing", "it does not exist when it is read back"),
        ("nothing", "holds no secret of caas/1/76/web-key-2"),
        ("older", "contains another secret than the one that was stored"),
        ("alias", "its secret could not be stored under the alias web-key: sealed"),
    ],
)
def test_the_old_key_keeps_its_access_unless_each_step_before_succeeded(
    tmp_path: Path, what: str, complaint: str
) -> None:
    world = Refusing(what)
    outcomes, _ = apply(world, tmp_path, plan_of(world))
    assert outcomes[0].change.name == "web-key"
    assert (outcomes[0].result, complaint in outcomes[0].detail) == (Result.NOT_ATTEMPTED, True)
    assert world.keys["web-key"]["expire"] == LATER
    assert "PATCH web-key" not in world.log


def test_a_sink_that_shows_another_secret_does_not_pass_for_one_without_an_alias(tmp_path: Path) -> None:
    world = Refusing("older")
    plan = replace(plan_of(world), aliases=())
    outcomes, _ = apply(world, tmp_path, plan)
    assert "contains another secret than the one that was stored" in outcomes[0].detail
    assert world.keys["web-key"]["expire"] == LATER


@pytest.mark.parametrize(
    ("live", "complaint"),
    [
        (None, "does not exist when it is read back"),
        ({"is_disabled": True}, "is_disabled is true"),
        ({"expire": "2026-06-01T11:00:00Z"}, "it expired at 2026-06-01T11:00:00Z"),
    ],
)
@pytest.mark.parametrize("freshness", Freshness)
def test_a_successor_that_does_not_work_any_more_keeps_the_old_key(
    tmp_path: Path, live: dict[str, Any] | None, complaint: str, freshness: Freshness
) -> None:
    """It was live when the plan was made."""
    world = World()
    apply(world, tmp_path, plan_of(world, expire=LATER))
    plan = plan_of(world)
    if live is None:
        del world.keys["web-key-2"]
    else:
        world.keys["web-key-2"] |= live
    store = open_secret_store(plan.changes, lambda: world, Rescuer((tmp_path,)), print, plan.aliases)
    (outcome,) = sent(world, plan, store, freshness)
    assert (outcome.result, complaint in outcome.detail) == (Result.NOT_ATTEMPTED, True)
    assert world.keys["web-key"]["expire"] == LATER


def test_an_earlier_secret_in_its_place_is_never_taken_for_that_of_the_successor(tmp_path: Path) -> None:
    """A key of its name was deleted long ago; a run killed after the creation would leave it there."""
    world = World()
    world.places[NEW] = ["earlier"]
    outcomes, _ = apply(world, tmp_path, plan_of(world))
    assert [outcome.result for outcome in outcomes] == [Result.NOT_ATTEMPTED] * 2
    assert "holds the secret of an earlier key of this name" in outcomes[1].detail
    assert world.log == []
    del world.places[NEW]  # as the message says
    apply(world, tmp_path, plan_of(world))
    assert world.keys["web-key"]["expire"] == SOON


@pytest.mark.parametrize("has_versions", [True, False])
def test_an_alias_that_the_store_does_not_know_keeps_the_old_key(
    tmp_path: Path, *, has_versions: bool
) -> None:
    world = World()
    world.has_versions = has_versions
    plan = plan_of(world)
    store = open_secret_store(plan.changes, lambda: world, Rescuer((tmp_path,)), print, ())
    (outcome, _) = sent(world, plan, store)
    is_known = not has_versions  # such a sink has no aliases at all
    assert (outcome.result is Result.APPLIED, world.keys["web-key"]["expire"] == SOON) == (is_known, is_known)
    assert ("the secret sink was not opened for the alias web-key" in outcome.detail) is has_versions


def test_an_old_key_is_not_ended_without_a_look_at_the_secret_of_its_successor() -> None:
    world = World()
    world.keys["web-key-2"] = live("web-key-2", expire=LATER)
    (outcome,) = sent(world, plan_of(world), None)
    assert (outcome.result, "--secret-sink" in outcome.detail) == (Result.NOT_ATTEMPTED, True)
