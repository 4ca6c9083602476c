"""The schema files: valid draft-07, true to the examples, and usable by other tools."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft7Validator

from reconciler.kinds.kind import RESERVED
from reconciler.kinds.packaged import load_kinds, resource, schema_texts
from reconciler.model.scope import ALIASES, SCOPE_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SCHEMAS = {name: json.loads(text) for name, text in schema_texts().items()}
KINDS = [name for name, schema in SCHEMAS.items() if "x-reconciler" in schema]
EXAMPLES = sorted({*resource("examples").glob("*.yaml")} - {resource("examples") / "reconciler.yaml"})


FIELDS_OF = {kind: SCHEMAS[kind]["properties"] for kind in KINDS}


def refused_by_check_jsonschema(files: Iterable[Path]) -> set[Path]:
    schema = resource("schemas") / "keys.schema.json"
    options = ["--output-format", "json", "--schemafile", str(schema)]
    arguments = [sys.executable, "-m", "check_jsonschema", *options, *map(str, files)]
    ended = subprocess.run(arguments, check=False, capture_output=True, text=True)
    report = json.loads(ended.stdout)
    assert report["parse_errors"] == []
    return {Path(error["filename"]) for error in report["errors"]}


def described(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return every property of a schema, at every depth."""
    for name, keywords in schema.get("properties", {}).items():
        yield f"{path}.{name}", keywords
        yield from described(keywords, f"{path}.{name}")
        yield from described(keywords.get("items", {}), f"{path}.{name}[]")


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_valid_draft_07(name: str) -> None:
    Draft7Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$schema"] == "http://json-schema.org/draft-07/schema#"


@pytest.mark.parametrize("name", [*KINDS, "keys"])
def test_every_property_is_described_for_editors(name: str) -> None:
    assert [path for path, keywords in described(SCHEMAS[name]) if not keywords.get("description")] == []


def test_every_kind_can_be_chosen_in_a_document() -> None:
    assert SCHEMAS["keys"]["properties"]["kind"]["enum"] == KINDS
    references = [
        branch["then"]["properties"]["keys"]["items"]["$ref"] for branch in SCHEMAS["keys"]["allOf"]
    ]
    assert references == [f"{kind}.schema.json" for kind in KINDS]


@pytest.mark.parametrize("kind", KINDS)
def test_a_document_header_accepts_only_the_scope_of_its_kind(kind: str) -> None:
    branch = next(b for b in SCHEMAS["keys"]["allOf"] if b["if"]["properties"]["kind"]["const"] == kind)
    refused = {name for name, keywords in branch["then"]["properties"].items() if "not" in keywords}
    absent = set(SCOPE_NAMES) - load_kinds()[kind].scope.keys()
    assert refused == absent | {ALIASES[name] for name in absent}


@pytest.mark.parametrize("kind", KINDS)
def test_every_declarable_field_but_the_name_can_have_a_default(kind: str) -> None:
    branch = next(b for b in SCHEMAS["keys"]["allOf"] if b["if"]["properties"]["kind"]["const"] == kind)
    defaults = dict(branch["then"]["properties"]["defaults"]["properties"])
    assert "not" in defaults.pop("name")
    kept = {"name", *RESERVED}
    fields = [name for name, words in FIELDS_OF[kind].items() if "readOnly" not in words and name not in kept]
    assert defaults == {name: {"$ref": f"{kind}.schema.json#/properties/{name}"} for name in fields}


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        (kind, field)
        for kind in KINDS
        for field, keywords in FIELDS_OF[kind].items()
        if "readOnly" in keywords
    ],
)
def test_fields_set_by_the_service_can_be_neither_declared_nor_sent(kind: str, field: str) -> None:
    keywords = FIELDS_OF[kind][field]
    assert keywords["readOnly"] is True
    assert not Draft7Validator(keywords).is_valid("2027-01-01T00:00:00Z")


VALID = [
    "kind: faas\nkeys: [{name: ab, functions: [{name: resize, namespace: media}]}]\n",
    "kind: inference\nproject_id: 1\nkeys: [{name: chat, expires_at: null}]\n",
    "defaults: {expire: null, containers: []}\nkeys: []\n",
    "kind: inference\ndefaults: {expires_at: null}\nkeys: []\n",
]
INVALID = [
    "keys: [{name: web-key, descripton: x}]\n",
    "kind: faas\nkeys: [{name: web-key, containers: []}]\n",
    "kind: inference\nkeys: [{name: chat, expire: null}]\n",
    "kind: inference\nregion_id: 76\nkeys: []\n",
    "kind: cass\nkeys: []\n",
    "defaults: {name: web-key}\nkeys: []\n",
    "defaults: {is_disabled: null}\nkeys: []\n",
    "kind: faas\ndefaults: {is_disabled: true}\nkeys: []\n",
]


def test_other_tools_accept_the_examples_and_refuse_what_we_refuse(tmp_path: Path) -> None:
    files = {tmp_path / f"{number}.yaml": text for number, text in enumerate([*VALID, *INVALID])}
    for file, text in files.items():
        file.write_text(text)
    refused = refused_by_check_jsonschema([*EXAMPLES, *files])
    assert {files.get(file, str(file)) for file in refused} == set(INVALID)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_describes_key_metadata_in_the_same_words(kind: str) -> None:
    definitions = SCHEMAS["keys"]["definitions"]
    assert {name: FIELDS_OF[kind][name] for name in RESERVED} == {
        name: definitions[name] for name in RESERVED
    }
