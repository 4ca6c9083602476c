"""What docs/editor.md promises, asked of the language server that editors use."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from reconciler.cli.main import cli
from reconciler.kinds.kind import RESERVED
from tests.contract.editor import (
    CONTAINER,
    DECLARABLE,
    FIELDS,
    HEADER,
    MEMBERS,
    MODELINE,
    ROOT,
    SCOPE,
    SHIPPED,
)
from tests.integration.language_server import language_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.integration.language_server import Document, LanguageServer

    Opener = Callable[[str], Document]

pytestmark = pytest.mark.counterpart("yaml-language-server")


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


# Diagnostics


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: str(file.relative_to(ROOT)))
def test_the_files_of_the_project_have_no_diagnostics(server: LanguageServer, file: Path) -> None:
    with server.opened(file) as document:
        assert document.diagnostics() == []


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


def test_each_document_of_a_file_needs_its_own_modeline(opened: Opener) -> None:
    text = f"{HEADER}---\nkeys: 1\n---\n{MODELINE}keys.schema.json\nkeys: 1\n"
    assert opened(text).diagnostics() == ['10: Incorrect type. Expected "array".']


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


def test_the_fields_of_a_key_are_completed_with_their_documentation(opened: Opener) -> None:
    offered = opened(f"{HEADER}    ").completion("storefront\n    ")
    assert set(offered) == MEMBERS
    assert offered == {field: DECLARABLE[field][1] for field in MEMBERS}


def test_a_present_field_is_not_completed_again(opened: Opener) -> None:
    offered = opened(f"{HEADER}    is_disabled: true\n    ").completion("true\n    ")
    assert set(offered) == MEMBERS - {"is_disabled"}


@pytest.mark.parametrize(
    ("field", "values"),
    [("is_disabled", {"true", "false"}), ("expire", {"2036-07-31T00:00:00Z", "null"})],
)
def test_the_values_of_a_field_are_completed(opened: Opener, field: str, values: set[str]) -> None:
    assert set(opened(f"{HEADER}    {field}: ").completion(f"{field}: ")) == values


def test_the_members_of_a_container_are_completed(opened: Opener) -> None:
    offered = opened(f"{HEADER}    containers:\n      - ").completion("containers:\n      - ")
    assert {"name", "namespace"} <= set(offered)


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_hovering_over_a_field_shows_its_documentation(server: LanguageServer, field: str) -> None:
    keywords, description = DECLARABLE[field]
    with server.opened(ROOT / "examples/keys.yaml") as document:
        shown = document.hover(f"\n    {field}").replace("\\", "")
    assert shown.startswith(f"#### {keywords['title']}\n\n{description}")


def test_a_lifetime_is_checked_and_has_the_documentation_of_its_member(opened: Opener) -> None:
    document = opened(f"{SCOPE}renew:\n  within: soon\nkeys: []\n")
    assert document.diagnostics() == ["5: write a whole number and a unit: 36h, 30d, 8w or 2y"]
    within = DECLARABLE["renew"][0]["properties"]["within"]
    shown = document.hover("\n  within").replace("\\", "")
    assert shown.startswith(f"#### {within['title']}\n\n{within['description']}")


def test_an_example_of_a_lifetime_is_offered(opened: Opener) -> None:
    assert "30d" in opened(f"{SCOPE}renew:\n  within: \nkeys: []\n").completion("within: ")


# Kinds and defaults


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


def test_the_fields_of_a_key_except_its_name_are_completed_in_defaults(opened: Opener) -> None:
    assert set(opened(f"{SCOPE}keys: []\ndefaults:\n  ").completion("defaults:\n  ")) == FIELDS


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
