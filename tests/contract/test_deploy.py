"""The manifests in deploy/ are valid, and safe by default."""

from __future__ import annotations

import configparser
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it has no types
import pytest
import yaml
from click.testing import CliRunner

from reconciler.cli.main import cli

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted(DEPLOY.glob("systemd/*"))


def cron_job() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(
        (DEPLOY / "kubernetes/cronjob.yaml").read_text(encoding="utf-8")
    )
    return document


def test_the_cron_job_is_valid() -> None:
    kubernetes_validate.validate(cron_job(), "1.30", strict=True)


def test_the_cron_job_runs_alone_without_root_and_writes_nowhere() -> None:
    spec = cron_job()["spec"]
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert spec["concurrencyPolicy"] == "Forbid"
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert {"requests", "limits"} == set(container["resources"])


def test_the_base_names_its_files() -> None:
    base = yaml.safe_load((DEPLOY / "kubernetes/kustomization.yaml").read_text(encoding="utf-8"))
    assert [name for name in base["resources"] if not (DEPLOY / "kubernetes" / name).is_file()] == []


def commands() -> list[list[str]]:
    """Give the words after ``reconciler`` of every manifest."""
    (container,) = cron_job()["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]  # names keep their capitals
    unit.read(DEPLOY / "systemd/reconciler-drift.service")
    return [container["args"], unit["Service"]["ExecStart"].split()[1:]]


@pytest.mark.parametrize("words", commands(), ids=["kubernetes", "systemd"])
def test_a_manifest_runs_a_command_that_exists(words: list[str]) -> None:
    result = CliRunner().invoke(cli, [words[0], "--help"])
    assert (result.exit_code, words[0]) == (0, "drift")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_is_valid(unit: Path, tmp_path: Path) -> None:
    for file in UNITS:  # what they start need not be installed here
        text = file.read_text(encoding="utf-8").replace("/usr/local/bin/reconciler", "/bin/true")
        (tmp_path / file.name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["/usr/bin/env", "systemd-analyze", "verify", str(tmp_path / unit.name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
