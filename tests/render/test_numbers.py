"""Projects and regions, with names that others have given them."""

from __future__ import annotations

import json

import pytest

from reconciler.render.numbers import render_numbers, render_numbers_json
from tests.render.example_plan import FRAGMENTS


@pytest.mark.parametrize("name", [*FRAGMENTS, "\x9b2Kforged"])
def test_no_name_can_move_the_cursor_or_be_a_command_of_a_log(name: str) -> None:
    names = {7: name, 11: "usual"}
    shown = render_numbers_json(names, "projects")
    assert {each["id"]: each["name"] for each in json.loads(shown)["projects"]} == names
    for text in (shown, render_numbers(names)):
        assert all(line.isprintable() for line in text.removesuffix("\n").split("\n"))
        assert "##[" not in text
