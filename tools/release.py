"""Check that a version can be released, and print what its release says.

``python tools/release.py check``: the changelog has the section of the version that the code has.
``python tools/release.py notes v0.2.0``: the same for this tag, and then the section of the changelog.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.model.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT: Final = Path(__file__).parent.parent
UNRELEASED: Final = "Unreleased"
_HEADING: Final = re.compile(r"(?m)^## \[([^\]]+)\](?: - (\d{4}-\d{2}-\d{2}))?$")
_VERSION: Final = re.compile(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?")


@dataclass(frozen=True, slots=True)
class Section:
    """What the changelog says of one version; ``date`` is empty for what is not released."""

    version: str
    date: str
    text: str


def sections(changelog: str) -> Sequence[Section]:
    """Return the sections of a changelog, the newest first."""
    headings = [*_HEADING.finditer(changelog)]
    starts = [*(heading.start() for heading in headings), len(changelog)]
    return [
        Section(heading[1], heading[2] or "", changelog[heading.end() : end].strip())
        for heading, end in zip(headings, starts[1:], strict=True)
    ]


def problems(changelog: str, version: str, tag: str) -> Iterator[str]:
    """Yield every reason why this version cannot be released under this tag."""
    if not _VERSION.fullmatch(version):
        yield f"reconciler/model/version.py: {version!r} is not a version such as 0.2.0 or 0.3.0rc1"
    if tag != f"v{version}":
        yield f"the tag is {tag}, and the version is {version}: tag the commit that sets it, as v{version}"
    found = sections(changelog)
    if not found or found[0].version != UNRELEASED:
        yield f"CHANGELOG.md: the first section is not [{UNRELEASED}]"
    ours = [section for section in found if section.version == version]
    if len(ours) != 1:
        yield f"CHANGELOG.md: {len(ours)} sections are of {version}; there must be one"
        return
    if not ours[0].date:
        yield f"CHANGELOG.md: the section of {version} has no date, such as ## [{version}] - 2026-01-31"
    if not ours[0].text:
        yield f"CHANGELOG.md: the section of {version} is empty"
    if found[0].version == UNRELEASED and found[0].text and found[1:2] == ours:
        yield f"CHANGELOG.md: [{UNRELEASED}] is not empty: what is tagged has it, so move it into {version}"


def main(words: Sequence[str]) -> int:
    """Return an exit code."""
    match words:
        case ["check"]:
            tag = f"v{__version__}"
        case ["notes", tag]:
            pass
        case _:
            print(__doc__, file=sys.stderr)
            return 64
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    wrong = [*problems(changelog, __version__, tag)]
    for problem in wrong:
        print(f"Error: {problem}", file=sys.stderr)
    if not wrong and words[0] == "notes":
        print(next(section.text for section in sections(changelog) if section.version == __version__))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
