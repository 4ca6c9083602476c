"""JSON that could be read in two ways is refused, at every size."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.numbers import UnreadableNumber
from reconciler.model.strict_json import parse_json, parse_strictly

DOUBLED = {
    "at the top": '{"a": 1, "a": 1}',
    "in a list": '[[{"a": 1, "b": 2, "a": 3}]]',
    "deep": '{"x": {"y": [{"z": {"a": {}, "a": {}}}]}}',
    "by an escape": '{"a": 1, "\\u0061": 2}',
    "with blanks before the colon": '{"a" : 1, "b"\t:2, "a"\r\n : 3}',
    "beside a text like a member": '{"a": "\\":", "b": ":", "a": 3}',
    "beside an object without members": '{"a": {}, "a": {}}',
    "of an empty name": '{"": 1, "": 2}',
}
SINGLE = {
    "two objects": '[{"a": 1}, {"a": 2}]',
    "texts with colons": '{"a": ": b", "b": ":", "c": "\\":", "d": "2026-01-01T00:00:00Z"}',
    "blanks": '{ "a" : { } , "b" : [ ] }',
    "capitals": '{"a": 1, "A": 2}',
    "no object": '"a:"',
}
FILLING = [f"key-{number}" for number in range(5000)]


def within(text: str, size: int) -> str:
    return f'{{"filling": {json.dumps(FILLING[:size])}, "it": {text}}}'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32-le"])
@pytest.mark.parametrize("size", [0, 5000])
@pytest.mark.parametrize("text", DOUBLED.values(), ids=DOUBLED)
def test_a_duplicate_member_is_refused_at_every_size(text: str, size: int, encoding: str) -> None:
    with pytest.raises(ValueError, match="duplicate member"):
        parse_json(within(text, size).encode(encoding))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("size", [0, 5000])
@pytest.mark.parametrize("text", SINGLE.values(), ids=SINGLE)
def test_a_unique_member_is_read(text: str, size: int, encoding: str) -> None:
    content = within(text, size)
    assert parse_json(content.encode(encoding)) == json.loads(content)


@pytest.mark.parametrize("content", [b'{"a": NaN}', b"[-Infinity]", b"{", b"", b"\xff", b'{"a"\0:1}'])
def test_invalid_json_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(content)


@pytest.mark.parametrize("text", ["1e999", "-1e999", "1e-400", "9" * 5000])
def test_a_number_beyond_range_is_one_odd_value(text: str) -> None:
    found = parse_json(f'{{"a": [{text}], "b": 1.0, "c": "1e999"}}'.encode())
    assert isinstance(found["a"][0], UnreadableNumber)
    assert text.startswith(found["a"][0].text.rstrip("…"))
    assert (found["b"], found["c"]) == (1, "1e999")


@pytest.mark.parametrize("content", [b'{"a": 1e999, "a": 1}', b'{"a": 1e999, "b": NaN}', b'{"a": 1e999'])
def test_a_number_beyond_range_does_not_hide_other_errors(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(content)


JSON = st.recursive(
    st.none() | st.integers() | st.text(alphabet='a":\\ ,{}'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet='a":\\ '), inner),
)


@given(JSON, st.sampled_from([(",", ":"), (" , ", " :"), (",\n", "\t: ")]))
def test_every_value_is_read_as_by_a_strict_json_parser(value: Any, separators: tuple[str, str]) -> None:
    content = json.dumps(value, separators=separators).encode()
    assert parse_json(content) == parse_strictly(content) == value
