"""The kinds that are known, from files with names that others have given them."""

from __future__ import annotations

import json

import pytest

from reconciler.render.kinds import render_kinds, render_kinds_json
from tests.render.example_plan import FRAGMENTS
from tests.values import CAAS


@pytest.mark.parametrize("file", [*FRAGMENTS, "\x9b2Kforged"])
def test_no_name_of_a_file_can_move_the_cursor_or_be_a_command_of_a_log(file: str) -> None:
    shown = render_kinds_json({"caas": CAAS}, {"caas": file})
    assert json.loads(shown)["kinds"][0]["file"] == file
    for text in (shown, render_kinds({"caas": CAAS}, {"caas": file})):
        assert all(line.isprintable() for line in text.removesuffix("\n").split("\n"))
        assert "##[" not in text
