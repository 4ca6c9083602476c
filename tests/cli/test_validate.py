"""``reconciler validate``: what it accepts, and what it says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.kinds.packaged import resource

if TYPE_CHECKING:
    from tests.support import CommandLine

HEADER = "project_id: 1\nregion_id: 76\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)


def write(keys: str, path: str = "keys.yaml", header: str = HEADER) -> str:
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).write_text(f"{header}keys:{keys}", encoding="utf-8")
    return path


def test_the_example_is_valid(cli: CommandLine) -> None:
    found = cli("validate", str(resource("examples") / "keys.yaml"))
    assert (found.code, found.out, found.err) == (
        0,
        "Success! The configuration is valid: 4 keys in 1 scope.\n",
        "",
    )


@pytest.mark.parametrize(
    ("keys", "counted"),
    [
        (" []\n", "0 keys in 1 scope"),
        (" [{name: abc}]\n", "1 key in 1 scope"),
        (" [{name: abc}, {name: abd}]\n", "2 keys in 1 scope"),
    ],
)
def test_keys_are_counted(cli: CommandLine, keys: str, counted: str) -> None:
    assert cli("validate", write(keys)).out == f"Success! The configuration is valid: {counted}.\n"


def test_every_file_and_directory_is_read(cli: CommandLine) -> None:
    write(" [{name: abc}]\n", "team/shop.yaml")
    write(" [{name: abc}]\n", "bank.yaml", "project_id: 2\nregion_id: 9\n")
    assert (
        cli("validate", "team", "bank.yaml").out
        == "Success! The configuration is valid: 2 keys in 2 scopes.\n"
    )


def test_standard_input_is_read_for_a_dash(cli: CommandLine) -> None:
    with Path(write(" [{name: abc}]\n")).open("rb") as keys:
        found = cli.alone("validate", "-", stdin=keys)
    assert (found.code, found.out) == (0, "Success! The configuration is valid: 1 key in 1 scope.\n")


def test_an_error_on_standard_input_has_a_position(cli: CommandLine) -> None:
    with Path(write(" [{name: ab}]\n")).open("rb") as keys:
        found = cli.alone("validate", "-", stdin=keys)
    assert found.code == 1
    assert found.err.startswith("Error: <stdin>:3:15: caas/1/76/ab: ")


@pytest.mark.parametrize("ending", ["\r\n", "\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_files_with_other_line_endings_and_encodings_are_read(
    cli: CommandLine, mark: str, ending: str
) -> None:
    text = f"{mark}{HEADER}keys:\n  - name: abc\n".replace("\n", ending)
    Path("keys.yaml").write_bytes(text.encode())
    assert cli("validate", "keys.yaml").code == 0


def test_project_and_region_may_be_set_in_the_environment(cli: CommandLine) -> None:
    cli.environment.setenv("GCORE_CLOUD_PROJECT_ID", "1")
    cli.environment.setenv("GCORE_CLOUD_REGION_ID", "76")
    assert cli("validate", write(" []\n", header="")).code == 0


def test_project_and_region_may_be_set_by_options(cli: CommandLine) -> None:
    found = cli("validate", "--project-id", "1", "--region-id", "76", write(" []\n", header=""))
    assert found.code == 0


def test_an_option_does_not_overrule_the_file(cli: CommandLine) -> None:
    found = cli("validate", "--project-id", "9", write(" [{name: ab}]\n"))
    assert "caas/1/76/ab" in found.err


def test_an_expiry_in_the_past_is_a_warning(cli: CommandLine) -> None:
    found = cli("validate", write("\n  - {name: abc, expire: 2020-01-01T00:00:00Z}\n"))
    assert (found.code, found.out) == (0, "Success! The configuration is valid: 1 key in 1 scope.\n")
    assert found.err == (
        "Warning: keys.yaml:4:25: caas/1/76/abc: "
        "expire 2020-01-01T00:00:00Z is in the past: the key no longer works\n"
    )


def test_no_token_is_needed(cli: CommandLine) -> None:
    cli.environment.delenv("GCORE_API_KEY")
    assert cli("validate", write(" []\n")).code == 0


@pytest.mark.parametrize(
    "text", [r"\e[31mred\e[0m", r"a\nb\r\n::error::c", "[bold]x[/]", "x" * 10_000, r"\u202e", "🔑"]
)
def test_a_description_may_contain_any_text(cli: CommandLine, text: str) -> None:
    found = cli("validate", write(f'\n  - {{name: abc, description: "{text}"}}\n'))
    assert (found.code, found.err) == (0, "")


@pytest.mark.parametrize("text", [r"\e[31m", r"a\nb", r"\r::error::c", "[bold]", r"\u202e", "x" * 900])
def test_a_hostile_name_cannot_forge_a_line(cli: CommandLine, text: str) -> None:
    found = cli("validate", write(f'\n  - {{name: "{text}", "{text}": 1}}\n'))
    assert found.code == 1
    lines = found.err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("Error: keys.yaml:4:") and line.isprintable() for line in lines)
