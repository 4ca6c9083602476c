"""What others say is quoted without the secret, however they write it."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.secret import Secret
from reconciler.sinks.hiding import quoted

VALUE = 'abc/d+e"f\u00e9 0123456789'
OCTETS = VALUE.encode()
WITHHELD = "(what it says is withheld: it holds a part of the secret)"


@pytest.mark.parametrize(
    "written",
    [
        VALUE,
        json.dumps(VALUE)[1:-1],
        json.dumps(VALUE, ensure_ascii=False)[1:-1],
        quote(VALUE, safe=""),
        OCTETS.hex(),
        OCTETS.hex().upper(),
        VALUE.replace(" ", "\n"),
    ],
)
def test_a_secret_is_blotted_out_however_it_is_written(written: str) -> None:
    assert quoted(f"no, {written} is taken\n", Secret(VALUE)) == "no, *** is taken"


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_secret_is_blotted_out_of_base64_wherever_it_begins(before: str, encode: type) -> None:
    said = quoted(encode(f"{before}{VALUE}, and so on".encode()).decode(), Secret(VALUE))
    assert "***" in said
    assert len(said) < 30


@pytest.mark.parametrize("part", [VALUE[:9], VALUE[-9:], VALUE[5:14], f"{VALUE[:12]}\n{VALUE[12:]}"])
def test_a_text_with_a_part_of_the_secret_is_withheld(part: str) -> None:
    assert quoted(f"error near {part}", Secret(VALUE)) == WITHHELD


def test_a_text_without_the_secret_is_given_on_one_line_and_cut_short() -> None:
    assert quoted("  one\n two\t", Secret(VALUE)) == "one two"
    assert quoted("x" * 500, Secret(VALUE)) == "x" * 400 + "\u2026"


def test_several_secrets_are_hidden_and_an_empty_one_hides_nothing() -> None:
    assert (
        quoted("one-secret two-secret", Secret("one-secret"), Secret("two-secret"), Secret("")) == "*** ***"
    )


@given(st.text(max_size=40), st.text(min_size=1, max_size=40), st.text(max_size=40))
def test_no_secret_is_ever_seen(before: str, secret: str, after: str) -> None:
    said = quoted(before + secret + after, Secret(secret))
    assert said == WITHHELD or secret not in said or secret in "***"
