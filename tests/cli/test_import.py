"""``import``: one live key, declared in the file of its scope."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import fill, live, patches

if TYPE_CHECKING:
    from pathlib import Path

    from gcore_emulator import Emulator
    from tests.support import CommandLine

WEB = "caas/1/76/web"
HEAD = "project_id: 1\nregion_id: 76\n"
FAR = "project_id: 1\nregion_id: 7\nkeys: []\n"
ONE = "keys:\n  - name: one   # ours\n"


@pytest.fixture
def here(cli: CommandLine, emulator: Emulator, tmp_path: Path) -> Path:
    """A folder with a configuration, and two live keys."""
    fill(emulator, "one", "web")
    (tmp_path / "reconciler.yaml").write_text("paths: [keys/]\n")
    (tmp_path / "keys").mkdir()
    cli.environment.chdir(tmp_path)
    return tmp_path


def test_a_key_is_added_to_the_file_of_its_scope(cli: CommandLine, emulator: Emulator, here: Path) -> None:
    (here / "keys/a.yaml").write_text(FAR)
    (here / "keys/b.yaml").write_text(HEAD + ONE)
    done = cli("import", WEB)
    assert (done.code, done.out, done.err) == (0, f"Imported {WEB} into keys/b.yaml\n", "")
    assert (here / "keys/b.yaml").read_text().startswith(f"{HEAD}{ONE}  # created ")
    assert (here / "keys/a.yaml").read_text() == FAR
    assert cli("plan").out == "No changes. Your infrastructure matches the configuration.\n"
    assert patches(emulator) == []


def test_without_a_file_of_its_scope_a_new_one_is_written(
    cli: CommandLine, emulator: Emulator, here: Path
) -> None:
    (here / "keys/a.yaml").write_text(FAR)
    assert cli("import", WEB).out == f"Imported {WEB} into keys/caas-1-76.yaml\n"
    text = (here / "keys/caas-1-76.yaml").read_text()
    assert text.startswith(f"# yaml-language-server: $schema=../keys.schema.json\nkind: caas\n{HEAD}keys:\n")
    assert "one" not in text
    assert cli("import", "caas/1/76/one", "--file", "keys/caas-1-76.yaml").code == 0
    assert cli("plan").out == "No changes. Your infrastructure matches the configuration.\n"
    assert emulator.requests


def test_a_file_can_be_named(cli: CommandLine, emulator: Emulator, here: Path) -> None:
    for file in ("keys/a.yaml", "keys/b.yaml"):
        (here / file).write_text(f"{HEAD}keys: []\n")
    done = cli("import", WEB)
    assert (done.code, done.err) == (
        1,
        "Error: caas/1/76 is declared in keys/a.yaml, keys/b.yaml; choose one of them with --into\n",
    )
    assert cli("import", WEB, "--into", "keys/b.yaml").out == f"Imported {WEB} into keys/b.yaml\n"
    assert (here / "keys/a.yaml").read_text() == f"{HEAD}keys: []\n"
    assert emulator.requests


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        (
            "caas/1/76/one",
            "keys/b.yaml:4:5: caas/1/76/one is declared here; accept writes its live values there",
        ),
        ("caas/1/76/none", "caas/1/76/none is not on the server, so there is nothing to import"),
        ("caas/1/76/theirs", "caas/1/76/theirs cannot be declared: it is managed elsewhere (source iate)"),
        (
            "theirz",
            "no live key of the scopes in these files has an address that ends in theirz; did you mean",
        ),
        ("one", "keys/b.yaml:4:5: caas/1/76/one is declared here; accept writes its live values there"),
    ],
)
def test_what_cannot_be_imported_changes_nothing(
    cli: CommandLine, emulator: Emulator, here: Path, address: str, complaint: str
) -> None:
    emulator.put_key(1, 76, live("theirs", source="iate"))
    (here / "keys/b.yaml").write_text(HEAD + ONE)
    done = cli("import", address)
    assert (done.code, done.out) == (1, "")
    assert complaint in done.err
    assert [(path.name, path.read_text()) for path in (here / "keys").iterdir()] == [("b.yaml", HEAD + ONE)]


def test_the_end_of_a_live_address_is_enough_where_it_is_unique(
    cli: CommandLine, emulator: Emulator, here: Path
) -> None:
    missing = cli("import", "web")
    assert (missing.code, "web is not an address such as caas/{project_id}/" in missing.err) == (1, True)
    (here / "keys/b.yaml").write_text(HEAD + ONE)
    assert cli("import", "web").out == f"Imported {WEB} into keys/b.yaml\n"
    assert cli("plan").out.startswith("No changes.")
    (here / "keys/a.yaml").write_text(FAR.replace("[]", "[{name: here}]"))
    for region in (7, 76):
        emulator.put_key(1, region, live("both"))
    done = cli("import", "both")
    assert done.code == 1
    assert "both is the end of several addresses; write one of caas/1/7/both, caas/1/76/both" in done.err
    assert patches(emulator) == []


def test_a_scope_that_is_declared_by_name_is_found(cli: CommandLine, emulator: Emulator, here: Path) -> None:
    emulator.put_project({"id": 1, "name": "shop"})
    text = f"project: shop\nregion_id: 76\n{ONE}"
    (here / "keys/b.yaml").write_text(text)
    done = cli("import", WEB)
    assert (done.code, (here / "keys/b.yaml").read_text()) == (1, text)
    assert "does not resolve the name shop; write project_id" in done.err
    assert "is declared here" in cli("import", "caas/1/76/one").err


@pytest.mark.parametrize(("words", "file"), [((), "caas-1-76.yaml"), (("-f", "all"), "all/caas-1-76.yaml")])
def test_a_folder_may_be_empty(
    cli: CommandLine, emulator: Emulator, tmp_path: Path, words: tuple[str, ...], file: str
) -> None:
    fill(emulator, "web")
    cli.environment.chdir(tmp_path)
    (tmp_path / "all").mkdir()
    assert cli("import", WEB, *words).out == f"Imported {WEB} into {file}\n"
    assert cli("plan", file).out.startswith("No changes.")
    missing = cli("import", WEB, "-f", "nowhere")
    assert (missing.code, "nowhere" in missing.err) == (1, True)
    assert [path.name for path in tmp_path.rglob("*.yaml")] == ["caas-1-76.yaml"]
