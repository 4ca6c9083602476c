"""The schemas and the shipped files hold what docs/editor.md promises of editors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from jsonschema import Draft7Validator

from reconciler.cli.main import cli
from reconciler.kinds.bundle import bundled_schema
from reconciler.kinds.packaged import document_schema
from tests.contract.editor import EVERY, HELD_IN_WORDS, MODELINE, REQUIRED, ROOT, SHIPPED

if TYPE_CHECKING:
    from pathlib import Path

DEFINITIONS = document_schema()["definitions"]

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
            is_valid = Draft7Validator({**keywords, "definitions": DEFINITIONS}).is_valid
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
