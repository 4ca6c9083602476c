"""However much is wrong with a file, it is reported within bounds of time, memory and lines."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import InputError
from reconciler.kinds.kind import kind_from_schema
from reconciler.kinds.packaged import document_schema
from reconciler.load.builder import MAX_DOCUMENTS, parse
from reconciler.model.phrases import MANY_MORE, closest, first_texts, listed
from reconciler.model.source import Position, Problem
from reconciler.validate.custom_kinds import complaints
from reconciler.validate.messages import MORE, MOST_VIOLATIONS
from reconciler.validate.schema import SchemaChecker, check_of
from tests.kinds.test_rules import PLAIN, changed
from tests.values import CAAS, state_of

HEAD = "project_id: 1\nregion_id: 76\n"


def error_of(text: str) -> InputError:
    with pytest.raises(InputError) as caught:
        state_of(*parse(text, "a.yaml"))
    return caught.value


def test_fifty_problems_are_reported_and_the_others_counted() -> None:
    error = InputError(Problem("it is wrong", Position("a.yaml", line)) for line in range(120, 0, -1))
    assert len(error.problems) == 120
    assert error.texts[:2] == ("a.yaml:1:1: it is wrong", "a.yaml:2:1: it is wrong")
    assert error.texts[49:] == ("a.yaml:50:1: it is wrong", "and 70 more problems")
    assert str(error) == "\n".join(error.texts)


@pytest.mark.parametrize(
    ("count", "last"), [(1, "0"), (50, "49"), (51, "and 1 more problem"), (1051, "and 1,001 more problems")]
)
def test_a_count_replaces_problems_that_are_not_reported(count: int, last: str) -> None:
    assert first_texts([str(number) for number in range(count)])[-1] == last


def test_validation_stops_after_the_problem_limit() -> None:
    error = error_of(f"{HEAD}keys:\n" + "  - 1\n" * (MOST_VIOLATIONS + 1))
    assert len(error.problems) == MOST_VIOLATIONS + 1
    assert error.problems[-1].message == MANY_MORE
    assert error.texts[-1] == f"and at least {MOST_VIOLATIONS - 49:,} more problems"


def test_all_other_problems_are_counted() -> None:
    error = error_of(f"{HEAD}keys:\n" + "  - 1\n" * 6000)
    assert (len(error.problems), error.texts[-1]) == (6000, "and 5,950 more problems")


def test_after_the_problem_limit_no_further_document_is_validated() -> None:
    document = f"---\n{HEAD}keys:\n" + "  - 1\n" * 1000
    error = error_of(document * 15)
    assert len(error.problems) == 10_001
    assert error.texts[-1] == "and at least 9,951 more problems"


def test_only_invalid_keys_are_examined_and_have_their_positions() -> None:
    keys = "".join(
        f"  - {{name: key-{number}, is_disabled: {'no' if number % 400 == 7 else 'true'}}}\n"
        for number in range(1000)
    )
    error = error_of(f"{HEAD}keys:\n{keys}")
    assert [problem.position and problem.position.line for problem in error.problems] == [11, 411, 811]
    assert [problem.address for problem in error.problems] == [f"caas/1/76/key-{n}" for n in (7, 407, 807)]


def test_a_list_with_a_duplicate_item_is_found_among_many_keys() -> None:
    box = "{name: web, namespace: shop}"
    keys = "".join(f"  - {{name: key-{number}, containers: [{box}]}}\n" for number in range(50))
    error = error_of(f"{HEAD}keys:\n{keys}  - {{name: twice, containers: [{box}, {box}]}}\n")
    assert [problem.address for problem in error.problems] == ["caas/1/76/twice"]


def test_keys_that_were_not_validated_are_not_used() -> None:
    checker = SchemaChecker(document_schema(), CAAS)
    found = checker.violations({"keys": [{}] * 11_000})
    assert (len(found), found[-1].keyword) == (MOST_VIOLATIONS + 1, MORE)


def test_the_same_limit_applies_to_every_value() -> None:
    found = check_of({"type": "array", "items": {"type": "string"}})([1] * 11_000)
    assert len(found) == MOST_VIOLATIONS + 1
    schema = changed("x-reconciler.always_sent", [f"field{number}" for number in range(5000)])
    assert len(complaints("thing", schema)) == 1000


def test_the_number_of_documents_in_a_file_is_limited() -> None:
    assert parse("---\n" * MAX_DOCUMENTS, "a.yaml") == ()
    reason = "more than 10,000 documents in this file; split it"
    assert error_of("---\n" * 50_000).texts == (f"a.yaml:10001:1: {reason}",)


def test_very_long_values_are_truncated() -> None:
    error = error_of(f"{HEAD}keys:\n  - name: {'x' * 100_000}\n    {'y' * 900}: {'z' * 100_000}\n")
    assert max(map(len, error.texts)) < 3600
    assert len(str(Problem("m" * 10**6, Position("a.yaml"), "a" * 10**6))) < 3600


def test_suggestions_are_limited_to_few_short_words() -> None:
    assert closest("descripton", ["name", "description"]) == "description"
    assert closest("x" * 10**6, ["x" * 10**6]) is None
    assert closest("field", (f"field{number}" for number in range(10**6))) is not None
    assert listed(map(str, range(3))) == "0, 1, 2"
    assert listed(map(str, range(1000)), 2) == "0, 1 and 998 more"


def test_the_fields_of_a_large_kind_are_listed_in_part() -> None:
    fields: dict[str, Any] = {f"field{number}": {"type": "string"} for number in range(1000)}
    kind = kind_from_schema("thing", {**PLAIN, "properties": {**PLAIN["properties"], **fields}})
    document = {"kind": "caas", "project_id": 1, "owner": "acme", "keys": [{"name": "web", "other": 1}]}
    assert [found.keyword for found in SchemaChecker(document_schema(), kind).violations(document)][-1:] == [
        "additionalProperties"
    ]
