"""From paths to texts: files, directories and standard input."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.load.sources import MAX_BYTES
from tests.machine import unprivileged
from tests.values import loaded

if TYPE_CHECKING:
    from reconciler.load.files import Loaded


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to write in, which is also the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: str, content: str | bytes = "keys: []\n") -> None:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())


def read(*paths: str, standard_input: bytes = b"") -> Loaded:
    return loaded(paths, standard_input)


def sources(*paths: str) -> list[str]:
    return [document.source for document in read(*paths).documents]


def problems(*paths: str) -> list[str]:
    return [str(problem) for problem in read(*paths).problems]


def test_files_are_in_the_order_of_the_arguments() -> None:
    write("b.yaml")
    write("a.yaml")
    assert sources("b.yaml", "a.yaml") == ["b.yaml", "a.yaml"]


def test_a_file_may_have_any_name() -> None:
    write("-keys.txt")
    assert sources("./-keys.txt") == ["./-keys.txt"]


def test_every_document_of_a_file_is_read() -> None:
    write("a.yaml", "keys: [1]\n---\nkeys: [2]\n")
    assert [document.data for document in read("a.yaml").documents] == [{"keys": [1]}, {"keys": [2]}]


def test_the_yaml_files_of_a_directory_are_sorted_at_every_depth() -> None:
    for path in ("z.yaml", "a.yml", "team/b.yaml", "team/deep/a.yaml", "B.YAML"):
        write(f"keys/{path}")
    assert sources("keys") == [
        "keys/B.YAML",
        "keys/a.yml",
        "keys/team/b.yaml",
        "keys/team/deep/a.yaml",
        "keys/z.yaml",
    ]


@pytest.mark.parametrize("path", [".hidden.yaml", ".git/a.yaml", "a.json", "a.yaml.bak", "yaml"])
def test_hidden_files_and_files_other_than_yaml_are_skipped(path: str) -> None:
    write("keys/shown.yaml")
    write(f"keys/{path}", "never: read")
    assert sources("keys") == ["keys/shown.yaml"]


def test_a_hidden_file_is_read_when_it_is_named() -> None:
    write(".hidden.yaml")
    assert sources(".hidden.yaml") == [".hidden.yaml"]


def test_each_file_of_a_mounted_config_map_is_read_once() -> None:
    write("keys/..2026_06_01/shop.yaml")
    Path("keys/..data").symlink_to("..2026_06_01")
    Path("keys/shop.yaml").symlink_to("..data/shop.yaml")
    assert sources("keys") == ["keys/shop.yaml"]


@pytest.mark.parametrize("again", ["a.yaml", "./a.yaml", "../{here}/a.yaml", "link.yaml", "."])
def test_a_file_that_is_named_twice_is_read_once(here: Path, again: str) -> None:
    write("a.yaml")
    Path("link.yaml").symlink_to("a.yaml")
    assert sources("a.yaml", again.format(here=here.name)) == ["a.yaml"]


def test_standard_input_is_read_once_for_a_dash() -> None:
    loaded = read("-", "-", standard_input=b"keys: []\n")
    assert [document.source for document in loaded.documents] == ["<stdin>"]
    assert loaded.problems == ()


def test_a_byte_order_mark_is_not_part_of_the_text() -> None:
    write("a.yaml", b"\xef\xbb\xbfkeys: [x]\n")
    (document,) = read("a.yaml").documents
    assert (document.data, document.position(("keys", 0)).column) == ({"keys": ["x"]}, 8)


@pytest.mark.parametrize("content", ["", "\n\n", "# nothing but a comment\n", "---\n---\n", b"\xef\xbb\xbf"])
def test_a_file_that_declares_nothing_is_a_problem(content: str | bytes) -> None:
    write("a.yaml", content)
    assert [text.partition(";")[0] for text in problems("a.yaml")] == ["a.yaml: declares nothing"]


@pytest.mark.parametrize(
    ("content", "place", "byte"),
    [
        (b"\xff\xfek\0e\0y\0", "1:1", "0xff"),
        (b"\xfe\xff\0k\0e\0y", "1:1", "0xfe"),
        (b"keys:\n- caf\xe9\n", "2:6", "0xe9"),
        (b"a: \xc3\xa9\xc3(\n", "1:5", "0xc3"),
        (b"\xef\xbb\xbfa: b\xff\n", "1:5", "0xff"),
        (b"\xed\xa0\x80", "1:1", "0xed"),
    ],
)
def test_invalid_utf_8_is_reported_at_its_first_invalid_byte(content: bytes, place: str, byte: str) -> None:
    write("a.yaml", content)
    assert problems("a.yaml") == [f"a.yaml:{place}: not UTF-8: byte {byte}; save the file as UTF-8"]


def test_utf_16_without_a_byte_order_mark_is_refused() -> None:
    write("a.yaml", "keys: []".encode("utf-16-le"))
    assert problems("a.yaml")[0].startswith("a.yaml:1:2: the character U+0000 is not allowed in YAML")


def test_a_missing_path_is_a_problem() -> None:
    assert problems("missing.yaml") == ["missing.yaml: no such file or directory"]


def test_a_dangling_link_is_a_problem() -> None:
    Path("keys").mkdir()
    Path("keys/gone.yaml").symlink_to("nowhere")
    assert problems("keys") == ["keys/gone.yaml: no such file or directory"]


def test_a_path_through_a_file_is_a_problem() -> None:
    write("a.yaml")
    assert problems("a.yaml/b.yaml") == ["a.yaml/b.yaml: cannot be read: Not a directory"]


def test_links_in_a_circle_are_a_problem() -> None:
    Path("a.yaml").symlink_to("a.yaml")
    assert problems("a.yaml") == ["a.yaml: cannot be read: Too many levels of symbolic links"]


def test_a_directory_without_yaml_is_a_problem() -> None:
    write("keys/readme.md")
    expected = "keys: this directory holds no *.yaml or *.yml file (hidden ones are left out)"
    assert problems("keys") == [expected]


@pytest.mark.parametrize("path", ["keys", "keys/a.yaml"])
def test_an_unreadable_path_is_one_problem(here: Path, path: str) -> None:
    write("keys/a.yaml")
    here.chmod(0o755)
    Path(path).chmod(0)
    with unprivileged():
        found = problems(path)
    assert found == [f"{path}: cannot be read: Permission denied"]


def test_a_file_of_the_largest_size_is_read() -> None:
    write("a.yaml", b"keys: []\n#" + b"x" * (MAX_BYTES - 10))
    assert problems("a.yaml") == []


def test_a_larger_file_is_a_problem_and_not_read_completely() -> None:
    with Path("a.yaml").open("wb") as file:
        file.truncate(50_000_000)
    assert problems("a.yaml") == ["a.yaml: larger than 32 MiB; split it into several files"]


def test_the_size_limit_applies_to_standard_input() -> None:
    loaded = read("-", standard_input=b"#" * (MAX_BYTES + 1))
    assert [str(problem) for problem in loaded.problems] == [
        "<stdin>: larger than 32 MiB; split it into several files"
    ]


def test_an_unusable_input_does_not_hide_the_others() -> None:
    write("good.yaml")
    write("bad.yaml", "a: [b")
    loaded = read("missing.yaml", "good.yaml", "bad.yaml")
    assert [document.source for document in loaded.documents] == ["good.yaml"]
    assert [str(problem).split(":")[0] for problem in loaded.problems] == ["missing.yaml", "bad.yaml"]
