"""Each contract of .importlinter, proven: one bad import in a copy of the code breaks it."""

from __future__ import annotations

import configparser
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT = Path(__file__).parents[2]
CASES: Final = (
    # (contract, file, line that is added to it)
    ("layers", "reconciler/kinds/kind.py", "from reconciler.plan.planning import plan_scope"),
    ("layers", "reconciler/render/text.py", "from reconciler.apply.executor import Executor"),
    ("layers", "reconciler/plan/limits.py", "import reconciler.cli.main"),
    ("layers", "reconciler/load/files.py", "if TYPE_CHECKING:\n    from reconciler.validate import schema"),
    ("layers", "reconciler/model/scope.py", "from reconciler import load"),
    ("layers", "reconciler/helpers.py", '"""A module that has no layer."""'),
    ("oracle", "gcore_emulator/store.py", "from reconciler.model.scope import Scope"),
    ("emulator", "reconciler/service/loop.py", "import gcore_emulator"),
    ("emulator", "reconciler/apply/executor.py", "from gcore_emulator import Emulator"),
    ("writers", "reconciler/pipeline/__init__.py", "from reconciler.api.writer import Writer"),
    ("writers", "reconciler/adopt/export.py", "from reconciler.api import writer"),
    ("writers", "reconciler/service/cycle.py", "from reconciler.api.writer import Writer"),
    ("planning", "reconciler/observe/listing.py", "from reconciler.api.writer import Writer"),
    ("planning", "reconciler/api/reader.py", "from reconciler.api.writer import Writer"),
    ("pure", "reconciler/model/scope.py", "import os"),
    ("pure", "reconciler/model/clock.py", "import socket"),
    ("pure", "reconciler/diff/compare.py", "def now():\n    import time"),
    ("pure", "reconciler/kinds/kind.py", "from pathlib import Path"),
    ("pure", "reconciler/plan/planning.py", "from reconciler.load.files import load"),
    (
        "pure",
        "reconciler/render/text.py",
        "import threading",
    ),
    ("pure", "reconciler/errors.py", "import logging"),
    ("pure", "reconciler/plan/planning.py", "from random import Random"),
    ("time", "reconciler/pipeline/processes.py", "from time import monotonic"),
    ("time", "reconciler/load/program.py", "import time"),
    ("time", "reconciler/model/clock.py", "import time"),
    ("system", "reconciler/service/http.py", "from reconciler.model.system import SystemClock"),
    ("system", "reconciler/api/client.py", "from reconciler.model.system import SystemClock"),
    ("system", "reconciler/pipeline/processes.py", "from reconciler.model.system import SystemClock"),
    ("system", "reconciler/cli/execution.py", "from reconciler.model.system import SystemClock"),
    ("defaults", "reconciler/pipeline/processes.py", "from reconciler.pipeline.defaults import CLOCK"),
    ("defaults", "reconciler/pipeline/cluster_gate.py", "from reconciler.pipeline import defaults"),
    ("defaults", "reconciler/service/cycle.py", "from reconciler.pipeline.defaults import CLOCK"),
    ("randomness", "reconciler/service/outbox.py", "import uuid"),
    ("randomness", "reconciler/load/write.py", "from secrets import token_hex"),
    ("randomness", "reconciler/api/retry.py", "import random"),
    ("randomness", "reconciler/model/randomness.py", "import random"),
    ("system", "reconciler/service/settings.py", "from reconciler.model.system import SystemRandomness"),
    ("http", "reconciler/apply/executor.py", "import httpx"),
    ("http", "reconciler/cli/main.py", "from httpcore import ConnectError"),
    ("yaml", "reconciler/validate/schema.py", "import yaml"),
    ("schemas", "reconciler/load/files.py", "import jsonschema.validators"),
    ("references", "reconciler/validate/schema.py", "from referencing import Registry"),
    ("deepdiff", "reconciler/plan/planning.py", "from deepdiff import DeepDiff"),
    ("distributed", "reconciler/service/pages.py", "import distributed"),
    ("jinja2", "reconciler/service/pages.py", "import jinja2"),
    ("click", "reconciler/service/loop.py", "import click"),
    ("click", "gcore_emulator/server.py", "import click"),
    ("service", "reconciler/cli/drift.py", "import cronsim"),
    ("service", "reconciler/render/text.py", "import prometheus_client"),
    ("sqlite3", "reconciler/apply/journal.py", "import sqlite3"),
    ("asgi", "reconciler/cli/main.py", "import uvicorn"),
    ("asgi", "reconciler/service/pages.py", "from starlette.applications import Starlette"),
    ("pytest", "gcore_emulator/server.py", "import pytest"),
)
AS_IT_IS: Final = ("", "reconciler/cli/main.py", "")
"""All contracts at once, nothing added."""
LINT: Final = """
import contextlib, io, json, pathlib, sys
from importlinter.cli import lint_imports
kept = []
for contract, file, line in json.load(sys.stdin):
    path = pathlib.Path(file)
    before = path.read_text(encoding="utf-8") if path.exists() else None
    path.write_text((before or "") + "\\n" + line + "\\n", encoding="utf-8")
    with contextlib.redirect_stdout(io.StringIO()):
        only = (contract,) if contract else ()
        kept.append(lint_imports(limit_to_contracts=only, no_logo=True, is_debug_mode=True))
    path.unlink() if before is None else path.write_text(before, encoding="utf-8")
print(json.dumps(kept))
"""


@pytest.fixture(scope="module")
def exit_codes(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str, str], int]:
    """Return the exit code of lint-imports for each case, each in a copy with that line alone."""
    copy = tmp_path_factory.mktemp("copy")
    for package in ("reconciler", "gcore_emulator"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", copy)
    ended = subprocess.run(
        [sys.executable, "-c", LINT],
        input=json.dumps([*CASES, AS_IT_IS]),
        cwd=copy,
        env={"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(zip([*CASES, AS_IT_IS], json.loads(ended.stdout), strict=True))


def contracts() -> list[str]:
    config = configparser.ConfigParser()
    config.read(ROOT / ".importlinter", encoding="utf-8")
    prefix = "importlinter:contract:"
    return [name.removeprefix(prefix) for name in config.sections() if name.startswith(prefix)]


def test_a_bad_import_breaks_its_contract(exit_codes: dict[tuple[str, str, str], int]) -> None:
    assert [case for case in CASES if exit_codes[case] != 1] == []


def test_without_a_bad_import_each_contract_is_met(exit_codes: dict[tuple[str, str, str], int]) -> None:
    assert exit_codes[AS_IT_IS] == 0


def test_each_contract_is_broken_by_a_case() -> None:
    assert {contract for contract, _, _ in CASES} == set(contracts())
