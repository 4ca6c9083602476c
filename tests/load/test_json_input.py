"""Desired state in JSON: the same documents as through YAML, and what is not JSON is named with its place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.errors import InputError
from reconciler.load.builder import parse
from reconciler.load.files import Input, parse_content
from reconciler.load.json_input import json_document
from tests.properties import examples

if TYPE_CHECKING:
    from reconciler.load.documents import Document

STDIN = "<stdin>"
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=10,
)
KEYS = st.lists(
    st.dictionaries(st.sampled_from(["name", "expire", "<<", "a b"]), VALUES, max_size=3), max_size=4
)
DOCUMENTS = st.fixed_dictionaries({"kind": st.text(max_size=3), "keys": KEYS}, optional={"defaults": VALUES})
STYLES = st.sampled_from(
    [
        {"indent": indent, "separators": separators, "ensure_ascii": is_ascii}
        for indent, separators in [
            (None, (",", ":")),
            (None, (", ", ": ")),
            (2, (",", ": ")),
            ("	", (",", ": ")),
        ]
        for is_ascii in (True, False)
    ]
)
COMPACT = {"separators": (",", ":"), "ensure_ascii": False}


def through_yaml(text: str) -> Document:
    (document,) = parse(text, "a.json")
    return document


def offsets(document: Document) -> list[Any]:
    return [
        [*document.item_offsets(name)] for name, value in document.data.items() if isinstance(value, list)
    ]


@examples(75)
@given(DOCUMENTS, STYLES, st.sampled_from(["", " ", "\n\n", "\t"]))
@example({"kind": "\u2028\x85\ud800", "keys": [{"name": "\U0001f511"}]}, COMPACT, "")
@example({"kind": "", "keys": [{"name": 1e400}]}, COMPACT, "")
def test_a_document_is_the_same_as_through_yaml(
    data: dict[str, Any], style: dict[str, Any], around: str
) -> None:
    text = around + json.dumps(data, **style).replace("Infinity", "1e999") + around
    found = json_document(text, "a.json")
    if found is None:
        return  # the parser of YAML reads it
    same = through_yaml(text.replace("\t", " "))
    assert json.dumps(found.data) == json.dumps(same.data)
    assert (offsets(found), found.has_whole_floats) == (offsets(same), same.has_whole_floats)
    paths = [("kind",), ("keys",), *(("keys", index) for index in range(len(data["keys"])))]
    assert [found.position(path) for path in paths] == [same.position(path) for path in paths]


def test_most_documents_need_no_parser_of_yaml() -> None:
    keys = [{"name": "web", "count": 5.0, "text": "\u00e9 \U0001f511"}]
    text = json.dumps({"kind": "caas", "keys": keys}, ensure_ascii=False)
    document = json_document(text, "keys/A.JSON@main")
    assert document is not None
    assert (document.data["keys"][0]["count"], document.has_whole_floats) == (5.0, True)


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ('{"keys": [}', "1:11", "a value is expected here"),
        ('{"keys": []\n "kind": "x"}', "2:2", "a comma or a closing bracket is expected here"),
        ('{"keys": [],\n}', "2:1", "a name in double quotes is expected here"),
        ("{'keys': []}", "1:2", "a name in double quotes is expected here"),
        ('{"keys": []} # comment', "1:14", "more follows after its end"),
        ('{"keys": []}\n---\n{"keys": []}', "2:1", "more follows after its end"),
        ("keys: []", "1:1", "a value is expected here"),
        ('{"keys": [{"name": "NaN",\n "a": NaN}]}', "2:7", "NaN is not a JSON value"),
        ('{"keys": [{"a": [-Infinity]}]}', "1:18", "-Infinity is not a JSON value"),
        ('{"keys": ["\x01"]}', "1:12", "a control character must be escaped"),
        ('[{"keys": []}', "1:14", "a comma or a closing bracket is expected here"),
    ],
)  # fmt: skip
def test_a_file_called_json_that_is_none_is_refused_with_its_place(
    text: str, position: str, message: str
) -> None:
    with pytest.raises(InputError) as raised:
        json_document(text, "a.json")
    (problem,) = raised.value.problems
    assert str(problem).startswith(f"a.json:{position}: not JSON: {message}")
    assert parse_content(Input(text.encode(), "a.json")).problems == (problem,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"keys": [{"name": "a",\n "name": "b"}]}', 'a.json:2:2: duplicate key "name"'),
        ('{"keys": [], "keys": []}', 'a.json:1:14: duplicate key "keys"'),
        (f'{{"keys": {"[" * 70}{"]" * 70}}}', "nested deeper than 64 levels"),
        ("", "a.json: declares nothing"),
    ],
)
def test_what_yaml_refuses_too_is_refused_with_its_place(text: str, message: str) -> None:
    (problem,) = parse_content(Input(text.encode(), "a.json")).problems
    assert message in str(problem)


@pytest.mark.parametrize(
    ("text", "is_json"),
    [
        ('{"keys": []}', True),
        ('  {"keys": []}', True),
        ("{keys: []}", False),
        ('{"keys": [],}', False),
        ('{"keys": []} # flow', False),
        ("keys: []", False),
    ],
)
def test_a_standard_input_is_json_if_it_can_be(text: str, *, is_json: bool) -> None:
    assert (json_document(text, STDIN) is not None) is is_json
    assert parse_content(Input(text.encode(), STDIN)).problems == ()
    assert json_document(text, "a.yaml") is None


def test_numbers_that_no_double_holds_are_texts_as_in_yaml() -> None:
    text = '{"keys": [{"a": 1e999, "b": ' + "9" * 5000 + "}]}"
    (document,) = parse_content(Input(text.encode(), "a.json")).documents
    assert document.data["keys"][0] == {"a": "1e999", "b": "9" * 5000}
