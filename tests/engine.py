"""The engine without its command line: keys in, plan and outcomes out."""

from __future__ import annotations

import io
import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.api.workers import Workers
from reconciler.api.writer import Writer
from reconciler.apply.executor import Executor, Freshness
from reconciler.kinds.packaged import document_schema, load_kinds
from reconciler.model.scope import ScopeDefaults
from reconciler.pipeline import Planner
from reconciler.plan.planning import everything
from reconciler.validate.files import desired_state
from reconciler.validate.validator import Validator
from tests.support import NOON, Script, connect

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gcore_emulator import Emulator
    from reconciler.api.reader import Reader
    from reconciler.apply.observer import Observer
    from reconciler.model.desired import DesiredState
    from reconciler.model.outcome import Outcome
    from reconciler.model.plan import Plan

KINDS = load_kinds()


def desired(*keys: Mapping[str, Any], region_id: int = 76) -> DesiredState:
    document = json.dumps({"project_id": 1, "region_id": region_id, "keys": keys}, ensure_ascii=False)
    validator = Validator(document_schema(), KINDS, ScopeDefaults(), NOON)
    return desired_state(["-"], io.BytesIO(document.encode()), validator)


@dataclass(frozen=True, slots=True)
class Engine:
    """Plans and applies against an emulator."""

    emulator: Emulator
    parallelism: int = 10
    stop: threading.Event = field(default_factory=threading.Event)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def writer(self) -> Writer:
        defaults: dict[str, Any] = {"base_url": self.emulator.url, "transport": None, "stop": self.stop}
        return Writer(connect(Script(), **defaults | dict(self.settings)))

    def plan(self, state: DesiredState) -> Plan:
        with self.writer() as reader:
            return plan_with(reader, state)

    def apply(
        self,
        plan: Plan,
        freshness: Freshness = Freshness.JUST_MADE,
        observers: Sequence[Observer] = (),
    ) -> Sequence[Outcome]:
        with self.writer() as writer:
            executor = Executor(writer, KINDS, Workers(self.parallelism), self.stop, observers)
            return executor.apply(plan, freshness)


def plan_with(reader: Reader, state: DesiredState, parallelism: int = 10) -> Plan:
    return Planner(reader, KINDS, Workers(parallelism), NOON).plan(state, everything, lambda: None)
