"""Hostile kind files cause an error or work, and nothing else."""

from __future__ import annotations

import pytest

from fuzz.kind_files import content
from fuzz.kinds import complaint_of
from fuzz.report import seeded

SEED = 11


@pytest.mark.parametrize("first", range(0, 80, 40))
def test_any_kind_file_is_accepted_or_refused_with_reasons(first: int) -> None:
    found = {
        number: complaint_of(content(SEED, number), seeded(number))[1] for number in range(first, first + 40)
    }
    assert {number: text for number, text in found.items() if text} == {}


def test_the_seeds_and_some_mutations_are_accepted() -> None:
    accepted = [complaint_of(content(SEED, number), seeded(number))[0] for number in range(60)]
    assert 5 < sum(accepted) < 60
