"""Saved plans, made by the command against the emulator, for tools made for Terraform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from click.testing import CliRunner

from reconciler.cli.main import cli
from tests.support import TOKEN, declare, emulate, fill

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ENDS: Final = {"expire": "2036-12-31T00:00:00Z"}
PLANS: Final[Mapping[str, Sequence[Mapping[str, Any]]]] = {
    "compliant": [
        {"name": "new", "description": "", "containers": [], **ENDS},
        {"name": "web", "is_disabled": True, **ENDS},
        {"name": "api", "state": "absent"},
    ],
    "violating": [
        {"name": "new", "description": "", "containers": [], **ENDS},
        {"name": "web", "is_disabled": True, "expire": None},
        {"name": "other", "description": "x", **ENDS},
    ],
    "harmless": [{"name": "web", "description": "no rule is about it", **ENDS}],
}


def terraform_plans(folder: Path) -> Mapping[str, Path]:
    """Make the plans, and return the file of each."""
    found = {}
    with emulate() as cloud:
        fill(cloud, "api", "web", "other", containers=[{"name": "web", "namespace": "shop"}])
        for name, keys in PLANS.items():
            place = folder / name
            place.mkdir()
            path = declare(place / "keys.yaml", *keys)
            environment = {"GCORE_API_KEY": TOKEN, "GCORE_BASE_URL": cloud.url}
            found[name] = place / "plan.json"
            words = ["plan", path, "--out", str(found[name]), "-q"]
            done = CliRunner().invoke(cli, words, env=environment)
            assert done.exit_code == 0, done.output
    return found
