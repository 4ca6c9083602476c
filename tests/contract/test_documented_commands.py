"""Every command that a page shows exists, with the options that it has there."""

from __future__ import annotations

import itertools
import re
import shlex
from typing import TYPE_CHECKING

import click

from reconciler.cli.main import cli
from tests.contract.runner import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCK = re.compile(r"(?ms)^ *```(sh|console)\n(.*?)^ *```")
ENDS = {"|", "||", "&&", ";", "&", ">", ">>", "2>", "<"}
"""Words after which another command, or a file, follows."""


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each command in the blocks of a page."""
    for language, content in BLOCK.findall(text):
        start = r"\$ reconciler (.+)" if language == "console" else r" *reconciler (.+)"
        for line in content.replace("\\\n", " ").splitlines():
            if found := re.match(start, line):
                words = shlex.split(found[1], comments=True)
                yield [*itertools.takewhile(lambda word: word not in ENDS, words)]


def problem(words: list[str]) -> str:
    """Return why a command cannot be run as it is written; empty if it can."""
    command: click.Command = cli
    names = []
    while isinstance(command, click.Group) and words and words[0] in command.commands:
        names.append(words[0])
        command, words = command.commands[words[0]], words[1:]
    if command is cli:
        return "" if words[:1] in ([], ["--help"], ["--version"], ["-V"]) else f"no command {words}"
    try:
        command.make_context(names[-1], words, parent=click.Context(cli, info_name="reconciler"))
    except click.exceptions.Exit:  # it printed its help
        return ""
    except click.UsageError as error:
        return f"{' '.join(names)}: {error.format_message()}"
    return ""


def pages() -> Iterator[Path]:
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md"):
        yield from sorted(ROOT.glob(pattern))


def test_every_command_of_a_page_exists_with_its_options() -> None:
    found = [(page.name, words) for page in pages() for words in commands(page.read_text(encoding="utf-8"))]
    assert len(found) > 50
    wrong = [(page, why) for page, words in found if (why := problem(words))]
    assert wrong == []


def test_a_command_or_an_option_that_does_not_exist_is_found() -> None:
    shell = "```sh\nreconciler plann keys/\nreconciler plan \\\n  --nope | cat\n```\n"
    first, second = commands(f"{shell}```console\nreconciler x\n```\n")
    assert problem(first) == "no command ['plann', 'keys/']"
    assert problem(second).startswith("plan: No such option")
