"""The formats of texts: what each takes, the same for both validators."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.model.formats import ADVICE, FORMATS
from reconciler.validate.messages import describe
from reconciler.validate.schema import check_of

GOOD = {
    "date": ["2036-02-29"],
    "date-time": ["2036-07-31T00:00:00Z"],
    "email": ["a@b", "first.last+tag@mail.example.com"],
    "ipv4": ["192.0.2.1"],
    "ipv6": ["2001:db8::1", "::"],
    "uri": ["https://example.com/a?b#c", "mailto:a@b"],
    "uuid": ["123e4567-e89b-12d3-a456-426614174000"],
}
BAD = {
    "date": ["2035-02-29", "20360229", "2036-W01-1", ""],
    "date-time": ["2036-07-31", "now"],
    "email": ["a", "@b", "a b@c", "a@b\n"],
    "ipv4": ["1.2.3", "1.2.3.256", "01.2.3.4", "1.2.3.4/8"],
    "ipv6": ["1::2::3", "192.0.2.1"],
    "uri": ["example.com", "//host/x", "http://a b", "http://[x"],
    "uuid": ["123e4567e89b12d3a456426614174000", "{123e4567-e89b-12d3-a456-426614174000}"],
}


def said(name: str, value: Any) -> list[str]:
    schema = {"type": "object", "properties": {"field": {"type": "string", "format": name}}}
    return [describe(found) for found in check_of(schema)({"field": value})]


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_format_takes_its_texts_and_no_others(name: str) -> None:
    assert [text for text in GOOD[name] if not FORMATS[name](text) or said(name, text)] == []
    assert [text for text in BAD[name] if FORMATS[name](text) or not said(name, text)] == []


@pytest.mark.parametrize("name", sorted(ADVICE))
def test_a_text_of_another_form_is_refused_with_an_example(name: str) -> None:
    text = BAD[name][0]
    assert said(name, text) == [f"field {json.dumps(text)} is not {ADVICE[name]}"]
    assert FORMATS[name](ADVICE[name].rpartition(" ")[2])
