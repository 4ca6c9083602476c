"""``drift`` reports what is not as desired, and corrects it on request."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from gcore_emulator import Faults
from tests.support import CommandLine, declare, fill, patches
from tests.values import check_document

if TYPE_CHECKING:
    from pathlib import Path

    from gcore_emulator import Emulator


@pytest.fixture
def widened(emulator: Emulator, tmp_path: Path) -> str:
    """Three declared keys: in the portal one was enabled, one disabled, one renamed in its description."""
    fill(emulator, "opened", is_disabled=False)
    fill(emulator, "closed", is_disabled=True)
    fill(emulator, "noted", description="theirs")
    return declare(
        tmp_path / "keys.yaml",
        {"name": "opened", "is_disabled": True},
        {"name": "closed", "is_disabled": False},
        {"name": "noted", "description": "ours"},
    )


def test_without_drift_the_exit_code_is_zero(cli: CommandLine, emulator: Emulator, tmp_path: Path) -> None:
    fill(emulator, "web")
    done = cli("drift", declare(tmp_path / "keys.yaml", {"name": "web", "description": ""}))
    still = "No changes. Your infrastructure still matches the configuration.\n"
    assert (done.code, done.out, done.err) == (0, still, "")


def test_drift_is_shown_with_its_effects_and_nothing_is_written(
    cli: CommandLine, emulator: Emulator, widened: str
) -> None:
    done = cli("drift", widened)
    assert (done.code, done.err, patches(emulator)) == (2, "", [])
    assert "Note: Objects differ from the files" in done.out
    assert "~ is_disabled = true -> false  # grants: enables the key" in done.out
    assert "~ is_disabled = false -> true  # revokes: disables the key" in done.out
    assert "Drift: 3 keys differ from the files.\n" in done.out


def test_each_request_is_shown_with_v(cli: CommandLine, widened: str) -> None:
    requests = [line for line in cli("drift", widened, "-v").err.splitlines() if line.startswith("GET ")]
    assert requests
    assert all(re.fullmatch(r"GET \S+ -> 200 \(\d+ ms\)", line) for line in requests)


def test_keys_that_could_not_be_compared_are_an_error_without_a_claim_about_drift(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web")
    fill(emulator, "theirs", source="iate")
    done = cli("drift", declare(tmp_path / "keys.yaml", {"name": "web"}, {"name": "theirs"}))
    assert (done.code, "caas/1/76/theirs: is managed elsewhere" in done.err) == (1, True)
    assert done.out == "The compared keys have not drifted; the errors list the others.\n"


def test_the_json_contains_drift_and_correction(cli: CommandLine, widened: str) -> None:
    document = json.loads(cli("drift", widened, "--format", "json").out)
    check_document("plan", document)
    drift, change = document["resource_drift"][2], document["resource_changes"][2]
    assert drift["address"] == change["address"] == "caas/1/76/opened"
    assert drift["change"]["before"] == change["change"]["after"] == {"is_disabled": True}
    assert (drift["change"]["effects"], change["change"]["effects"]) == (
        {"is_disabled": "grants"},
        {"is_disabled": "revokes"},
    )


@pytest.mark.parametrize(
    ("wanted", "sent", "left", "code"),
    [
        ("all", [{"description": "ours"}, {"is_disabled": False}, {"is_disabled": True}], [], 0),
        ("grants", [{"is_disabled": True}], ["closed", "noted"], 2),
        ("revokes", [{"is_disabled": False}], ["noted", "opened"], 2),
    ],
)
def test_drift_is_corrected_by_its_effect_on_access(  # noqa: PLR0913, PLR0917 - cases
    cli: CommandLine,
    emulator: Emulator,
    widened: str,
    wanted: str,
    sent: list[Any],
    left: list[str],
    code: int,
) -> None:
    done = cli("drift", widened, "--correct", wanted)
    assert (done.code, sorted(patches(emulator), key=str)) == (code, sent)
    assert done.err == "".join(f"Left to a person: caas/1/76/{name}\n" for name in left)
    assert f"Apply complete! Resources: 0 added, {len(sent)} changed, 0 destroyed." in done.out


def test_a_field_can_be_left_while_another_of_its_key_is_corrected(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web", description="theirs", is_disabled=False)
    file = declare(tmp_path / "k.yaml", {"name": "web", "description": "ours", "is_disabled": True})
    done = cli("drift", file, "--correct", "grants")
    assert (done.code, patches(emulator)) == (2, [{"is_disabled": True}])
    assert done.err == "Left to a person: caas/1/76/web\n"


def test_without_drift_of_the_selected_effect_nothing_is_sent(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web", description="theirs")
    done = cli(
        "drift", declare(tmp_path / "k.yaml", {"name": "web", "description": "ours"}), "--correct", "grants"
    )
    assert (done.code, patches(emulator)) == (2, [])


def test_a_correction_beyond_a_limit_is_refused(cli: CommandLine, emulator: Emulator, widened: str) -> None:
    done = cli("drift", widened, "--correct", "all", "--max-changes", "2")
    assert (done.code, patches(emulator)) == (3, [])
    assert done.err.endswith("Nothing was corrected.\n")


def test_a_failed_correction_is_a_partial_failure(cli: CommandLine, emulator: Emulator, widened: str) -> None:
    emulator.faults = Faults(status_500=1.0, methods=("PATCH",), max_in_a_row=0)
    assert cli("drift", widened, "--correct", "all", "--retries", "0").code == 4


def test_a_correction_is_journaled(cli: CommandLine, widened: str, tmp_path: Path) -> None:
    cli("drift", widened, "--correct", "grants", "--journal", str(tmp_path / "j"))
    lines = (tmp_path / "j").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["write", "outcome"]


def test_corrections_cannot_be_printed_as_json(cli: CommandLine, widened: str) -> None:
    done = cli("drift", widened, "--correct", "all", "--format", "json")
    assert (done.code, "--format json shows drift; it cannot go with --correct" in done.err) == (64, True)
