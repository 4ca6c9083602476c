"""How long the engine takes to start, in multiples of an empty Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmark import engine
from benchmark.installed import an_emulator, install
from benchmark.processes import PYTHON, Place, run
from benchmark.report import Pairs, Row, Subject

if TYPE_CHECKING:
    from benchmark.scale import Scale

_HELP_LIMIT: Final = 6.5
_VALIDATE_LIMIT: Final = 15
_PLAN_LIMIT: Final = 18
_CHANGED_KEYS: Final = 3


def measure(place: Place, scale: Scale, _chosen: frozenset[str]) -> list[Row]:
    """Start an empty Python, the help and a validation by turns."""
    empty, helped, validated = [], [], []
    engine.help_text(place)
    engine.validate_example(place)
    for _ in range(scale.start_rounds):
        empty.append(run(place, (*PYTHON, "-c", "pass")).seconds)
        helped.append(engine.help_text(place).seconds)
        validated.append(engine.validate_example(place).seconds)
    help_pairs = Pairs(tuple(helped), tuple(empty))
    validate_pairs = Pairs(tuple(validated), tuple(empty))
    return [
        Subject("start", "reconciler --help v python -c pass").at_most(
            _HELP_LIMIT, help_pairs.ratio, help_pairs.seconds("help", "python")
        ),
        Subject("start", f"reconciler validate {engine.EXAMPLE} v python -c pass").at_most(
            _VALIDATE_LIMIT, validate_pairs.ratio, validate_pairs.seconds("validate", "python")
        ),
    ]


def measure_installed(place: Place, scale: Scale, _chosen: frozenset[str]) -> list[Row]:
    """Plan the example, which differs from what is live, where nothing but the requirements is installed."""
    installed = install(place)
    empty, planned = [], []
    with an_emulator(place) as url:
        engine.plan_example(place, installed.reconciler, url, _CHANGED_KEYS)
        for _ in range(scale.start_rounds):
            empty.append(run(place, (*installed.python, "-c", "pass")).seconds)
            planned.append(engine.plan_example(place, installed.reconciler, url, _CHANGED_KEYS).seconds)
    pairs = Pairs(tuple(planned), tuple(empty))
    subject = Subject("installed", f"reconciler plan {engine.EXAMPLE} v python -c pass, as installed")
    return [subject.at_most(_PLAN_LIMIT, pairs.ratio, pairs.seconds("plan", "python"))]
