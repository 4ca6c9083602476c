"""Where kinds come from decides what the token reads: with --trust base, nothing of a pull request does."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from reconciler.kinds.packaged import resource
from tests.hostile_git import git
from tests.labels import label, label_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.labels import LabelServer
    from tests.support import CommandLine

EXAMPLES = resource("examples")
BEARER = ("--auth-scheme", "Bearer")
OTHER = "/repos/{owner}/{repo}/secrets"
DIFFER = (
    "kinds differ from those at main: label.schema.json; "
    "with --trust base the old ones are used, so changes by the new ones are not shown"
)


@pytest.fixture
def server(cli: CommandLine) -> Iterator[LabelServer]:
    with label_server(site=[label("kind/bug"), label("good first issue"), label("1.0")]) as running:
        cli.environment.setenv("GCORE_BASE_URL", running.url)
        yield running


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """Labels and their kind, as main has them, where a pull request lets the kind read something else."""
    repository = tmp_path / "repository"
    shutil.copytree(EXAMPLES / "labels", repository / "keys")
    shutil.copytree(EXAMPLES / "kinds", repository / "keys" / "kinds")
    git(repository, "init", "--quiet", "--initial-branch", "main")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "first")
    git(repository, "switch", "--quiet", "--create", "branch")
    change(repository / "keys")
    git(repository, "commit", "--quiet", "--all", "--message", "second")
    return repository / "keys"


def change(keys: Path) -> None:
    file = keys / "kinds" / "label.schema.json"
    kind = json.loads(file.read_text(encoding="utf-8"))
    kind["x-reconciler"]["collection"] = OTHER
    file.write_text(json.dumps(kind), encoding="utf-8")


def read(server: LabelServer) -> set[str]:
    return {target.partition("?")[0].rpartition("/")[2] for _, target, _ in server.requests}


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ((), "secrets"),
        (("--base", "main"), "secrets"),
        (("--trust", "tree", "--base", "main"), "secrets"),
        (("--trust", "base", "--base", "main"), "labels"),
        (("--trust", "base", "--base", "main..."), "labels"),
        (("--trust", "base", "--base", "main", "--kinds", "keys/kinds"), "labels"),
        (("--trust", "base", "--base", "main", "--kinds", "./keys/../keys/kinds/"), "labels"),
        (("--trust", "base", "--kinds", "keys/kinds"), "secrets"),
    ],
    ids=" ".join,
)
def test_with_a_trusted_base_a_kind_of_a_pull_request_is_not_used(
    cli: CommandLine, server: LabelServer, keys: Path, words: tuple[str, ...], what: str
) -> None:
    cli.environment.chdir(keys.parent)
    for path in ("keys", "keys/labels.yaml"):
        cli("plan", path, *BEARER, *words)
        assert read(server) == {what}


def test_changed_kinds_of_a_pull_request_are_warned_about_in_the_plan(
    cli: CommandLine, server: LabelServer, keys: Path
) -> None:
    done = cli("plan", str(keys), *BEARER, "--trust", "base", "--base", "main", "--format", "json")
    assert (done.code, done.err.count(DIFFER)) == (0, 1)
    assert DIFFER in [warning["message"] for warning in json.loads(done.out)["warnings"]]
    git(keys.parent, "checkout", "--quiet", "main", "--", "keys/kinds")
    assert "kinds differ" not in cli("plan", str(keys), *BEARER, "--trust", "base", "--base", "main").err
    assert read(server) == {"labels"}


@pytest.mark.parametrize("is_removed", [True, False], ids=["removed", "new"])
def test_added_and_removed_kinds_are_warned_about(
    cli: CommandLine, server: LabelServer, keys: Path, *, is_removed: bool
) -> None:
    kinds = keys / "kinds"
    (kinds / "label.schema.json").rename(kinds / "other.schema.json")
    if is_removed:
        shutil.rmtree(kinds)
    done = cli("plan", str(keys), *BEARER, "--trust", "base", "--base", "main")
    names = "label.schema.json" if is_removed else "label.schema.json, other.schema.json"
    assert (done.code, f"kinds differ from those at main: {names};" in done.err) == (0, True)
    assert read(server) == {"labels"}


def test_the_number_of_named_kinds_is_limited(cli: CommandLine, keys: Path) -> None:
    for number in range(30):
        (keys / "kinds" / f"n{number:02}.schema.json").write_text("{}", encoding="utf-8")
    err = cli("plan", str(keys), *BEARER, "--trust", "base", "--base", "main").err
    assert "n08.schema.json and 21 more; with --trust base" in err


def test_a_new_kind_is_not_known_before_it_is_merged(cli: CommandLine, keys: Path) -> None:
    (keys / "kinds" / "label.schema.json").rename(keys / "kinds" / "tag.schema.json")
    labels = keys / "labels.yaml"
    labels.write_text(
        labels.read_text(encoding="utf-8").replace("kind: label", "kind: tag"), encoding="utf-8"
    )
    done = cli("plan", str(keys), *BEARER, "--trust", "base", "--base", "main")
    assert (done.code, "label.schema.json, tag.schema.json; with --trust base" in done.err) == (1, True)
    assert '"tag"' in done.err


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "{0}"),
        ("apply", "{0}", "--dry-run"),
        ("drift", "{0}"),
        ("validate", "{0}"),
        ("explain", "label/acme/site/1.0", "--file", "{0}"),
        ("accept", "label/acme/site/1.0", "--file", "{0}"),
        (
            "export",
            "--kind",
            "label",
            "--scope",
            "owner=acme",
            "--scope",
            "repo=site",
            "--into",
            "{0}/labels.yaml",
        ),
    ],
    ids=lambda words: words[0],
)
def test_without_a_base_only_kinds_that_are_named_are_known(
    cli: CommandLine, server: LabelServer, keys: Path, words: tuple[str, ...]
) -> None:
    git(keys.parent, "switch", "--quiet", "main")
    arguments = [word.format(keys) for word in words]
    bearer = () if words[0] == "validate" else BEARER
    done = cli(*arguments, *bearer, "--trust", "base")
    reported = (
        f"Warning: {keys}/kinds is not used: with --trust base, kinds come from the commit of --base, which"
    )
    assert (done.code in {1, 64}, reported in done.err, server.requests) == (True, True, [])
    cli.environment.setenv(f"RECONCILER_{words[0].upper()}_TRUST", "base")
    named = cli(*arguments, *bearer, "--kinds", f"{keys}/kinds")
    assert (named.code in {0, 2}, "is not used" in named.err) == (True, False), named.err


def test_kinds_of_another_repository_are_read_from_its_work_tree(
    cli: CommandLine, server: LabelServer, keys: Path, tmp_path: Path
) -> None:
    shutil.copytree(keys / "kinds", tmp_path / "shared")
    shutil.rmtree(keys / "kinds")
    git(keys.parent, "commit", "--quiet", "--all", "--message", "third")
    words = ("--trust", "base", "--base", "HEAD", "--kinds", str(tmp_path / "shared"))
    cli("plan", str(keys), *BEARER, *words)
    assert read(server) == {"secrets"}


def test_a_link_out_of_the_tree_at_the_base_is_not_a_kind(cli: CommandLine, keys: Path) -> None:
    (keys / "kinds" / "x.schema.json").symlink_to("/etc/passwd")
    git(keys.parent, "add", ".")
    git(keys.parent, "commit", "--quiet", "--message", "link")
    done = cli("plan", str(keys), *BEARER, "--trust", "base", "--base", "HEAD")
    reported = "keys/kinds/x.schema.json@HEAD: is a link that leads out of the Git work tree"
    assert (done.code, reported in done.err) == (1, True)


def test_a_tag_is_not_accepted_as_the_base_branch(
    cli: CommandLine, server: LabelServer, keys: Path, tmp_path: Path
) -> None:
    git(tmp_path, "clone", "--quiet", "--branch", "branch", str(keys.parent), "clone")
    clone = tmp_path / "clone"
    words = ("plan", str(clone / "keys"), *BEARER, "--trust", "base", "--base")
    assert cli(*words, "origin/main...").code == 0
    git(clone, "tag", "origin/main", "HEAD")
    for reference in ("origin/main", "origin/main...", "origin/main~0"):
        done = cli(*words, reference)
        assert (done.code, "is ambiguous: it names refs/tags/origin/main and refs/remotes/" in done.err) == (
            1,
            True,
        )
    assert cli(*words, "refs/remotes/origin/main...").code == 0
    assert read(server) == {"labels"}


def test_a_tag_is_not_accepted_as_a_base_commit(cli: CommandLine, keys: Path) -> None:
    commit = git(keys.parent, "rev-parse", "main")
    git(keys.parent, "tag", commit[:12], "branch")
    words = ("plan", str(keys), *BEARER, "--trust", "base", "--base")
    done = cli(*words, commit[:12])
    assert (
        done.code,
        f"is ambiguous: it names refs/tags/{commit[:12]} and perhaps a commit" in done.err,
    ) == (1, True)


@pytest.mark.parametrize("place", ["keys", "keys/kinds"])
@pytest.mark.parametrize("named", [(), ("--kinds", "keys/kinds")], ids=["", "named"])
def test_a_submodule_of_a_pull_request_is_not_the_base(
    cli: CommandLine, server: LabelServer, keys: Path, place: str, named: tuple[str, ...]
) -> None:
    repository, theirs = keys.parent, keys.parent.parent / "theirs"
    git(repository, "switch", "--quiet", "main")
    shutil.copytree(repository / "keys", theirs)
    change(theirs)
    if place == "keys/kinds":
        theirs = theirs / "kinds"
    git(theirs, "init", "--quiet", "--initial-branch", "main")
    git(theirs, "add", ".")
    git(theirs, "commit", "--quiet", "--message", "theirs")
    git(repository, "switch", "--quiet", "--create", "submodule")
    git(repository, "rm", "--quiet", "-r", place)
    git(repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(theirs), place)
    git(repository, "commit", "--quiet", "--message", "submodule")
    cli.environment.chdir(repository)
    done = cli("plan", "keys", *BEARER, "--trust", "base", "--base", "main", *named)
    if place == "keys":
        assert (done.code, "keys is in a submodule, whose commit" in done.err) == (1, True)
    assert read(server) <= {"labels"}


@pytest.mark.parametrize("where", ["in another", "in a linked work tree"])
def test_a_submodule_is_never_accepted_as_the_base(
    cli: CommandLine, server: LabelServer, keys: Path, tmp_path: Path, where: str
) -> None:
    """A submodule in a submodule, or in a linked work tree, has its Git directory elsewhere."""
    theirs, middle, outer = (tmp_path / name for name in ("theirs", "middle", "outer"))
    shutil.copytree(keys, theirs)
    middle.mkdir()
    outer.mkdir()
    allowed = ("-c", "protocol.file.allow=always", "submodule", "--quiet")
    for folder in (theirs, middle, outer):
        git(folder, "init", "--quiet", "--initial-branch", "main")
        git(folder, "commit", "--quiet", "--allow-empty", "--message", "first")
    git(theirs, "add", ".")
    git(theirs, "commit", "--quiet", "--message", "theirs")
    if where == "in another":
        git(middle, *allowed, "add", str(theirs), "keys")
        git(middle, "commit", "--quiet", "--message", "second")
        git(outer, *allowed, "add", str(middle), "production")
        git(outer, *allowed, "update", "--init", "--recursive")
    else:
        git(middle, "worktree", "add", "--quiet", "-b", "branch", str(outer / "production"))
        git(outer / "production", *allowed, "add", str(theirs), "keys")
    place = outer / "production" / "keys"
    done = cli("plan", str(place), *BEARER, "--trust", "base", "--base", "main")
    assert (done.code, f"{place} is in a submodule, whose commit" in done.err) == (1, True)
    assert read(server) == set()


@pytest.mark.parametrize(
    "words",
    [
        ("validate", "keys"),
        ("explain", "label/acme/site/bug", "-f", "keys"),
        ("accept", "label/acme/site/bug", "-f", "keys"),
        ("export", "--project-id", "1", "--region-id", "1"),
        ("show", "plan.json"),
        ("kinds",),
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_a_base_that_nothing_is_read_at_is_refused(
    cli: CommandLine, words: tuple[str, ...], order: int
) -> None:
    options = ("--base", "main"), ("--trust", "tree")
    done = cli(*words, *(word for option in options[::order] for word in option))
    assert (done.code, "--base has no effect without --trust base" in done.err) == (64, True)
    assert "has no effect" not in cli(*words, "--base", "main", "--trust", "base").err
