"""Lookalike names are found, and their difference is described in words."""

from __future__ import annotations

import pytest

from reconciler.model.lookalikes import difference, meant, mixed_scripts, pairs, skeleton

ALIKE = {
    "capitals": ("Web-Key", "web-key", "it differs in capitals"),
    "the Unicode form": ("Cafe\u0301", "Caf\u00e9", "it differs in its Unicode form, NFC"),
    "the other form": ("Caf\u00e9", "Cafe\u0301", "it differs in its Unicode form, NFD"),
    "a blank at the end": ("shop", "shop ", "it has a blank at its end"),
    "a blank at the beginning": ("shop", "\u00a0shop", "it has a blank at its beginning"),
    "a blank too many": ("shop ", "shop", "what is written has a blank at its end"),
    "a Cyrillic letter": (
        "web",
        "w\u0435b",
        "what is written has U+0065 LATIN SMALL LETTER E; it has U+0435 CYRILLIC SMALL LETTER IE",
    ),
    "a Greek letter": (
        "core",
        "c\u03bfre",
        "what is written has U+006F LATIN SMALL LETTER O; it has U+03BF GREEK SMALL LETTER OMICRON",
    ),
    "full width": (
        "a1",
        "\uff411",
        "what is written has U+0061 LATIN SMALL LETTER A; it has U+FF41 FULLWIDTH LATIN SMALL LETTER A",
    ),
    "what nobody sees": ("web", "w\u200beb", "it has U+200B ZERO WIDTH SPACE"),
    "a filler": ("web", "web\u3164", "it has U+3164 HANGUL FILLER"),
    "a digit": ("key-l", "key-1", "what is written has U+006C LATIN SMALL LETTER L; it has U+0031 DIGIT ONE"),
    "a capital I": ("key-I", "key-l", "what is written has U+0049 LATIN CAPITAL LETTER I"),
    "another hyphen": ("a-b", "a\u2010b", "what is written has U+002D HYPHEN-MINUS; it has U+2010 HYPHEN"),
    "two blanks": ("a b", "a  b", "it differs in the number or order of its characters"),
    "a ligature": ("fine", "\ufb01ne", "it has U+FB01 LATIN SMALL LIGATURE FI"),
}


@pytest.mark.parametrize(("first", "second", "how"), ALIKE.values(), ids=ALIKE)
def test_names_that_look_alike_are_found_and_distinguished(first: str, second: str, how: str) -> None:
    assert skeleton(first) == skeleton(second)
    assert list(pairs([first, "other", second])) == [(first, second)]
    assert how in difference(first, second)
    assert meant(first, ["other", second]).startswith('"')


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("web", "web2"),
        ("a", "b"),
        ("cafe", "caf\u00e9"),
        ("", "a"),
        ("key-5", "key-s"),
        ("i", "l"),
        ("\u65e5", "\u672c"),
    ],
)
def test_other_names_do_not_look_alike(first: str, second: str) -> None:
    assert list(pairs([first, second])) == []
    assert meant(first, [second]) == ""


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("web", ""),
        ("\u0432\u0435\u0431", ""),
        ("\u65e5\u672cweb", ""),
        ("caf\u00e9", ""),
        ("w\u0435b", "U+0077 LATIN SMALL LETTER W, U+0435 CYRILLIC SMALL LETTER IE"),
        ("\uff57eb", "U+0065 LATIN SMALL LETTER E, U+FF57 FULLWIDTH LATIN SMALL LETTER W"),
    ],
)
def test_mixed_alphabets_are_named_with_a_letter_of_each(name: str, letters: str) -> None:
    assert mixed_scripts(name) == letters
