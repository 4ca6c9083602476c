"""``kind init``: the draft on standard output, what is to decide on standard error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.kinds.packaged import load_kinds
from tests.kinds.test_openapi import LABELS, described

if TYPE_CHECKING:
    from tests.support import CommandLine

OPENAPI = str(Path(__file__).parents[1] / "gcore_emulator/openapi.yaml")


@pytest.mark.parametrize("name", load_kinds())
def test_a_draft_of_a_built_in_kind_is_a_valid_kind(cli: CommandLine, tmp_path: Path, name: str) -> None:
    collection = load_kinds()[name].collection
    done = cli("kind", "init", "--openapi", OPENAPI, "--collection", collection, "--name", "my-key")
    assert (done.code, json.loads(done.out)["title"]) == (0, "My key")
    assert done.err.startswith("To decide, then save as kinds/my-key.schema.json:\n- ")
    (tmp_path / "kinds").mkdir()
    (tmp_path / "kinds/my-key.schema.json").write_text(done.out)
    (tmp_path / "a.yaml").write_text("{kind: my-key, keys: []}")
    assert cli("validate", str(tmp_path), "--project-id", "1", "--region-id", "1").code == 0


@pytest.mark.parametrize("indent", [None, 2], ids=["one line", "many lines"])
def test_a_description_may_be_json(cli: CommandLine, tmp_path: Path, indent: int | None) -> None:
    file = tmp_path / "api.json"
    file.write_text(json.dumps(described(), indent=indent))
    done = cli("kind", "init", "--openapi", str(file), "--collection", LABELS)
    assert (done.code, json.loads(done.out)["x-reconciler"]["identity"]) == (0, "name")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"openapi: 3.1.0\n", f"there is no path {LABELS} in it"),
        (b"[1]\n", "it is not an OpenAPI 3.0 or 3.1 description"),
        (b"a: [\n", "api.yaml:1:"),
        (b'{"a": 1, "a": 2}', 'duplicate key "a"'),
        (b"a: 1\n---\nb: 2\n", "holds several documents; a description is one"),
        (b"", "declares nothing"),
        (b"\xff", "not UTF-8"),
        (b"[" * 5000, "nested deeper"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_an_unusable_description_is_an_error(
    cli: CommandLine, tmp_path: Path, content: bytes | None, complaint: str
) -> None:
    file = tmp_path / "api.yaml"
    if content is not None:
        file.write_bytes(content)
    done = cli("kind", "init", "--openapi", str(file), "--collection", LABELS)
    assert (done.code, done.out, complaint in done.err) == (1, "", True), done.err
    assert str(file) in done.err


def test_an_invalid_kind_name_is_a_usage_error(cli: CommandLine) -> None:
    done = cli("kind", "init", "--openapi", OPENAPI, "--collection", LABELS, "--name", "My Key")
    assert (done.code, "use lower-case letters" in done.err) == (64, True)
