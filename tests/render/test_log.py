"""Lines of a log: one for each entry, with the same members in both formats."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.render.log import Entry, LogFormat, log_line
from tests.support import NOON
from tests.values import check_document

ENTRY = Entry("warning", "drift.found", "caas/1/76/web", "is_disabled: true -> false")


def test_a_line_has_time_level_event_address_and_message() -> None:
    assert log_line(ENTRY, NOON, LogFormat.TEXT) == (
        "2026-06-01T12:00:00Z warning drift.found caas/1/76/web: is_disabled: true -> false\n"
    )
    assert json.loads(log_line(ENTRY, NOON, LogFormat.JSON)) == {
        "time": "2026-06-01T12:00:00Z",
        "level": "warning",
        "event": "drift.found",
        "address": "caas/1/76/web",
        "message": "is_disabled: true -> false",
    }


def test_a_line_about_no_key_has_a_dash_in_its_place() -> None:
    line = log_line(Entry("info", "files.valid", "", "the files are valid again"), NOON, LogFormat.TEXT)
    assert line == "2026-06-01T12:00:00Z info    files.valid -: the files are valid again\n"


@pytest.mark.parametrize("form", LogFormat)
def test_no_text_of_an_entry_is_a_command_of_a_pipeline(form: LogFormat) -> None:
    entry = Entry("info", "note", "caas/1/76/##[error]", "##vso[task.complete]")
    assert not re.search(r"##(\[|vso\[)", log_line(entry, NOON, form))


@given(st.text(), st.text(), st.sampled_from(LogFormat))
def test_whatever_a_service_sends_an_entry_is_one_line(address: str, message: str, form: LogFormat) -> None:
    line = log_line(Entry("info", "note", address, message), NOON, form)
    assert line.splitlines() == [line[:-1]]
    assert line[:-1].isprintable()
    if form is LogFormat.JSON:
        check_document("log", json.loads(line))
