"""Names by chance."""

from __future__ import annotations

from random import Random

import pytest

from reconciler.model.randomness import unique
from reconciler.model.system import SystemRandomness


def test_a_unique_name_differs_from_the_one_before() -> None:
    assert unique(SystemRandomness()) != unique(SystemRandomness())


@pytest.mark.parametrize("seed", range(3))
def test_a_unique_name_is_32_hexadecimal_digits_and_follows_from_its_source(seed: int) -> None:
    name = unique(Random(seed))  # noqa: S311 - has to be repeatable
    assert name == unique(Random(seed))  # noqa: S311
    assert len(name) == 32
    assert set(name) <= set("0123456789abcdef")
