"""Secrets handed to a program: real programs, and the recipes of the documentation."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.apply.sinks.program import ExecSink, ProbedExecSink
from reconciler.apply.sinks.sink import Place
from reconciler.apply.sinks.spec import open_sink
from reconciler.errors import ConfigurationError
from reconciler.model.scope import Scope
from reconciler.model.system import SystemClock, SystemRandomness
from tests.apply.sinks import SECRET, VALUE, WEB, probe_error, store, store_error

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = (Path(__file__).parents[2] / "docs/secrets.md").read_text(encoding="utf-8")
PATH = {"PATH": os.environ["PATH"]}  # noqa: TID251 - where this machine has its programs


def shell(script: str, seconds: float = 20.0, environment: Mapping[str, str] = PATH) -> ExecSink:
    return ExecSink(("sh", "-c", script), environment, SystemClock(), seconds)


def python(script: str, seconds: float = 20.0) -> ExecSink:
    return ExecSink((sys.executable, "-S", "-c", script), PATH, SystemClock(), seconds)


def test_the_program_reads_one_line_of_json(tmp_path: Path) -> None:
    file = tmp_path / "record"
    assert store(shell(f"cat > {file}")) == "exec:sh"
    text = file.read_text(encoding="ascii")
    assert text.count("\n") == 1
    assert text.endswith("\n")
    assert json.loads(text) == {
        "action": "store",
        "address": "caas/1/76/web",
        "kind": "caas",
        "name": "web",
        "scope": {"project_id": 1, "region_id": 76},
        "replaced": False,
        "version": None,
        "secret": VALUE,
    }


RECORDING = """
    key=$(cat)
    [ "$(printf %s "$key" | jq -r .action)" = store ] || { echo asked >&2; echo " 7 "; exit "${CODE-0}"; }
    printf %s "$key" > "$RECORD"
"""
needs_jq = pytest.mark.skipif(shutil.which("jq") is None, reason="needs jq")


def asked(folder: Path, script: str = RECORDING, **environment: str) -> ExecSink:
    variables = PATH | {"RECORD": str(folder / "record")} | environment
    return ProbedExecSink(("sh", "-c", script), variables, SystemClock(), 20.0)


@needs_jq
def test_a_program_that_supports_probing_receives_the_version_it_reported(tmp_path: Path) -> None:
    sink, place = asked(tmp_path), Place(WEB.scope, WEB.name, is_replaced=True)
    assert sink.probe([place]) == {place: "7"}
    assert not (tmp_path / "record").exists()
    assert sink.store(place, SECRET, "7") == "exec:sh" == sink.where(place)
    reported = json.loads((tmp_path / "record").read_text(encoding="ascii"))
    assert (reported["action"], reported["replaced"], reported["version"]) == ("store", True, "7")


def test_a_probe_request_contains_no_secret(tmp_path: Path) -> None:
    asked(tmp_path, 'cat > "$RECORD"').probe([WEB])
    assert json.loads((tmp_path / "record").read_text(encoding="ascii")) == {
        "action": "probe",
        "address": "caas/1/76/web",
        "kind": "caas",
        "name": "web",
        "scope": {"project_id": 1, "region_id": 76},
        "replaced": False,
    }


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo something else is there >&2; exit 3", "sh ended with 3: something else is there"),
        ("printf 'a\\nb\\n'", "sh printed more than one short line"),
        ("printf '%0300d' 1", "sh printed more than one short line"),
    ],
)
def test_a_program_that_refuses_a_secret_is_detected_by_the_probe(
    tmp_path: Path, script: str, reason: str
) -> None:
    assert (
        probe_error(asked(tmp_path, script))
        == f"caas/1/76/web: the check before the first write failed: {reason}"
    )


def test_a_custom_kind_has_its_own_scope(tmp_path: Path) -> None:
    file = tmp_path / "record"
    store(shell(f"cat > {file}"), Place(Scope("own", "emea", names=("area",)), "k"))
    reported = json.loads(file.read_text(encoding="ascii"))
    assert (reported["address"], reported["scope"]) == ("own/emea/k", {"area": "emea"})


def test_the_example_in_the_documentation_has_the_members_that_are_sent() -> None:
    example = json.loads(PAGE.split("standard input:\n\n```json\n")[1].split("```")[0])
    members = {"action", "address", "kind", "name", "scope", "replaced", "version", "secret"}
    assert example.keys() == members


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 3", "sh ended with 3"),
        ("echo no room >&2; exit 1", "sh ended with 1: no room"),
        (
            "cat; exit 1",
            (
                'sh ended with 1: {"action": "store", "address": "caas/1/76/web", "kind": "caas", '
                '"name": "web", "scope": {"project_id": 1, "region_id": 76}, "replaced": false, '
                '"version": null, "secret": "***"}'
            ),
        ),
        (
            "tail -c 12 >&2; exit 1",
            'sh ended with 1: ***"}',
        ),
        ("kill -TERM $$", "sh was killed by signal 15"),
        ("exec 0<&- 1>&- 2>&-; exit 4", "sh ended with 4"),
        ("cat >/dev/null; printf '\\377\\033[1m'; exit 1", "sh ended with 1: \ufffd\x1b[1m"),
    ],
)
def test_a_failure_shows_the_program_output_without_the_secret(script: str, reason: str) -> None:
    assert store_error(shell(script)) == reason


@pytest.mark.parametrize(
    "encode", ["base64", "base64 -w 20", "od -An -tx1", "fold -w 10", "fold -w 5", "rev"]
)
def test_a_secret_in_program_output_is_redacted_in_any_encoding(encode: str) -> None:
    """What is written backwards or as a dump is not known again, nor read at a glance."""
    store_error(shell(f"{encode}; exit 1"))


def test_the_output_of_a_successful_program_is_ignored() -> None:
    assert store(shell("cat; cat >&2")) == "exec:sh"


def test_a_program_that_reads_nothing_succeeds_by_its_exit_code() -> None:
    assert store(shell("true")) == "exec:sh"


def test_a_program_that_does_not_end_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    script = f"sleep 60 & echo $! > {file}.new; mv {file}.new {file}; wait"
    assert store_error(shell(script, seconds=0.5)) == "sh did not end within 0.5 s, and was killed"
    with contextlib.suppress(ProcessLookupError):
        child = os.pidfd_open(int(file.read_text()))
        assert select.select([child], [], [], 10)[0] == [child]  # it has ended, or does so at once
        os.close(child)


def test_a_program_that_neither_reads_nor_ends_is_killed() -> None:
    script = "import time; time.sleep(60)"
    assert "did not end within 0.3 s" in store_error(python(script, seconds=0.3))


def test_a_child_that_holds_the_output_open_is_not_waited_for() -> None:
    assert store(shell("sleep 3 &", seconds=2.5)) == "exec:sh"


def test_excessive_program_output_is_truncated() -> None:
    reported = store_error(python("import sys; sys.stdout.write('x' * 10**7); sys.exit('the end')"))
    assert reported.startswith(f"{Path(sys.executable).name} ended with 1: xxx")
    assert len(reported) < 500


def test_a_long_secret_reaches_a_slow_reader(tmp_path: Path) -> None:
    name = "n" * 300_000
    file = tmp_path / "record"
    store(shell(f"sleep 0.2; cat > {file}"), Place(Scope("caas", 1, 76), name))
    assert json.loads(file.read_text(encoding="ascii"))["name"] == name


@pytest.mark.parametrize("command", ["no-such-program", "/no/such/program", "/etc/passwd", "/etc"])
def test_a_missing_program_is_detected_by_the_probe(command: str) -> None:
    sink = ExecSink((command,), PATH, SystemClock())
    assert probe_error(sink) == f"the program {command} cannot be found or run"
    assert "cannot be run: " in store_error(sink)


def test_a_probe_does_not_run_the_program(tmp_path: Path) -> None:
    file = tmp_path / "ran"
    shell(f"touch {file}").probe([WEB])
    assert not file.exists()


def test_no_shell_reads_the_command(tmp_path: Path) -> None:
    script = tmp_path / "it's mine"
    script.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/arguments\n')
    script.chmod(0o700)
    command = f"exec:'{tmp_path}/it'\"'\"'s mine' '$HOME' a\\ b | *"
    sink = open_sink(command, SystemClock(), SystemRandomness(), "test/1", PATH)
    sink.probe([WEB])
    assert sink.store(WEB, SECRET) == "exec:it's mine"
    assert (tmp_path / "arguments").read_text() == "$HOME\na b\n|\n*\n"


ENVIRONMENT = {
    "GCORE_API_KEY": "1$token",
    "COPY_OF_IT": "1$token",
    "HOME": "1$token",
    "RECONCILER_WEBHOOK_SECRET": "x",
    "RECONCILER_DRIFT_WEBHOOK": "https://example.com/x",
    "RECONCILER_DRIFT_SLACK": "https://example.com/y\nhttps://example.com/z",
    "AWS_SLACK": "https://example.com/z",
    "VAULT_TOKEN": "for-the-program",
    "AWS_PROFILE": "keys",
    "AWS_COPY": "1$token",
    "RECONCILER_TOKEN_api_github_com": "2$token",
    "AWS_BOUND": "2$token",
    "HTTPS_PROXY": "http://proxy.example.com",
    "LC_ALL": "C",
    "BASH_ENV": "/nowhere",
    "LD_PRELOAD": "",
    "PYTHONPATH": "/nowhere",
    "GIT_DIR": "/nowhere",
}


@pytest.mark.parametrize(
    ("passed", "more"), [((), set()), (("VAULT_TOKEN", "AWS_*"), {"VAULT_TOKEN", "AWS_PROFILE"})]
)
def test_the_program_gets_an_environment_made_for_it(
    tmp_path: Path, passed: tuple[str, ...], more: set[str]
) -> None:
    environment = ENVIRONMENT | {"PATH": f".:bin::{PATH['PATH']}"}
    sink = open_sink(
        f"exec:sh -c 'env > {tmp_path}/record'",
        SystemClock(),
        SystemRandomness(),
        "test/1",
        environment,
        passed,
    )
    sink.store(WEB, SECRET)
    reported = dict(line.split("=", 1) for line in (tmp_path / "record").read_text().splitlines())
    assert reported.keys() - {"PWD", "OLDPWD", "SHLVL", "_"} == {"PATH", "HTTPS_PROXY", "LC_ALL"} | more
    assert reported["PATH"] == PATH["PATH"]


@pytest.mark.parametrize(
    "name",
    [
        *("GCORE_API_KEY", "RECONCILER_WEBHOOK_SECRET", "RECONCILER_TOKEN_api_github_com", "AWS_COPY"),
        *("AWS_BOUND", "AWS_SLACK", "RECONCILER_DRIFT_SLACK", "*", "A-B", "A=B"),
    ],
)
def test_no_token_and_no_invalid_variable_is_passed_on(name: str) -> None:
    with pytest.raises(ConfigurationError, match="--pass-env"):
        open_sink("exec:true", SystemClock(), SystemRandomness(), "test/1", ENVIRONMENT, [name])


def test_without_an_absolute_folder_in_the_path_the_systems_programs_are_found(tmp_path: Path) -> None:
    (tmp_path / "true").write_text("#!/bin/sh\nexit 7\n")
    (tmp_path / "true").chmod(0o700)
    sink = open_sink("exec:true", SystemClock(), SystemRandomness(), "test/1", {"PATH": ":.:"})
    sink.probe([WEB])
    assert sink.store(WEB, SECRET) == "exec:true"


STAND_IN = """#!/bin/sh
# Stores its input; LIVE is the response to a query of what exists.
case "$*" in *"kv metadata get"* | *"get secret"*) printf '%s' "${LIVE-}"; exit "${LIVE_CODE-0}" ;; esac
[ "$1 $2" != "secret list" ] || { printf '%s\\n' "${GH_NAMES-}"; exit "${GH_CODE-0}"; }
printf '%s\\n' "$@" > "$RECORD/arguments"
cat > "$RECORD/input"
exit "${CODE-0}"
"""


class Recipe:
    """A script of the documentation, and stand-ins for the programs that it calls."""

    def __init__(self, folder: Path, name: str, *arguments: str) -> None:
        self._folder = folder
        for program in ("vault", "kubectl", "gh"):
            (folder / program).write_text(STAND_IN)
            (folder / program).chmod(0o700)
        scripts = [part.split("```")[0] for part in PAGE.split("```sh\n") if part.startswith("#!/bin/sh")]
        (script,) = [script for script in scripts if f"# {name}" in script]
        self.script = folder / name
        self.script.write_text(script, encoding="utf-8")
        self.script.chmod(0o700)
        self._arguments = arguments

    def sink(self, **environment: str) -> ExecSink:
        path = f"{self._folder}{os.pathsep}{PATH['PATH']}"
        variables = {"PATH": path, "RECORD": str(self._folder)} | environment
        return ExecSink((str(self.script), *self._arguments), variables, SystemClock(), 20.0)

    @property
    def arguments(self) -> list[str]:
        return (self._folder / "arguments").read_text(encoding="utf-8").splitlines()

    @property
    def input(self) -> Any:
        return (self._folder / "input").read_text(encoding="utf-8")


RECIPES = {"to-vault": (), "to-kubernetes": ("shop",), "to-github": ("acme/shop",)}


def test_the_recipe_for_vault_writes_the_secret_at_the_address(tmp_path: Path) -> None:
    recipe = Recipe(tmp_path, "to-vault")
    assert store(recipe.sink(LIVE_CODE="2")) == "exec:to-vault"
    assert recipe.arguments == ["kv", "put", "-mount=secret", "-cas=0", "api-keys/caas/1/76/web", "-"]
    assert json.loads(recipe.input) == {"secret": VALUE}


@needs_jq
@pytest.mark.parametrize("held", [None, "3"], ids=["not asked", "asked"])
def test_the_recipe_for_vault_writes_the_next_version(tmp_path: Path, held: str | None) -> None:
    recipe = Recipe(tmp_path, "to-vault")
    now = json.dumps({"data": {"current_version": 3 if held is None else 4}})
    recipe.sink(LIVE=now).store(WEB, SECRET, held)
    assert "-cas=3" in recipe.arguments


OBJECT = {
    "apiVersion": "v1",
    "kind": "Secret",
    "type": "Opaque",
    "metadata": {
        "name": "caas-1-76-web",
        "annotations": {"reconciler/address": "caas/1/76/web"},
        "labels": {"app.kubernetes.io/managed-by": "reconciler"},
    },
    "stringData": {"secret": VALUE},
}


@needs_jq
def test_the_recipe_for_kubectl_creates_a_secret(tmp_path: Path) -> None:
    recipe = Recipe(tmp_path, "to-kubernetes", "shop")
    store(recipe.sink())
    assert recipe.arguments == ["--namespace", "shop", "create", "-f", "-"]
    assert json.loads(recipe.input) == OBJECT


@needs_jq
def test_the_recipe_for_kubectl_replaces_the_version_that_it_has_seen(tmp_path: Path) -> None:
    recipe = Recipe(tmp_path, "to-kubernetes", "shop")
    metadata = {**OBJECT["metadata"], "resourceVersion": "7"}  # type: ignore[dict-item]  # it is an object
    store(recipe.sink(LIVE=json.dumps({"metadata": metadata})))
    assert recipe.arguments == ["--namespace", "shop", "replace", "-f", "-"]
    assert json.loads(recipe.input) == {**OBJECT, "metadata": metadata}


@needs_jq
def test_the_recipe_for_kubectl_does_not_change_unrelated_secrets(tmp_path: Path) -> None:
    recipe = Recipe(tmp_path, "to-kubernetes", "shop")
    reported = store_error(
        recipe.sink(LIVE=json.dumps({"metadata": {"annotations": {"reconciler/address": "x"}}}))
    )
    assert reported == "to-kubernetes ended with 1: caas-1-76-web is not of this key"
    assert not (tmp_path / "arguments").exists()


@needs_jq
@pytest.mark.parametrize("is_replaced", [False, True])
def test_the_recipe_for_github_sets_a_secret_that_is_not_there_or_of_a_replaced_key(
    tmp_path: Path, *, is_replaced: bool
) -> None:
    recipe = Recipe(tmp_path, "to-github", "acme/shop")
    place = Place(WEB.scope, WEB.name, is_replaced)
    store(recipe.sink(GH_NAMES="KEY_CAAS_1_76_WEB" if is_replaced else "KEY_WEB"), place)
    assert recipe.arguments == ["secret", "set", "KEY_CAAS_1_76_WEB", "--repo", "acme/shop"]
    assert recipe.input == VALUE


TAKEN = (
    "to-github ended with 1: KEY_CAAS_1_76_WEB exists in acme/shop: remove it, if it is of a key that is gone"
)


@needs_jq
@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"GH_NAMES": "OTHER\nKEY_CAAS_1_76_WEB"}, TAKEN),
        ({"GH_CODE": "4"}, "to-github ended with 4"),
    ],
)
def test_the_recipe_for_github_replaces_nothing_else(
    tmp_path: Path, environment: dict[str, str], reason: str
) -> None:
    recipe = Recipe(tmp_path, "to-github", "acme/shop")
    assert store_error(recipe.sink(**environment)) == reason
    assert not (tmp_path / "arguments").exists()


@needs_jq
@pytest.mark.parametrize(
    ("name", "live", "version"),
    [
        ("to-vault", {"data": {"current_version": 3}}, "3"),
        ("to-kubernetes", {"metadata": {**OBJECT["metadata"], "resourceVersion": "7"}}, "7"),  # type: ignore[dict-item]  # it is an object
        ("to-github", None, ""),
    ],
)
def test_a_probed_recipe_returns_the_version_and_stores_nothing(
    tmp_path: Path, name: str, live: Any, version: str
) -> None:
    recipe = Recipe(tmp_path, name, *RECIPES[name])
    plain = recipe.sink(LIVE=json.dumps(live))
    sink = ProbedExecSink(plain.command, plain.environment, plain.clock, plain.seconds)
    assert sink.probe([WEB]) == {WEB: version}
    assert not (tmp_path / "arguments").exists()


@needs_jq
@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_fails_if_its_program_does(tmp_path: Path, name: str) -> None:
    assert store_error(Recipe(tmp_path, name, *RECIPES[name]).sink(CODE="7")) == f"{name} ended with 7"


@needs_jq
@pytest.mark.parametrize("name", RECIPES)
def test_no_recipe_puts_the_secret_into_an_argument(tmp_path: Path, name: str) -> None:
    recipe = Recipe(tmp_path, name, *RECIPES[name])
    store(recipe.sink())
    assert not [word for word in recipe.arguments if "very" in word]
