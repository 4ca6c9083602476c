"""Every mistake in a file: the exact message, exit code 1, and never a traceback."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support import CommandLine, Finished

HEADER = "project_id: 1\nregion_id: 76\n"
NAME_RULE = (
    "use lower-case letters, digits and hyphens, starting with a letter and ending with a letter or digit"
)
UNMANAGED = "leave the field out to leave it unmanaged"
NOTHING = "declares nothing; a complete document is `{project_id: 1, region_id: 76, keys: []}`, with your ids"
CHECK = "check the indentation, quotes and brackets here"
NO_INTEGER = "project_id must be a whole number, not the text"
NO_PROJECT = "write `project_id: N` at the top of the document or set GCORE_CLOUD_PROJECT_ID"
NO_EXPIRY = "expire must be text or null, not"
BY_SERVICE = "is set by the service and cannot be declared; remove it"
LIKE = "write it like 2027-07-31T00:00:00Z"
KNOWN = "known fields: name, description, expire, is_disabled, containers, state, lifecycle"
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 10)
)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)


def validate(cli: CommandLine, text: str) -> Finished:
    Path("keys.yaml").write_text(text, encoding="utf-8", newline="")
    return cli("validate", "keys.yaml")


def complaint(finished: Finished) -> str:
    """Return the one error that was printed."""
    assert (finished.code, finished.out) == (1, "")
    (line,) = finished.messages
    return line.removeprefix("Error: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "",
            f": {NOTHING}",
        ),
        (
            "# only\n# comments\n",
            f": {NOTHING}",
        ),
        ("- name: web-key\n", "1:1: must be a mapping with a list under `keys:`"),
        ("web-key\n", "1:1: must be a mapping with a list under `keys:`"),
        ("keys:\n\t- name: web-key\n", "2:1: a tab cannot indent YAML; use spaces"),
        ("keys: []\nproject_id: 1\nregion_id: 1\nkeys: []\n", '4:1: duplicate key "keys"'),
        (f"{HEADER}", "1:1: caas/1/76: keys is missing; write it"),
        (f"{HEADER}keys:\n", "3:6: caas/1/76: keys cannot be null; write a list"),
        (f"{HEADER}keys: web-key\n", '3:7: caas/1/76: keys must be a list, not the text "web-key"'),
        (
            f"kind: cass\n{HEADER}keys: []\n",
            '1:7: kind "cass" is unknown; write one of: caas, faas, inference',
        ),
        (f"kind: 1\n{HEADER}keys: []\n", "1:7: kind 1 is unknown; write one of: caas, faas, inference"),
        (f"kind:\n{HEADER}keys: []\n", "1:6: kind null is unknown; write one of: caas, faas, inference"),
        (
            'project_id: "1"\nregion_id: 76\nkeys: []\n',
            f'1:13: {NO_INTEGER} "1"; write 1 without quotes or leading zeros',
        ),
        (
            "project_id: 010\nregion_id: 76\nkeys: []\n",
            f'1:13: {NO_INTEGER} "010"; write 10 without quotes or leading zeros',
        ),
        ("region_id: 76\nkeys: []\n", f"1:1: no project_id; {NO_PROJECT}"),
        ("keys: [b\n", f"1:9: not valid YAML: did not find expected ',' or ']'; {CHECK}"),
        ("keys: [*b]\n", "1:8: the alias *b has no anchor &b before it in this document"),
        ("keys: !!set {a}\n", "1:7: the tag !!set is not supported; write the value without it"),
        ("keys: [\0]\n", '1:8: the character U+0000 is not allowed in YAML; write it as an escape in "…"'),
        (BOMB, "6:10: aliases stand for more than 100,000 nodes in this file"),
        ("[" * 10_000, "1:65: nested deeper than 64 levels"),
        ("{a: " * 10_000, "1:257: nested deeper than 64 levels"),
    ],
)
def test_an_invalid_document_is_reported(cli: CommandLine, text: str, message: str) -> None:
    assert complaint(validate(cli, text)) == f"keys.yaml{message if message[0] == ':' else f':{message}'}"


@pytest.mark.parametrize(
    ("fields", "column", "message"),
    [
        ("descripton: x", 21, "descripton is not a known field; did you mean description?"),
        ("colour: x", 21, f"colour is not a known field; {KNOWN}"),
        ("created_at: 2026-01-01T00:00:00Z", 21, f"created_at {BY_SERVICE}"),
        ("status: 5", 21, f"status {BY_SERVICE}"),
        ("secret: x", 21, f"secret {BY_SERVICE}"),
        ("is_disabled: no", 34, 'is_disabled must be true or false, not the text "no"; write false'),
        ("expire: 2027-01-01", 29, 'expire "2027-01-01" has no time of day; write 2027-01-01T00:00:00Z'),
        (
            "expire: 2027-01-01T00:00:00",
            29,
            'expire "2027-01-01T00:00:00" has no time zone; write 2027-01-01T00:00:00Z for UTC',
        ),
        ("expire: [1]", 29, f"{NO_EXPIRY} a list; {LIKE}"),
        ("expire: 2027", 29, f"{NO_EXPIRY} the number 2027; {LIKE}"),
        ("description: null", 34, f'description cannot be null; {UNMANAGED}, write "" to clear it'),
        ("containers: ~", 33, f"containers cannot be null; {UNMANAGED}, write [] to clear it"),
        (
            "containers: [{name: web}]",
            34,
            'containers[0].namespace is missing; write it, for example namespace: "shop"',
        ),
        ("containers: [web]", 34, 'containers[0] must be a mapping, not the text "web"'),
    ],
)
def test_an_invalid_field_is_reported(cli: CommandLine, fields: str, column: int, message: str) -> None:
    found = validate(cli, f"{HEADER}keys:\n  - {{name: web-key, {fields}}}\n")
    assert complaint(found) == f"keys.yaml:4:{column}: caas/1/76/web-key: {message}"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ab", 'caas/1/76/ab: name "ab" has 2 characters; it needs at least 3 and at most 64'),
        ("Web-Key", f'caas/1/76/Web-Key: name "Web-Key" is not allowed; {NAME_RULE}'),
        (
            "a" * 65,
            f'caas/1/76/{"a" * 65}: name "{"a" * 59}… has 65 characters; it needs at least 3 and at most 64',
        ),
        ('"web-key\\n"', f'caas/1/76/web-key\\u000a: name "web-key\\n" is not allowed; {NAME_RULE}'),
        ("12", 'caas/1/76/keys[0]: name must be text, not the number 12; write "12" in quotes'),
        ("null", "caas/1/76/keys[0]: name cannot be null; write text"),
    ],
)
def test_an_invalid_name_is_reported(cli: CommandLine, name: str, message: str) -> None:
    assert complaint(validate(cli, f"{HEADER}keys:\n  - name: {name}\n")) == f"keys.yaml:4:11: {message}"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("web-key", '4:5: caas/1/76/keys[0]: the key must be a mapping, not the text "web-key"'),
        ("", "4:4: caas/1/76/keys[0]: the key cannot be null; write a mapping"),
        ("[]", "4:5: caas/1/76/keys[0]: the key must be a mapping, not a list"),
        ("{}", '4:5: caas/1/76/keys[0]: name is missing; write it, for example name: "storefront"'),
    ],
)
def test_an_entry_that_is_not_a_key_is_reported(cli: CommandLine, entry: str, message: str) -> None:
    assert complaint(validate(cli, f"{HEADER}keys:\n  - {entry}\n")) == f"keys.yaml:{message}"


def test_a_missing_project_and_a_missing_region_are_two_problems(cli: CommandLine) -> None:
    found = validate(cli, "keys: []\n")
    assert (found.code, len(found.messages)) == (1, 2)


def test_a_duplicate_address_is_reported_with_both_files(cli: CommandLine) -> None:
    Path("a.yaml").write_text(f"{HEADER}keys:\n  - name: web-key\n")
    Path("b.yaml").write_text(f"{HEADER}keys: [{{name: api-key}},\n {{name: web-key}}]\n")
    message = "b.yaml:4:2: caas/1/76/web-key: declared twice, first at a.yaml:4:5; keep one of the two"
    assert complaint(cli("validate", ".")) == f"./{message}".replace("at a.yaml", "at ./a.yaml")


def test_every_problem_of_every_file_is_reported_together(cli: CommandLine) -> None:
    Path("broken.yaml").write_text("keys: [\n")
    Path("latin.yaml").write_bytes(b"# caf\xe9\n")
    Path("wrong.yaml").write_text(
        f"{HEADER}keys:\n  - {{name: ab, colour: x}}\n  - {{name: abc}}\n  - {{name: abc}}\n"
    )
    found = cli("validate", "wrong.yaml", "latin.yaml", "missing.yaml", "broken.yaml")
    places = [line.split(": ")[1] for line in found.messages]
    assert found.code == 1
    assert places == [
        "broken.yaml:1:8",
        "latin.yaml:1:6",
        "missing.yaml",
        "wrong.yaml:4:12",
        "wrong.yaml:4:16",
        "wrong.yaml:6:5",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfek\0", "1:1: not UTF-8: byte 0xff; save the file as UTF-8"),
        (b"keys: []\n# caf\xe9\n", "2:6: not UTF-8: byte 0xe9; save the file as UTF-8"),
        (b"\xef\xbb\xbfa: \xff\n", "1:4: not UTF-8: byte 0xff; save the file as UTF-8"),
    ],
)
def test_invalid_utf_8_is_reported(cli: CommandLine, content: bytes, message: str) -> None:
    Path("keys.yaml").write_bytes(content)
    assert complaint(cli("validate", "keys.yaml")) == f"keys.yaml:{message}"


def test_a_file_of_50_megabytes_is_refused(cli: CommandLine) -> None:
    with Path("keys.yaml").open("wb") as file:
        file.truncate(50_000_000)
    message = "keys.yaml: larger than 32 MiB; split it into several files"
    assert complaint(cli("validate", "keys.yaml")) == message


def test_a_missing_path_is_reported(cli: CommandLine) -> None:
    assert complaint(cli("validate", "keys.yaml")) == "keys.yaml: no such file or directory"


def test_a_directory_without_yaml_is_reported(cli: CommandLine) -> None:
    message = ".: this directory holds no *.yaml or *.yml file (hidden ones are left out)"
    assert complaint(cli("validate", ".")) == message


def test_an_unreadable_path_is_reported(cli: CommandLine) -> None:
    Path("keys.yaml").write_text("keys: []\n")
    message = "keys.yaml/more.yaml: cannot be read: Not a directory"
    assert complaint(cli("validate", "keys.yaml/more.yaml")) == message


def test_a_file_name_cannot_forge_a_line(cli: CommandLine) -> None:
    assert complaint(cli("validate", "x\n::error::\x1b[1m")).startswith(
        "x\\u000a::error::\\u001b[1m: no such"
    )


@pytest.mark.parametrize("text", ["[" * 10_000, "{a: " * 10_000, "- " * 10_000, BOMB])
def test_no_input_can_crash_the_process(cli: CommandLine, text: str) -> None:
    Path("keys.yaml").write_text(text)
    found = cli.alone("validate", "keys.yaml")
    assert found.code == 1
    assert found.err.startswith("Error: keys.yaml:")
    assert len(found.messages) == 1


def test_no_path_is_a_usage_error(cli: CommandLine) -> None:
    found = cli("validate")
    assert (found.code, found.out) == (64, "")
