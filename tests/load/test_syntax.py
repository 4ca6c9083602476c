"""What is not YAML is refused in our words, with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.load.conftest import Yaml

ADVICE = "; check the indentation, quotes and brackets here"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: [b", "1:6"),
        ("a: [b\n\n\n", "1:6"),
        ("a: {b", "1:6"),
        ('a: "b', "1:6"),
        ("a: 'b\nc", "2:2"),
        ("a: b: c", "1:5"),
        ("a: b\n c: d", "2:3"),
        ("a: b\n- c", "2:1"),
        ("- a\nb", "2:2"),
        ("a: }", "1:4"),
        ("a: @b", "1:4"),
        ("a: `b`", "1:4"),
        ("[a,,b]", "1:4"),
        ("a: |\n  b\n c", "3:2"),
        ('"a" b', "1:5"),
        ("a: &", "1:5"),
        ("%YAML 2.0\n---\na: b", "1:1"),
    ],
)
def test_invalid_yaml_is_refused_at_its_position(yaml: Yaml, text: str, place: str) -> None:
    error = yaml.error(text)
    assert error.startswith(f"keys.yaml:{place}: not valid YAML: ")
    assert error.endswith(ADVICE)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("\ta: b", "1:1"),
        ("a:\n\t- b", "2:1"),
        ("a:\n  \tb: c", "2:3"),
        ("- \tb", "1:3"),
        ("a: b\n\tc: d", "2:1"),
        ("a: b\n\t", "2:1"),
    ],
)
def test_a_tab_in_the_indentation_is_named(yaml: Yaml, text: str, place: str) -> None:
    assert yaml.error(text) == f"keys.yaml:{place}: a tab cannot indent YAML; use spaces"


def test_a_tab_elsewhere_on_a_broken_line_is_not_blamed(yaml: Yaml) -> None:
    assert "mapping values are not allowed" in yaml.error('a: "x\ty" : z')


@pytest.mark.parametrize("text", ['a: "b\tc"', "a: 'b\tc'", "a: |\n  b\tc"])
def test_a_tab_inside_a_value_is_preserved(yaml: Yaml, text: str) -> None:
    assert yaml.data(text)["a"].rstrip("\n") == "b\tc"


@pytest.mark.parametrize(
    ("character", "code"),
    [
        ("\0", "U+0000"),
        ("\a", "U+0007"),
        ("\x1b", "U+001B"),
        ("\x7f", "U+007F"),
        ("\x80", "U+0080"),
        ("\ufffe", "U+FFFE"),
    ],
)
def test_a_control_character_is_reported_with_its_position(yaml: Yaml, character: str, code: str) -> None:
    message = f'the character {code} is not allowed in YAML; write it as an escape in "…"'
    assert yaml.error(f"a: b\nc: é{character}\n") == f"keys.yaml:2:5: {message}"


def test_a_text_without_content_has_no_documents(yaml: Yaml) -> None:
    assert [
        yaml.documents(text) for text in ("", "\n\n", "# only a comment\n", "---\n---\n", "---\n...\n")
    ] == [()] * 5


def test_empty_documents_between_others_are_skipped(yaml: Yaml) -> None:
    documents = yaml.documents("---\n---\na: 1\n---\n# nothing\n---\nb: 2\n...\n")
    assert [(document.index, document.data) for document in documents] == [(0, {"a": 1}), (1, {"b": 2})]


@pytest.mark.parametrize("text", ["~", "null", '""', "!!str", "&x"])
def test_an_explicit_null_document_is_a_document(yaml: Yaml, text: str) -> None:
    assert not yaml.only(f"--- {text}\n").data


def test_every_line_ending_is_equivalent(yaml: Yaml) -> None:
    lines = ["a: b", "c:", "  - d", ""]
    texts = [ending.join(lines) for ending in ("\n", "\r\n", "\r")]
    assert [yaml.data(text) for text in texts] == [{"a": "b", "c": ["d"]}] * 3
