"""What others send is shown without any secret, however it is written."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.redaction import LONGEST_TEXT, MASK, Redactor
from reconciler.model.secret import Secret
from reconciler.model.strict_json import squeezed

if TYPE_CHECKING:
    from collections.abc import Callable

VALUE = 'abc/d+e"f\u00e9 0123456789'
TOKEN = "1234$Tell-nobody/at+all"


def percent(text: str, every: int = 1) -> str:
    return "".join(f"%{ord(char):02X}" if at % every == 0 else char for at, char in enumerate(text))


def escaped(text: str, every: int = 1) -> str:
    return "".join(f"\\u{ord(char):04x}" if at % every == 0 else char for at, char in enumerate(text))


def encoded(prefix: str) -> Callable[[str], str]:
    return lambda text: base64.b64encode(f"{prefix}{text}".encode()).decode()


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "capitals": str.upper,
    "small letters": str.lower,
    "percent-encoded where it must be": lambda text: quote(text, safe=""),
    "percent-encoded": percent,
    "every third percent-encoded": lambda text: percent(text, 3),
    "percent-encoded in small letters": lambda text: percent(text).lower(),
    "percent-encoded twice": lambda text: quote(percent(text)),
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON with escaped slashes": lambda text: text.replace("/", "\\/"),
    "unicode escapes": escaped,
    "some unicode escapes": lambda text: escaped(text, 2),
    "unicode escapes within JSON": lambda text: json.dumps(escaped(text)),
    "braced escapes": lambda text: "".join(f"\\u{{{ord(char):x}}}" for char in text),
    "braced escapes with zeros": lambda text: "".join(f"\\u{{{ord(char):020x}}}" for char in text),
    "eight-digit escapes": lambda text: "".join(f"\\U{ord(char):08X}" for char in text),
    "two-digit escapes": lambda text: "".join(f"\\x{ord(char):02x}" for char in text),
    "octal escapes": lambda text: "".join(f"\\{ord(char):03o}" for char in text),
    "decimal entities": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "hexadecimal entities": lambda text: "".join(f"&#x{ord(char):X};" for char in text),
    "decimal entities with zeros": lambda text: "".join(f"&#{ord(char):012};" for char in text),
    "entities with thousands of zeros": lambda text: "".join(f"&#{ord(char):05000};" for char in text),
    "hexadecimal entities with zeros": lambda text: "".join(f"&#x{ord(char):012x};" for char in text),
    "a named entity": lambda text: text.replace("+", "&plus;").replace("$", "&dollar;"),
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal in capitals": lambda text: text.encode().hex().upper(),
    "hexadecimal with colons": lambda text: text.encode().hex(":"),
    "hexadecimal with hyphens": lambda text: text.encode().hex("-"),
    "base64": encoded(""),
    "base64 of a header": encoded("apikey "),
    "base64 of a login": encoded("user:"),
    "base64 of something": encoded("ab"),
    "base64 for addresses": lambda text: base64.urlsafe_b64encode(f"?{text}".encode()).decode().rstrip("="),
    "base64 in a URL": lambda text: quote(encoded("user:")(text), safe=""),
    "on two lines": lambda text: f"{text[:7]}\n{text[7:]}",
}
BEYOND = [
    pytest.param(f"&#{'1' * 5000};", id="an entity of thousands of digits"),
    pytest.param(f"&#x{'F' * 5000};", id="an entity of thousands of hexadecimal digits"),
    pytest.param("\\UFFFFFFFF \\u{FFFFFF} \\uD800", id="numbers beyond the last character"),
]
"""Escapes that represent no character."""
OF_A_TEXT: dict[str, Callable[[str], str]] = SPELLINGS | {
    "hexadecimal with blanks": lambda text: text.encode().hex(" "),
    "a list of numbers": lambda text: str(list(text.encode())),
    "letter by letter": " ".join,
}


def is_in(token: str, content: bytes) -> bool:
    return Redactor(Secret(token)).is_in(content, squeezed(content), json.loads(content))


@pytest.mark.parametrize("spell", OF_A_TEXT.values(), ids=OF_A_TEXT)
def test_a_secret_is_redacted_however_it_is_written(spell: Callable[[str], str]) -> None:
    shown = Redactor(Secret(TOKEN)).text(f"no, {spell(TOKEN)} is taken")
    assert MASK in shown
    assert spell(TOKEN) not in shown
    # What is left of base64 are the digits that the text around the secret has a share in.
    assert len(shown) <= len("no, dXNlcjoxM*** is taken") + len("%3D%3D")


def test_text_around_a_secret_is_preserved() -> None:
    redactor = Redactor(Secret(TOKEN))
    assert redactor.text(f"HTTP 401: %41 token {TOKEN}: \\u00e9") == "HTTP 401: %41 token ***: \\u00e9"
    assert redactor.text("a\nb") == "a\nb"


@pytest.mark.parametrize(
    "part",
    [
        TOKEN[:12],
        TOKEN[-13:],
        TOKEN[5:18],
        base64.b64encode(TOKEN.encode()).decode()[:16],
        TOKEN.encode().hex()[6:22],
    ],
)
def test_a_part_of_a_secret_is_redacted(part: str) -> None:
    assert Redactor(Secret(TOKEN)).text(f"near {part}.") == "near ***."


def test_a_short_common_substring_is_not_redacted() -> None:
    assert Redactor(Secret(TOKEN)).text("1234$Tel and nobody") == "1234$Tel and nobody"


@pytest.mark.parametrize("value", ["x7$", "caf\u00e9", "-", "  ", "Zq9x"])
def test_a_short_secret_is_redacted_as_it_is_written(value: str) -> None:
    assert Redactor(Secret(value)).text(f"(a:{value}:b)") == "(a:***:b)"


@pytest.mark.parametrize("value", ["*", "**", "a*"])
def test_the_mask_is_not_redacted(value: str) -> None:
    assert Redactor(Secret(value)).text(f"a{value} {value}") in {"***", "a*** ***"}


def test_several_secrets_are_redacted_and_an_empty_one_is_ignored() -> None:
    redactor = Redactor(Secret("one-secret"), Secret(""))
    redactor.add(Secret("two-secret"), Secret("two-secret"))
    assert redactor.text("one-secret two-secret") == "*** ***"
    assert Redactor().text("anything") == "anything"


def test_a_line_is_single_and_truncated() -> None:
    redactor = Redactor(Secret(VALUE))
    assert redactor.line("  one\n two\t") == "one two"
    assert redactor.line("x" * 5000) == "x" * LONGEST_TEXT + "\u2026"
    assert redactor.line(f"no, {VALUE} is taken\n") == "no, *** is taken"


def test_names_and_values_in_json_are_redacted() -> None:
    value = {"a": [f"is {TOKEN}", 5, None, True], f"b {TOKEN}": {"c": TOKEN}}
    content = json.dumps(value).encode()
    redactor = Redactor()
    redactor.add(Secret(TOKEN))
    left = redactor.without_added(content, squeezed(content), value)
    assert left == {"a": ["is ***", 5, None, True], "b ***": {"c": "***"}}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
def test_an_added_secret_is_redacted_in_a_response_instead_of_refused(spell: Callable[[str], str]) -> None:
    value = {"name": "web", "description": f"is {spell(TOKEN)}"}
    content = json.dumps(value).encode()
    redactor = Redactor(Secret("another-token"))
    assert redactor.without_added(content, squeezed(content), value) is value
    redactor.add(Secret(TOKEN))
    assert not redactor.is_in(content, squeezed(content), value)
    left = redactor.without_added(content, squeezed(content), value)
    assert left["name"] == "web"
    assert left["description"] == redactor.text(value["description"]) != value["description"]


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
def test_one_of_many_secrets_is_redacted_in_a_response(spell: Callable[[str], str]) -> None:
    value = {"name": "web", "tags": [f"is {spell(TOKEN)}", "prefix-of-all-9999"]}
    content = json.dumps(value).encode()
    redactor = Redactor()
    redactor.add(*(Secret(f"prefix-of-all-{number:04}") for number in range(100)))
    assert redactor.without_added(content, squeezed(content), value) is value
    redactor.add(Secret(TOKEN))
    left = redactor.without_added(content, squeezed(content), value)
    assert (left["name"], left["tags"][1]) == ("web", "prefix-of-all-9999")
    assert spell(TOKEN) not in left["tags"][0]


def test_text_that_resembles_a_secret_stays_in_a_response() -> None:
    value = {"secret": "prefix-of-all-0002", "description": TOKEN[:10]}
    content = json.dumps(value).encode()
    redactor = Redactor(Secret(TOKEN))
    redactor.add(Secret("prefix-of-all-0001"))
    assert redactor.without_added(content, squeezed(content), value) is value


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("dump", [json.dumps, lambda value: json.dumps(value, ensure_ascii=False)])
def test_a_token_in_a_response_is_detected_in_every_encoding(
    spell: Callable[[str], str], dump: Callable[[object], str]
) -> None:
    value = {"results": [{"name": "web", "tags": [f"say {spell(TOKEN)}!"]}]}
    assert is_in(TOKEN, dump(value).encode())
    assert is_in(TOKEN, dump(value).encode("utf-16"))
    assert is_in(TOKEN, dump({"results": [{spell(TOKEN): 1}]}).encode())


def test_a_token_written_as_json_escapes_is_detected() -> None:
    assert is_in(TOKEN, f'{{"a": "{escaped(TOKEN)}"}}'.encode())
    assert is_in(TOKEN, f'{{"a": "{escaped(TOKEN, 5)}"}}'.encode())
    slashes = TOKEN.replace("/", "\\/")
    assert is_in(TOKEN, f'{{"{slashes}": 1}}'.encode())


@pytest.mark.parametrize(
    "said",
    [
        "100% of it",
        "A & B, R&D",
        "a \\ b",
        "50%25",
        "&amp;&lt;",
        "caf\u00e9 \U0001f600",
        "1234$ Tell",
        *BEYOND,
    ],
)
def test_escapes_without_the_token_are_not_mistaken_for_it(said: str) -> None:
    assert not is_in(TOKEN, json.dumps({"a": [said, {said: None}]}).encode())


@pytest.mark.parametrize("said", BEYOND)
def test_an_invalid_escape_is_unchanged(said: str) -> None:
    assert Redactor(Secret(TOKEN)).text(said) == said


def test_a_short_token_is_detected_only_verbatim() -> None:
    assert is_in("a7$", b'{"a": "is a7$"}')
    assert not is_in("a7$", b'{"a": "is A7$"}')


@pytest.mark.parametrize(("token", "word"), [("k", "known"), ("no", "note"), ("1", "12")])
def test_a_token_of_a_few_letters_does_not_cut_up_words(token: str, word: str) -> None:
    assert Redactor(Secret(token)).text(f"{word}, {token}: not a{token}") == f"{word}, ***: not a{token}"
    assert is_in(token, json.dumps({"a": f"is {token}"}).encode())
    assert is_in(token, json.dumps({"a": f"is\n{token}"}).encode())
    assert not is_in(token, json.dumps({"a": f"{word}s a{token}"}).encode())


@given(st.text(max_size=40), st.text(min_size=1, max_size=40), st.text(max_size=40))
def test_no_secret_is_ever_seen(before: str, secret: str, after: str) -> None:
    few = sum(char.isalnum() for char in secret) < 4
    glue = " " if few else ""
    shown = Redactor(Secret(secret)).text(before + glue + secret + glue + after)
    assert secret not in shown or secret in MASK
