"""``kinds``: which are known here, where each is from, and what it can do."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from reconciler.kinds.packaged import load_kinds, resource
from tests.kinds.descriptions import PETS, an_object, pets
from tests.kinds.test_drafts import CREATE

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.support import CommandLine

FOLDER = resource("examples") / "kinds"
CAAS = """caas
  from      packaged
  path      /cloud/v1/caas/keys/{project_id}/{region_id}/{name}
  named by  name
  set       description, expire, is_disabled, containers (PATCH)
  created   yes, with containers
  deleted   with state: absent
  rotated   yes, by expire, is_disabled

"""


def test_the_packaged_kinds_are_listed(cli: CommandLine) -> None:
    done = cli("kinds")
    assert (done.code, done.err, done.out.startswith(CAAS)) == (0, "", True)
    assert [line for line in done.out.splitlines() if line and line[0] != " "] == sorted(load_kinds())


def test_kinds_of_files_name_their_files(cli: CommandLine, tmp_path: Path) -> None:
    named = cli("kinds", "--kinds", str(FOLDER))
    assert f"label\n  from      {FOLDER}/label.schema.json\n" in named.out
    shutil.copytree(FOLDER, tmp_path / "kinds")
    beside = cli("kinds", str(tmp_path))
    assert f"label\n  from      {tmp_path}/kinds/label.schema.json\n" in beside.out


def test_the_kinds_as_json_say_what_can_be_done(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "api.json").write_text(json.dumps(pets(method="put", create=CREATE)))
    made = cli("kind", "init", "--openapi", str(tmp_path / "api.json"), "--collection", PETS)
    (tmp_path / "kinds").mkdir()
    (tmp_path / "kinds/pet.schema.json").write_text(made.out)
    done = cli("kinds", "--kinds", str(tmp_path / "kinds"), "--format", "json")
    assert json.loads(done.out)["kinds"][-1] == {
        "name": "pet",
        "api": "gcore",
        "unusable": None,
        "source": "file",
        "file": f"{tmp_path}/kinds/pet.schema.json",
        "collection": PETS,
        "item": f"{PETS}/{{id}}",
        "identity": "name",
        "set": ["size"],
        "set_by_creation": [],
        "update": {"method": "PUT", "body": "whole"},
        "create": {"requires": [], "later": []},
        "delete": True,
        "renew": False,
        "rotate": False,
        "secret": None,
    }
    assert "  set       size (PUT, the whole key)\n" in cli("kinds", "--kinds", str(tmp_path / "kinds")).out


def test_the_kinds_of_the_configuration_are_known(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(FOLDER, tmp_path / "own")
    api = {"base_url": "https://api.example.com", "kinds": "own/"}
    (tmp_path / "reconciler.yaml").write_text(json.dumps({"apis": {"shop": api}}))
    monkeypatch.chdir(tmp_path)
    assert "label\n  from      own/label.schema.json\n" in cli("kinds").out


def test_a_faulty_kind_is_an_error(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "pet.schema.json").write_text(json.dumps(an_object({})))
    done = cli("kinds", "--kinds", str(tmp_path))
    assert (done.code, done.out, "x-reconciler" in done.err) == (1, "", True)


def test_without_a_base_kinds_beside_the_files_are_left_out_with_a_warning(
    cli: CommandLine, tmp_path: Path
) -> None:
    shutil.copytree(FOLDER, tmp_path / "kinds")
    done = cli("kinds", str(tmp_path), "--trust", "base")
    assert (done.code, "label" in done.out, "is not used" in done.err) == (0, False, True)
