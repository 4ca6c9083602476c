"""Explanations: every field of a kind, with the reason why a PATCH would carry it or not."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.plan.explain import Carried, Verdict, explanations
from tests.values import kind_with

TEXT = {"type": "string"}
FIELDS = {
    "note": TEXT,
    "functions": {"type": "array", "uniqueItems": True, "items": TEXT},
    "secret": {"type": "string", "readOnly": True},
}
KIND = kind_with(FIELDS, always_sent=["functions"], secret="secret")
LIVE = {"name": "x", "note": "theirs", "functions": ["b", "a"], "secret": "do-not-show"}


@pytest.mark.parametrize(
    ("desired", "note", "functions"),
    [
        ({"note": "ours"}, Carried.DIFFERS, Carried.INSISTED),
        ({"note": "theirs"}, Carried.NOT, Carried.NOT),
        ({"functions": ["a"]}, Carried.NOT, Carried.DIFFERS),
        ({"functions": ["a", "b"], "note": "ours"}, Carried.DIFFERS, Carried.INSISTED),
    ],
)
def test_a_field_is_carried_if_it_differs_or_the_service_insists_on_it(
    desired: dict[str, Any], note: Carried, functions: Carried
) -> None:
    found = {one.field: one.carried for one in explanations(KIND, {"name": "x", **desired}, LIVE)}
    assert (found["note"], found["functions"]) == (note, functions)


def test_what_an_answer_says_of_the_secret_is_left_out() -> None:
    (secret,) = (one for one in explanations(KIND, {"name": "x"}, LIVE) if one.field == "secret")
    assert (secret.verdict, secret.observed) == (Verdict.READ_ONLY, None)
