"""Patterns of kinds mean what ECMA 262 says, and no text takes long to match."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest
import regress
from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.kinds.kind import kind_from_schema
from reconciler.kinds.packaged import document_schema
from reconciler.kinds.patterns import Budget, Pattern, PatternError, PatternLimitError
from reconciler.kinds.patterns.charsets import CharSet
from reconciler.kinds.patterns.program import Fork, programs
from reconciler.kinds.patterns.syntax import parse
from reconciler.validate.messages import PATTERN_LIMIT, describe
from reconciler.validate.schema import SchemaChecker, check_of
from tests.kinds.test_rules import PLAIN
from tests.properties import examples

CATASTROPHIC = [
    "^(a+)+$",
    "(a+)+$",
    "a+$",
    "(a|aa)+$",
    "(a|a)*b",
    "(.*)*x",
    r"^(\w+\s?)*$",
    "(a*)*b",
    "(x+x+)+y",
    "^(([a-z])+.)+[A-Z]([a-z])+$",
    "(a|b)*a(a|b){20}c",
    "^(?!.*(a+)+b)(a*)*$",
    "(?=(a+)+b)a",
    "(?<=(a|a)*b)c",
    "^(a?){50}a{50}b$",
]


@pytest.mark.parametrize("source", CATASTROPHIC)
@pytest.mark.parametrize("length", [100, 100_000])
def test_a_catastrophic_backtracking_pattern_is_matched_within_its_budget(source: str, length: int) -> None:
    budget = Budget(100_000)
    for text in ("a" * length + "!", "x" * length, "ab" * (length // 2)):
        assert Pattern(source, budget).is_in(text) in {True, False}


def test_matching_stops_when_the_budget_is_exhausted() -> None:
    text = coin_tosses(20_000)
    with pytest.raises(PatternLimitError, match="too many steps"):
        Pattern("(a|b)*a(a|b){900}c", Budget(20_000)).is_in(text)


def test_repeated_parts_of_a_pattern_are_examined_once() -> None:
    """The budget counts states: neither choices nor parts of a set may cost more than it knows of."""
    (program,) = programs(parse(f"(?:{'|' * 1000}a)"))
    assert max(len(state.targets) for state in program.states if isinstance(state, Fork)) == 2
    found = parse("[" + r"\p{Lu}\d\P{L}" * 300 + r"\p{Nd}a-z]")
    assert isinstance(found, CharSet)
    assert (len(found.ranges), len(found.categories), len(found.others)) == (2, 2, 1)
    assert [char in found for char in "A1a_Ä"] == [True, True, True, True, True]
    assert "ä" not in found


def test_a_budget_grows_with_the_texts_that_are_checked() -> None:
    pattern = Pattern("^[a-z]+$", Budget(1000))
    assert all(pattern.is_in(chr(97 + number % 26) * 100) for number in range(1000))


def test_the_automaton_cache_is_purged_before_it_fills_the_memory() -> None:
    pattern = Pattern("(a|b)*a(a|b){300}c", Budget(10**8))
    text = coin_tosses(2500)
    assert not pattern.is_in(text)
    assert pattern.is_in(text + "a" + "b" * 300 + "c")


@pytest.mark.parametrize(
    ("source", "found", "missed"),
    [
        ("^a$", ["a"], ["a\n", "\na", "ba"]),
        ("", ["", "x"], []),
        ("a|", ["", "x"], []),
        (r"^\d+$", ["12"], ["\u0663\u0664", "1a", ""]),
        (r"^\w+$", ["aZ_9"], ["\u00e9", "a-b"]),
        (
            r"^\s$",
            [*" \t\n\v\f\r\u00a0\u1680\u2003\u2028\u2029\u202f\u3000\ufeff"],
            ["\u0085", "\u200b", "\x1c"],
        ),
        (r"^\S\D\W$", ["a!-", "\u0663\u0663\u00e9"], [" aa", "aaa"]),
        (r"\bcat\b", ["a cat.", "cat"], ["scat", "cats", "cat_"]),
        (r"\Bat", ["cat"], ["at"]),
        ("^.$", ["a", "\u0085", "\U0001f680"], ["\n", "\r", "\u2028", "\u2029"]),
        ("^[^]$", ["a", "\n"], ["", "ab"]),
        ("[]", [], ["", "a"]),
        (r"^[\b]$", ["\b"], ["b"]),
        (r"^[\w-.]+$", ["a-b.c"], ["a,b"]),
        (r"^[a\-z]$", ["a", "-", "z"], ["b"]),
        (r"^\u0061\x62\u{63}\cJ\0\/\-$", ["abc\n\0/-"], []),
        (r"^\ud83d\ude80$", ["\U0001f680"], []),
        (r"^\u{1F680}+$", ["\U0001f680\U0001f680"], ["\u1f68"]),
        (r"^\p{Lu}\P{L}\p{Letter}$", ["\u00c91\u00e9"], ["a1a", "AAA"]),
        (r"^[\p{Nd}\p{gc=Sc}]$", ["\u0663", "$"], ["a"]),
        (r"^(?<year>\d{4})(?:-)(\d{2}){1,2}?$", ["2027-01", "2027-0101"], ["2027-010101"]),
        ("^a{2,}$", ["aa", "aaa"], ["a"]),
        ("^a{,2}$", ["a{,2}"], ["aa"]),
        ("^{a}$", ["{a}"], []),
        ("^(?=.*[0-9])(?!.*x).{3}$", ["ab1"], ["abc", "a1x"]),
        ("(?<=\\$)[0-9](?<!5)", ["$1"], ["1", "$5"]),
        ("^(?:(?=a)a|b)*$", ["abba"], ["abc"]),
    ],
)
def test_a_pattern_is_interpreted_by_ecma_262(source: str, found: list[str], missed: list[str]) -> None:
    pattern = Pattern(source)
    assert [text for text in found if not pattern.is_in(text)] == []
    assert [text for text in missed if pattern.is_in(text)] == []


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("(?P<a>b)", '"(?P" is not a group'),
        ("(?i)a", '"(?i" is not a group'),
        ("(?>a)", '"(?>" is not a group'),
        ("(?#a)", '"(?#" is not a group'),
        ("(?<1a>b)", '"(?<" is not a group'),
        ("(?", '"(?" is not a group'),
        (r"\Aa", r"\A is not an escape of ECMA 262; write ^"),
        (r"a\Z", r"\Z is not an escape of ECMA 262; write $"),
        (r"\a", r"\a is not an escape"),
        (r"(a)\1", "a reference to a group cannot be matched"),
        (r"(?<n>a)\k<n>", "cannot be matched in linear time"),
        (r"\01", "a reference to a group"),
        (r"\p{Greek}", "only general categories"),
        (r"\p{Script=Greek}", "only general categories"),
        (r"\pL", "only general categories"),
        (r"\u12", "an escape that is not a Unicode character"),
        (r"\u{110000}", "an escape that is not a Unicode character"),
        ("\\", "it ends with a backslash"),
        ("(a", "a group is not closed"),
        ("a)", '")" without a matching "("'),
        ("(?<n>a)|(?<n>b)", "two groups have the name <n>"),
        ("[a", "a set of characters is not closed"),
        ("[b-a]", "the bounds of a range are out of order"),
        ("a{2,1}", "the bounds of a repetition are out of order"),
        ("*a", "nothing to repeat"),
        ("a**", "nothing to repeat"),
        ("a*+", "nothing to repeat"),
        ("^*", "nothing to repeat"),
        ("(?<=a)*", "nothing to repeat"),
        ("a{10001}", "repeats more often than 10,000 times"),
        ("a{99999999999}", "repeats more often than 10,000 times"),
        ("((a{100}){100}){100}", "too large when its repetitions are expanded"),
        ("(?:){9999}(?:){9999}", "too large when its repetitions are expanded"),
        ("(?=a)" * 9, "more than 8 lookaheads"),
        ("(" * 60 + ")" * 60, "more than 50 groups inside each other"),
        ("a" * 4097, "longer than 4,096 characters"),
    ],
)
def test_a_pattern_outside_linear_ecma_262_is_refused_with_the_reason(source: str, reason: str) -> None:
    with pytest.raises(PatternError) as caught:
        Pattern(source)
    assert reason in str(caught.value)


ATOMS = st.sampled_from(
    [
        *["a", "b", "-", ".", "^", "$", "1", " ", "\n", "\u00e9", "{", "}", "[a-c]", "[^a]", "[]", "[^]"],
        *[r"\d", r"\w", r"\s", r"\D", r"\W", r"\S", r"\b", r"\B", r"[\w-]", r"\u0061", r"\x62", r"\cJ"],
    ]
)
SIGNS = st.sampled_from(["", "*", "+", "?", "{2}", "{1,2}", "{0,}", "*?", "{0,2}?"])
GROUPS = st.sampled_from(["(?:%s)", "(%s)", "(?<n>%s)"])
LOOKS = st.sampled_from(["(?=%s)", "(?!%s)", "(?<=%s)", "(?<!%s)"])
FLAT = st.lists(ATOMS, max_size=3).map("".join)
REPEATED = st.builds(lambda group, inner, sign: group % inner + sign, GROUPS, FLAT, SIGNS)
EITHER = st.builds("(?:{}|{})".format, FLAT, REPEATED)
LOOKING = st.builds(lambda look, inner: look % inner, LOOKS, st.one_of(FLAT, REPEATED, EITHER))
SOURCES = st.lists(st.one_of(FLAT, REPEATED, EITHER, LOOKING), max_size=4).map("".join)


@examples(75)
@given(SOURCES, st.lists(st.text("abc1- \n\u00e9_.", max_size=6), max_size=5))
def test_another_ecma_262_engine_agrees(source: str, texts: list[str]) -> None:
    assume(source.count("<n>") < 2)  # when a name may occur twice is new in ECMA 262
    try:
        other = regress.Regex(source)
    except regress.RegressError:
        with pytest.raises(PatternError):
            Pattern(source)
        return
    pattern = Pattern(source)
    for text in texts:
        assert pattern.is_in(text) is (other.find(text) is not None), text


def coin_tosses(count: int) -> str:
    return "".join(random.Random(1).choices("ab", k=count))  # noqa: S311 - the same at every run


def kind_with_pattern(source: str, **keywords: Any) -> dict[str, Any]:
    schema = copy.deepcopy(PLAIN)
    schema["properties"]["text"] = {"type": "string", "pattern": source, **keywords}
    return schema


def violations(schema: dict[str, Any], text: str) -> list[str]:
    checker = SchemaChecker(document_schema(), kind_from_schema("thing", schema))
    document = {"kind": "caas", "project_id": 1, "owner": "acme", "keys": [{"name": "web", "text": text}]}
    return [violation.keyword for violation in checker.violations(document) if violation.path[0] == "keys"]


@pytest.mark.parametrize(
    ("text", "found"), [("12", []), ("12\n", ["pattern"]), ("\u0663", ["pattern"]), ("a", ["pattern"])]
)
def test_a_document_is_checked_by_the_patterns_of_ecma_262(text: str, found: list[str]) -> None:
    assert violations(kind_with_pattern(r"^\d+$"), text) == found


def test_a_document_that_takes_too_much_work_is_refused() -> None:
    text = coin_tosses(100_000)
    assert violations(kind_with_pattern("(a|b)*a(a|b){900}c"), text) == [PATTERN_LIMIT]


@pytest.mark.parametrize(
    ("text", "found"),
    [("2027-01-01T00:00:00Z", []), ("2027-01-01T00:00:00+01:00", ["pattern"]), ("Z", ["format"])],
)
def test_a_pattern_and_a_format_are_both_checked(text: str, found: list[str]) -> None:
    assert violations(kind_with_pattern("Z$", format="date-time"), text) == found


@pytest.mark.parametrize(
    ("schema", "value", "is_valid"),
    [
        ({"enum": [1, "a"]}, True, False),
        ({"enum": [1, "a"]}, 1, True),
        ({"enum": [True]}, 1, False),
        ({"enum": [[1]]}, [True], False),
        ({"type": "integer", "enum": [1]}, 1, True),
        ({"type": ["integer", "boolean"], "enum": [0]}, False, False),
        ({"properties": {'"+x{0}\\': {"type": "string"}}}, {'"+x{0}\\': 1}, False),
        ({"properties": {'"+x{0}\\': {"type": "string"}}}, {'"+x{0}\\': "a"}, True),
        ({"required": ["a b"]}, {"a b": 1}, True),
    ],
)
def test_an_uncompiled_schema_is_still_checked(schema: Any, value: Any, is_valid: bool) -> None:  # noqa: FBT001 - a case
    assert (check_of(schema)(value) == ()) is is_valid


def test_an_object_without_members_has_its_own_message() -> None:
    (found,) = check_of({"type": "object", "additionalProperties": False})({"a": 1})
    assert describe(found) == "a is not a known field: no field is allowed here; remove it"
