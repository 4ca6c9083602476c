"""One plan with an example of everything, for the renderers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from reconciler.model.desired import DesiredScope, DesiredState
from reconciler.model.source import COLUMN_BITS, Position, Problem
from tests.values import API, CAAS, LATER, SCOPE, WEB, declared, live, make_plan, with_origins_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.model.desired import DesiredKey
    from reconciler.model.plan import Plan

FRAGMENTS: Final = [
    "\n```\n</details>\n# forged",
    "\r\n::error::forged",
    "@forged #1 https://forged.example www.forged.example a@forged.example",
    "[forged](https://forged.example) ![forged](https://forged.example/i.png)",
    "<script>forged</script><!-- forged --><img src=forged>",
    "``` forged ``````",
    "` forged `",
    "**forged** _forged_ ~~forged~~ | forged | <forged@forged.example> &forged;",
    "\u202eforged\u2028forged\x85forged\x0bforged\x1b[2Kforged",
    "%0Aforged%25,forged::forged:forged",
    "\n+ forged\n- forged\n~ forged",
    "##[error]forged",
    "\\`forged\\",
]
"""What an attacker could write to forge a part of a plan; all that is in words says ``forged``."""


def example_plan() -> Plan:
    """Return a plan of two changes, one unmanaged key, an error and a warning."""
    old = {"name": "old", "namespace": "shop"}
    wanted: dict[str, Any] = {"description": "new", "expire": LATER, "is_disabled": False, "containers": []}
    keys = [
        declared("web-key", **wanted)._replace(offset=(2 << COLUMN_BITS) + 4),
        declared("api-key", line=9, containers=[WEB, API], description="", expire=None),
        declared("same-key", line=12),
        declared("gone-key", line=15),
    ]
    shown = [
        live("web-key", description="old", is_disabled=True),
        live("api-key", containers=[WEB, old]),
        live("same-key"),
        live("other-key"),
    ]
    careful = Problem("two files declare keys of this project", Position("more.yaml", 2, 3))
    return replace(make_plan(keys, shown), warnings=(careful,))


def plan_with_origins() -> Plan:
    """Return the same plan with the origin of each field."""
    return since(
        example_plan(),
        declared("web-key", description="old", expire=LATER, is_disabled=True),
        declared("api-key", containers=[]),
    )


def since(plan: Plan, *keys: DesiredKey) -> Plan:
    """Label a plan by what the files declared at the base commit."""
    return with_origins_of({"caas": CAAS}, plan, DesiredState((DesiredScope(SCOPE, keys),)))


def plan_of(pairs: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> Plan:
    """Plan a key for each pair of fields, those declared and those live; all are named by their number."""
    numbered = [(f"key-{number:05}", number, *pair) for number, pair in enumerate(pairs, 1)]
    keys = [declared(name, line=number, **want) for name, number, want, _ in numbered]
    return make_plan(keys, [live(name, **have) for name, _, _, have in numbered])
