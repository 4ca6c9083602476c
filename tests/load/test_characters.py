"""Lines, anchors, escapes and byte order marks are those of YAML 1.2, whatever libyaml makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.load.characters import CharacterError, prepared
from reconciler.load.parser import MAX_PURE, default_parser, pure_parser, suited_parser
from reconciler.load.tree import trees

if TYPE_CHECKING:
    from tests.load.conftest import Yaml

NOT_BREAKS = pytest.mark.parametrize("char", ["\x85", "\u2028", "\u2029"])


@NOT_BREAKS
def test_only_line_feed_and_carriage_return_end_a_line(yaml: Yaml, char: str) -> None:
    assert yaml.data(f"a: b{char}c\n") == {"a": f"b{char}c"}
    assert yaml.data(f"a: 'b{char}c'\n") == {"a": f"b{char}c"}
    assert yaml.data(f'a: "b{char} c"\n') == {"a": f"b{char} c"}
    assert yaml.data(f"a: |\n  b{char}c\n") == {"a": f"b{char}c\n"}
    assert yaml.data(f"a: >\n  b{char}c\n  d\n") == {"a": f"b{char}c d\n"}
    assert yaml.data(f"b{char}c: d\n") == {f"b{char}c": "d"}


@NOT_BREAKS
@pytest.mark.parametrize(
    "remark", ["# remark{}- name: evil", "# remark{}evil: true", "a: b # remark{}evil: true"]
)
def test_a_comment_ends_at_the_end_of_its_line(yaml: Yaml, char: str, remark: str) -> None:
    assert yaml.data(f"{remark.format(char)}\nc: d\n") in ({"c": "d"}, {"a": "b", "c": "d"})


@NOT_BREAKS
def test_positions_count_lines_as_editors_show_them(yaml: Yaml, char: str) -> None:
    document = yaml.only(f"a: 'b{char}{char}'\n# {char}\nb: c\n")
    assert str(document.position(("b",))) == "keys.yaml:3:4"
    assert yaml.error(f"a: 'b{char}{char}'\n# {char}\nb: [\n").startswith("keys.yaml:3:")
    assert yaml.error(f"a: 'b{char}{char}'\r# {char}\r\x01\r").startswith(
        "keys.yaml:3:1: the character U+0001"
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"\ud83d\ude80"', "\U0001f680"),
        (r'"a \uD83D\uDE80\ud83d\ude80 b"', "a \U0001f680\U0001f680 b"),
        (r'"\\ud83d\\ude80"', r"\ud83d\ude80"),
        (r'"\\\ud83d\ude80"', "\\\U0001f680"),
        (r"'\ud83d\ude80'", r"\ud83d\ude80"),
        (r"\ud83d\ude80", r"\ud83d\ude80"),
        (r"C:\ud83d", r"C:\ud83d"),
        ('"\ue000 \\ud83d\\ude80"', "\ue000 \U0001f680"),
        (r'"\u00e9\U0001F680"', "\u00e9\U0001f680"),
    ],
)
def test_a_json_surrogate_pair_is_one_character(yaml: Yaml, text: str, value: str) -> None:
    assert yaml.data(f"a: {text}\n") == {"a": value}
    assert yaml.data(f"{{{text}: 1}}") == {value: 1}


@pytest.mark.parametrize(
    "text", [r"\ud83d", r"\ude80", r"\ude80\ud83d", r"\ud83d \ude80", r"\ud83d\ud83d\ude80"]
)
def test_an_escaped_lone_surrogate_is_refused_at_its_position(yaml: Yaml, text: str) -> None:
    reason = "an escape of an unpaired surrogate; write the character itself"
    assert yaml.error(f'a: b\nc: "{text}"\n') == f"keys.yaml:2:4: {reason}"


@pytest.mark.parametrize("text", [r"\U0000d83d", r"\U00110000", r"\UFFFFFFFF"])
def test_an_escape_beyond_unicode_is_refused(yaml: Yaml, text: str) -> None:
    assert "an escape that is not a Unicode character" in yaml.error(f'c: "{text}"\n')


NAMES = ["team:web", "v1.2", "\u00e4", "a/b", "a#b", "a:", "&", "*", "a\u2028b", "a'b\""]


@pytest.mark.parametrize("name", NAMES)
def test_an_anchor_name_ends_at_a_space_or_a_bracket(yaml: Yaml, name: str) -> None:
    assert yaml.data(f"a: &{name} text\nb: *{name}\n") == {"a": "text", "b": "text"}
    assert yaml.data(f"a: &{name}\n  c: d\nb: [*{name}, *{name}]\n") == {
        "a": {"c": "d"},
        "b": [{"c": "d"}] * 2,
    }
    assert yaml.data(f"a: !!str &{name} 1\nb: {{c: *{name}}}") == {"a": "1", "b": {"c": "1"}}
    assert yaml.data(f"a: &{name} {{c: d}}\nb: {{<<: *{name}}}\n") == {"a": {"c": "d"}, "b": {"c": "d"}}


@pytest.mark.parametrize("name", NAMES)
def test_positions_and_values_after_such_an_anchor_are_correct(name: str) -> None:
    text = f"a: &{name} text\nb:\n  - *{name}\n"
    (root,) = trees(text)
    ((_, anchored), (_, listed)) = root.pairs()
    assert (anchored.name, text[anchored.content : anchored.end]) == (name, "text")
    assert listed.children[0].name == name


def test_lookalike_anchors_in_text_and_comments_use_the_fast_parser() -> None:
    default = default_parser()
    assert suited_parser("a: '&b.c'  # *d:e\nf: g &h.i\nj: |\n  &k:l\n") is default
    assert suited_parser("a: &b c\nd: *b\n") is default
    assert suited_parser("a: &b.c c\n") is pure_parser
    assert suited_parser("a: &b.c [\n") is pure_parser
    assert suited_parser("# &b.c" + " " * MAX_PURE + "\na: [") is default


def test_a_large_file_with_such_anchors_is_refused(yaml: Yaml) -> None:
    if default_parser() is pure_parser or yaml.factory is pure_parser:
        pytest.skip("only libyaml is so fast that this matters")
    with pytest.raises(CharacterError, match="which is slow to read in more than 1,024 KiB; rename them"):
        suited_parser("a: &b:c d #" + " " * MAX_PURE)


ONE = "a: 1\n"
TWO = "b: 2\n"


@pytest.mark.parametrize(
    "text",
    [
        f"\ufeff{ONE}---\n{TWO}",
        f"\ufeff\ufeff{ONE}---\n{TWO}",
        f"\ufeff{ONE}\ufeff---\n{TWO}",
        f"{ONE}\ufeff--- {{b: 2}}\n",
        f"{ONE}...\n\ufeff\ufeff---\n{TWO}",
        f"{ONE}...  # the end\r\n# remark\r\n\r\n\ufeff# remark\r\n\ufeff---\r\n{TWO}",
        f"{ONE}...\r\ufeff%YAML 1.2\r---\r{TWO}",
        f"# remark\n\ufeff{ONE}---\n{TWO}",
        f"\ufeff# remark\n\ufeff{ONE}\ufeff---\n{TWO}",
    ],
)
def test_a_byte_order_mark_is_accepted_before_each_document(yaml: Yaml, text: str) -> None:
    assert [document.data for document in yaml.documents(text)] == [{"a": 1}, {"b": 2}]


def test_a_byte_order_mark_in_quotes_is_content(yaml: Yaml) -> None:
    assert yaml.data("a: '\ufeff'\nb: \"c\ufeff\n\n  \ufeffd\"\n") == {"a": "\ufeff", "b": "c\ufeff\n\ufeffd"}
    assert yaml.data("a: b  # \ufeff\n") == {"a": "b"}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f"{ONE}---\n\ufeff{TWO}", "3:1"),
        (f"{ONE}\ufeff{TWO}", "2:1"),
        (f"{ONE}---\n# remark\n\ufeff{TWO}", "4:1"),
        ("a: b\ufeff\n", "1:4"),
        ("a: |\n  b\n  \ufeffc\n", "1:4"),
        ("- \ufeff- a\n", "1:3"),
    ],
)
def test_a_byte_order_mark_anywhere_else_is_refused(yaml: Yaml, text: str, place: str) -> None:
    reason = "the byte order mark U+FEFF is allowed only before a document, or in quotes; remove it"
    assert yaml.error(text) == f"keys.yaml:{place}: {reason}"


def test_a_document_without_its_marker_is_reported(yaml: Yaml) -> None:
    advice = "not valid YAML: a document begins here without ---; write --- on a line before it"
    assert yaml.error(f"{ONE}...\n{TWO}") == f"keys.yaml:3:1: {advice}"
    assert yaml.error(f"{ONE}...\n\ufeff{TWO}") == f"keys.yaml:3:1: {advice}"


def test_too_many_byte_order_marks_are_refused(yaml: Yaml) -> None:
    assert "more than 10,000 byte order marks" in yaml.error("a: 1\n" + "\n\ufeff" * 10_001)


def test_replacement_characters_do_not_occur_in_the_text() -> None:
    private = "".join(map(chr, range(0xE000, 0xF900)))
    found = prepared(f"{private}\u2028")
    assert found is not None
    assert found.restored(found.text, None) == f"{private}\u2028"
    everything = private + "".join(map(chr, range(0xF0000, 0xFFFFE)))
    with pytest.raises(CharacterError, match="all private-use characters"):
        prepared(f"{everything}\u2028")


def test_a_text_without_misread_characters_is_unchanged() -> None:
    assert prepared("a: b \\u00e9 \u00e9\n") is None
    assert prepared("a: b\n") is None
