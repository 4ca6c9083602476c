"""``accept``: the live value, written where the file says otherwise."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support import CommandLine, Finished, declare, fill, patches

if TYPE_CHECKING:
    from pathlib import Path

    from gcore_emulator import Emulator

TEXT = """\
# ours
project_id: 1
region_id: 76
keys:
  - name: web
    description: 'old'   # the shop
    is_disabled: false
    containers:
      - {name: web, namespace: shop}  # kept
  - name: api
    description: old
"""
WEB = {"name": "web", "namespace": "shop"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.yaml"
    path.write_text(TEXT)
    os.utime(path, ns=(1, 1))
    return path


def accept(cli: CommandLine, file: Path, *words: str) -> Finished:
    return cli("accept", "caas/1/76/web", *words, "--file", str(file))


def test_one_field_is_written_and_shown(cli: CommandLine, emulator: Emulator, file: Path) -> None:
    fill(emulator, "web", description="new", is_disabled=True, containers=[WEB])
    done = accept(cli, file, "description")
    assert (done.code, done.err) == (0, "Accepted 1 field of caas/1/76/web: description\n")
    assert (
        done.out
        == f"{file}:6\n-     description: 'old'   # the shop\n+     description: 'new'   # the shop\n"
    )
    assert file.read_text() == TEXT.replace("'old'", "'new'")
    assert patches(emulator) == []


def test_every_declared_field_that_differs_is_written(
    cli: CommandLine, emulator: Emulator, file: Path
) -> None:
    api = {"name": "api", "namespace": "shop"}
    fill(emulator, "web", is_disabled=True, expire="2030-01-01T00:00:00Z", containers=[api, WEB])
    fill(emulator, "api", description="old")
    done = accept(cli, file)
    assert (done.code, done.err) == (
        0,
        "Accepted 3 fields of caas/1/76/web: containers, description, is_disabled\n",
    )
    wanted = TEXT.replace("'old'", "''").replace("false", "true")
    assert file.read_text() == wanted.replace("# kept\n", "# kept\n      - {name: api, namespace: shop}\n")
    assert [line for line in done.out.splitlines() if not line.startswith(("-", "+"))] == [
        f"{file}:6",
        f"{file}:10",
    ]
    assert cli("plan", str(file)).out.startswith("No changes.")


@pytest.mark.parametrize(("words", "what"), [(["description"], "description"), ([], "No declared field")])
def test_without_a_difference_the_file_is_not_touched(
    cli: CommandLine, emulator: Emulator, file: Path, words: list[str], what: str
) -> None:
    fill(emulator, "web", description="old", containers=[WEB])
    done = accept(cli, file, *words)
    differs = "does not differ" if words else "differs"
    assert (done.code, done.err) == (0, "")
    assert done.out == f"{what} of caas/1/76/web {differs}: {file} is unchanged.\n"
    assert file.stat().st_mtime_ns == 1


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (
            "caas/1/76/web expire",
            "keys.yaml:5:5: expire is not declared for caas/1/76/web, so it is not managed",
        ),
        ("caas/1/76/web colour", "colour is not a field of a caas key"),
        ("caas/1/76/web status", "status is not declared for caas/1/76/web"),
        ("caas/1/76/other", "caas/1/76/other is not declared in these files"),
        ("76", "76 is not an address"),
        ("caas/1/76/api", "caas/1/76/api is declared, but not on the server"),
        ("caas/1/76/web", "is managed elsewhere (source iate)"),
    ],
)
def test_a_key_that_cannot_be_accepted_is_an_error(
    cli: CommandLine, emulator: Emulator, file: Path, words: str, complaint: str
) -> None:
    fill(emulator, "web", source="iate")
    done = cli("accept", *words.split(), "--file", str(file))
    assert (done.code, done.out, complaint in done.err) == (1, "", True)
    assert file.stat().st_mtime_ns == 1


def test_standard_input_cannot_be_written(cli: CommandLine) -> None:
    done = cli("accept", "caas/1/76/web", "--file", "-")
    assert (done.code, "standard input cannot be written" in done.err) == (64, True)


def test_a_shared_value_is_refused_with_its_place(cli: CommandLine, emulator: Emulator, file: Path) -> None:
    fill(emulator, "web", description="new", containers=[WEB])
    shared = TEXT.replace("'old'", "&d old").replace("description: old", "description: *d")
    file.write_text(shared)
    done = accept(cli, file, "description")
    assert (done.code, file.read_text()) == (1, shared)
    reason = "description is not changed: its anchor &d is used by others, first on line 11"
    assert f"{file}:6:18: caas/1/76/web: {reason}" in done.err


def test_of_several_files_the_one_that_declares_the_key_is_changed(
    cli: CommandLine, emulator: Emulator, file: Path
) -> None:
    fill(emulator, "web", description="new", containers=[WEB])
    other = file.with_name("other.yaml")
    other.write_text(TEXT.replace("76", "7"))
    done = cli("accept", "caas/1/76/web", "--file", str(file.parent))
    assert (done.code, other.read_text()) == (0, TEXT.replace("76", "7"))
    assert "'new'" in file.read_text()


def test_a_live_text_cannot_forge_a_line_of_the_diff(
    cli: CommandLine, emulator: Emulator, file: Path
) -> None:
    fill(emulator, "web", description="a\n::error::b\x1b[31m\u2028", containers=[WEB])
    done = accept(cli, file, "description")
    assert done.out.splitlines()[-1].startswith('+     description: "a\\n::error::b\\u001b[31m\\u2028"')
    assert "\x1b" not in done.out


def test_a_default_is_not_overwritten(cli: CommandLine, emulator: Emulator, tmp_path: Path) -> None:
    fill(emulator, "web", description="theirs")
    text = "project_id: 1\nregion_id: 76\ndefaults: {description: ours}\nkeys:\n  - name: web\n"
    (tmp_path / "keys.yaml").write_text(text, encoding="utf-8")
    done = cli("accept", "caas/1/76/web", "--file", str(tmp_path / "keys.yaml"))
    assert (done.code, "keys.yaml:3:25: description comes from the defaults of its document" in done.err) == (
        1,
        True,
    )
    assert (tmp_path / "keys.yaml").read_text(encoding="utf-8") == text


def test_a_file_that_names_its_project_needs_the_number_first(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web", description="theirs")
    text = "project: p\nregion_id: 76\nkeys:\n  - {name: web, description: ours}\n"
    (tmp_path / "keys.yaml").write_text(text, encoding="utf-8")
    done = cli("accept", "caas/1/76/web", "--file", str(tmp_path / "keys.yaml"))
    assert (
        done.code,
        "keys.yaml:1:10: accept does not resolve the name p; write project_id in the file" in done.err,
    ) == (
        1,
        True,
    )


def test_key_metadata_does_not_prevent_accept(cli: CommandLine, emulator: Emulator, tmp_path: Path) -> None:
    fill(emulator, "web", description="theirs")
    head = "project_id: 1\nregion_id: 76\ndefaults: {expire: null}\n"
    text = f"{head}keys:\n  - name: web\n    description: ours\n"
    rules = "    lifecycle: {prevent_destroy: true}  # keep\n"
    (tmp_path / "keys.yaml").write_text(text + rules, encoding="utf-8")
    assert cli("accept", "caas/1/76/web", "--file", str(tmp_path / "keys.yaml")).code == 0
    assert (tmp_path / "keys.yaml").read_text(encoding="utf-8") == text.replace("ours", "theirs") + rules


def test_a_key_declared_absent_cannot_be_accepted(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web")
    path = declare(tmp_path / "keys.yaml", {"name": "web", "state": "absent"})
    done = cli("accept", "caas/1/76/web", "--file", path)
    assert (done.code, "is declared absent, so it has no value to accept" in done.err) == (1, True)


def test_a_key_whose_successor_is_in_another_file_is_accepted(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web", "web-2")
    head, rules = "project_id: 1\nregion_id: 76\nkeys:\n", "    lifecycle: {rotates: web}\n"
    (tmp_path / "old.yaml").write_text(f"{head}  - name: web\n")
    new = tmp_path / "new.yaml"
    new.write_text(f"{head}  - name: web-2\n    description: old\n{rules}")
    done = cli("accept", "web-2", "--file", str(tmp_path))
    assert (done.code, "description:" in new.read_text(), "old" in new.read_text()) == (0, True, False)
