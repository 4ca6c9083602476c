"""Documents that name their project and region: looked up once a run, and only where a name is used."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.api.reader import Reader
from reconciler.errors import IncompleteReadError, InvalidResponseError
from reconciler.model.desired import DesiredScope, DesiredState, NamedParameter
from reconciler.model.scope import Scope
from reconciler.model.source import Position
from reconciler.observe.names import Directory
from tests.support import GIT_SETTINGS, CommandLine, Script, connect, emulate, fill, patches

if TYPE_CHECKING:
    from pathlib import Path

    from gcore_emulator import Emulator

KEYS = "keys: [{name: web-key, description: new}]\n"


@pytest.fixture
def service(emulator: Emulator) -> Emulator:
    """Two projects, three regions, and a key in project 1, region 76."""
    for number, name in ((1, "shop"), (2, "Shop"), (3, "bank")):
        emulator.put_project({"id": number, "name": name})
    for number, name in ((76, "Luxembourg-2"), (80, "Sines"), (81, "sines")):
        emulator.put_region({"id": number, "display_name": name})
    fill(emulator, "web-key", description="old")
    emulator.clear_requests()
    return emulator


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.yaml"
    path.write_text(f"project: shop\nregion: Luxembourg-2\n{KEYS}")
    return path


def asked(emulator: Emulator) -> list[str]:
    return [record.path.partition("?")[0].removeprefix("/cloud/v1/") for record in emulator.requests]


def test_names_are_looked_up_and_addresses_show_numbers(
    cli: CommandLine, service: Emulator, file: Path
) -> None:
    done = cli("plan", str(file))
    assert (done.code, done.err) == (0, "")
    assert "# caas/1/76/web-key will be updated in-place (neutral)\n" in done.out
    assert asked(service) == ["projects", "regions", "caas/keys/1/76"]


def test_numbers_need_no_lookup(cli: CommandLine, service: Emulator, file: Path) -> None:
    file.write_text(f"project_id: 1\nregion_id: 76\n{KEYS}")
    assert cli("plan", str(file)).code == 0
    assert asked(service) == ["caas/keys/1/76"]


def test_each_list_is_read_once_in_a_run(cli: CommandLine, service: Emulator, file: Path) -> None:
    text = file.read_text()
    file.write_text(
        f"{text}---\nproject: bank\nregion: Sines\n{KEYS}---\nproject: bank\nregion_id: 76\n{KEYS}"
    )
    cli("plan", str(file))
    assert sorted(asked(service))[-2:] == ["projects", "regions"]
    assert asked(service).count("projects") == 1


@pytest.mark.parametrize(("region", "number"), [("Sines", 80), ("sines", 81), ("luxembourg-2", 76)])
def test_a_region_matches_exactly_or_case_insensitively(
    cli: CommandLine, service: Emulator, file: Path, region: str, number: int
) -> None:
    file.write_text(f"project: shop\nregion: {region}\n{KEYS}")
    cli("plan", str(file))
    assert asked(service)[-1] == f"caas/keys/1/{number}"


SEVERAL = "2 entries: 80 (Sines), 81 (sines); write region_id with the right id"


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        (
            "project: SHOP\nregion_id: 76",
            (
                '1:10: project "SHOP" is not found; did you mean "Shop" (it differs in capitals), '
                '"shop" (it differs in capitals)?'
            ),
        ),
        ("project: shops\nregion_id: 76", '1:10: project "shops" is not found; did you mean shop, Shop?'),
        (
            'project: "1"\nregion_id: 76',
            '1:10: project "1" is not found; write project_id: 1 if that is its id',
        ),
        ("project: shop\nregion: SINES", f'2:9: region "SINES" matches {SEVERAL}'),
    ],
)
def test_an_unknown_or_ambiguous_name_is_an_error_with_candidates(
    cli: CommandLine, service: Emulator, file: Path, header: str, problem: str
) -> None:
    file.write_text(f"{header}\n{KEYS}")
    done = cli("apply", str(file), "--auto-approve")
    assert (done.code, done.err.splitlines()[0]) == (1, f"Error: {file}:{problem}")
    assert patches(service) == []


@pytest.mark.usefixtures("service")
def test_a_key_that_is_declared_by_name_and_by_number_is_declared_twice(cli: CommandLine, file: Path) -> None:
    file.write_text(f"{file.read_text()}---\nproject_id: 1\nregion_id: 76\n{KEYS}")
    assert cli("validate", str(file)).code == 0  # which cannot know
    done = cli("plan", str(file))
    assert (done.code, "caas/1/76/web-key: declared twice, first at" in done.err) == (1, True)


def test_validate_stays_offline(cli: CommandLine, file: Path) -> None:
    done = cli("validate", str(file), "-v")
    assert (done.code, "caas/shop/Luxembourg-2: 1 key" in done.err) == (0, True)


def test_warnings_and_targets_use_the_numbers(cli: CommandLine, service: Emulator, file: Path) -> None:
    file.write_text(
        "project: shop\nregion: Luxembourg-2\nkeys: [{name: web-key, expire: 2026-06-02T00:00:00Z}]\n"
    )
    done = cli("plan", str(file), "--target", "caas/1/76/web-*")
    assert "caas/1/76/web-key: expire 2026-06-02T00:00:00Z is near" in done.err
    assert asked(service)[-1] == "caas/keys/1/76"


def test_inference_needs_only_a_project_name(cli: CommandLine, service: Emulator, file: Path) -> None:
    service.put_key(1, None, {"name": "web-key"}, family="inference")
    file.write_text(f"kind: inference\nproject: shop\n{KEYS}")
    assert cli("apply", str(file), "--auto-approve").code == 0
    assert service.keys(1, family="inference")["web-key"]["description"] == "new"
    assert "regions" not in asked(service)
    file.write_text(f"kind: inference\nproject: shop\nregion: Sines\n{KEYS}")
    assert "region is not a part of the scope of inference keys" in cli("validate", str(file)).err


def test_explain_drift_and_history_use_the_numbers(
    cli: CommandLine, service: Emulator, file: Path, tmp_path: Path
) -> None:
    history = str(tmp_path / "drift.db")
    assert cli("explain", "caas/1/76/web-key", "--file", str(file)).code == 0
    assert cli("drift", str(file), "--history", history).code == 2
    assert cli("drift", str(file), "--history", history, "--correct", "all").code == 0
    kept = json.loads(cli("history", "--history", history, "--format", "json").out)
    assert [scope["scope"] for scope in kept["scopes"]] == ["caas/1/76"]
    assert patches(service) == [{"description": "new"}]


@pytest.mark.usefixtures("service")
def test_a_base_by_number_matches_a_file_by_name(cli: CommandLine, file: Path) -> None:
    text = file.read_text()
    file.write_text(f"project_id: 1\nregion_id: 76\n{KEYS}")
    for words in (
        ("init", "--quiet"),
        ("add", "."),
        (*GIT_SETTINGS, "commit", "--quiet", "--message", "base"),
    ):
        subprocess.run(["git", *words], cwd=file.parent, check=True)  # noqa: S607 - the git of this machine
    file.write_text(text)
    plan = json.loads(cli("plan", str(file), "--base", "HEAD", "--format", "json").out)
    (change,) = plan["resource_changes"]
    assert change["change"]["origins"] == {"description": "drift"}


NAMED = DesiredState(
    (DesiredScope(Scope("caas", "shop", 76, names=("project", "region_id")), ()),),
    names=(NamedParameter("project_id", "shop", Position("keys.yaml", 1, 1)),),
)


def looked_up(*responses: object) -> DesiredState:
    script = Script(*(httpx.Response(200, json=response) for response in responses))
    with Reader(connect(script)) as reader:
        state = Directory(lambda: reader).resolved(NAMED)
    for error in state.unresolved.values():
        raise error
    return state


def page(count: Any, *entries: object) -> object:
    return {"count": count, "results": entries}


SHOP, BANK = {"id": 1, "name": "shop"}, {"id": 3, "name": "bank"}


def test_a_name_on_a_later_page_is_found() -> None:
    (part,) = looked_up(page(2, BANK), page(2, SHOP)).scopes
    assert part.scope == Scope("caas", 1, 76)


def test_a_name_between_two_pages_is_found_in_a_second_listing() -> None:
    other = {"id": 4, "name": "other"}
    (part,) = looked_up(page(2, BANK), page(2, other), page(2, SHOP), page(2, other)).scopes
    assert part.scope == Scope("caas", 1, 76)


@pytest.mark.parametrize(
    "responses", [[page(2, SHOP), page(2)], [page(2, SHOP), page(2, SHOP)], [page(0, SHOP)]]
)
def test_an_incomplete_list_resolves_no_name(responses: list[object]) -> None:
    with pytest.raises(IncompleteReadError, match="/cloud/v1/projects: the listing is incomplete"):
        looked_up(*responses)


@pytest.mark.parametrize(
    "response",
    [
        [],
        {},
        page("1", SHOP),
        page(1, "shop"),
        page(1, {"id": "1", "name": "shop"}),
        page(1, {"id": 1}),
    ],
)
def test_a_list_that_does_not_match_the_schema_is_an_error(response: object) -> None:
    with pytest.raises(InvalidResponseError, match="does not match the documented schema"):
        looked_up(response)


def test_a_list_with_an_endless_count_is_an_error() -> None:
    with pytest.raises(InvalidResponseError, match="too large: it has more than 1000000 entries"):
        looked_up(page(10**12, SHOP))


def test_an_odd_list_entry_is_counted_and_hides_no_other() -> None:
    odd = ({"id": "x", "name": "shop"}, 7, {"id": 9}, {"id": 10, "name": None})
    (part,) = looked_up(page(5, *odd, SHOP)).scopes
    assert str(part.scope) == "caas/1/76"


def test_many_projects_are_read_in_several_pages(cli: CommandLine, file: Path) -> None:
    with emulate() as emulator:
        cli.use(emulator)
        for number in range(1001):
            emulator.put_project({"id": number + 1, "name": f"project-{number}"})
        emulator.put_region({"id": 76, "display_name": "Luxembourg-2"})
        file.write_text("project: project-1000\nregion: Luxembourg-2\nkeys: []\n")
        assert cli("plan", str(file)).code == 0
        assert [r.path for r in emulator.requests if "projects" in r.path] == [
            "/cloud/v1/projects?limit=1000&offset=0",
            "/cloud/v1/projects?limit=1000&offset=1000",
        ]
