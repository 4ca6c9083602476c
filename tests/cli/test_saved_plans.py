"""``plan --out``, ``show`` and ``apply --plan``: approved now, applied later."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.render.formats import RENDERERS
from tests.support import (
    GIT_SETTINGS,
    CommandLine,
    declare,
    emulate,
    fill,
    http_bytes,
    listings,
    patches,
    raw_server,
)

if TYPE_CHECKING:
    from gcore_emulator import Emulator


@pytest.fixture
def files(emulator: Emulator, tmp_path: Path) -> str:
    fill(emulator, "api", "web", description="old")
    keys = ({"name": name, "description": "new"} for name in ("api", "web"))
    return declare(tmp_path / "keys.yaml", *keys)


@pytest.fixture
def saved(cli: CommandLine, files: str, tmp_path: Path) -> str:
    """A plan of two changes."""
    file = str(tmp_path / "plan.json")
    assert cli("plan", files, "--out", file).code == 0
    return file


def apply(cli: CommandLine, saved: str, *options: str) -> tuple[int, str, str]:
    done = cli("apply", "--plan", saved, "--auto-approve", "--quiet", *options)
    return done.code, done.out, done.err


def test_a_saved_plan_is_applied_as_it_was_shown(cli: CommandLine, emulator: Emulator, saved: str) -> None:
    code, out, err = apply(cli, saved)
    assert (code, err) == (0, "")
    assert out.splitlines()[:2] == ["caas/1/76/api: applied", "caas/1/76/web: applied"]
    assert patches(emulator) == [{"description": "new"}] * 2


def test_a_path_that_is_a_saved_plan_is_applied_as_with_its_option(
    cli: CommandLine, emulator: Emulator, saved: str, tmp_path: Path
) -> None:
    other = Path(saved).rename(tmp_path / "any.name")  # it is known by its content
    fingerprint = cli("apply", str(other), "--dry-run", "--expect", "sha256:0").err.split()[-3].rstrip(",")
    assert patches(emulator) == []
    done = cli("apply", str(other), "--auto-approve", "--quiet", "--expect", fingerprint)
    assert (done.code, done.err) == (0, "")
    assert patches(emulator) == [{"description": "new"}] * 2


def test_a_saved_plan_as_a_path_is_not_narrowed_nor_mixed(
    cli: CommandLine, files: str, saved: str, emulator: Emulator
) -> None:
    narrowed = cli("apply", saved, "--target", "*/web", "--auto-approve")
    assert (narrowed.code, "it cannot go with --plan" in narrowed.err) == (64, True)
    mixed = cli("apply", saved, files, "--auto-approve")
    assert (mixed.code, "is a saved plan, not desired state" in mixed.err) == (1, True)
    assert patches(emulator) == []


@pytest.mark.parametrize(
    "command", ["plan", "validate", "drift", "explain caas/1/76/web -f", "export --into"]
)
def test_other_commands_report_a_saved_plan_as_such(cli: CommandLine, saved: str, command: str) -> None:
    numbers = ["--project-id", "1", "--region-id", "76"] if command.startswith("export") else []
    done = cli(*command.split(), saved, *numbers)
    use = f"`reconciler show {saved}` shows it, and `reconciler apply {saved}` applies it"
    errors = [line for line in done.err.splitlines() if line.startswith("Error")]
    assert (done.code, done.out) == (1, "")
    assert errors == [f"Error: {saved}: is a saved plan, not desired state: {use}"]


def test_the_history_and_the_journal_of_a_run_are_known_too(
    cli: CommandLine, files: str, tmp_path: Path
) -> None:
    journal, history = str(tmp_path / "j"), str(tmp_path / "h")
    assert cli("apply", files, "--auto-approve", "--journal", journal, "--history", history).code == 0
    assert (
        f"is a journal, not desired state: `reconciler journal {journal}` reads it"
        in cli("plan", journal).err
    )
    assert f"`reconciler history --history {history}` shows it" in cli("plan", history).err


def test_a_changed_key_is_refused_and_the_others_are_applied(
    cli: CommandLine, emulator: Emulator, saved: str
) -> None:
    fill(emulator, "web", description="edited by hand")
    code, out, _ = apply(cli, saved)
    assert code == 4
    assert out.splitlines()[:2] == [
        "caas/1/76/api: applied",
        'caas/1/76/web: stale: description was planned from "old" and is now "edited by hand"',
    ]
    assert emulator.keys(1, 76)["web"]["description"] == "edited by hand"


def test_if_every_key_changed_the_plan_is_refused(cli: CommandLine, emulator: Emulator, saved: str) -> None:
    fill(emulator, "api", "web", description="edited by hand")
    assert apply(cli, saved)[0] == 3
    assert patches(emulator) == []


def test_applying_the_same_plan_twice_changes_nothing(
    cli: CommandLine, emulator: Emulator, saved: str
) -> None:
    apply(cli, saved)
    code, out, err = apply(cli, saved)
    assert (code, err) == (0, "")
    assert out == (
        "caas/1/76/api: already as planned\ncaas/1/76/web: already as planned\n\n"
        "Apply complete! Resources: 0 added, 0 changed, 0 destroyed.\n"
    )
    assert len(patches(emulator)) == 2


def test_a_saved_plan_reads_each_of_its_scopes_once_and_no_file(
    cli: CommandLine, emulator: Emulator, saved: str, tmp_path: Path
) -> None:
    (tmp_path / "keys.yaml").unlink()
    before = listings(emulator)
    apply(cli, saved)
    assert listings(emulator) == before + 1


def test_only_the_plan_with_the_expected_fingerprint_is_applied(
    cli: CommandLine, emulator: Emulator, saved: str
) -> None:
    code, _, err = apply(cli, saved, "--expect", "sha256:0")
    assert (code, "refused: the plan has the fingerprint sha256:" in err) == (3, True)
    assert patches(emulator) == []
    with open(saved, encoding="utf-8") as file:  # noqa: PTH123 - a text
        fingerprint = json.load(file)["fingerprint"]
    assert apply(cli, saved, "--expect", fingerprint)[0] == 0


def test_a_fresh_plan_can_be_checked_by_fingerprint(cli: CommandLine, emulator: Emulator, files: str) -> None:
    done = cli("apply", files, "--auto-approve", "--expect", "sha256:0")
    assert (done.code, patches(emulator)) == (3, [])


def test_a_plan_for_another_api_is_refused(cli: CommandLine, emulator: Emulator, saved: str) -> None:
    code, _, err = apply(cli, saved, "--base-url", "http://127.0.0.1:9")
    assert (code, f"it was made for {emulator.url}, not for http://127.0.0.1:9" in err) == (3, True)


def test_the_limits_apply_to_a_saved_plan(cli: CommandLine, emulator: Emulator, saved: str) -> None:
    assert apply(cli, saved, "--max-changes", "1")[0] == 3
    assert patches(emulator) == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format_version": "9.0"}', "plan"])
def test_a_file_that_is_not_a_plan_is_refused_with_a_reason(
    cli: CommandLine, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "bad.json"
    file.write_text(content, encoding="utf-8")
    code, out, err = apply(cli, str(file))
    assert (code, out, err.startswith(f"Error: the plan {file} is refused: it ")) == (3, "", True)


def test_a_missing_plan_file_is_an_error(cli: CommandLine, tmp_path: Path) -> None:
    done = cli("show", str(tmp_path / "none.json"))
    assert (done.code, "cannot be read: No such file or directory" in done.err) == (1, True)


@pytest.mark.parametrize(
    "words", [[], ["keys.yaml", "--plan", "plan.json"], ["--plan", "plan.json", "--target", "*"]]
)
def test_files_and_a_saved_plan_exclude_each_other(cli: CommandLine, words: list[str]) -> None:
    assert cli("apply", *words).code == 64


@pytest.mark.parametrize("output_format", RENDERERS)
def test_a_saved_plan_is_shown_like_the_original(
    cli: CommandLine, files: str, saved: str, output_format: str
) -> None:
    planned = cli("plan", files, "--format", output_format)
    shown = cli("show", saved, "--format", output_format)
    assert (shown.code, shown.out, shown.err) == (0, planned.out, planned.err)


def test_show_needs_neither_token_nor_api(cli: CommandLine, saved: str) -> None:
    cli.environment.delenv("GCORE_API_KEY")
    cli.environment.setenv("GCORE_BASE_URL", "http://127.0.0.1:9")
    assert "Plan: 0 to add, 2 to change, 0 to destroy." in cli("show", saved).out


def test_a_plan_file_is_written_atomically(cli: CommandLine, files: str, tmp_path: Path) -> None:
    done = cli("plan", files, "--out", str(tmp_path / "no" / "plan.json"))
    assert (done.code, "cannot be written: No such file or directory" in done.err) == (1, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["keys.yaml"]


def test_a_saved_plan_names_its_inputs(cli: CommandLine, files: str, saved: str, tmp_path: Path) -> None:
    def digest() -> str:
        document = json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))
        return str(document["inputs_digest"])

    before = digest()
    cli("plan", files, "--out", saved)
    assert digest() == before
    (tmp_path / "keys.yaml").write_bytes((tmp_path / "keys.yaml").read_bytes() + b"\n")
    cli("plan", files, "--out", saved)
    assert digest() != before


def git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), *GIT_SETTINGS, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def branch(emulator: Emulator, tmp_path: Path) -> Path:
    """A repository with a branch that changes one key, one live drift, and one conflict."""
    fill(emulator, "config", "conflict", "drift", description="first")
    names = ("config", "conflict", "drift")
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    declare(tmp_path / "keys.yaml", *({"name": name, "description": "first"} for name in names))
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    texts = {"config": "second", "conflict": "second", "drift": "first"}
    declare(tmp_path / "keys.yaml", *({"name": name, "description": texts[name]} for name in names))
    fill(emulator, "conflict", "drift", description="edited by hand")
    return tmp_path


def test_changes_of_a_branch_are_distinguished_from_manual_changes(cli: CommandLine, branch: Path) -> None:
    done = cli("plan", str(branch / "keys.yaml"), "--base", "main", "--format", "json")
    origins = {
        change["name"]: change["change"]["origins"]["description"]
        for change in json.loads(done.out)["resource_changes"]
    }
    assert origins == {"config": "config", "conflict": "conflict", "drift": "drift"}
    summary = json.loads(done.out)["summary"]
    assert [summary[origin] for origin in ("config", "drift", "conflict")] == [1, 1, 1]


def test_the_base_does_not_change_exit_codes(cli: CommandLine, branch: Path) -> None:
    path = str(branch / "keys.yaml")
    assert cli("plan", path, "--base", "main").code == 0
    assert cli("plan", path, "--base", "main", "--detailed-exitcode").code == 2


def test_a_file_missing_at_the_base_has_origin_git(
    cli: CommandLine, emulator: Emulator, branch: Path
) -> None:
    fill(emulator, "other", description="old")
    (branch / "more").mkdir()
    path = declare(branch / "more" / "other.yaml", {"name": "other", "description": "new"})
    done = cli("plan", path, "--base", "main")
    assert "# [config] neutral: access unchanged" in done.out


def test_a_base_is_read_for_folders(cli: CommandLine, branch: Path) -> None:
    done = cli("plan", str(branch), "--base", "HEAD")
    assert "Origin: config on 1 key, drift on 1 key, conflict on 1 key." in done.out


def test_a_base_missing_in_the_clone_is_an_error(cli: CommandLine, branch: Path) -> None:
    done = cli("plan", str(branch / "keys.yaml"), "--base", "no-such-branch")
    assert (
        done.code,
        "--base no-such-branch: 'no-such-branch' is not a commit of the clone" in done.err,
    ) == (1, True)


def test_the_error_of_a_shallow_clone_says_how_to_fetch_the_base(
    cli: CommandLine, branch: Path, tmp_path: Path
) -> None:
    git(branch, "commit", "--quiet", "--all", "--message", "second")
    first = git(branch, "rev-parse", "HEAD~1")
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{branch}", "shallow")
    done = cli("plan", str(tmp_path / "shallow" / "keys.yaml"), "--base", first)
    assert (done.code, "which is shallow: fetch more of it" in done.err) == (1, True)


def test_a_journal_names_the_commit_of_the_saved_plan(cli: CommandLine, branch: Path) -> None:
    saved, journal = str(branch / "plan.json"), branch / "journal"
    git(branch, "commit", "--quiet", "--all", "--message", "second")
    cli("plan", str(branch / "keys.yaml"), "--out", saved)
    planned = git(branch, "rev-parse", "HEAD")
    git(branch, "commit", "--quiet", "--allow-empty", "--message", "third")
    assert apply(cli, saved, "--journal", str(journal))[0] == 0
    commits = {json.loads(line).get("git_commit") for line in journal.read_text("utf-8").splitlines()}
    assert commits == {planned, None}


def test_a_base_outside_git_is_an_error(cli: CommandLine, files: str) -> None:
    done = cli("plan", files, "--base", "main")
    assert (done.code, "--base needs a Git checkout" in done.err) == (1, True)


def test_invalid_files_at_the_base_disable_origins_with_a_warning(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    """Otherwise the pull request that fixes them could not be planned."""
    fill(emulator, "web", description="old")
    (tmp_path / "keys.yaml").write_text("keys: 7\n", encoding="utf-8")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "broken")
    path = declare(tmp_path / "keys.yaml", {"name": "web", "description": "new"})
    done = cli("plan", path, "--base", "HEAD")
    assert (done.code, "[config]" in done.out) == (0, False)
    assert "Warning: the files were not valid at HEAD, so no difference has an origin: " in done.err
    assert "keys.yaml@HEAD:1:1: " in done.err


def test_a_path_missing_at_the_base_is_warned_about(cli: CommandLine, branch: Path) -> None:
    git(branch, "mv", "keys.yaml", "renamed.yaml")
    done = cli("plan", str(branch / "renamed.yaml"), "--base", "main")
    assert "renamed.yaml: at main the path did not exist, so all its differences" in done.err


def test_a_file_moved_within_a_folder_has_origins(cli: CommandLine, branch: Path) -> None:
    git(branch, "mv", "keys.yaml", "renamed.yaml")
    done = cli("plan", str(branch), "--base", "main")
    assert "Origin: config on 1 key, drift on 1 key, conflict on 1 key." in done.out
    assert done.err == ""


def test_a_key_that_is_no_longer_declared_is_named(cli: CommandLine, branch: Path) -> None:
    declare(branch / "keys.yaml", {"name": "config", "description": "second"})
    done = cli("plan", str(branch / "keys.yaml"), "--base", "main", "--format", "json")
    warnings = [(warning["address"], warning["message"]) for warning in json.loads(done.out)["warnings"]]
    message = "no longer declared, so no longer managed; the key itself is not changed"
    assert warnings == [("caas/1/76/conflict", message), ("caas/1/76/drift", message)]


def test_standard_input_has_no_base(cli: CommandLine, branch: Path) -> None:
    text = (branch / "keys.yaml").read_text(encoding="utf-8")
    with cli.start("plan", "-", "--base", "main", stdin=subprocess.PIPE, cwd=branch) as process:
        out, err = process.communicate(text, timeout=60)
    assert (process.returncode, out) == (1, "")
    assert "--base needs files" in err


def test_overlapping_paths_are_read_once_at_the_base(cli: CommandLine, branch: Path) -> None:
    done = cli("plan", str(branch), str(branch / "keys.yaml"), "--base", "main")
    assert "Origin: config on 1 key, drift on 1 key, conflict on 1 key." in done.out


def test_a_link_is_followed_at_the_base(cli: CommandLine, branch: Path) -> None:
    (branch / "keys").mkdir()
    (branch / "keys" / "link.yaml").symlink_to("../keys.yaml")
    git(branch, "add", ".")
    git(branch, "commit", "--quiet", "--message", "link")
    done = cli("plan", str(branch / "keys"), "--base", "HEAD")
    assert "Origin: config on 0 keys, drift on 3 keys, conflict on 0 keys." in done.out


def commit_of(cli: CommandLine, *paths: str) -> str | None:
    document = json.loads(cli("plan", *paths, "--format", "json").out)
    commit: str | None = document["git_commit"]
    return commit


def test_a_plan_names_the_commit_of_all_its_files(cli: CommandLine, branch: Path) -> None:
    git(branch, "commit", "--quiet", "--all", "--message", "second")
    head = git(branch, "rev-parse", "HEAD")
    (branch / "notes.txt").write_text("not read", encoding="utf-8")
    assert commit_of(cli, str(branch)) == head
    declare(branch / "new.yaml", {"name": "config"}, region_id=9)
    assert commit_of(cli, str(branch)) == f"{head}-dirty"
    (branch / ".gitignore").write_text("new.yaml", encoding="utf-8")
    assert commit_of(cli, str(branch)) == f"{head}-dirty"
    assert commit_of(cli, str(branch / "keys.yaml")) == head
    declare(branch / "keys.yaml", {"name": "config"})
    git(branch, "add", "keys.yaml")
    assert commit_of(cli, str(branch / "keys.yaml")) == f"{head}-dirty"


def test_an_old_plan_is_removed_if_no_new_one_can_be_made(
    cli: CommandLine, files: str, saved: str, tmp_path: Path
) -> None:
    (tmp_path / "keys.yaml").write_text("keys: 7\n", encoding="utf-8")
    assert cli("plan", files, "--out", saved).code == 1
    assert not (tmp_path / "plan.json").exists()


def test_a_plan_does_not_overwrite_another_file(cli: CommandLine, files: str, tmp_path: Path) -> None:
    done = cli("plan", files, "--out", files)
    assert (done.code, "would overwrite a file that is not a plan; use another" in done.err) == (1, True)
    assert "old" not in (tmp_path / "keys.yaml").read_text(encoding="utf-8")


def test_a_saved_plan_is_named_by_its_fingerprint(cli: CommandLine, files: str, tmp_path: Path) -> None:
    saved = tmp_path / "other.json"
    done = cli("plan", files, "--out", str(saved))
    fingerprint = json.loads(saved.read_text(encoding="utf-8"))["fingerprint"]
    assert f"Saved to {saved}: {fingerprint}\n" in done.err


def test_the_spelling_of_the_base_url_does_not_matter(
    cli: CommandLine, emulator: Emulator, saved: str
) -> None:
    assert apply(cli, saved, "--base-url", f"{emulator.url.upper()}/")[0] == 0


def test_a_plan_for_another_api_has_another_fingerprint(
    cli: CommandLine, emulator: Emulator, files: str, tmp_path: Path
) -> None:
    approved = fingerprint_of(cli, files, tmp_path)
    with emulate() as other:
        fill(other, "web", "api", description="old")
        cli.use(other)
        assert cli("apply", files, "--auto-approve", "--expect", approved).code == 3
        assert patches(other) == []
    cli.use(emulator)
    assert cli("apply", files, "--auto-approve", "--expect", approved).code == 0


KIND = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {"name": {"type": "string", "pattern": "^[a-z]+$"}, "note": {"type": "string"}},
    "x-reconciler": {
        "collection": "/sandbox",
        "identity": "name",
        "page_limit": 100,
        "list": {"style": "page", "limit": "per_page", "page": "page"},
    },
}


def test_a_plan_is_refused_once_its_kind_uses_another_api(cli: CommandLine, tmp_path: Path) -> None:
    kinds, saved, files = tmp_path / "kinds", tmp_path / "plan.json", tmp_path / "things.yaml"
    kinds.mkdir()
    file = kinds / "thing.schema.json"
    file.write_text(json.dumps(KIND), encoding="utf-8")
    files.write_text("kind: thing\nkeys: [{name: aaa, note: ours}]\n", encoding="utf-8")
    options = ("--kinds", str(kinds), "--auto-approve")
    listing = http_bytes(json.dumps([{"name": "aaa", "note": "theirs"}]).encode())
    with raw_server(listing) as server:
        cli.environment.setenv("GCORE_BASE_URL", server.url)
        approved = fingerprint_of(cli, str(files), tmp_path, "--kinds", str(kinds))
        file.write_text(json.dumps(KIND).replace("/sandbox", "/production"), encoding="utf-8")
        asked = len(server.heads)
        done = cli("apply", "--plan", str(saved), *options, "--expect", approved)
        assert (done.code, len(server.heads)) == (3, asked)
        assert (
            "thing/aaa was planned as PATCH /sandbox/aaa, and its kind now makes it PATCH /production/aaa"
            in (done.err)
        )
        done = cli("apply", str(files), *options, "--expect", approved)
        assert (done.code, "refused: the plan has the fingerprint" in done.err) == (3, True)
        assert not [head for head in server.heads if head.startswith(b"PATCH")]


def fingerprint_of(cli: CommandLine, files: str, tmp_path: Path, *options: str) -> str:
    saved = tmp_path / "plan.json"
    assert cli("plan", files, *options, "--out", str(saved)).code == 0
    fingerprint: str = json.loads(saved.read_text(encoding="utf-8"))["fingerprint"]
    return fingerprint


def test_a_recreated_key_is_not_the_planned_one(cli: CommandLine, emulator: Emulator, saved: str) -> None:
    emulator.remove_key(1, 76, "web")
    fill(emulator, "web", description="old", created_at="2026-05-01T00:00:00Z")
    code, out, _ = apply(cli, saved)
    assert code == 4
    assert 'caas/1/76/web: stale: created_at was planned from "' in out


def test_every_format_shows_that_a_plan_exceeds_the_limits(
    cli: CommandLine, files: str, tmp_path: Path
) -> None:
    saved = str(tmp_path / "plan.json")
    done = cli("plan", files, "--out", saved, "--max-changes", "1")
    assert done.code == 3
    shown = {name: cli("show", saved, "--format", name) for name in RENDERERS}
    assert {name for name, shown in shown.items() if "refused: it would change 2 keys" in shown.out} == {
        "json",
        "markdown",
        "html",
        "diff",
        "github",
    }
    assert "1 error: the plan must not be applied as it is." in shown["text"].out
    assert "Error: refused: it would change 2 keys" in shown["text"].err
    assert apply(cli, saved)[0] == 0  # apply has limits of its own


def test_a_default_is_compared_sent_and_labelled_like_a_field_of_each_key(
    cli: CommandLine, emulator: Emulator, branch: Path
) -> None:
    fill(emulator, "api-key", "web-key", is_disabled=False, description="old")
    header = "project_id: 1\nregion_id: 76\n"
    keys = "keys:\n  - {name: api-key, description: own}\n  - name: web-key\n"
    file = branch / "keys.yaml"
    file.write_text(f"{header}defaults: {{description: all}}\n{keys}")
    git(branch, "commit", "--quiet", "--all", "--message", "defaults")
    file.write_text(f"{header}defaults: {{description: all, is_disabled: true}}\n{keys}")
    plan = json.loads(cli("plan", str(file), "--base", "HEAD", "--format", "json").out)
    reported = [
        (one["address"], one["declared_at"], one["change"]["patch"], one["change"]["origins"])
        for one in plan["resource_changes"]
    ]
    origins = {"description": "drift", "is_disabled": "config"}
    assert reported == [
        ("caas/1/76/api-key", f"{file}:5", {"description": "own", "is_disabled": True}, origins),
        ("caas/1/76/web-key", f"{file}:6", {"description": "all", "is_disabled": True}, origins),
    ]
