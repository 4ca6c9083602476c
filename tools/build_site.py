"""Build the site in a directory.

A page has one source, wherever in the repository that is: the README is the home page. What pages link
to, such as a manifest or a schema, is on the site as it is in the repository, and links between files
become links between pages. All of that is laid out first, so that the generator, which mkdocs.yml
configures, needs no part of this. What it makes is complete: nothing is fetched from elsewhere, and pages
can be opened from a disk.
"""

from __future__ import annotations

import argparse
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from counterparts import find

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT: Final = Path(__file__).parent.parent
FILES: Final = "files"
"""Where on the site the files are that are not pages."""
_MOVED: Final = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "CONTRIBUTING.md": "contributing.md",
    "CODE_OF_CONDUCT.md": "code-of-conduct.md",
    "examples/apis/README.md": "apis/index.md",
}
_SHIM: Final = "https://unpkg.com/iframe-worker/shim"
"""What the theme has pages on a disk load, in place of which they load docs/assets/worker.js."""
_LINK: Final = re.compile(r"(\]\(|<img src=\")([^)\s\"#]+)")
_NAME: Final = re.compile(r"\[[\w./-]+\.md\]\($")
_FENCE: Final = re.compile(r"(?ms)^( *)(`{3,})[^\n]*\n.*?^\1\2`*$|`[^`\n]+`")


def pages() -> Mapping[str, str]:
    """Return where each page of the repository is on the site, by its path in the repository."""
    own = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")}
    apis = {path.relative_to(ROOT).as_posix() for path in (ROOT / "examples/apis").glob("*/README.md")}
    return (
        _MOVED
        | {path: path.removeprefix("docs/") for path in sorted(own)}
        | {path: f"apis/{path.split('/')[2]}.md" for path in sorted(apis)}
    )


def place(path: str, known: Mapping[str, str]) -> str:
    """Return where a file of the repository is on the site."""
    if path in known:
        return known[path]
    inside = path.startswith("docs/")
    return path.removeprefix("docs/") if inside else f"{FILES}/{path}"


def links(text: str) -> Iterator[re.Match[str]]:
    """Yield every link of a page to a file, but what is in code."""
    code = [match.span() for match in _FENCE.finditer(text)]
    for match in _LINK.finditer(text):
        target = match[2]
        if not re.match(r"[a-z]+:", target) and not any(start <= match.start() < end for start, end in code):
            yield match


def linked_files(path: str, text: str) -> set[str]:
    """Return the files of the repository that a page links to."""
    folder = posixpath.dirname(path)
    return {posixpath.normpath(posixpath.join(folder, match[2])) for match in links(text)}


def on_the_site(path: str, text: str, known: Mapping[str, str], titles: Mapping[str, str]) -> str:
    """Return the text of the page with this path in the repository, with links that hold on the site.

    A link whose text is the name of a file, which the site does not have, has the title of the page there.
    """
    folder, here = posixpath.dirname(path), posixpath.dirname(known[path])
    parts, end = [], 0
    for match in links(text):
        file = posixpath.normpath(posixpath.join(folder, match[2]))
        before = text[end : match.start(2)]
        if file in titles:
            before = _NAME.sub(f"[“{titles[file]}”](", before)
        parts += [before, posixpath.relpath(place(file, known), here or ".")]
        end = match.end()
    return "".join([*parts, text[end:]])


def lay_out(directory: Path) -> None:
    """Write everything that the site is made of into a directory of its own.

    Raises FileNotFoundError if a page links to a file that does not exist.
    """
    known = pages()
    shutil.rmtree(directory, ignore_errors=True)
    texts = {path: (ROOT / path).read_text(encoding="utf-8") for path in known}
    titles = {path: text.partition("\n")[0].removeprefix("# ") for path, text in texts.items()}
    linked: set[str] = set()
    for path, target in known.items():
        text = texts[path]
        linked |= linked_files(path, text)
        page = directory / target
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(on_the_site(path, text, known, titles), encoding="utf-8")
    for path in sorted(linked - known.keys()):
        copy = directory / place(path, known)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, copy)
    shutil.copytree(ROOT / "docs/assets", directory / "assets")


def generate(directory: Path) -> None:
    """Generate the site in a directory. A broken link is an error."""
    program = find("zensical")
    if program is None:
        raise OSError("zensical is not there: python tools/counterparts.py zensical")
    with tempfile.TemporaryDirectory() as place:
        lay_out(Path(place) / "pages")
        settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
        (Path(place) / "mkdocs.yml").write_text(settings, encoding="utf-8")
        done = subprocess.run(
            [program, "build", "--strict"],
            cwd=place,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise OSError(f"the site is not built:\n{done.stdout}")
        for page in (Path(place) / "site").rglob("*.html"):
            complete(page, Path(place) / "site")
        shutil.rmtree(directory, ignore_errors=True)
        shutil.copytree(Path(place) / "site", directory)


def complete(page: Path, top: Path) -> None:
    """Replace the script of another host that the theme of a page loads by our own."""
    own = posixpath.relpath("assets/worker.js", page.parent.relative_to(top).as_posix())
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace(_SHIM, own), encoding="utf-8")


def main(words: Sequence[str]) -> int:
    """Build the site; return the exit code."""
    parser = argparse.ArgumentParser(prog="build_site.py", description=str(__doc__).partition("\n")[0])
    parser.add_argument("directory", type=Path, help="where the site is written; what it held is removed")
    options = parser.parse_args(words)
    try:
        generate(options.directory)
    except OSError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
