"""Files that are written plainly are read without the parser of YAML: the same values, in the same places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.load.builder import parse
from reconciler.load.parser import default_parser, pure_parser
from reconciler.load.plain import read_plainly
from tests.properties import examples

if TYPE_CHECKING:
    from reconciler.load.documents import Document

PLAIN = """---
# Keys of the web team.
kind: caas
project_id: 1
keys:
  - name: web-1  # the first
    description: Key number 1 of team web, 50% done
    expire: 2099-02-01T00:00:00Z
    is_disabled: false
    share: 5.0

    containers:
    - {name: web, namespace: "shop: a"}
    - name: search
      labels: {}
      tags: [a, 'b c', 5]
  - name: 'quoted'
    url: https://api.example.com/v1
    nothing:
    none: ~null
others: []
texts:
- a
- 12
nested:
    deeper:
      most: 1e3
"""
VALUES = [
    *(
        "a",
        "b c",
        "true",
        "null",
        "~",
        "5",
        "-5",
        "5.0",
        "1e400",
        "007",
        "12:30",
        "a:b",
        "https://x/y",
        "x, y",
    ),
    *("'q'", '"q # r"', "'it''s'", '"a\\n"', "{}", "{a: 5, b: 'x, y: z'}", "{a: 1, a: 2}", "{a: b:c}", "[]"),
    *(
        "[a, 5]",
        '["x", y]',
        "[a: b]",
        "- x",
        "|",
        "&a x",
        "*a",
        "!t x",
        "@x",
        "a ",
        "a  b",
        "a #c",
        "a#c",
        "a: b",
    ),
    *("é", "a\tb", "a:", "...", "=", "(x)", "50%", "<<", "a]", "x}", "1_000", "0x1f", ".5", "+1"),
]
NAMES = ["a", "b", "keys", "kind", "defaults", "x-y", "5", "true", "<<", "'q'", "é", "a b"]
LINES = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(["", "", "  ", "  ", "    ", " ", "      "]),
    st.sampled_from(["", "", "", "- ", "-", "-  "]),
    st.sampled_from([*(f"{name}: " for name in NAMES), *(f"{name}:" for name in NAMES), "", "a:  "]),
    st.sampled_from([*VALUES, "", "", "", ""]),
    st.sampled_from(["", "", "", "", " # c", "#c", " "]),
) | st.sampled_from(["", "# c", "   ", "---", "..."])


def seen(document: Document) -> object:
    """Return all that is asked of a document: repr tells 1 from 1.0 and True."""
    lists = [name for name, value in document.data.items() if isinstance(value, list)]
    places = {name: list(document.item_offsets(name)) for name in lists}
    return repr(document.data), document.has_whole_floats, places, document.position(("keys", 1, "url"))


@examples(150)
@given(st.lists(LINES, min_size=1, max_size=9).map(lambda lines: "\n".join([*lines, ""])))
@example(PLAIN)
@example("a:\n- b\nc: 1\n")
@example("a:\n  - b\n    c: 1\n")
@example("a:\n  - b: 1\n  c: 1\n")
def test_what_is_read_plainly_is_what_both_parsers_read(text: str) -> None:
    read = read_plainly(text, "a.yaml")
    if read is not None:
        for parser in (default_parser(), pure_parser):
            (document,) = parse(text, "a.yaml", parser)
            assert seen(read) == seen(document)


def test_most_files_are_read_plainly() -> None:
    assert read_plainly(PLAIN.replace("~", ""), "a.yaml") is not None


@pytest.mark.parametrize(
    "text",
    [
        *(
            f"a: {value}\n"
            for value in ("&x b", "!t b", "|", '"\\n"', "'it''s'", "b: c", "b  c", "é", "[[b]]")
        ),
        *("a: b\n---\na: c\n", "a: b\na: c\n", "a: b\n  c\n", "<<: b\n", "a: b", "- a\n", "a:\tb\n"),
        *("defaults:\n  a: b\n", "a: [b]\n", "a: {b: c, b: d}\n", "", "# a\n", "a:\n    b: c\n  d: e\n"),
    ],
)
def test_what_may_mean_something_else_is_left_to_the_parser(text: str) -> None:
    assert read_plainly(text, "a.yaml") is None
