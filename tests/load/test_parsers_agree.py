"""libyaml's parser and the pure one read the same documents, or both refuse them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.errors import InputError
from reconciler.load.builder import parse
from reconciler.load.parser import default_parser, pure_parser
from tests.properties import examples

if TYPE_CHECKING:
    from reconciler.load.parser import ParserFactory

# Pieces of YAML, valid or broken. Omitted is where the two are known to differ: a tab after
# a colon, an unknown directive, and a question mark before a closing bracket.
PIECES = [
    *("a", "b", "key", "é", "😀", "true", "~", "12", "1.5", "010", "no", "2027-01-01", "<<", "\\", "@"),
    *(
        ": ",
        ":",
        ":\n",
        "- ",
        "-",
        "\n",
        "\r\n",
        "\n  ",
        "\n    ",
        " ",
        "  ",
        "# ",
        " #c\n",
        "'",
        '"',
        "|\n  ",
        ">-\n  ",
    ),
    *(
        "\x85",
        "\u2028",
        "\u2029",
        "\ufeff",
        "\n\ufeff",
        "\r",
        "\ue000",
        '"\\ud83d\\ude80"',
        "\\ud83d",
        "\\ude80",
    ),
    *("&a.b ", "*a.b ", "&t:w ", "*t:w", "&\u00e9\n", "&\u2028 "),
    *("[", "]", "{", "}", ", ", "&x ", "*x", "<<: *x", "!!str ", "! ", "!x ", "---\n", "\n---\n", "...\n"),
]
WELL_FORMED = st.recursive(
    st.sampled_from(["a", "12", "no", "'q'", '"é\\n"', "~", "null", "!!str 1"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(inner, max_size=3).map(
            lambda items: "{" + ", ".join(f"k{index}: {item}" for index, item in enumerate(items)) + "}"
        ),
    ),
    max_leaves=8,
)


def outcome(text: str, factory: ParserFactory) -> object:
    try:
        documents = parse(text, "keys.yaml", factory)
    except InputError:
        return "refused"
    return [(repr(document.data), *document.items.values()) for document in documents]


@examples(75)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
@example("a: &x {b: 1}\nc: {<<: *x}\n---\n- d")
def test_both_parsers_agree_on_any_text(text: str) -> None:
    assert outcome(text, default_parser()) == outcome(text, pure_parser)


@examples(30)
@given(WELL_FORMED)
def test_both_parsers_accept_well_formed_text(text: str) -> None:
    assert outcome(text, default_parser()) == outcome(text, pure_parser) != "refused"


def test_the_fast_parser_is_the_default_where_it_is_installed() -> None:
    cyaml = pytest.importorskip("yaml.cyaml")
    assert default_parser() is cyaml.CParser
