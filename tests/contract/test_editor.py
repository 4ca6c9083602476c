"""What docs/editor.md promises, asked of the language server that editors use."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft7Validator

from reconciler.cli.main import cli
from reconciler.kinds.bundle import bundled_schema
from reconciler.kinds.kind import RESERVED
from reconciler.kinds.packaged import schema_texts
from tests.contract.language_server import language_server, needs_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.contract.language_server import Document, LanguageServer

    Opener = Callable[[str], Document]

ROOT = Path(__file__).parents[2]
MODELINE = "# yaml-language-server: $schema="
SHIPPED = [
    file
    for folder in ("examples", "deploy")
    for file in sorted(ROOT.glob(f"{folder}/**/*.y*ml"))
    if re.search(r"^keys:", file.read_text(encoding="utf-8"), re.MULTILINE)
]
SCOPE = "project_id: 1\nregion_id: 76\n"
CONTAINER = "{name: web, namespace: shop}"
HEADER = f"{SCOPE}keys:\n  - name: storefront\n"
FIELDS = {"description", "expire", "is_disabled", "containers"}
MEMBERS = FIELDS | RESERVED
"""What a key of the default kind can hold besides its name."""


def properties(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return every property of a schema and of nested ones, by its path."""
    for name, keywords in schema.get("properties", {}).items():
        yield f"{path}{name}", keywords
        yield from properties(keywords.get("items", {}), f"{path}{name}.")


EVERY = {
    (name, path): (keywords, keywords.get("description", ""))
    for name in ("keys", "caas", "faas", "inference")
    for path, keywords in properties(json.loads(schema_texts()[name]))
    if not keywords.get("readOnly")
}
DECLARABLE = {path: texts for (name, path), texts in EVERY.items() if name in {"keys", "caas"}}
REQUIRED = (
    "keys",
    "name",
    "containers.name",
    "containers.namespace",
    "functions.name",
    "functions.namespace",
)
HELD_IN_WORDS = ("keys", "lifecycle", "defaults", "containers", "functions")


@pytest.fixture(scope="module")
def server() -> Iterator[LanguageServer]:
    with language_server(ROOT) as started:
        yield started


@pytest.fixture
def opened(server: LanguageServer, tmp_path: Path) -> Iterator[Opener]:
    """Return a way to open a text beside the schema that the command prints, and no other file."""
    (tmp_path / "keys.schema.json").write_text(CliRunner().invoke(cli, ["schema", "keys"]).output)
    file = tmp_path / "keys.yaml"
    with contextlib.ExitStack() as stack:

        def open_text(text: str) -> Document:
            file.write_text(f"{MODELINE}keys.schema.json\n{text}")
            return stack.enter_context(server.opened(file))

        yield open_text


# The schemas


def test_every_field_has_a_title_and_documents_null() -> None:
    assert [place for place, (keywords, _) in EVERY.items() if not keywords["title"]] == []
    assert [place for place, (_, text) in EVERY.items() if not re.search(r"\bnull\b", text)] == []


def test_every_optional_field_documents_its_absence() -> None:
    optional = [place for place in EVERY if place[1] not in REQUIRED]
    assert [place for place in optional if "Omitted, " not in EVERY[place][1]] == []


def test_every_field_of_one_value_has_valid_examples() -> None:
    # The server writes an example that holds mappings as "[object Object]": they show theirs in words.
    for place, (keywords, _) in EVERY.items():
        if place[1] not in HELD_IN_WORDS:
            assert keywords["examples"], place
            is_valid = Draft7Validator(keywords).is_valid
            assert [value for value in keywords["examples"] if not is_valid(value)] == [], place


def test_only_the_kind_has_a_schema_default() -> None:
    assert {path for (_, path), (keywords, _) in EVERY.items() if "default" in keywords} == {"kind"}


# The files


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_file_starts_with_a_modeline_that_names_a_schema(file: Path) -> None:
    first = file.read_text(encoding="utf-8").partition("\n")[0]
    assert first.startswith(MODELINE)
    assert (file.parent / first.removeprefix(MODELINE)).is_file()


def test_the_example_repository_contains_the_printed_schema() -> None:
    held = (ROOT / "examples/gitops-repo/keys.schema.json").read_text(encoding="utf-8")
    assert held == bundled_schema("keys"), (
        "run: reconciler schema keys > examples/gitops-repo/keys.schema.json"
    )


def test_the_example_of_kinds_contains_the_printed_schema() -> None:
    held = (ROOT / "examples/labels/keys.schema.json").read_text(encoding="utf-8")
    command = ["schema", "--kinds", str(ROOT / "examples/kinds")]
    assert held == CliRunner().invoke(cli, command).stdout, (
        "run: reconciler schema --kinds examples/kinds > examples/labels/keys.schema.json"
    )


def test_the_examples_of_apis_contain_the_printed_schema() -> None:
    held = (ROOT / "examples/apis/keys.schema.json").read_text(encoding="utf-8")
    command = ["schema", "--config", str(ROOT / "examples/apis/reconciler.yaml")]
    assert held == CliRunner().invoke(cli, command).stdout, (
        "in examples/apis, run: reconciler schema > keys.schema.json"
    )


# Diagnostics


@needs_server
@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: str(file.relative_to(ROOT)))
def test_the_files_of_the_project_have_no_diagnostics(server: LanguageServer, file: Path) -> None:
    with server.opened(file) as document:
        assert document.diagnostics() == []


@needs_server
@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("is_disabled: 1", 'Incorrect type. Expected "boolean".'),
        ("is_disabled: no", 'Incorrect type. Expected "boolean".'),
        ("description: null", 'Incorrect type. Expected "string".'),
        ("expire: 2036-07-31", "String is not a RFC3339 date-time."),
        ("expires: null", "Property expires is not allowed."),
        ("status: Expired", "Matches a schema that is not allowed."),
        ("name: again", "Map keys must be unique"),
        ("containers: [{name: web}]", 'Missing property "namespace".'),
    ],
)
def test_an_error_is_shown_at_its_position(opened: Opener, line: str, message: str) -> None:
    assert opened(f"{HEADER}    {line}\n").diagnostics() == [f"6: {message}"]


@needs_server
def test_each_document_of_a_file_needs_its_own_modeline(opened: Opener) -> None:
    text = f"{HEADER}---\nkeys: 1\n---\n{MODELINE}keys.schema.json\nkeys: 1\n"
    assert opened(text).diagnostics() == ['10: Incorrect type. Expected "array".']


@needs_server
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("keys: []\n", "no project_id"),
        ("project_id: 010\nregion_id: 76\nkeys: []\n", 'not the text "010"'),
        (f"{HEADER}    expire: 2036-02-30T00:00:00Z\n", "is not a date that exists"),
        (f"{HEADER}  - name: storefront\n", "declared twice"),
        (f"{HEADER}    containers: [{CONTAINER}, {CONTAINER}]\n", "more than once"),
        (f"{HEADER}    description: !!binary aGFsbG8=\n", "!!binary is not supported"),
    ],
)
def test_validate_finds_errors_that_the_editor_cannot(
    opened: Opener, text: str, message: str, tmp_path: Path
) -> None:
    assert opened(text).diagnostics() == []
    result = CliRunner().invoke(cli, ["validate", str(tmp_path / "keys.yaml")])
    assert message in result.stderr


# Completion and hover


@needs_server
def test_the_fields_of_a_key_are_completed_with_their_documentation(opened: Opener) -> None:
    offered = opened(f"{HEADER}    ").completion("storefront\n    ")
    assert set(offered) == MEMBERS
    assert offered == {field: DECLARABLE[field][1] for field in MEMBERS}


@needs_server
def test_a_present_field_is_not_completed_again(opened: Opener) -> None:
    offered = opened(f"{HEADER}    is_disabled: true\n    ").completion("true\n    ")
    assert set(offered) == MEMBERS - {"is_disabled"}


@needs_server
@pytest.mark.parametrize(
    ("field", "values"),
    [("is_disabled", {"true", "false"}), ("expire", {"2036-07-31T00:00:00Z", "null"})],
)
def test_the_values_of_a_field_are_completed(opened: Opener, field: str, values: set[str]) -> None:
    assert set(opened(f"{HEADER}    {field}: ").completion(f"{field}: ")) == values


@needs_server
def test_the_members_of_a_container_are_completed(opened: Opener) -> None:
    offered = opened(f"{HEADER}    containers:\n      - ").completion("containers:\n      - ")
    assert {"name", "namespace"} <= set(offered)


@needs_server
@pytest.mark.parametrize("field", sorted(FIELDS))
def test_hovering_over_a_field_shows_its_documentation(server: LanguageServer, field: str) -> None:
    keywords, description = DECLARABLE[field]
    with server.opened(ROOT / "examples/keys.yaml") as document:
        shown = document.hover(f"\n    {field}").replace("\\", "")
    assert shown.startswith(f"#### {keywords['title']}\n\n{description}")


# Kinds and defaults


@needs_server
@pytest.mark.parametrize(
    ("header", "fields"),
    [
        ("kind: faas\n", {"description", "expire", "functions"}),
        ("kind: inference\n", {"description", "expires_at"}),
    ],
)
def test_the_fields_of_another_kind_are_completed_in_its_keys(
    opened: Opener, header: str, fields: set[str]
) -> None:
    text = f"{header}project_id: 1\nkeys:\n  - name: storefront\n    "
    assert set(opened(text).completion("storefront\n    ")) == fields | RESERVED


@needs_server
def test_the_fields_of_a_key_except_its_name_are_completed_in_defaults(opened: Opener) -> None:
    assert set(opened(f"{SCOPE}keys: []\ndefaults:\n  ").completion("defaults:\n  ")) == FIELDS


@needs_server
@pytest.mark.parametrize(
    "text",
    [
        "kind: inference\nproject_id: 1\nkeys: []\nregion_id: 76\n",
        "kind: inference\nproject_id: 1\nkeys: []\nregion: Sines\n",
        "kind: faas\nkeys: []\ndefaults:\n  is_disabled: true\n",
        "project_id: 1\nkeys: []\ndefaults:\n  name: storefront\n",
    ],
)
def test_members_that_a_kind_does_not_have_are_underlined(opened: Opener, text: str) -> None:
    (reported,) = opened(text).diagnostics()
    assert int(reported.partition(":")[0]) == text.count("\n") + 1  # the line of the modeline comes first
