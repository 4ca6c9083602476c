"""``explain``: why a field is equal or different, and what a PATCH would carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.explanation import RULES
from reconciler.kinds import Form
from tests.support import CommandLine, declare, fill, patches

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.emulator import Emulator

WEB = {"name": "web", "namespace": "shop"}
API = {"name": "api", "namespace": "shop"}


@pytest.fixture
def files(emulator: Emulator, tmp_path: Path) -> str:
    fill(emulator, "web", expire="2099-01-01T00:00:00Z", description="theirs", containers=[API, WEB])
    key = {
        "name": "web",
        "expire": "2099-01-01T02:00:00+02:00",
        "description": "ours",
        "containers": [WEB, API],
    }
    return declare(tmp_path / "keys.yaml", key)


def explained(cli: CommandLine, files: str, *words: str) -> str:
    done = cli("explain", "caas/1/76/web", *words, "--file", files)
    assert (done.code, done.err) == (0, "")
    return done.out


def test_a_field_that_differs_is_explained_with_what_would_be_sent(cli: CommandLine, files: str) -> None:
    assert explained(cli, files, "description").splitlines()[3:] == [
        "description: different",
        '  desired   "ours"',
        '  observed  "theirs"',
        "  rule      values are compared exactly, their type included",
        "  PATCH     carried, because it differs",
        "",
        'PATCH /cloud/v1/caas/keys/1/76/web {"description": "ours"}',
    ]


def test_a_spelling_that_makes_no_difference_is_explained_by_its_rule(cli: CommandLine, files: str) -> None:
    assert explained(cli, files, "expire").splitlines()[3:9] == [
        "expire: equal",
        '  desired   "2099-01-01T02:00:00+02:00"',
        '            normalised to "2099-01-01T00:00:00Z"',
        '  observed  "2099-01-01T00:00:00Z"',
        f"  rule      {RULES[Form.INSTANT]}",
        "  PATCH     not carried",
    ]


def test_a_field_that_is_not_declared_is_left_alone(cli: CommandLine, files: str) -> None:
    assert "is_disabled: not declared, so left alone\n  desired   not declared\n" in explained(
        cli, files, "is_disabled"
    )


def test_every_field_of_the_kind_is_explained(cli: CommandLine, files: str) -> None:
    out = explained(cli, files)
    for name in ("name", "description", "expire", "is_disabled", "containers", "created_at", "status"):
        assert f"\n{name}: " in out
    assert "containers: equal" in out


def test_nothing_is_written_and_one_key_is_read(cli: CommandLine, emulator: Emulator, files: str) -> None:
    explained(cli, files)
    assert patches(emulator) == []
    assert [record.path for record in emulator.requests] == ["/cloud/v1/caas/keys/1/76/web"]


def test_without_a_difference_no_patch_would_be_sent(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web", description="same")
    path = declare(tmp_path / "keys.yaml", {"name": "web", "description": "same"})
    assert explained(cli, path).endswith("\nNo PATCH would be sent.\n")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["web"], "web is no address such as caas/1/76/name"),
        (["faas/1/76/web"], "faas/1/76/web is no address such as caas/1/76/name"),
        (["caas/1/76/other"], "caas/1/76/other is not declared in these files"),
        (["caas/1/76/web", "colour"], "colour is no field of a caas key; it has name, description"),
    ],
)
def test_what_cannot_be_explained_is_an_error(
    cli: CommandLine, files: str, words: list[str], complaint: str
) -> None:
    done = cli("explain", *words, "--file", files)
    assert (done.code, complaint in done.err) == (1, True)


def test_a_key_that_is_gone_is_an_error(cli: CommandLine, emulator: Emulator, files: str) -> None:
    emulator.remove_key(1, 76, "web")
    done = cli("explain", "caas/1/76/web", "--file", files)
    assert (done.code, "HTTP 404" in done.err) == (1, True)
