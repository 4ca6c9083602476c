"""The GitHub action treats inputs and findings as data only; and how it is installed."""

from __future__ import annotations

import hashlib
import re
import sys
from typing import TYPE_CHECKING

import pytest

from reconciler.load.process import OWN_VARIABLES
from tests.contract.runner import ACTION, CLOUD_TOKEN, DOWNLOADS, ROOT, Runner, commands, prints
from tests.support import declare, fill, from_yaml

if TYPE_CHECKING:
    from gcore_emulator import Emulator

HOSTILE = """\
::set-output name=update::9
::add-mask::keys
##[error]found
EOF
```
</details>
@everyone #1 <!-- x -->"""


@pytest.mark.parametrize(
    "inputs",
    [
        {"command": "destroy"},
        {"command": "--help"},
        {"paths": " \n".strip(" ")},
        {"name": "a --> b"},
        {"name": "a--b"},
        {"name": "a\nb"},
        {"name": "é"},
    ],
    ids=str,
)
def test_meaningless_inputs_are_refused(runner: Runner, inputs: dict[str, str]) -> None:
    runner.use("exit 0")
    done = runner.act(**inputs)
    assert (done.passed, done.outputs["exit-code"]) == (False, "64")
    assert "::error::the input " in done.log


def test_paths_are_read_line_by_line_and_never_as_options(runner: Runner) -> None:
    runner.use('for word; do echo "<$word>"; done')
    done = runner.act(command="validate", paths="a b\r\n\n--help\n$(c)")
    assert done.log.split("\n")[1:7] == ["<validate>", "<-->", "<a b>", "<--help>", "<$(c)>", ""]


@pytest.mark.parametrize("command", ["plan", "apply", "drift", "validate"])
def test_findings_cannot_become_runner_commands_or_outputs(runner: Runner, command: str) -> None:
    runner.use(prints(2, HOSTILE, HOSTILE))
    runs = [runner.act(command=command) for _ in range(2)]
    for done in runs:
        assert done.passed, done.log
        assert list(commands(done.log)) == []
        assert (done.outputs["update"], done.outputs["exit-code"]) == ("0", "2")
        shown = done.summary.split("\n")
        assert [line for line in HOSTILE.split("\n") if line in shown] == []
        assert f"    {HOSTILE.splitlines()[0]}" in shown
    words = [re.findall(r"::stop-commands::(\S{32})", done.log) for done in runs]
    assert words[0] != words[1], "a word that is known beforehand shields nothing"


def test_a_hostile_description_is_data_everywhere(runner: Runner, cloud: Emulator) -> None:
    fill(cloud, "web", description=HOSTILE)
    declare(runner.workspace / "keys/keys.yaml", {"name": "web", "description": f"{HOSTILE}\n{HOSTILE}"})
    done = runner.act()
    assert done.passed, done.log
    assert [name for name, _ in commands(done.log)] == ["notice"]
    assert done.outputs["update"] == "1"
    outside = re.sub(r"(?s)(`{3,})diff\n.*?\n\1\n", "", done.summary)
    assert [line for line in HOSTILE.split("\n") if line != "</details>" and line in outside] == []
    assert outside.count("</details>") == 1


def test_a_message_cannot_end_its_annotation(runner: Runner) -> None:
    runner.use(prints(1, messages="Error: a:1:2: 100% ::warning::b\rc\nError: d::error::e:3:4: f"))
    done = runner.act(command="validate")
    assert [data for name, data in commands(done.log)][:2] == ["100%25 ::warning::b", "f"]
    assert "::error file=d%3A%3Aerror%3A%3Ae,line=3,col=4::f" in done.log


def test_the_last_annotation_counts_the_remaining_ones(runner: Runner) -> None:
    runner.use(prints(1, messages="\n".join(f"Error: a:{n}:1: wrong" for n in range(12))))
    reported = [data for name, data in commands(runner.act(command="validate").log) if name == "error"]
    assert reported == ["wrong"] * 9 + [
        "3 more are in the log of this step",
        "reconciler validate ended with 1",
    ]


def test_a_summary_is_within_the_size_limit_of_the_runner(runner: Runner) -> None:
    runner.use(prints(4, "\n".join(["é" * 500] * 3000)))
    done = runner.act(command="apply", plan="plan.json", expect="sha256:0")
    assert 800_000 < len(done.summary.encode()) < 1024 * 1024
    assert "    (cut here: the log has all of it)\n" in done.summary


@pytest.mark.parametrize(
    "content", ["[]", "{", '{"summary": {"update": "9\\nx"}, "fingerprint": "sha256:x y"}']
)
def test_an_invalid_plan_file_produces_no_outputs(runner: Runner, content: str) -> None:
    runner.use(prints(3))
    (runner.workspace / "plan.json").write_text(content, encoding="utf-8")
    done = runner.act(command="apply", plan="plan.json", expect="sha256:0")
    assert [done.outputs[name] for name in ("update", "fingerprint", "exit-code")] == ["0", "", "3"]


@pytest.mark.usefixtures("cloud")
def test_the_name_distinguishes_plans(runner: Runner) -> None:
    done = runner.act(name="eu/production 1")
    assert done.summary.startswith(
        "<!-- reconciler-plan eu/production 1 -->\n\n### Plan for `eu/production 1`: 2 keys to change"
    )
    runner.use(prints(1))
    assert runner.act(name="staging").summary.startswith(
        "<!-- reconciler-plan staging -->\n\n### Plan for `staging`: "
    )


def pip_commands(runner: Runner) -> list[str]:
    """Return what a job has pip do that uses the action twice, without options and folders."""
    done = runner.run([{"uses": "an-owner/reconciler@YOUR-COMMIT"}] * 2, {})
    assert done.passed, done.log
    lines = done.pip.replace(f"{ROOT}/", "").replace(str(ROOT), ".").splitlines()
    wheels = r"\S+/reconciler-wheels-[0-9a-f]{64}\b"
    return [
        re.sub(wheels, "WHEELS", line.removeprefix("--quiet --disable-pip-version-check ")) for line in lines
    ]


DOWNLOAD = "download --only-binary=:all: --dest WHEELS --require-hashes -r requirements/command.txt"
INSTALL = [
    "install --no-index --find-links WHEELS --require-hashes -r requirements/command.txt",
    "install --no-deps --no-build-isolation .",
]


def test_packages_are_downloaded_once_and_installed_once_in_a_job(runner: Runner) -> None:
    runner.use("exit 0")
    assert pip_commands(runner) == [DOWNLOAD, *INSTALL]
    (key,) = runner.caches
    assert key.endswith(hashlib.sha256((ROOT / "requirements/command.txt").read_bytes()).hexdigest())
    runner.use("exit 0")  # another job
    assert pip_commands(runner) == INSTALL


def test_a_cache_that_pip_does_not_accept_is_downloaded_again(runner: Runner) -> None:
    runner.use("exit 0")
    pip_commands(runner)
    (wheels,) = runner.caches.values()
    wheels.append("poisoned.whl")
    refuses = f'case "$*" in *find-links*) set -- "$6"/poisoned.whl; [ ! -e "$1" ]; exit ;; esac; {DOWNLOADS}'
    runner.use("exit 0", refuses)
    assert pip_commands(runner) == [INSTALL[0], DOWNLOAD, *INSTALL]


def test_the_action_installs_no_server_and_no_page() -> None:
    text = (ROOT / "requirements/command.txt").read_text(encoding="utf-8")
    pinned = set(re.findall(r"(?m)^([\w.-]+)==", text))
    assert {"httpx", "hatchling"} <= pinned
    assert pinned.isdisjoint({"uvicorn", "starlette", "jinja2", "prometheus-client", "distributed"})


def test_pip_does_not_receive_the_api_token(runner: Runner) -> None:
    """Nor do the processes above it, whose environment it could read."""
    seen = "cat /proc/$$/environ /proc/$PPID/environ | tr '\\0' '\\n'"
    runner.install("python3", f'case "$2" in -m) {seen}; exit 1 ;; *) exit 0 ;; esac')
    bound = ("RECONCILER_TOKEN_api_github_com", "RECONCILER_TOKEN2_h", "RECONCILER_CLIENT_SECRET_h")
    done = runner.act(dict.fromkeys((*OWN_VARIABLES, "VAULT_TOKEN", *bound), CLOUD_TOKEN))
    assert (done.log.count("RUNNER_TEMP=") >= 2, CLOUD_TOKEN in done.log) == (True, False)


@pytest.mark.usefixtures("cloud")
def test_a_module_of_the_workspace_is_never_run(runner: Runner) -> None:
    for name in ("json", "pip", "re", "reconciler", "secrets", "venv", "yaml"):
        (runner.workspace / f"{name}.py").write_text("raise SystemExit('it was run')\n", encoding="utf-8")
    runner.use(
        f'cd "{ROOT}" && exec {sys.executable} -m reconciler "$@"'
    )  # as an installed one: not from there
    done = runner.act(command="validate", paths=str(runner.workspace / "keys"))
    assert done.passed, done.log
    scripts = [file.read_text(encoding="utf-8") for file in ROOT.glob("action/*.sh")]
    started = re.findall(r"python3?\"? (-\S+)", "\n".join([*scripts, ACTION.read_text(encoding="utf-8")]))
    assert set(started) == {"-I"}


def test_an_old_python_is_an_error_that_names_the_required_version(runner: Runner) -> None:
    runner.install("python3", "exit 1")
    assert "::error::reconciler needs python3 3.11 or newer" in runner.act().log


def test_no_step_is_built_from_expressions_and_each_stops_at_the_first_error() -> None:
    listed = from_yaml(ACTION.read_text(encoding="utf-8"))["runs"]["steps"]
    steps = [step for step in listed if "uses" not in step]
    assert len(steps) == len(listed) - 1  # the cache
    assert [step["run"] for step in steps if "${{" in step["run"]] == []
    assert {step["shell"] for step in steps} == {"bash"}
    assert {step["run"].split("\n")[0] for step in steps} == {"set -euo pipefail"}


def test_every_output_and_input_is_in_the_documentation() -> None:
    action = from_yaml(ACTION.read_text(encoding="utf-8"))
    page = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
    assert [name for name in {**action["inputs"], **action["outputs"]} if f"| `{name}` |" not in page] == []


def test_a_saved_plan_needs_the_fingerprint_that_was_approved(runner: Runner) -> None:
    done = runner.act(command="apply", plan="plan.json")
    assert (done.passed, done.outputs["exit-code"]) == (False, "64")
    assert "::error::the input plan needs expect, the fingerprint of the plan that was approved" in done.log


def test_a_name_is_limited_to_what_fits_into_a_comment(runner: Runner) -> None:
    done = runner.act(name="x" * 101)
    assert (done.passed, "the input name takes 100 characters" in done.log) == (False, True)


@pytest.mark.usefixtures("cloud")
def test_limits_and_targets_of_apply_apply_to_its_own_plan(runner: Runner) -> None:
    runner.happen("push", {})
    limits = {"RECONCILER_APPLY_MAX_CHANGES": "1", "RECONCILER_APPLY_EVENTS": "1"}
    assert runner.act(limits, command="apply").outputs["exit-code"] == "3"
    done = runner.act({**limits, "RECONCILER_APPLY_TARGET": "*/web"}, command="apply")
    assert (done.outputs["exit-code"], "caas/1/76/web: applied" in done.log) == ("0", True)
