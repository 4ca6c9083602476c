from __future__ import annotations

import pytest

from fuzz.corpus import TEXTS, VALID
from fuzz.crowds import CROWDS
from fuzz.inputs import content
from fuzz.reading import read

SEED = 7


@pytest.mark.parametrize("first", range(0, 300, 100))
def test_any_file_is_accepted_or_refused_with_reasons(first: int) -> None:
    complaints = {number: read(content(SEED, number)).complaint for number in range(first, first + 100)}
    assert {number: text for number, text in complaints.items() if text} == {}


@pytest.mark.parametrize("size", [1, 65, 130])
def test_excessive_repetition_is_accepted_or_refused_with_reasons(size: int) -> None:
    complaints = [(crowd.__name__, read(crowd(size).encode()).complaint) for crowd in CROWDS]
    assert [(name, text) for name, text in complaints if text] == []


@pytest.mark.parametrize("text", VALID)
def test_mutations_start_from_valid_files(text: bytes) -> None:
    assert read(text).accepted


@pytest.mark.parametrize("text", [text for text in TEXTS if text not in VALID])
def test_mutations_also_start_from_invalid_files(text: bytes) -> None:
    assert not read(text).accepted


def test_the_same_seed_and_number_generate_the_same_input() -> None:
    assert [content(SEED, number) for number in range(50)] == [content(SEED, number) for number in range(50)]
