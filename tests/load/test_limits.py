"""Nesting is bounded, so no input can exhaust the stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.load.builder import MAX_DEPTH
from reconciler.load.sources import MAX_BYTES
from reconciler.model.source import COLUMN_BITS, unpack
from tests.load.conftest import at

if TYPE_CHECKING:
    from tests.load.conftest import Yaml


def test_nesting_up_to_the_bound_is_accepted(yaml: Yaml) -> None:
    assert yaml.data("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert yaml.data("{a: " * MAX_DEPTH + "}" * MAX_DEPTH)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[" * 65 + "]" * 65, "1:65"),
        ("[" * 10_000, "1:65"),
        ("{a: " * 10_000, "1:257"),
        ("- " * 10_000, "1:129"),
        ("\n".join(" " * level + "a:" for level in range(100)), "65:65"),
        ("[{a: " * 10_000, "1:161"),
        ("[" * 64 + "{a: b}" + "]" * 64, "1:65"),
    ],
)
def test_deeper_nesting_is_refused_at_its_start(yaml: Yaml, text: str, place: str) -> None:
    assert yaml.error(text) == f"keys.yaml:{place}: nested deeper than 64 levels"


def test_depth_is_counted_through_aliases(yaml: Yaml) -> None:
    text = "a: &a " + "[" * 40 + "]" * 40 + "\nb: " + "[" * 30 + "*a" + "]" * 30
    assert yaml.error(text).endswith("2:34: nested deeper than 64 levels through the alias *a")


def test_a_packed_position_fits_the_largest_file() -> None:
    widest = MAX_BYTES - 1
    assert unpack("keys.yaml", 3 << COLUMN_BITS | widest) == at(4, widest + 1)
