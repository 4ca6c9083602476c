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
        "expire 2020-01-01T00:00:00Z is in the past: the key has expired\n"
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
    lines = found.messages
    assert len(lines) == 2
    assert all(line.startswith("Error: keys.yaml:4:") and line.isprintable() for line in lines)


def test_the_place_of_an_error_is_shown(cli: CommandLine) -> None:
    write("\n  - {name: abc, descripton: x}\n  - name: bcd\n  - name: bcd\n")
    assert cli("validate", "-q", "keys.yaml").err == (
        "Error: keys.yaml:4:17: caas/1/76/abc: descripton is not a known field; did you mean description?\n"
        "    4 |   - {name: abc, descripton: x}\n"
        "      |                 ^\n"
        "Error: keys.yaml:6:5: caas/1/76/bcd: declared twice, first at keys.yaml:5:5; keep one of the two\n"
        "    6 |   - name: bcd\n"
        "      |     ^\n"
    )


def test_one_pass_finds_a_key_that_is_declared_twice_whatever_else_is_wrong_with_it(cli: CommandLine) -> None:
    write("\n  - {name: abc, descripton: x}\n", "a.yaml")
    write("\n  - {name: abc, descripton: x}\n  - {name: abc, is_disabled: maybe}\n", "b.yaml")
    assert [line for line in cli("validate", "a.yaml", "b.yaml").messages if line.startswith("Error")] == [
        "Error: a.yaml:4:17: caas/1/76/abc: descripton is not a known field; did you mean description?",
        "Error: b.yaml:4:5: caas/1/76/abc: declared twice, first at a.yaml:4:5; keep one of the two",
        "Error: b.yaml:4:17: caas/1/76/abc: descripton is not a known field; did you mean description?",
        "Error: b.yaml:5:5: caas/1/76/abc: declared twice, first at a.yaml:4:5; keep one of the two",
        'Error: b.yaml:5:30: caas/1/76/abc: is_disabled must be true or false, not the text "maybe"',
    ]


def test_one_pass_finds_what_is_wrong_beside_a_wrong_file_of_a_kind(cli: CommandLine) -> None:
    Path("kinds").mkdir()
    Path("kinds/bad.schema.json").write_text('{"title": "bad"}', encoding="utf-8")
    write(" [{name: ab}]\n---\nkind: bad\nproject_id: 1\nkeys: []\n")
    errors = [line for line in cli("validate", "keys.yaml").messages if line.startswith("Error")]
    assert [line for line in errors if "kinds/bad.schema.json" not in line] == [
        'Error: keys.yaml:3:15: caas/1/76/ab: name "ab" has 2 characters; it needs at least 3 and at most 64'
    ]
    assert len(errors) > 1
    write(" []\n")
    found = cli("validate", "keys.yaml")
    assert (found.code, found.out, len(found.messages)) == (1, "", len(errors) - 1)


@pytest.mark.parametrize("ending", ["", "  - {name: cde, descripton: [}\n"])
def test_one_pass_finds_each_member_that_is_written_twice(cli: CommandLine, ending: str) -> None:
    write(f"\n  - {{name: abc, name: abd, expire: x}}\n  - {{name: bcd, name: bce}}\n{ending}")
    errors = [line for line in cli("validate", "keys.yaml").messages if line.startswith("Error")]
    assert errors[:1] == ['Error: keys.yaml:4:17: duplicate key "name"']
    assert 'Error: keys.yaml:5:17: duplicate key "name"' in errors
    assert len(errors) == 3


@pytest.mark.parametrize("processes", ["1", "2"])
def test_the_place_of_a_key_in_two_files_is_shown(cli: CommandLine, processes: str) -> None:
    files = write(" [{name: abc}]\n", "a.yaml"), write(" [{name: abc}]\n", "b.yaml")
    found = cli("validate", "--processes", processes, *files)
    assert found.err == (
        "Error: b.yaml:3:8: caas/1/76/abc: declared twice, first at a.yaml:3:8; keep one of the two\n"
        "    3 | keys: [{name: abc}]\n"
        "      |        ^\n"
    )


def test_the_place_of_an_error_on_standard_input_is_shown(cli: CommandLine) -> None:
    with Path(write(" [{name: ab}]\n")).open("rb") as keys:
        found = cli.alone("validate", "-", stdin=keys)
    assert found.err.endswith("    3 | keys: [{name: ab}]\n      |               ^\n")


def test_of_very_many_errors_fifty_are_shown_and_all_are_counted(cli: CommandLine) -> None:
    lines = cli(
        "validate", write("\n" + "".join(f"  - {{name: n{n:03}, descripton: x}}\n" for n in range(900)))
    ).err.splitlines()
    assert (len(lines), lines[-1]) == (151, "Error: and 850 more problems")


@pytest.mark.parametrize("where", ["variable", "bound", "file", "bound file"])
def test_a_secret_in_a_file_is_not_shown(cli: CommandLine, where: str) -> None:
    secret = "pasted-0123456789abcdef"
    Path("token").write_text(f"{secret}\n", encoding="utf-8")
    name, value = {
        "variable": ("GCORE_API_KEY", secret),
        "bound": ("RECONCILER_TOKEN_api_example_org", secret),
        "file": ("GCORE_API_KEY_FILE", "token"),
        "bound file": ("RECONCILER_TOKEN_FILE_api_example_org", "token"),
    }[where]
    cli.environment.setenv(name, value)
    write(f"\n  - {{name: abc, {secret}: 1}}\n  - {{name: abd, descripton: {secret}}}\n  - {{name: ab}}\n")
    found = cli("validate", "keys.yaml").err
    assert "pasted" not in found
    assert '"***" is not a known field' in found
    assert found.count(" | ") == 2


def test_a_secret_of_a_named_file_is_not_shown(cli: CommandLine) -> None:
    Path("token").write_text("pasted-0123456789abcdef\n", encoding="utf-8")
    Path("token").chmod(0o600)
    found = cli("plan", "--token-file", "token", write(" [{name: abc, pasted-0123456789abcdef: 1}]\n"))
    assert (found.code, "pasted" in found.err, '"***" is not a known field' in found.err) == (1, False, True)
