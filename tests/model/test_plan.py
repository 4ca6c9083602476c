"""Values and their text forms."""

from __future__ import annotations

import pytest

from reconciler.errors import InputError
from reconciler.model.desired import DesiredScope, DesiredState
from reconciler.model.scope import Scope
from reconciler.model.source import COLUMN_BITS, Position, Problem, unpack
from tests.values import SCOPE, declared


@pytest.mark.parametrize(
    ("scope", "address"),
    [(Scope("caas", 1, 76), "caas/1/76/key"), (Scope("inference", 1), "inference/1/key")],
)
def test_an_address_names_kind_project_region_and_key(scope: Scope, address: str) -> None:
    assert scope.address("key") == address


def test_scopes_are_ordered_by_number() -> None:
    scopes = [Scope("caas", 1, 76), Scope("caas", 1, 9), Scope("caas", 1), Scope("aaas", 2, 1)]
    ordered = sorted(scopes, key=lambda scope: scope.sort_key)
    assert [str(scope) for scope in ordered] == ["aaas/2/1", "caas/1", "caas/1/9", "caas/1/76"]


def test_a_state_counts_the_keys_of_all_its_scopes() -> None:
    scope = DesiredScope(SCOPE, (declared("key-a"), declared("key-b")))
    assert DesiredState((scope, scope)).key_count == 4


def test_a_position_is_written_the_way_editors_do() -> None:
    assert str(Position("keys.yaml", 3, 5)) == "keys.yaml:3:5"


@pytest.mark.parametrize(("line", "column"), [(0, 0), (6, 4), (10**6, 0), (0, 32 * 1024 * 1024 - 1)])
def test_a_packed_position_is_unpacked_to_one_based_numbers(line: int, column: int) -> None:
    assert unpack("f", line << COLUMN_BITS | column) == Position("f", line + 1, column + 1)


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("bad"), "bad"),
        (Problem("bad", Position("f", 2, 3)), "f:2:3: bad"),
        (Problem("bad", address="caas/1/76/key"), "caas/1/76/key: bad"),
        (Problem("bad", Position("f", 2, 3), "caas/1/76/key"), "f:2:3: caas/1/76/key: bad"),
    ],
)
def test_a_problem_is_one_line_of_position_address_and_message(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_an_input_error_sorts_its_problems_by_position() -> None:
    places = [
        Position("b.yaml", 1),
        Position("a.yaml", 10),
        Position("a.yaml", 9, 2),
        Position("a.yaml", 9, 1),
        None,
    ]
    error = InputError(Problem("bad", place) for place in places)
    assert str(error).splitlines() == [
        "bad",
        "a.yaml:9:1: bad",
        "a.yaml:9:2: bad",
        "a.yaml:10:1: bad",
        "b.yaml:1:1: bad",
    ]
