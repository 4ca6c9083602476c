"""Warnings about names that look like another one: in the files, and between files and the live API."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import pytest

from reconciler.model.desired import DesiredKey, DesiredScope
from reconciler.model.scope import Scope
from tests.support import declare, emulate, fill, live

if TYPE_CHECKING:
    from pathlib import Path

    from gcore_emulator import Emulator
    from tests.support import CommandLine


@pytest.mark.parametrize("command", ["validate", "plan"])
def test_two_declared_names_that_look_alike_are_pointed_out(
    cli: CommandLine, emulator: Emulator, tmp_path: Path, command: str
) -> None:
    fill(emulator, "web-1", "web-l", "web-2")
    names = ("web-1", "web-l", "web-2")
    done = cli(command, declare(tmp_path / "k.yaml", *({"name": name} for name in names)))
    assert (done.code, done.err.count("Warning: ")) == (0, 1)
    assert 'caas/1/76/web-l: looks like "web-1" at ' in done.err
    assert "U+0031 DIGIT ONE; it has U+006C LATIN SMALL LETTER L" in done.err


def test_a_live_name_that_looks_like_a_declared_one_is_pointed_out(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web-1", "web-l", "web-2")
    done = cli("plan", declare(tmp_path / "k.yaml", live("web-1")))
    assert (done.code, done.err.count("Warning: ")) == (0, 1)
    assert 'caas/1/76/web-l: is live, and looks like "web-1", which is declared: the declared' in done.err


def test_a_name_of_several_alphabets_is_pointed_out() -> None:
    keys = tuple(DesiredKey(name, {"name": name}, "k.yaml", 0) for name in ("w\u0435b", "web"))
    found = [str(problem) for problem in DesiredScope(Scope("caas", 1, 76), keys).doubtful_names()]
    assert len(found) == 2
    assert found[0].startswith('k.yaml:1:1: caas/1/76/web: looks like "w\\u0435b" at k.yaml:1:1: the other')
    assert "the name mixes letters of several alphabets" in found[1]


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        (unicodedata.normalize("NFD", "Caf\u00e9"), '"Caf\\u00e9" (it differs in its Unicode form, NFC)?'),
        ("shop", 'did you mean "shop " (it has a blank at its end)?'),
        ("b\u0430nk", "it has U+0061 LATIN SMALL LETTER A"),
    ],
)
def test_a_lookalike_project_is_distinguished(
    cli: CommandLine, tmp_path: Path, written: str, hint: str
) -> None:
    with emulate() as emulator:
        cli.use(emulator)
        for number, name in enumerate(("Caf\u00e9", "shop ", "bank"), 1):
            emulator.put_project({"id": number, "name": name})
        emulator.put_region({"id": 76, "display_name": "Sines"})
        file = tmp_path / "k.yaml"
        file.write_text(f"project: {written}\nregion: Sines\nkeys: []\n", encoding="utf-8")
        done = cli("plan", str(file))
    assert (done.code, hint in done.err) == (1, True)


def test_a_field_with_a_letter_of_another_alphabet_is_distinguished(cli: CommandLine, tmp_path: Path) -> None:
    done = cli("validate", declare(tmp_path / "k.yaml", {"name": "web", "d\u0435scription": "x"}))
    assert 'did you mean "description" (what is written has U+0435 CYRILLIC SMALL LETTER IE' in done.err
