#!/usr/bin/env python3
"""Runs policies on one engine: ``python tools/rego.py FOLDER opa|regorus``.

One query per line, one result per line; both are JSON. A process of its own, because OPA's engine is Go,
which brings threads and signal handlers.
FOLDER holds the engines. The first line says whether the one that was asked for can be loaded.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


def _opa(module: Any, question: Mapping[str, Any]) -> Any:
    with module.OpaEngine() as engine:
        for name, text in question["policies"].items():
            engine.add_policy(name, text)
        engine.add_data(question["data"])
        try:
            return engine.eval_document(question["path"], question["input"])
        except module.OpaUndefinedError:
            return None


def _regorus(module: Any, question: Mapping[str, Any]) -> Any:
    engine = module.Engine()
    for name, text in question["policies"].items():
        engine.add_policy(name, text)
    engine.add_data(question["data"])
    engine.set_input(question["input"])
    found = engine.eval_rule(f"data.{question['path']}")
    return sorted(found) if isinstance(found, set) else found


_ENGINES: Final = {"opa": ("opa_bindings", _opa), "regorus": ("regorus", _regorus)}


def main(folder: str, name: str) -> None:
    """Evaluate queries until there are no more: the value, null without one, a text after ! for an error."""
    module_name, evaluate = _ENGINES[name]
    sys.path.insert(0, folder)
    try:
        module = importlib.import_module(module_name)
    except (ImportError, OSError) as error:
        print(f"{folder} holds no {name} that can be loaded: {error}")
        return
    print("ready", flush=True)
    for line in sys.stdin:
        try:
            response = evaluate(module, json.loads(line))
        except Exception as error:  # noqa: BLE001 - whatever an engine raises is its result
            response = f"!{error}"
        print(json.dumps(response), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
