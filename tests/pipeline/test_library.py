"""The library, and docs/library.md: its code runs against the emulator."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import reconciler
from reconciler.load.files import inputs
from tests.support import TOKEN, declare, fill, live, patches

if TYPE_CHECKING:
    from gcore_emulator import Emulator

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/library.md").read_text(encoding="utf-8")
HEAVY = {"httpx", "yaml", "jsonschema", "deepdiff", "click", "tenacity", "jinja2"}


@pytest.fixture
def client(emulator: Emulator) -> reconciler.Client:
    return reconciler.Client(TOKEN, base_url=emulator.url)


@pytest.fixture
def keys(tmp_path: Path, emulator: Emulator) -> str:
    """Return a file that declares one key, which is live with another description."""
    fill(emulator, "web", description="old")
    return declare(tmp_path / "keys.yaml", {"name": "web", "description": "new"})


def python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=20
    ).stdout


def test_every_public_name_resolves_to_something_documented() -> None:
    assert sorted(reconciler.__all__) == reconciler.__all__
    assert [name for name in reconciler.__all__ if not getattr(reconciler, name).__doc__] == []
    assert set(dir(reconciler)) == {*reconciler.__all__, "__version__"}


def test_the_page_lists_every_public_name() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == reconciler.__all__


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'reconciler' has no attribute 'destroy'"):
        _ = reconciler.destroy  # type: ignore[attr-defined]  # it is not there


def test_importing_the_package_loads_no_library() -> None:
    loaded = python("import sys, reconciler; print(*{name.partition('.')[0] for name in sys.modules})")
    assert HEAVY.isdisjoint(loaded.split())


def test_a_subpackage_does_not_hide_the_function_of_its_name() -> None:
    code = (
        "import reconciler.plan, reconciler.load.files, reconciler.apply.executor, reconciler.render.text\n"
    )
    names = "('plan', 'load', 'apply', 'render')"
    shown = python(f"{code}print(*(getattr(reconciler, n).__module__ for n in {names}))")
    assert {name.partition(".")[2].partition(".")[0] for name in shown.split()} == {"pipeline"}
    assert inputs.__module__ == "reconciler.load.files"


def test_the_code_of_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "keys").mkdir()
    declare(tmp_path / "keys/web.yaml", {"name": "web", "description": "new", "is_disabled": True})
    (tmp_path / "broken.yaml").write_text("keys: 1", encoding="utf-8")
    shutil.copytree(ROOT / "examples/kinds", tmp_path / "trusted/kinds")
    names: dict[str, Any] = {"token": TOKEN}
    blocks = re.findall(r"^```python\n(?!# \w+\.py\n)(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for block in blocks:
        for name in ("web", "other", "third", "fourth"):  # each block meets the same live keys
            emulator.put_key(1, 76, live(name, description="old"))
        exec(block.replace("https://api.gcore.com", emulator.url), names)  # noqa: S102 - this project's own page
    shown = capsys.readouterr().out
    assert (len(blocks) > 8, TOKEN in shown) == (True, False)
    assert shown.count("caas/1/76/web: applied\n") == 2
    assert "broken.yaml:1:7" in shown


def test_the_programs_of_the_page_make_the_same_plan_in_other_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, emulator: Emulator, client: reconciler.Client
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "keys").mkdir()
    for number in range(3):
        fill(emulator, f"web-{number}", description="old")
        declare(tmp_path / f"keys/{number}.yaml", {"name": f"web-{number}", "description": "new"})
    with client:
        state = reconciler.load("keys/", project_id=1, region_id=76)
        expected = reconciler.render(reconciler.plan(state, client))
    programs = dict(re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
    for name, program in programs.items():
        (tmp_path / name).write_text(program.replace("https://api.gcore.com", emulator.url), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "program.py"],
        env={"GCORE_API_KEY": TOKEN},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", f"{expected}\n")
    assert "Plan: 0 to add, 3 to change, 0 to destroy." in done.stdout


def test_the_error_of_a_program_without_a_guard_shows_the_guard(tmp_path: Path) -> None:
    (tmp_path / "keys.yaml").write_text("{project_id: 1, region_id: 1, keys: []}", encoding="utf-8")
    (tmp_path / "program.py").write_text(
        """import functools, reconciler
connect = functools.partial(reconciler.Client, "t0ken", base_url="http://127.0.0.1:1")
with reconciler.processes(1, connect) as executor:
    reconciler.load("keys.yaml", executor=executor)
""",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert 'move the code that opens them below if __name__ == "__main__":' in done.stderr


def test_a_plan_and_its_apply_are_those_of_the_command(
    keys: str, client: reconciler.Client, emulator: Emulator
) -> None:
    state = reconciler.load(keys)
    with client:
        plan = reconciler.check(reconciler.plan(state, client))
        [outcome] = reconciler.apply(plan, client)
        assert reconciler.plan(state, client).changes == ()
    assert (outcome.result, str(outcome)) == (reconciler.Result.APPLIED, "caas/1/76/web: applied")
    assert patches(emulator) == [{"description": "new"}]


def test_a_client_shows_its_address_and_never_its_token() -> None:
    client = reconciler.Client(reconciler.Secret(TOKEN), base_url="HTTP://127.0.0.1:80/")
    assert (repr(client), str(client)) == ("Client('http://127.0.0.1')",) * 2
    assert TOKEN not in repr(vars(client))


@pytest.mark.parametrize(
    ("token", "settings", "reason"),
    [
        (TOKEN, {"base_url": "http://api.example.com"}, "would send the token unencrypted"),
        (TOKEN, {"base_url": "https://user@api.example.com"}, "holds a user name or password"),
        ("two words", {}, "the token contains a character that is invalid in a token"),
        (TOKEN, {"parallelism": 0}, "must be positive"),
        (TOKEN, {"read_timeout": float("nan")}, "must be positive"),
        (TOKEN, {"auth_scheme": "Bearer x"}, "must be one word"),
    ],
)
def test_a_client_that_could_leak_its_token_is_refused(
    token: str, settings: dict[str, Any], reason: str
) -> None:
    with pytest.raises(reconciler.ConfigurationError, match=reason) as refused:
        reconciler.Client(token, **settings)
    assert token not in str(refused.value)


def test_an_empty_token_is_refused() -> None:
    with pytest.raises(reconciler.ConfigurationError, match="the token is empty"):
        reconciler.Client("")


def test_a_client_that_is_closed_sends_nothing_more(keys: str, client: reconciler.Client) -> None:
    state = reconciler.load(keys)
    with client:
        reconciler.plan(state, client)
    with pytest.raises(reconciler.ConfigurationError, match="the client is closed"):
        reconciler.plan(state, client)


def test_files_must_be_named_and_their_kinds_known(tmp_path: Path, client: reconciler.Client) -> None:
    with pytest.raises(reconciler.ConfigurationError, match="no path is given"):
        reconciler.load()
    with pytest.raises(reconciler.InputError, match="a NUL character in a path"):
        reconciler.load("keys\0")
    kinds = reconciler.load_kinds(str(ROOT / "examples/kinds"))
    file = tmp_path / "labels.yaml"
    shutil.copy(ROOT / "examples/labels/labels.yaml", file)
    state = reconciler.load(file, kinds=kinds)
    with client, pytest.raises(reconciler.ConfigurationError, match="the kind label is not known"):
        reconciler.plan(state, client)


def test_a_plan_beyond_the_limits_is_refused_before_any_write(
    keys: str, client: reconciler.Client, emulator: Emulator
) -> None:
    state = reconciler.load(keys)
    with client:
        plan = reconciler.plan(state, client, limits=reconciler.Limits(max_changes=0))
        with pytest.raises(reconciler.RefusedError, match="it would change 1 key, more than --max-changes 0"):
            reconciler.apply(plan, client)
        with pytest.raises(reconciler.RefusedError):
            reconciler.check(plan, reconciler.Limits(max_changes="0%"))
        assert reconciler.apply(reconciler.check(plan), client)[0].result is reconciler.Result.APPLIED
    assert len(patches(emulator)) == 1


def test_a_plan_is_refused_for_another_api(keys: str, client: reconciler.Client) -> None:
    with client, reconciler.Client(TOKEN, base_url="http://127.0.0.1:9") as other:
        plan = reconciler.plan(reconciler.load(keys), client)
        with pytest.raises(reconciler.RefusedError, match=r"made for http://\S+, not for http://127.0.0.1:9"):
            reconciler.apply(plan, other)


def test_a_plan_that_creates_keys_needs_a_store(tmp_path: Path, client: reconciler.Client) -> None:
    file = declare(
        tmp_path / "keys.yaml", {"name": "new", "description": "", "expire": None, "containers": []}
    )
    with client:
        plan = reconciler.plan(reconciler.load(file), client)
        assert plan.new_secrets == 1
        with pytest.raises(reconciler.ConfigurationError, match="pass a store for their secrets"):
            reconciler.apply(plan, client)


class Interrupting:
    """An observer at whose first change Ctrl-C is pressed."""

    def started(self, _change: reconciler.Change) -> None:
        raise KeyboardInterrupt

    def finished(self, _outcome: reconciler.Outcome) -> None:
        raise AssertionError("nothing was sent")


def test_after_an_interrupt_no_write_starts(keys: str, client: reconciler.Client, emulator: Emulator) -> None:
    with client:
        plan = reconciler.plan(reconciler.load(keys), client)
        with pytest.raises(KeyboardInterrupt):
            reconciler.apply(plan, client, observers=[Interrupting()])
        [outcome] = reconciler.apply(plan, client, freshness=reconciler.Freshness.JUST_MADE)
    assert (outcome.result, client.stop.is_set()) == (reconciler.Result.NOT_ATTEMPTED, True)
    assert patches(emulator) == []


def test_a_saved_plan_is_the_plan_and_an_edited_one_is_refused(
    tmp_path: Path, keys: str, client: reconciler.Client
) -> None:
    file = tmp_path / "plan.json"
    with client:
        plan = reconciler.plan(reconciler.load(keys), client)
    reconciler.write_plan(plan, file)
    assert (reconciler.read_plan(file), reconciler.read_plan(file).provenance) == (plan, plan.provenance)
    assert json.loads(reconciler.render(plan, "json")) == json.loads(file.read_text(encoding="utf-8"))
    file.write_text(file.read_text(encoding="utf-8").replace('"new"', '"newer"'), encoding="utf-8")
    with pytest.raises(reconciler.RefusedError, match="it was edited"):
        reconciler.read_plan(file)


def test_a_format_that_is_not_known_is_a_configuration_error(keys: str, client: reconciler.Client) -> None:
    with client:
        plan = reconciler.plan(reconciler.load(keys), client)
    with pytest.raises(reconciler.ConfigurationError, match="unknown format 'pdf'; use text, json"):
        reconciler.render(plan, "pdf")


def test_drift_names_the_keys_that_are_not_as_desired(keys: str, client: reconciler.Client) -> None:
    with client:
        report = reconciler.drift(reconciler.load(keys), client)
    assert [key.correction.address for key in report.drifted] == ["caas/1/76/web"]
    assert (report.pending, report.unread) == ((), {})
