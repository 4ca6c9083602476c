"""The engine without its command line: keys in, plan and outcomes out."""

from __future__ import annotations

import io
import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import reconciler
from reconciler.api.client import Session
from reconciler.api.workers import Workers
from reconciler.api.writer import Writer
from reconciler.kinds.packaged import load_kinds
from reconciler.model.plan import Freshness
from tests.support import NOON, Script, connect

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gcore_emulator import Emulator
    from reconciler.api.reader import Connection
    from reconciler.apply.observer import Observer
    from reconciler.model.desired import DesiredState
    from reconciler.model.outcome import Outcome
    from reconciler.model.plan import Plan

KINDS = load_kinds()
ALL = reconciler.Limits("100%", may_destroy=True)


def desired(*keys: Mapping[str, Any], region_id: int = 76) -> DesiredState:
    document = json.dumps({"project_id": 1, "region_id": region_id, "keys": keys}, ensure_ascii=False)
    return reconciler.load("-", now=NOON, standard_input=io.BytesIO(document.encode()))


@dataclass(frozen=True, slots=True)
class Engine:
    """Plans and applies against an emulator."""

    emulator: Emulator
    parallelism: int = 10
    stop: threading.Event = field(default_factory=threading.Event)
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def connection(self) -> Connection:
        defaults: dict[str, Any] = {"base_url": self.emulator.url, "transport": None, "stop": self.stop}
        return connect(Script(), **defaults | dict(self.settings))

    def writer(self) -> Writer:
        return Writer(self.connection)

    def plan(self, state: DesiredState) -> Plan:
        with Session(self.connection, Workers(self.parallelism)) as session:
            return reconciler.plan(state, session, limits=ALL, now=NOON)

    def apply(
        self,
        plan: Plan,
        freshness: Freshness = Freshness.JUST_MADE,
        observers: Sequence[Observer] = (),
    ) -> Sequence[Outcome]:
        with Session(self.connection, Workers(self.parallelism)) as session:
            return reconciler.apply(plan, session, freshness=freshness, observers=observers)


def plan_with(connection: Connection, state: DesiredState, parallelism: int = 10) -> Plan:
    with Session(connection, Workers(parallelism)) as session:
        return reconciler.plan(state, session, kinds=KINDS, now=NOON)
