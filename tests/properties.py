"""How many examples a property is tried with: few in the suite, eighty times as many in ``make fuzz``."""

from __future__ import annotations

from typing import Any

from hypothesis import settings

FEW = 25
"""Examples of a property in the suite, if it does not name a number of its own."""
THOROUGH = 2_000
"""Examples of the same property in ``make fuzz``."""

settings.register_profile("suite", max_examples=FEW, derandomize=True, deadline=None, database=None)
settings.register_profile("thorough", max_examples=THOROUGH, deadline=None, database=None, print_blob=True)


def examples(count: int, **others: Any) -> settings:
    """Return the settings of a property that is tried ``count`` times in the suite."""
    return settings(max_examples=max(1, count * settings().max_examples // FEW), **others)
