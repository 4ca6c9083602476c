"""Prints a plan in every format, for a test that starts it under several hash seeds."""

from __future__ import annotations

import sys

from reconciler.render.json import render_json
from reconciler.render.text import Detail, render_text
from tests.core.values import NOW, declared, live, make_plan

NAMES = ("key-a", "key-b", "key-c", "key-d")
BOXES = [{"name": name, "namespace": space} for name in ("web", "api", "db") for space in ("shop", "test")]


def main() -> None:
    """Print a plan that holds several of everything whose order could vary."""
    wanted = {"description": "new", "expire": None, "is_disabled": True, "containers": BOXES}
    keys = [declared(name, line=line, **wanted) for line, name in enumerate(NAMES, 1)]
    gone = [declared(name, line=9) for name in ("gone-b", "gone-a")]
    shown = [
        live(name, containers=BOXES[:1], expire="2027-01-01T00:00:00Z")
        for name in (*NAMES, "other-b", "other-a")
    ]
    plan = make_plan([*keys, *gone], shown)
    sys.stdout.write(render_json(plan, NOW) + render_text(plan, Detail.FULL))


if __name__ == "__main__":
    main()
