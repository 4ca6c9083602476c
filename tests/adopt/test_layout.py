"""One layout: stable, and saying what the file said before, comments included."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.yaml_layouts import make_yaml
from reconciler.adopt.edit.comments import comments
from reconciler.adopt.layout import formatted
from reconciler.errors import InputError
from reconciler.load.builder import parse
from tests.properties import examples

files = st.integers(0, 2**32).map(lambda seed: make_yaml(random.Random(seed)).text)  # noqa: S311 - no secret

WRITTEN = """\

# yaml-language-server: $schema=x


project_id:   1   # ours
keys:
- name:    web\t# tab
  boxes: &all
  - {name: a,namespace:  [ 1 ,2 ]}@
  -   { name: c }
  description: |
     one
       two

     three@
  # last


    # deeper
-   name: "x"
    description: >-
        a
        b
    boxes: [
      {name: a},   # first
       {name: b}]
    both: *all
---
  keys:
      - name: y
        value:
           in
           two
      # the end

""".replace("@", "   ")
USUAL = """\
# yaml-language-server: $schema=x

project_id: 1   # ours
keys:
  - name: web  # tab
    boxes: &all
      - {name: a, namespace: [1, 2]}
      - {name: c}
    description: |
       one
         two

       three@
    # last

      # deeper
  - name: "x"
    description: >-
        a
        b
    boxes: [
      {name: a},   # first
       {name: b}]
    both: *all
---
keys:
  - name: y
    value:
       in
       two
  # the end
""".replace("@", "   ")


ODD = "a:\n        b: {c: 1,\n  d: 2}\n    # x\n"
"""Its comment would be about something else."""


def laid_out(text: str) -> str:
    return formatted(text.encode(), "f.yaml").decode()


def meaning(text: str) -> list[str]:
    return [json.dumps(document.data, default=str) for document in parse(text, "f.yaml")]


def test_blanks_indentation_and_blank_lines_are_usual() -> None:
    assert laid_out(WRITTEN) == USUAL
    assert laid_out(USUAL) == USUAL


@examples(60)
@given(files)
def test_a_file_says_the_same_and_keeps_each_comment_in_its_place(text: str) -> None:
    text = text.removeprefix("\ufeff")
    result = laid_out(text)
    assert meaning(result) == meaning(text)
    assert comments(result) == comments(text)
    assert laid_out(result) == result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("keys: []", "keys: []\n"),
        ("a:  1\r\nb:\r\n- 2\r\n", "a: 1\r\nb:\r\n  - 2\r\n"),
        ("a:  1\r\nb:\n- 2\r", "a: 1\nb:\n  - 2\n"),
        ("\ufeffa:  1\n", "\ufeffa: 1\n"),
        ('{"a":1}\n', '{"a":1}\n'),
        ("{a: 1,\n b:  2}\n", "{a: 1,\n b:  2}\n"),
        ("# only\n\n\n# comments", "# only\n\n# comments\n"),
        ("a: |+\n  x\n\n\n", "a: |+\n  x\n\n\n"),
        ("a: |2\n    x\n", "a: |2\n    x\n"),
        ("a:\n- b: |1\n   x\n", "a:\n  - b: |1\n     x\n"),
        ("a: 'x\n\n  y'\n\n\nb: 1\n", "a: 'x\n\n  y'\n\nb: 1\n"),
        ("a: x \u2028 y\x85z\n", "a: x \u2028 y\x85z\n"),
        ("a:\n- - 1\n  - 2\n-\n  - 3\n", "a:\n  - - 1\n    - 2\n  -\n    - 3\n"),
        ("? a\n: 1\n", "? a\n: 1\n"),
        ("%YAML 1.2\n---\na:  1\n...\n---\nb:  2\n", "%YAML 1.2\n---\na: 1\n...\n---\nb: 2\n"),
        ("a: &x {b:  1}\nc:\n    <<:   *x\n", "a: &x {b: 1}\nc:\n  <<: *x\n"),
        ("a: b:c\nd: http://e  \n", "a: b:c\nd: http://e\n"),
        ("", ""),
        ("a: |\n  x", "a: |\n  x"),
        ("a:\n    b: [1,\n  2]\n    c: 'x\n  y'\n", "a:\n  b: [1,\n    2]\n  c: 'x\n    y'\n"),
    ],
)
def test_each_way_to_write_a_file_has_its_layout(text: str, result: str) -> None:
    assert laid_out(text) == result
    assert laid_out(result) == result


@pytest.mark.parametrize("text", ["a: [1\n", "a: 1\na: 2\n", "a:\n\t- 1\n", ODD])
def test_what_cannot_be_laid_out_safely_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        laid_out(text)


def test_bytes_that_are_not_text_are_refused() -> None:
    with pytest.raises(InputError, match="not UTF-8"):
        formatted(b"a: \xff\n", "f.yaml")
