"""The ids of projects and regions, with their names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reconciler.model.escape import escape_control, neutralize_log_commands

if TYPE_CHECKING:
    from collections.abc import Mapping


def render_numbers(names: Mapping[int, str]) -> str:
    """Return one line for each id, sorted by name."""
    width = max((len(str(number)) for number in names), default=0)
    return "".join(f"{number:>{width}}  {escape_control(name)}\n" for number, name in sorted_names(names))


def render_numbers_json(names: Mapping[int, str], what: str) -> str:
    """Return the ids and names as JSON, in a member called ``what``."""
    every = [{"id": number, "name": name} for number, name in sorted_names(names)]
    return neutralize_log_commands(json.dumps({what: every}, indent=2)) + "\n"


def sorted_names(names: Mapping[int, str]) -> list[tuple[int, str]]:
    """Return the ids with their names, sorted for people by name."""
    return sorted(names.items(), key=lambda found: (found[1].casefold(), found[0]))
