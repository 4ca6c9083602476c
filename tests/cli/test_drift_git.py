"""``drift`` distinguishes changes in Git from changes outside it: by a history, or a base commit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.test_saved_plans import git
from tests.support import CommandLine, declare, fill, patches
from tests.values import check_document

if TYPE_CHECKING:
    from pathlib import Path

    from gcore_emulator import Emulator

SINK = "--secret-sink"
NEW: dict[str, Any] = {"name": "new", "description": "new", "containers": [], "expire": None}
PENDING, DRIFT, CONFLICT = "pending", "drift", "conflict"


class Repository:
    """Files in Git, what was applied of them, and the two ways to know that."""

    def __init__(self, cli: CommandLine, folder: Path, how: str) -> None:
        self.cli = cli
        self.file = folder / "keys.yaml"
        self.history = str(folder / "drift.db")
        self.sink = f"file:{folder}/secrets"
        self.options = ("--base", "HEAD") if how == "base" else ("--history", self.history)
        self._folder = folder
        git(folder, "init", "--quiet")

    def declare(self, *keys: dict[str, Any], exclusive: bool = False) -> None:
        document = {"project_id": 1, "region_id": 76, "keys": keys}
        self.file.write_text(json.dumps({**document, **({"exclusive": True} if exclusive else {})}))

    def apply(self, *keys: dict[str, Any], exclusive: bool = False) -> None:
        """Commit files and apply them."""
        self.declare(*keys, exclusive=exclusive)
        git(self._folder, "add", "keys.yaml")
        git(self._folder, "commit", "--quiet", "--message", "keys")
        words = ("--auto-approve", "--allow-destroy", SINK, self.sink, "--history", self.history)
        assert self.cli("apply", str(self.file), *words).code == 0

    def drift(self, *words: str) -> Any:
        return self.cli("drift", str(self.file), *self.options, *words)

    def labels(self) -> dict[str, str]:
        """Return the origin of all differences, by key and, unless the entire key is meant, field."""
        document = json.loads(self.drift("--format", "json").out)
        check_document("plan", document)
        found: dict[str, str] = {}
        for one in (*document["resource_drift"], *document["resource_pending"]):
            if "origin" in one:
                found[one["name"]] = one["origin"]
            else:
                found |= {f"{one['name']} {name}": it for name, it in one["change"]["origins"].items()}
        return found


@pytest.fixture(params=["history", "base"])
def files(cli: CommandLine, tmp_path: Path, request: pytest.FixtureRequest) -> Repository:
    return Repository(cli, tmp_path, request.param)


@pytest.mark.parametrize(
    ("git_says", "live", "label", "code"),
    [
        ("new", "old", PENDING, 0),
        ("old", "edited", DRIFT, 2),
        ("new", "edited", CONFLICT, 2),
        ("new", "new", None, 0),
    ],
)
def test_base_desired_and_live_show_which_side_changed(  # noqa: PLR0913, PLR0917 - cases
    emulator: Emulator, files: Repository, git_says: str, live: str, label: str | None, code: int
) -> None:
    fill(emulator, "web", description="before")
    files.apply({"name": "web", "description": "old"})
    files.declare({"name": "web", "description": git_says})
    fill(emulator, "web", description=live)
    assert files.labels() == ({} if label is None else {"web description": label})
    assert files.drift().code == code


def test_a_pending_change_is_not_drift_and_is_reported_as_pending(
    emulator: Emulator, files: Repository
) -> None:
    fill(emulator, "web", description="old")
    files.apply({"name": "web", "description": "old"})
    files.declare({"name": "web", "description": "new"})
    done = files.drift("--correct", "all")
    assert (done.code, patches(emulator)) == (0, [])
    assert done.out.startswith("No changes outside Git. Your infrastructure is as it was last applied.\n")
    assert "Pending: Git is ahead, and this has not been applied yet." in done.out
    assert '~ description = "old" -> "new"  # [pending] neutral: access unchanged\n' in done.out
    assert done.out.endswith("Pending: 1 key waits for apply.\n")
    assert "outside Git:" not in done.out
    assert "keys.yaml: not committed" in done.err


def test_fields_of_one_key_are_distinguished(emulator: Emulator, files: Repository) -> None:
    fill(emulator, "web", description="old")
    files.apply({"name": "web", "description": "old", "is_disabled": False})
    files.declare(
        {"name": "web", "description": "new", "is_disabled": False, "expire": "2027-01-01T00:00:00Z"}
    )
    fill(emulator, "web", description="old", is_disabled=True)
    assert files.labels() == {
        "web description": PENDING,
        "web expire": PENDING,
        "web is_disabled": DRIFT,
    }
    done = files.drift("--correct", "all")
    assert (done.code, patches(emulator)) == (0, [{"is_disabled": False}])
    assert "  # caas/1/76/web has changed (revokes)\n" in done.out
    assert "Drift: 1 key changed outside Git.\n" in done.out
    assert emulator.keys(1, 76)["web"]["description"] == "old"


def test_a_conflict_is_corrected_only_with_all_and_is_reported(emulator: Emulator, files: Repository) -> None:
    fill(emulator, "web", is_disabled=True)
    files.apply({"name": "web", "is_disabled": True, "description": "old"})
    files.declare({"name": "web", "is_disabled": True, "description": "new"})
    fill(emulator, "web", is_disabled=True, description="edited")
    sent = len(patches(emulator))
    done = files.drift("--correct", "grants")
    assert (done.code, len(patches(emulator))) == (2, sent)
    assert "web has changed, and the files have changed too (neutral)\n" in done.out
    assert "Drift: 1 key changed outside Git (1 in conflict with a change in Git).\n" in done.out
    assert "Left to a person: caas/1/76/web: description changed in the files too" in done.err
    done = files.drift("--correct", "all")
    assert (done.code, patches(emulator)[sent:]) == (0, [{"description": "new"}])
    assert (
        "In conflict, corrected to the present value in the files: caas/1/76/web: description\n" in done.err
    )


def test_origins_of_keys_are_distinguished(emulator: Emulator, files: Repository) -> None:
    fill(emulator, "kept", "gone", "out", "back")
    files.apply(
        {"name": "kept"},
        {"name": "gone", "description": ""},
        {"name": "out"},
        {"name": "back", "state": "absent"},
        exclusive=True,
    )
    emulator.remove_key(1, 76, "gone")
    fill(emulator, "stray", "back")
    files.declare(
        {"name": "kept"},
        {"name": "gone", "description": ""},
        {"name": "back", "state": "absent"},
        NEW,
        exclusive=True,
    )
    assert files.labels() == {
        "gone": DRIFT,
        "stray": DRIFT,
        "back": DRIFT,
        "new": PENDING,
        "out": PENDING,
    }
    done = files.drift()
    assert done.code == 2
    assert "# caas/1/76/gone has been deleted ([drift] revokes: the key is not live)\n" in done.out
    assert "# caas/1/76/stray has been created ([drift] grants: the key is live)\n" in done.out
    assert "# caas/1/76/back has been created ([drift] grants: the key is live)\n" in done.out
    assert "Drift: 3 keys changed outside Git (2 created, 1 deleted).\n" in done.out
    assert "# caas/1/76/new will be created ([pending] grants: a new key)\n" in done.out
    assert "# caas/1/76/out will be destroyed ([pending] revokes: key deleted)\n" in done.out
    assert "Pending: 2 keys wait for apply.\n" in done.out


def test_a_deleted_key_that_git_changed_is_a_conflict(emulator: Emulator, files: Repository) -> None:
    fill(emulator, "web", description="old")
    files.apply({"name": "web", "description": "old", "containers": []})
    emulator.remove_key(1, 76, "web")
    files.declare({"name": "web", "description": "new", "containers": []})
    assert files.labels() == {"web": CONFLICT}
    done = files.drift("--correct", "revokes", SINK, files.sink)
    assert (done.code, set(emulator.keys(1, 76))) == (2, set())
    assert (
        "web has been deleted, and the files have changed too ([conflict] revokes: the key is not live)\n"
        in done.out
    )
    assert "Left to a person: caas/1/76/web: changed in the files too" in done.err
    done = files.drift("--correct", "all", SINK, files.sink)
    assert (done.code, emulator.keys(1, 76)["web"]["description"]) == (0, "new")
    assert "In conflict, corrected to the present value in the files: caas/1/76/web\n" in done.err


@pytest.mark.parametrize("git_says", [(), ({"name": "web", "state": "absent"},)])
def test_a_changed_key_pending_deletion_is_a_conflict(
    emulator: Emulator, files: Repository, git_says: tuple[dict[str, Any], ...]
) -> None:
    fill(emulator, "web", "api", is_disabled=True)
    watched = {"is_disabled": True, "lifecycle": {"ignore_changes": ["description"]}}
    files.apply({"name": "web", "description": "", **watched}, {"name": "api"}, exclusive=True)
    fill(emulator, "web", is_disabled=True, description="whatever")
    files.declare(*git_says, {"name": "api"}, exclusive=True)
    assert files.labels() == {"web": PENDING}
    fill(emulator, "web", is_disabled=False)
    assert files.labels() == {"web": CONFLICT}
    done = files.drift("--correct", "grants", "--allow-destroy")
    assert (done.code, set(emulator.keys(1, 76))) == (2, {"web", "api"})
    assert (
        "# caas/1/76/web has changed, and is declared absent or no longer declared ([conflict] grants:"
        " the key is live)\n" in done.out
    )
    assert "Drift: 1 key changed outside Git (1 in conflict with a change in Git).\n" in done.out
    assert "Access: grants on 1 key" in done.out


def test_a_correction_of_keys_leaves_pending_changes_to_apply(emulator: Emulator, files: Repository) -> None:
    fill(emulator, "kept", "out")
    files.apply({"name": "kept"}, {"name": "out"}, exclusive=True)
    fill(emulator, "stray")
    files.declare({"name": "kept"}, NEW, exclusive=True)
    done = files.drift("--correct", "all", "--allow-destroy", SINK, files.sink)
    assert done.code == 0
    assert set(emulator.keys(1, 76)) == {"kept", "out"}


def test_a_key_that_git_now_wants_absent_is_pending(emulator: Emulator, files: Repository) -> None:
    fill(emulator, "old")
    files.apply({"name": "old"})
    files.declare({"name": "old", "state": "absent"})
    assert files.labels() == {"old": PENDING}
    assert files.drift().code == 0


def test_a_scope_that_git_makes_exclusive_is_pending(emulator: Emulator, files: Repository) -> None:
    fill(emulator, "web", "other")
    files.apply({"name": "web"})
    files.declare({"name": "web"}, exclusive=True)
    assert files.labels() == {"other": PENDING}
    assert files.labels() == {"other": PENDING}  # also in the rounds that follow


def test_origins_persist_over_rounds(emulator: Emulator, files: Repository) -> None:
    fill(emulator, "web", description="old")
    files.apply({"name": "web", "description": "old", "is_disabled": False}, exclusive=True)
    fill(emulator, "web", description="old", is_disabled=True)
    fill(emulator, "stray")
    files.declare({"name": "web", "description": "new", "is_disabled": False}, NEW, exclusive=True)
    expected = {"new": PENDING, "stray": DRIFT, "web description": PENDING, "web is_disabled": DRIFT}
    assert [files.labels() for _ in range(3)] == [expected] * 3


def test_a_round_with_targets_preserves_the_state_of_other_keys(
    emulator: Emulator, files: Repository
) -> None:
    fill(emulator, "web", "api", description="old")
    keys = [{"name": name, "description": "old"} for name in ("web", "api")]
    files.apply(*keys)
    fill(emulator, "web", "api", description="edited")
    done = files.drift("--target", "*/web")
    assert (done.code, "caas/1/76/api" in done.out) == (2, False)
    assert files.labels() == {"api description": DRIFT, "web description": DRIFT}


def test_without_an_applied_state_the_wording_is_neutral(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web", description="theirs")
    file = declare(tmp_path / "keys.yaml", {"name": "web", "description": "ours"})
    for words in ((), ("--history", str(tmp_path / "new.db"))):
        done = cli("drift", file, *words)
        assert done.code == 2
        assert "outside Git" not in done.everything
        assert "# caas/1/76/web differs from the files (neutral)\n" in done.out
        assert (
            "Origin: not known; --base REF shows it, or a history that apply has written to (--history).\n"
            in done.out
        )


def test_an_unknown_origin_persists_until_the_value_is_as_desired(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web", description="theirs")
    fill(emulator, "stray")
    files = Repository(cli, tmp_path, "history")
    gone = {**NEW, "name": "gone"}
    files.declare({"name": "web", "description": "ours"}, gone, exclusive=True)
    unknown = {"gone": "unknown", "stray": "unknown", "web description": "unknown"}
    assert [files.labels() for _ in range(2)] == [unknown] * 2
    files.apply({"name": "web", "description": "ours"}, gone, exclusive=True)
    assert files.labels() == {}
    fill(emulator, "web", description="theirs")
    fill(emulator, "stray")
    emulator.remove_key(1, 76, "gone")
    assert files.labels() == {"gone": DRIFT, "stray": DRIFT, "web description": DRIFT}


def test_a_round_stores_values_found_as_desired(cli: CommandLine, emulator: Emulator, tmp_path: Path) -> None:
    files = Repository(cli, tmp_path, "history")
    fill(emulator, "web", description="ours")
    files.declare({"name": "web", "description": "ours"})
    assert files.drift().code == 0
    fill(emulator, "web", description="theirs")
    assert files.labels() == {"web description": DRIFT}


def test_applying_a_saved_plan_stores_the_written_values(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    files = Repository(cli, tmp_path, "history")
    fill(emulator, "web", "old", description="before")
    files.declare(
        {"name": "web", "description": "ours", "is_disabled": False}, NEW, {"name": "old", "state": "absent"}
    )
    plan = str(tmp_path / "plan.json")
    assert cli("plan", str(files.file), "--out", plan).code == 0
    words = ("--auto-approve", "--history", files.history, SINK, files.sink)
    assert cli("apply", "--plan", plan, *words).code == 0
    fill(emulator, "web", description="theirs", is_disabled=True)
    fill(emulator, "old")
    emulator.remove_key(1, 76, "new")
    # Nothing was written of is_disabled, so that is not known.
    assert files.labels() == {
        "new": DRIFT,
        "old": DRIFT,
        "web description": DRIFT,
        "web is_disabled": "unknown",
    }


def test_a_base_takes_precedence_over_a_history(cli: CommandLine, emulator: Emulator, tmp_path: Path) -> None:
    files = Repository(cli, tmp_path, "history")
    fill(emulator, "web", description="old")
    files.apply({"name": "web", "description": "old"})
    files.declare({"name": "web", "description": "new"})
    git(tmp_path, "commit", "--quiet", "--all", "--message", "newer")
    done = cli("drift", str(files.file), "--history", files.history, "--base", "HEAD")
    assert (done.code, "# [drift] neutral" in done.out) == (2, True)


def test_a_path_missing_at_the_base_makes_nothing_pending(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    files = Repository(cli, tmp_path, "base")
    fill(emulator, "web", description="old")
    files.apply({"name": "web", "description": "old"})
    files.file.rename(tmp_path / "other.yaml")
    fill(emulator, "web", description="theirs")
    done = cli("drift", str(tmp_path / "other.yaml"), "--base", "HEAD")
    assert (done.code, "the path did not exist, so" in done.err) == (2, True)
    assert "# caas/1/76/web differs from the files (neutral)\n" in done.out


def test_the_history_and_the_page_show_pending_changes_separately(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    files = Repository(cli, tmp_path, "history")
    fill(emulator, "web", description="old")
    files.apply({"name": "web", "description": "old", "is_disabled": False})
    files.declare({"name": "web", "description": "new", "is_disabled": False})
    metrics = tmp_path / "metrics"
    assert files.drift("--metrics-file", str(metrics)).code == 0
    text = cli("history", "--history", files.history, "--format", "json").out
    document = json.loads(text)
    check_document("history", document)
    assert document["rounds"] == {"pending": 1}
    assert [one["standing"] for one in document["scopes"]] == ["pending"]
    (one,) = document["pending"]
    assert (one["field"], one["declared"], one["live"]) == ("description", "new", "old")
    assert document["drift"] == []
    shown = metrics.read_text(encoding="utf-8")
    assert 'reconciler_scopes{api="gcore",standing="pending"} 1.0' in shown
    assert 'reconciler_differing_keys{api="gcore",kind="caas",origin="pending"} 1.0' in shown
    assert 'reconciler_drifted_keys{api="gcore",effect="neutral",kind="caas"} 0.0' in shown
    page = cli("history", "--history", files.history, "--format", "html").out
    assert "1 key pending" in page
    files.apply({"name": "web", "description": "new", "is_disabled": False})
    assert files.drift().code == 0
    assert json.loads(cli("history", "--history", files.history, "--format", "json").out)["pending"] == []


def test_uncommitted_files_are_named(cli: CommandLine, emulator: Emulator, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    fill(emulator, "web", description="old")
    declare(tmp_path / "committed.yaml", {"name": "web", "description": "old"})
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    declare(tmp_path / "added.yaml", {"name": "other", "description": "x"})
    done = cli("drift", str(tmp_path))
    assert (done.code, "Warning: added.yaml: not committed" in done.err) == (2, True)
    assert "committed.yaml: not committed" not in done.err.replace("added.yaml", "")


@pytest.mark.parametrize(
    ("before", "is_exclusive", "labels"),
    [
        (({"name": "web"},), True, {"drift"}),
        (({"name": "web"}, {"name": "stray", "state": "absent"}), True, {"drift"}),
        (({"name": "web"}, {"name": "stray"}), True, {"config"}),
        (({"name": "web"},), False, {"config"}),
    ],
)
def test_a_plan_labels_an_undeclared_key_by_the_base(  # noqa: PLR0913 - cases
    cli: CommandLine,
    emulator: Emulator,
    tmp_path: Path,
    before: tuple[dict[str, Any], ...],
    labels: set[str],
    *,
    is_exclusive: bool,
) -> None:
    fill(emulator, "web", "stray")
    files = Repository(cli, tmp_path, "base")
    files.declare(*before, exclusive=is_exclusive)
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    files.declare({"name": "web"}, exclusive=True)
    words = ("--base", "HEAD", "--format", "json", "--allow-destroy")
    document = json.loads(cli("plan", str(files.file), *words).out)
    (change,) = document["resource_changes"]
    assert (change["name"], {change["change"]["origin"], *change["change"]["origins"].values()}) == (
        "stray",
        labels,
    )
