"""Prints plans and pages in every format, for a test that starts it under several hash seeds."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from reconciler.render.formats import render_diff, render_gitlab
from reconciler.render.github import render_github
from reconciler.render.markdown import render_markdown
from reconciler.render.text import Detail, render_text
from tests.render.example_plan import plan_with_origins
from tests.render.test_nested import HAVE, WANT, plan_of
from tests.render.test_page import page_of_everything
from tests.render.test_plan_page import pages_of_everything
from tests.values import declared, live, make_plan, plan_json

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ("key-a", "key-b", "key-c", "key-d")
BOXES = [{"name": name, "namespace": space} for name in ("web", "api", "db") for space in ("shop", "test")]


def rendered() -> Iterator[str]:
    """Render plans and pages that hold several of everything whose order could vary."""
    yield page_of_everything()
    yield pages_of_everything()
    wanted = {"description": "new", "expire": None, "is_disabled": True, "containers": BOXES}
    keys = [declared(name, line=line, **wanted) for line, name in enumerate(NAMES, 1)]
    gone = [declared(name, line=9) for name in ("gone-b", "gone-a")]
    live_keys = [
        live(name, containers=BOXES[:1], expire="2027-01-01T00:00:00Z")
        for name in (*NAMES, "other-b", "other-a")
    ]
    for shown in (make_plan([*keys, *gone], live_keys), plan_with_origins(), plan_of(WANT, HAVE)):
        yield plan_json(shown) + render_text(shown, Detail.UNMANAGED)
        for render in (render_markdown, render_diff, render_github, render_gitlab):
            yield render(shown)


if __name__ == "__main__":
    sys.stdout.buffer.write("".join(rendered()).encode())
