"""What screens of four widths show; ``python -m tests.render.screens`` writes the files in ``screens/``.

Read them before they are committed: they are what a reviewer sees.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciler.model.cycle import CycleResult, FieldOutcome, ScopeState
from reconciler.model.desired import DesiredScope
from reconciler.model.live import LiveScope
from reconciler.model.plan import Action, Effect
from reconciler.model.source import Position
from reconciler.model.status import NewKey, ScopeStatus, Status
from reconciler.plan.drift import drift_of
from reconciler.plan.explain import explanations
from reconciler.plan.planning import assemble, plan_scope
from reconciler.render.drift import DriftView, render_drift
from reconciler.render.explanation import render_explanations, request_lines
from reconciler.render.history import render_history_text
from reconciler.render.text import Detail, render_text
from reconciler.render.text_layout import PLAIN, Screen
from tests.render.example_plan import since
from tests.values import API, BASE_URL, CAAS, LATER, NOW, SCOPE, WEB, declared, episode, live, make_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.model.desired import DesiredKey
    from reconciler.model.plan import Plan
    from reconciler.model.status import Episode

FOLDER: Final = Path(__file__).parent / "screens"
WIDTHS: Final = (40, 80, 120, 200)
FILE: Final = "keys/shop.yaml"
CANARY: Final = {"name": "checkout-canary", "namespace": "shop"}
NEW: Final = (NewKey("caas/1/77/backdoor-of-the-one-who-left", NOW - dt.timedelta(minutes=7)),)
PURPOSE: Final = "Reads the orders of the shop for the nightly report, owned by the team finance"


def _declared(name: str, line: int, **fields: Any) -> DesiredKey:
    return declared(name, line=line, **fields)._replace(source=FILE)


def every_change() -> Plan:
    """Return a plan of an exclusive scope with every action, and origins."""
    keys = (
        _declared("billing", 9, description=PURPOSE),
        _declared("checkout", 14, containers=[WEB, API], description="The shop's checkout"),
        _declared("new-partner", 21, description=PURPOSE, containers=[WEB, API], expire=LATER),
        _declared("nightly-report-of-the-data-warehouse", 27, is_disabled=True),
        _declared("partner-acme", 31, expire=LATER, description="ours", is_disabled=False),
        _declared("rotated", 36, expire=LATER),
        _declared("same", 40),
        _declared("unwanted", 44)._replace(is_absent=True),
    )
    found = (
        live("billing", description="Reads the orders of the shop for the nightly report"),
        live("checkout", description="The shop's checkout", containers=[WEB, CANARY]),
        live("nightly-report-of-the-data-warehouse"),
        live("partner-acme", is_disabled=True, description="theirs"),
        live("rotated"),
        live("same"),
        live("stray", description="made by hand", containers=[CANARY]),
        live("unwanted", description="a key of a partner who has left"),
    )
    desired = DesiredScope(SCOPE, keys, exclusive=Position(FILE, 4, 1))
    part = plan_scope(CAAS, desired, LiveScope(SCOPE, {key["name"]: key for key in found}), NOW)
    changes = tuple(
        replace(change, action=Action.REPLACE, has_secret=True) if change.name == "rotated" else change
        for change in part.changes
    )
    return replace(
        assemble([replace(part, changes=changes)], base_url=BASE_URL), unmanaged=("caas/1/77/tmp",)
    )


def _with_origins() -> Plan:
    acme = declared("partner-acme", expire=None, description="old", is_disabled=False)
    return since(every_change(), acme, declared("billing", description="old"), declared("unwanted"))


def _drift() -> DriftView:
    plan = every_change()
    unmanaged = (*(key.address for key in NEW), "caas/1/77/tmp")
    return DriftView(drift_of({"caas": CAAS}, plan), (), unmanaged, NEW, advised=("keys/",))


def _explanation(screen: Screen) -> str:
    fields = {"containers": [WEB, API], "description": PURPOSE, "expire": "2027-01-01T01:00:00+01:00"}
    key, found = _declared("checkout", 14, **fields), live("checkout", containers=[WEB, CANARY])
    plan = make_plan([key], [found])
    shown = explanations(CAAS, key, found, plan.changes[0])
    requests = request_lines(plan, screen)
    return render_explanations("caas/1/76/checkout", key.position, shown, requests, screen)


def _history(screen: Screen) -> str:
    status = Status(
        NOW,
        NOW - dt.timedelta(days=30),
        (ScopeStatus("caas/1/76", ScopeState.DRIFTED, NOW, 7),),
        (),
        (),
        0,
        ((CycleResult.IN_SYNC, 120), (CycleResult.DRIFTED, 5)),
        None,
        NOW,
        new_keys=NEW,
    )
    return render_history_text(status, EPISODES, len(EPISODES), screen)


EPISODES: Final[tuple[Episode, ...]] = (
    episode(),
    episode(
        address="caas/1/76/checkout",
        field="containers",
        effect=Effect.BOTH,
        reason="binds 1, unbinds 1",
        desired=[WEB, API],
        live=[WEB, CANARY],
        outcome=FieldOutcome.FAILED,
        detail="PATCH /caas/v1/keys/1/76/checkout: HTTP 500",
    ),
    episode(field="description", effect=Effect.NEUTRAL, reason="access unchanged", desired=PURPOSE, live=""),
)
SCREENS: Final[Mapping[str, Callable[[Screen], str]]] = {
    "plan": lambda screen: render_text(every_change(), Detail.UNMANAGED, screen),
    "origins": lambda screen: render_text(_with_origins(), screen=screen),
    "summary": lambda screen: render_text(every_change(), Detail.KEYS, screen),
    "drift": lambda screen: render_drift(_drift(), screen),
    "history": _history,
    "explanation": _explanation,
}
"""What is shown, by the name of its files."""


def file_of(name: str, width: int) -> Path:
    """Return the file of a screen."""
    return FOLDER / f"{name}-{width}.txt"


def main() -> None:
    """Write every screen."""
    FOLDER.mkdir(exist_ok=True)
    for name, show in SCREENS.items():
        for width in WIDTHS:
            file_of(name, width).write_text(show(replace(PLAIN, width=width)), encoding="utf-8")


if __name__ == "__main__":
    main()
