"""Keys of functions and of inference: the same commands, and what other tools get wrong about them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from gcore_emulator import Faults
from tests.support import CommandLine, listings, patches

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gcore_emulator import Emulator
    from tests.support import Finished

RESIZE = {"name": "resize", "namespace": "media"}
CROP = {"name": "crop", "namespace": "media"}
LATER = "2036-01-31T00:00:00Z"
NO_CHANGES = "No changes. Your infrastructure matches the configuration.\n"


class Family:
    """One family of keys in project 1: the files that declare them, the live keys, and the commands."""

    def __init__(self, cli: CommandLine, emulator: Emulator, folder: Path, kind: str) -> None:
        self.kind = kind
        self.emulator = emulator
        self.folder = folder
        self._cli = cli
        self._region = {} if kind == "inference" else {"region_id": 76}

    def live(self, name: str = "key-one", **fields: Any) -> None:
        """Make a live key."""
        bound: dict[str, Any] = {"functions": []} if self.kind == "faas" else {}
        region = self._region.get("region_id")
        self.emulator.put_key(1, region, {"name": name, **bound, **fields}, family=self.kind)

    def stored(self, name: str = "key-one") -> Mapping[str, Any]:
        """Return what the service stores of a key."""
        return self.emulator.keys(1, self._region.get("region_id"), family=self.kind)[name]

    def declare(self, *keys: Mapping[str, Any], **fields: Any) -> str:
        """Declare keys, or the one with these fields; return the file."""
        declared = keys or ({"name": "key-one", **fields},)
        file = self.folder / f"{self.kind}.yaml"
        file.write_text(
            json.dumps({"kind": self.kind, "project_id": 1, **self._region, "keys": declared}),
            encoding="utf-8",
        )
        return str(file)

    def plan(self, *options: str) -> Finished:
        return self._cli("plan", str(self.folder / f"{self.kind}.yaml"), *options)

    def apply(self, *options: str) -> Finished:
        return self._cli("apply", str(self.folder / f"{self.kind}.yaml"), "--auto-approve", *options)

    def settled(self) -> bool:
        """Return whether a plan now is empty."""
        done = self.plan("--detailed-exitcode")
        return (done.code, done.out, done.err) == (0, NO_CHANGES, "")


@pytest.fixture
def faas(cli: CommandLine, emulator: Emulator, tmp_path: Path) -> Family:
    return Family(cli, emulator, tmp_path, "faas")


@pytest.fixture
def inference(cli: CommandLine, emulator: Emulator, tmp_path: Path) -> Family:
    return Family(cli, emulator, tmp_path, "inference")


def switched(*settings: Mapping[str, str]) -> pytest.MarkDecorator:
    """Run a test once for each set of switches of the emulator."""
    names = [" ".join(f"{name}={value}" for name, value in one.items()) or "defaults" for one in settings]
    return pytest.mark.parametrize("emulator", settings, indirect=True, ids=names)


# Functions: what the vendor's Terraform provider gets wrong


def test_a_change_of_the_functions_alone_is_sent(faas: Family) -> None:
    faas.live(functions=[RESIZE])
    faas.declare(functions=[RESIZE, CROP])
    assert "~ functions = [  # grants: binds 1\n" in faas.plan().out
    assert faas.apply().code == 0
    assert patches(faas.emulator) == [{"functions": [CROP, RESIZE]}]
    assert faas.settled()


@switched({}, {"absent_nulls": "left-out"})
def test_an_expiry_and_a_description_can_be_cleared(faas: Family) -> None:
    faas.live(expire=LATER, description="old", functions=[RESIZE])
    faas.declare(expire=None, description="")
    assert faas.apply().code == 0
    assert patches(faas.emulator) == [{"description": "", "expire": None, "functions": [RESIZE]}]
    assert faas.settled()


@switched({}, {"absent_nulls": "left-out"})
def test_a_key_without_expiry_and_description_equals_null_and_the_empty_text(faas: Family) -> None:
    faas.live()
    faas.declare(expire=None, description="")
    assert faas.settled()


@switched({}, {"absent_nulls": "left-out"})
def test_an_expiry_that_was_removed_by_hand_is_seen(faas: Family) -> None:
    faas.live(expire=None)
    faas.declare(expire=LATER)
    assert f'~ expire = null -> "{LATER}"  # revokes: expires, and did not before\n' in faas.plan().out


@switched({"null_expire": "ignored"}, {"null_expire": "ignored", "absent_nulls": "left-out"})
def test_an_expiry_that_the_service_does_not_clear_is_not_verified(faas: Family) -> None:
    faas.live(expire=LATER)
    faas.declare(expire=None)
    done = faas.apply()
    assert done.code == 4
    assert f'not verified: expire was accepted as null but is stored as "{LATER}"' in done.out


def test_the_order_of_functions_is_not_a_change(faas: Family) -> None:
    faas.live(functions=[RESIZE, CROP])
    faas.declare(functions=[CROP, RESIZE])
    assert faas.settled()


@pytest.mark.parametrize(
    "spelling", ["2036-01-31T02:00:00+02:00", "2036-01-31T00:00:00.999Z", "2036-01-30t19:00:00-05:00"]
)
def test_offsets_and_fractions_of_an_expiry_are_not_a_change(faas: Family, spelling: str) -> None:
    faas.live(expire=LATER)
    faas.declare(expire=spelling)
    assert faas.settled()


@switched({}, {"omitted_functions": "400"}, {"omitted_functions": "accepted"})
@pytest.mark.parametrize("declared", [{}, {"functions": [CROP, RESIZE]}, {"functions": [RESIZE]}])
def test_every_patch_contains_the_functions(faas: Family, declared: dict[str, Any]) -> None:
    faas.live(description="old", functions=[RESIZE, CROP])
    faas.declare(description="new", **declared)
    assert faas.apply().code == 0
    wanted = declared.get("functions", [CROP, RESIZE])
    assert patches(faas.emulator) == [{"description": "new", "functions": wanted}]
    assert faas.settled()


# Inference: one field changes, one never does


def test_the_description_of_an_inference_key_is_changed(inference: Family) -> None:
    inference.live(description=None)
    inference.declare(description="chat frontend", expires_at=None)
    assert inference.apply().code == 0
    assert patches(inference.emulator) == [{"description": "chat frontend"}]
    assert inference.settled()


@pytest.mark.parametrize(
    ("live", "declared"),
    [(None, None), (LATER, LATER), (LATER, "2036-01-31T02:00:00+02:00"), (LATER, "2036-01-31T00:00:00.5Z")],
)
def test_an_equal_expiry_is_not_a_change(inference: Family, live: str | None, declared: str | None) -> None:
    inference.live(expires_at=live)
    inference.declare(expires_at=declared)
    assert inference.settled()


@pytest.mark.parametrize(
    ("live", "declared"), [(None, LATER), (LATER, None), (LATER, "2037-01-01T00:00:00Z")]
)
def test_another_expiry_is_explained_and_nothing_is_sent(
    inference: Family, live: str | None, declared: str | None
) -> None:
    inference.live(expires_at=live, description="old")
    file = inference.declare(expires_at=declared, description="new")
    have, want = json.dumps(live), json.dumps(declared)
    for done in (inference.plan(), inference.apply()):
        assert done.code == 1
        assert done.err.splitlines()[0] == (
            f"Error: {file}:1:49: inference/1/key-one: expires_at is {have} and cannot be changed in place "
            f"to {want}: the key would have to be replaced, which changes its secret; write the live value "
            f"into the file, or allow it with `lifecycle: {{replace: true}}`"
        )
    assert patches(inference.emulator) == []


def test_a_required_replacement_is_shown(inference: Family) -> None:
    inference.live(expires_at=LATER, description="old")
    inference.declare(expires_at=None)
    out = inference.plan().out
    assert "-/+ destroy and then create replacement\n" in out
    assert "  # inference/1/key-one must be replaced (grants+revokes)\n" in out
    assert '-/+ inference "key-one" {\n' in out
    assert "Plan: 1 to add, 0 to change, 1 to destroy.\n" in out


def test_a_replaced_key_keeps_its_undeclared_fields(
    inference: Family, cli: CommandLine, tmp_path: Path
) -> None:
    inference.live(expires_at=LATER, description="kept")
    file = inference.declare(expires_at=None, lifecycle={"replace": True})
    sink = tmp_path / "secrets"
    done = cli("apply", file, "--auto-approve", "-q", "--secret-sink", f"file:{sink}")
    assert (done.code, len(list(sink.iterdir()))) == (0, 1)
    assert done.out.endswith("Apply complete! Resources: 1 added, 0 changed, 1 destroyed.\n")
    live = inference.emulator.keys(1, family="inference")["key-one"]
    assert (live["description"], live["expires_at"]) == ("kept", None)
    requests = [record.method for record in inference.emulator.requests if record.method != "GET"]
    assert requests == ["DELETE", "POST"]
    assert "No changes." in cli("plan", file).out


def test_an_immutable_field_is_explained_as_not_sent(cli: CommandLine, inference: Family) -> None:
    inference.live(expires_at=LATER)
    file = inference.declare(expires_at=None)
    done = cli("explain", "inference/1/key-one", "expires_at", "--file", file)
    assert "  request   not carried, because it cannot be changed in place\n" in done.out
    assert "\nNo request would be sent: expires_at is" in done.out


def test_drift_of_an_immutable_field_does_not_block_correction_of_others(
    cli: CommandLine, inference: Family
) -> None:
    inference.live(expires_at=LATER, description="old")
    file = inference.declare(expires_at=None, description="new")
    done = cli("drift", file, "--correct", "all")
    assert (done.code, "Left to a person: inference/1/key-one: expires_at is" in done.err) == (2, True)
    assert patches(inference.emulator) == [{"description": "new"}]


def test_drift_that_requires_replacement_is_corrected_with_its_flags(
    cli: CommandLine, inference: Family, tmp_path: Path
) -> None:
    inference.live(expires_at=LATER, description="old")
    file = inference.declare(expires_at=None, description="new", lifecycle={"replace": True})
    done = cli("drift", file, "--correct", "grants")
    assert (done.code, patches(inference.emulator)) == (2, [])
    done = cli("drift", file, "--correct", "all", "--allow-destroy")
    assert (done.code, patches(inference.emulator)) == (2, [{"description": "new"}])
    assert done.err == "Left to a person: inference/1/key-one: its replacement needs --secret-sink\n"
    inference.live(expires_at=LATER, description="theirs")
    words = ("--correct", "revokes", "--allow-destroy", "--secret-sink", f"file:{tmp_path}/secrets")
    done = cli("drift", file, *words)
    assert done.code == 2  # the description is left
    assert (inference.stored()["expires_at"], inference.stored()["description"]) == (None, "theirs")
    methods = [record.method for record in inference.emulator.requests if record.method != "GET"]
    assert methods == ["PATCH", "DELETE", "POST"]


# Each command, for each family


CHANGES: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]] = {
    "faas": ({"functions": [RESIZE]}, {"functions": []}, {"functions": []}),
    "inference": ({"description": "old"}, {"description": "new"}, {"description": "new"}),
}
ADDRESSES = {"faas": "faas/1/76/key-one", "inference": "inference/1/key-one"}


@pytest.fixture(params=CHANGES)
def changed(
    cli: CommandLine, emulator: Emulator, tmp_path: Path, request: pytest.FixtureRequest
) -> tuple[Family, str, Mapping[str, Any]]:
    """A live key that is not as declared; its address, and the PATCH that brings it back."""
    live, declared, patch = CHANGES[request.param]
    family = Family(cli, emulator, tmp_path, request.param)
    family.live(**live)
    family.live("key-two", **live)
    family.declare({"name": "key-one", **declared}, {"name": "key-two", **declared})
    return family, ADDRESSES[request.param], patch


Changed = tuple[Family, str, "Mapping[str, Any]"]


def test_a_target_is_an_address_of_its_family(changed: Changed) -> None:
    family, address, patch = changed
    assert family.apply("--target", address).code == 0
    assert patches(family.emulator) == [patch]


def test_a_saved_plan_is_applied(cli: CommandLine, changed: Changed, tmp_path: Path) -> None:
    family, _, patch = changed
    saved = str(tmp_path / "plan.json")
    assert family.plan("--out", saved).code == 0
    assert cli("apply", "--plan", saved, "--auto-approve").code == 0
    assert patches(family.emulator) == [patch, patch]
    assert family.settled()


def test_drift_is_found_corrected_and_stored(cli: CommandLine, changed: Changed, tmp_path: Path) -> None:
    family, address, patch = changed
    words = (str(family.folder / f"{family.kind}.yaml"), "--history", str(tmp_path / "drift.db"))
    assert cli("drift", *words).code == 2
    assert cli("drift", *words, "--correct", "all").code == 0
    assert patches(family.emulator) == [patch, patch]
    kept = json.loads(cli("history", *words[1:], "--address", address, "--format", "json").out)
    assert [(one["address"], one["outcome"]) for one in kept["drift"]] == [(address, "corrected")]


def test_a_key_is_explained(cli: CommandLine, changed: Changed) -> None:
    family, address, patch = changed
    done = cli("explain", address, "--file", str(family.folder / f"{family.kind}.yaml"))
    assert done.code == 0
    assert f" {json.dumps(patch, separators=(',', ':'))}\n" in done.out
    assert "secret: set by the service, so never compared\n" in done.out


@pytest.mark.parametrize(
    ("kind", "path"), [("faas", "faas/keys/1/76"), ("inference", "inference/1/api_keys")]
)
def test_a_scope_is_read_in_pages_of_a_thousand(
    cli: CommandLine, emulator: Emulator, tmp_path: Path, kind: str, path: str
) -> None:
    family = Family(cli, emulator, tmp_path, kind)
    names = [f"key-{number}" for number in range(2001)]
    for name in names:
        family.live(name, description="same")
    family.declare(*({"name": name, "description": "same"} for name in names))
    assert family.settled()
    asked = [record.path.partition(path)[2] for record in emulator.requests]
    assert asked == [f"?limit=1000&offset={offset}" for offset in (0, 1000, 2000)]


def test_the_families_of_one_file_are_planned_together(
    cli: CommandLine, faas: Family, inference: Family, tmp_path: Path
) -> None:
    for family in (faas, inference):
        family.live(description="old")
        family.declare(description="new")
    faas.emulator.put_key(1, 76, {"name": "key-one", "containers": []})
    (tmp_path / "caas.yaml").write_text('{"project_id": 1, "region_id": 76, "keys": [{"name": "key-one"}]}')
    done = cli("apply", str(tmp_path), "--auto-approve")
    assert (done.code, listings(faas.emulator)) == (0, 3)
    assert [family.stored()["description"] for family in (faas, inference)] == ["new", "new"]


WIDEST: Mapping[str, tuple[int | None, Mapping[str, Any]]] = {
    "caas": (76, {"name": "a" * 64, "is_disabled": True, "expire": LATER, "containers": [RESIZE, CROP]}),
    "faas": (
        76,
        {"name": "a" * 26, "expire": LATER, "functions": [{"name": "a" * 26, "namespace": "b" * 26}]},
    ),
    "inference": (None, {"name": "a" * 63, "description": "é" * 300}),
}


@pytest.mark.parametrize("kind", WIDEST)
def test_whatever_a_kind_schema_allows_is_in_the_openapi_description(
    cli: CommandLine, emulator: Emulator, tmp_path: Path, kind: str
) -> None:
    region, fields = WIDEST[kind]
    lists: dict[str, dict[str, Any]] = {"caas": {"containers": []}, "faas": {"functions": []}}
    bound = lists.get(kind, {})
    emulator.put_key(1, region, {"name": fields["name"], "description": "old", **bound}, family=kind)
    family = Family(cli, emulator, tmp_path, kind)
    family.declare({"description": "x", **fields})
    assert family.apply().code == 0
    assert family.settled()


# A document's header


def test_an_inference_document_takes_no_region(cli: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    file.write_text("kind: inference\nproject_id: 1\nregion_id: 76\nkeys: []\n")
    done = cli("validate", str(file))
    reported = "region_id is not a part of the scope of inference keys (project_id); remove it"
    assert (done.code, done.messages) == (1, [f"Error: {file}:3:1: inference/1: {reported}"])


def test_an_inference_document_ignores_the_region_of_the_environment(
    cli: CommandLine, tmp_path: Path
) -> None:
    cli.environment.setenv("GCORE_CLOUD_REGION_ID", "76")
    file = tmp_path / "keys.yaml"
    file.write_text("kind: inference\nproject_id: 1\nkeys: [{name: chat}]\n")
    assert cli("validate", str(file)).code == 0


@pytest.mark.parametrize(
    ("kind", "field", "message"),
    [
        ("faas", "is_disabled: true", "is_disabled is not a known field"),
        ("faas", "functions: null", "functions cannot be null; leave the field out"),
        ("faas", "functions: [{name: r, namespace: media}]", 'functions[0].name "r" has 1 character'),
        ("faas", "status: Active", "status is set by the service and cannot be declared"),
        ("inference", "expire: null", "expire is not a known field; did you mean expires_at?"),
        ("inference", "deployment_names: []", "deployment_names is set by the service"),
        ("inference", f"description: {'x' * 301}", "has 301 characters; it needs at most 300"),
    ],
)
def test_a_field_is_checked_by_the_schema_of_its_kind(
    cli: CommandLine, tmp_path: Path, kind: str, field: str, message: str
) -> None:
    file = tmp_path / "keys.yaml"
    scope = "" if kind == "inference" else "region_id: 76\n"
    file.write_text(f"kind: {kind}\nproject_id: 1\n{scope}keys:\n  - name: key-one\n    {field}\n")
    done = cli("validate", str(file))
    assert (done.code, message in done.err) == (1, True)


def test_a_half_finished_replacement_reports_the_desired_key(
    inference: Family, cli: CommandLine, tmp_path: Path
) -> None:
    inference.live(expires_at=LATER, description="kept")
    file = inference.declare(expires_at=None, lifecycle={"replace": True})
    inference.emulator.faults = Faults(methods=("POST",), status_500=1.0)
    done = cli("apply", file, "--auto-approve", "-q", "--secret-sink", f"file:{tmp_path / 's'}")
    assert done.code == 4
    assert "the key was deleted, and creating it again failed: " in done.out
    assert '; it was to be {"description":"kept","name":"key-one"}' in done.out
    assert inference.emulator.keys(1, family="inference") == {}
