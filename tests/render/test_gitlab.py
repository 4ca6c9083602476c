"""The numbers for GitLab's merge request widget."""

from __future__ import annotations

from reconciler.plan.planning import assemble
from reconciler.render.formats import render_gitlab
from tests.render.example_plan import example_plan


def test_the_report_counts_the_keys_that_change() -> None:
    assert render_gitlab(example_plan()) == '{"create":0,"update":2,"delete":0}\n'


def test_the_report_of_no_changes_has_zeros() -> None:
    assert render_gitlab(assemble([])) == '{"create":0,"update":0,"delete":0}\n'
