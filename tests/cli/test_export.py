"""``export``: what exists, as desired state, in a file of its own or added to one."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support import COMMAND, CommandLine, Finished, fill, http_bytes, live, patches, raw_server

if TYPE_CHECKING:
    from pathlib import Path

    from gcore_emulator import Emulator

HERE = ("--project-id", "1", "--region-id", "76")
HEAD = "project_id: 1\nregion_id: 76\n"
NO_CHANGES = "No changes. Your infrastructure matches the configuration.\n"


def export(cli: CommandLine, *words: str) -> Finished:
    return cli("export", *HERE, *words)


def facts(name: str, emulator: Emulator) -> str:
    """Return the comment above a key."""
    return f"# created {emulator.keys(1, 76)[name]['created_at']}, status Active, source cloud"


def added(cli: CommandLine, file: Path, before: str | bytes, count: int = 1) -> str:
    """Add the live keys to a text, and return the text that is then in the file."""
    file.write_bytes(before if isinstance(before, bytes) else before.encode())
    done = export(cli, "--into", str(file))
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Added {count} key")
    plan = cli("plan", str(file))
    assert (plan.code, "No changes." in plan.out, "not declared" in plan.out) == (0, True, False)
    return file.read_bytes().decode()


def refused(cli: CommandLine, file: Path, before: str) -> str:
    """Try to add the live keys, which must leave the file as it is."""
    file.write_text(before)
    done = export(cli, "--into", str(file))
    assert (done.code, done.out, file.read_text()) == (1, "", before)
    return done.err


def test_a_scope_is_written_as_a_file_whose_plan_is_empty(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web", containers=[{"name": "web", "namespace": "shop"}], description="it's\nours\n")
    fill(emulator, "api", expire="2036-07-31T00:00:00Z")
    done = export(cli)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[:6] == [
        "# yaml-language-server: $schema=keys.schema.json",
        "kind: caas",
        "project_id: 1",
        "region_id: 76",
        "keys:",
        f"  {facts('api', emulator)}",
    ]
    file = tmp_path / "keys.yaml"
    file.write_text(done.out)
    assert cli("plan", str(file)).out == NO_CHANGES
    assert patches(emulator) == []


def test_the_schema_of_the_first_line_can_be_named(cli: CommandLine, emulator: Emulator) -> None:
    assert not emulator.keys(1, 76)
    done = export(cli, "--schema", "../keys.schema.json")
    assert done.out == f"# yaml-language-server: $schema=../keys.schema.json\nkind: caas\n{HEAD}keys: []\n"


def test_keys_managed_elsewhere_are_omitted_and_counted(cli: CommandLine, emulator: Emulator) -> None:
    fill(emulator, "mine")
    fill(emulator, "one", "two", source="iate")
    done = export(cli)
    assert done.err == "Left out: 2 keys managed elsewhere (source iate): one, two\n"
    assert (
        "# left out: 2 keys managed elsewhere (source iate), which are never changed:\n#   one\n" in done.out
    )
    assert "name: one" not in done.out
    assert export(cli, "-q").err == ""


def test_values_that_cannot_be_declared_are_warned_about(cli: CommandLine) -> None:
    keys = [live("ab"), live("web", description=None)]
    response = json.dumps({"count": 2, "results": keys}).encode()
    with raw_server(http_bytes(response, "200 OK", None, "Content-Type: application/json")) as server:
        cli.environment.setenv("GCORE_BASE_URL", server.url)
        done = export(cli)
    assert done.err.splitlines() == [
        'Warning: caas/1/76/ab: left out: name "ab" has 2 characters; it needs at least 3 and at most 64',
        "Warning: caas/1/76/web: description left out: description holds null",
    ]
    assert (done.code, "name: ab" in done.out) == (0, False)


def test_values_that_cannot_be_declared_are_warned_about_once_for_each_sort(cli: CommandLine) -> None:
    short = [live("ab"), live("a"), live("b")]
    null = [live(f"key-{number}", description=None) for number in range(30)]
    response = json.dumps({"count": 35, "results": [*short, *null, 7, 8]}).encode()
    with raw_server(http_bytes(response, "200 OK", None, "Content-Type: application/json")) as server:
        cli.environment.setenv("GCORE_BASE_URL", server.url)
        done = export(cli)
    most = "at least 3 and at most 64"
    seventh = "object 34 of the listing is not an object but 7, so it is ignored"
    assert done.err.splitlines() == [
        f"Warning: caas/1/76: left out (and 1 more object): {seventh}",
        f'Warning: caas/1/76/a: left out (and ab, b): name "a" has 1 character; it needs {most}',
        "Warning: caas/1/76/key-0: description left out (and of 29 more keys): description holds null",
    ]
    assert done.out.count("# description left out: description holds null") == 30
    assert all(f"# left out: {name}: " in done.out for name in ("ab", "a", "b"))


def test_a_file_is_utf_8_whatever_the_terminal_encoding(cli: CommandLine, emulator: Emulator) -> None:
    fill(emulator, "web", description="é 😀")
    cli.environment.setenv("PYTHONIOENCODING", "latin-1")
    done = subprocess.run([*COMMAND, "export", *HERE], capture_output=True, check=True, timeout=30)
    assert "description: é 😀\n".encode() in done.stdout


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--kind", "thing", *HERE], "'thing' is not one of caas"),
        (["--region-id", "76"], "Missing option '--project-id'"),
        (["--project-id", "1"], "Missing option '--region-id'"),
        (
            [*HERE, "--scope", "colour=red"],
            "'colour=red' is not NAME=VALUE with one of the names project_id, region_id",
        ),
        ([*HERE, "--scope", "region_id"], "'region_id' is not NAME=VALUE with"),
        (["--project-id", "1", "--scope", "region_id=x"], "'x' is not a valid region_id"),
        (["--project-id", "1", "--scope", f"region_id={'9' * 5000}"], "9' is not a valid region_id"),
    ],
)
def test_a_missing_scope_is_a_usage_error(cli: CommandLine, words: list[str], complaint: str) -> None:
    done = cli("export", *words)
    assert (done.code, done.out, complaint in done.err) == (64, "", True)


def test_a_scope_parameter_can_be_a_name(cli: CommandLine, emulator: Emulator) -> None:
    fill(emulator, "web")
    assert "name: web" in cli("export", "--project-id", "1", "--scope", "region_id=76").out


def test_keys_are_added_in_the_style_of_the_list(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web", "api")
    before = f"""\
# yaml-language-server: $schema=x
{HEAD}keys:   # ours
-   name: web   # the shop
    description: ''
    # more to come

# the end
"""
    new = f"""\
{facts("api", emulator)}
-   name: api
    description: ""
    expire: null
    is_disabled: false
    containers: []
"""
    after = added(cli, tmp_path / "keys.yaml", before)
    assert after == before.replace("    # more to come\n", f"    # more to come\n{new}")


@pytest.mark.parametrize(
    ("before", "start"),
    [
        (f"{HEAD}keys: []", f"{HEAD}keys:\n  # created"),
        (f"{HEAD}keys:   [ ]  # none\n# end\n", f"{HEAD}keys:  # none\n  # created"),
        (f"keys: []\n{HEAD}", "keys:\n  # created"),
        (f"{HEAD}keys: &all []\n", f"{HEAD}keys: &all\n  # created"),
        (f"{HEAD}keys:\n  - name: web", f"{HEAD}keys:\n  - name: web\n  # created"),
        (f"{HEAD}keys:\n  - {{name: web}}\n", f"{HEAD}keys:\n  - {{name: web}}\n  # created"),
        (f"{HEAD}keys:\n  -\n    name: web\n", f"{HEAD}keys:\n  -\n    name: web\n  # created"),
        (f"{HEAD}keys: &my-keys\n  - name: web\n", f"{HEAD}keys: &my-keys\n  - name: web\n  # created"),
        (f"keys:\n  - name: web\n{HEAD}", "keys:\n  - name: web\n  # created"),
        (f"{HEAD}keys:\n  - name: web\n    description: |+\n      x\n\n\n", f"{HEAD}keys:\n  - name: web"),
        (f"keys:\n  - name: web\n    description: >\n      x\n\n{HEAD}", "keys:\n  - name: web"),
        (
            f"{HEAD}keys:\n  - &a\n    name: web\n    description: &x y\n",
            f"{HEAD}keys:\n  - &a\n    name: web",
        ),
    ],
)
def test_keys_are_added_wherever_the_list_is(
    cli: CommandLine, emulator: Emulator, tmp_path: Path, before: str, start: str
) -> None:
    description = (
        "x\n" if ">" in before else "x\n\n\n" if "|+" in before else "y" if "y" in before[30:] else ""
    )
    if "name: web" in before:
        fill(emulator, "web", description=description if "description" in before else "")
    fill(emulator, "one")
    after = added(cli, tmp_path / "keys.yaml", before)
    assert after.startswith(start)
    assert set(before.replace("[]", "").replace("[ ]", "").split()) <= set(after.split())


def test_line_endings_and_the_byte_order_mark_are_preserved(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web", "api", description="one\ntwo\n")
    before = f"\ufeff{HEAD}keys:\n  - name: web\n# end\n".replace("\n", "\r\n")
    after = added(cli, tmp_path / "keys.yaml", before.encode())
    assert after.startswith("\ufeff")
    assert after.count("\n") == after.count("\r\n") == before.count("\n") + 8
    assert after.endswith("\r\n# end\r\n")


def test_keys_are_added_to_the_matching_document(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.put_key(1, 7, live("far"))
    fill(emulator, "web")
    before = "project_id: 1\nregion_id: 7\nkeys:\n  - name: far\n---\n" + HEAD + "keys: []\n---\n# nothing\n"
    after = added(cli, tmp_path / "keys.yaml", before)
    assert after.split("---\n")[0] == before.split("---\n")[0]
    assert "name: web" in after.split("---\n")[1]


def test_a_missing_document_is_added(cli: CommandLine, emulator: Emulator, tmp_path: Path) -> None:
    emulator.put_key(1, 7, live("far"))
    fill(emulator, "web")
    model = "# yaml-language-server: $schema=../x.json\n"
    before = f"{model}project_id: 1\nregion_id: 7\nkeys:\n  - name: far"
    after = added(cli, tmp_path / "keys.yaml", before)
    assert after.startswith(f"{before}\n---\n{model}kind: caas\n{HEAD}keys:\n  # created ")


@pytest.mark.parametrize("before", ["", "# ours\n", "---\n"])
def test_an_empty_file_becomes_a_document(
    cli: CommandLine, emulator: Emulator, tmp_path: Path, before: str
) -> None:
    fill(emulator, "web")
    head = "" if before else "# yaml-language-server: $schema=keys.schema.json\n"
    assert added(cli, tmp_path / "keys.yaml", before).startswith(f"{head}{before}kind: caas\n")


def test_an_empty_scope_asks_for_the_right_numbers(cli: CommandLine, emulator: Emulator) -> None:
    done = cli("export", "--project-id", "1", "--region-id", "99")
    assert (done.code, "keys: []" in done.out) == (0, True)
    assert done.err == (
        "No key is live in caas/1/99: are the ids right? "
        "reconciler projects and reconciler regions list them.\n"
    )
    assert len(emulator.requests) == 1


@pytest.mark.parametrize(
    ("schema", "file", "model"),
    [
        ("keys.schema.json", "keys/shop/web.yaml", "../../keys.schema.json"),
        ("keys/keys.schema.json", "keys/shop/web.yaml", "../keys.schema.json"),
        (None, "keys/shop/web.yaml", "../../keys.schema.json"),
        ("keys/keys.schema.json", "web.yaml", "keys.schema.json"),
    ],
)
@pytest.mark.parametrize("option", ["--out", "--into"])
def test_the_first_line_of_a_file_leads_to_the_schema(  # noqa: PLR0913, PLR0917 - its cases
    cli: CommandLine,
    emulator: Emulator,
    tmp_path: Path,
    schema: str | None,
    file: str,
    model: str,
    option: str,
) -> None:
    fill(emulator, "web")
    cli.environment.chdir(tmp_path)
    (tmp_path / "keys/shop").mkdir(parents=True)
    if schema is not None:
        (tmp_path / schema).write_text("{}")
    if option == "--into":
        (tmp_path / file).write_text("")
    done = export(cli, option, file)
    assert (done.code, done.err) == (0, "")
    assert (tmp_path / file).read_text().startswith(f"# yaml-language-server: $schema={model}\nkind: caas\n")
    assert cli("plan", file).out == NO_CHANGES


def test_a_new_file_takes_the_place_of_none(cli: CommandLine, emulator: Emulator, tmp_path: Path) -> None:
    fill(emulator, "web")
    file = tmp_path / "keys.yaml"
    assert export(cli, "--out", str(file)).out == f"Wrote 1 key of caas/1/76 to {file}\n"
    file.write_text("ours\n")
    done = export(cli, "--out", str(file))
    assert (done.code, done.out, file.read_text()) == (1, "", "ours\n")
    assert done.err == f"Error: {file} exists already, so nothing was written; use another\n"
    assert export(cli, "--out", str(tmp_path / "no/keys.yaml")).code == 1
    assert export(cli, "--out", "x", "--into", "y").code == 64


def test_declared_keys_are_not_added_again(cli: CommandLine, emulator: Emulator, tmp_path: Path) -> None:
    fill(emulator, "web")
    fill(emulator, "theirs", source="iate")
    file = tmp_path / "keys.yaml"
    file.write_text(f"{HEAD}keys:\n  - name: web\n")
    os.utime(file, ns=(1, 1))
    done = export(cli, "--into", str(file))
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        f"Nothing to add: {file} declares every key of caas/1/76 but 1 that cannot be declared.\n"
    )
    assert file.stat().st_mtime_ns == 1


def test_permissions_and_links_are_preserved(cli: CommandLine, emulator: Emulator, tmp_path: Path) -> None:
    fill(emulator, "web")
    file, link = tmp_path / "keys.yaml", tmp_path / "link.yaml"
    file.write_text("")
    file.chmod(0o664)
    link.symlink_to(file)
    assert export(cli, "--into", str(link)).code == 0
    assert (link.is_symlink(), stat.S_IMODE(file.stat().st_mode)) == (True, 0o664)
    assert "name: web" in file.read_text()
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["keys.yaml", "link.yaml"]


@pytest.mark.parametrize(
    ("before", "complaint"),
    [
        (
            f"{HEAD}keys: [{{name: one}}]\n",
            "keys.yaml:3:7: the list of keys is in flow style ([...] or {...})",
        ),
        (f"{HEAD}keys: [\n  # none yet\n]\n", "the list of keys is in flow style ([...] or {...})"),
        (
            '{"project_id": 1, "region_id": 76, "keys": []}\n',
            "the document is in flow style ([...] or {...})",
        ),
        (f"{HEAD}keys:\n  - name: one\n    colour: red\n", "colour is not a known field"),
        (f"{HEAD}keys:\n\t- name: one\n", "a tab cannot indent YAML"),
    ],
)
def test_a_file_that_cannot_be_extended_is_unchanged(
    cli: CommandLine, emulator: Emulator, tmp_path: Path, before: str, complaint: str
) -> None:
    fill(emulator, "web")
    assert complaint in refused(cli, tmp_path / "keys.yaml", before)


def test_a_missing_file_is_an_error(cli: CommandLine, emulator: Emulator, tmp_path: Path) -> None:
    done = export(cli, "--into", str(tmp_path / "keys.yaml"))
    assert (done.code, "no such file; write a new one with --out" in done.err) == (1, True)
    assert list(tmp_path.iterdir()) == []
    assert not emulator.requests


def test_bytes_that_are_not_text_are_an_error(cli: CommandLine, emulator: Emulator, tmp_path: Path) -> None:
    fill(emulator, "web")
    file = tmp_path / "keys.yaml"
    file.write_bytes(b"keys: \xff\n")
    done = export(cli, "--into", str(file))
    assert (done.code, "keys.yaml:1:7: not UTF-8" in done.err) == (1, True)


def test_a_file_with_a_project_name_is_not_extended(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web")
    text = "project: p\nregion_id: 76\nkeys:\n  - name: web\n"
    (tmp_path / "keys.yaml").write_text(text, encoding="utf-8")
    done = cli("export", "--project-id", "1", "--region-id", "76", "--into", str(tmp_path / "keys.yaml"))
    assert done.code == 1
    assert (
        "keys.yaml:1:10: export --into does not resolve the name p; write project_id in the file" in done.err
    )
    assert (tmp_path / "keys.yaml").read_text(encoding="utf-8") == text
