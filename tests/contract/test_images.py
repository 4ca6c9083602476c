"""The image is built from pinned packages, contains no secret, and runs as an unprivileged user."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from reconciler.cli.main import cli
from tests.support import from_yaml

ROOT = Path(__file__).parents[2]
RUNTIME = ROOT / "requirements/runtime.txt"

Instruction = tuple[str, str]


def stages() -> list[list[Instruction]]:
    """Return the instructions of each stage with their arguments, without what precedes the first."""
    text = re.sub(r"(?m)^#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    found: list[list[Instruction]] = []
    for line in text.replace("\\\n", " ").splitlines():
        name, _, arguments = line.partition(" ")
        if name == "FROM":
            found.append([])
        if found and name:
            found[-1].append((name, " ".join(arguments.split())))
    return found


def arguments(stage: list[Instruction], name: str) -> list[str]:
    return [given for each, given in stage if each == name]


BUILD, FINAL = stages()


def test_both_stages_use_one_pinned_base_image() -> None:
    assert arguments(BUILD, "FROM") == ["${BASE} AS build"]
    assert arguments(FINAL, "FROM") == ["${BASE}"]
    assert "ARG BASE=python:3.13-slim\n" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_downloads_are_pinned_by_hash_and_nothing_else_is_downloaded() -> None:
    commands = " && ".join(arguments(BUILD, "RUN")).split(" && ")
    pip = [shlex.split(command) for command in commands if " pip " in command]
    assert len(pip) == 4
    for words in pip:
        is_pinned = words[-3:-1] == ["--require-hashes", "-r"]
        assert is_pinned != ("--no-deps" in words), words
    assert [command for command in commands if re.search(r"curl|wget|apt|git\b", command)] == []


def test_the_final_stage_only_copies_build_results() -> None:
    assert arguments(FINAL, "COPY") == ["--from=build /opt/reconciler /opt/reconciler"]
    assert arguments(FINAL, "RUN") == []
    assert [name for stage in (BUILD, FINAL) for name, _ in stage if name in {"ADD", "SHELL", "VOLUME"}] == []


def test_the_image_runs_the_command_as_a_numeric_non_root_user() -> None:
    assert arguments(FINAL, "USER") == ["65532:65532"]
    assert arguments(FINAL, "ENTRYPOINT") == ['["reconciler"]']
    assert arguments(FINAL, "HEALTHCHECK") == ["NONE"]


@pytest.mark.parametrize(
    "manifest",
    [
        "kubernetes/cronjob.yaml",
        "kubernetes-apply/job.yaml",
        "kubernetes-service/deployment.yaml",
        "dask/scheduler.yaml",
        "dask/worker.yaml",
    ],
)
def test_the_manifests_run_it_as_the_same_user(manifest: str) -> None:
    text = (ROOT / "deploy" / manifest).read_text(encoding="utf-8")
    assert re.findall(r"run\w+: (\d+)", text) == ["65532", "65532"]


def test_the_manifests_set_arguments_and_no_command() -> None:
    for manifest in ("kubernetes/cronjob", "kubernetes-apply/job", "kubernetes-service/deployment"):
        text = (ROOT / f"deploy/{manifest}.yaml").read_text(encoding="utf-8")
        assert " command:" not in text


def test_the_image_says_what_it_is_and_where_it_is_from() -> None:
    (labels,) = arguments(FINAL, "LABEL")
    words = dict(word.split("=", 1) for word in shlex.split(labels))
    names = {"title", "description", "licenses", "base.name", "version", "revision", "created", "source"}
    assert {name.removeprefix("org.opencontainers.image.") for name in words} == names
    used = {match for value in words.values() for match in re.findall(r"\$\{(\w+)\}", value)}
    declared = {word.partition("=")[0] for line in arguments(FINAL, "ARG") for word in line.split()}
    assert used == declared  # an argument of another stage is empty here
    assert words["org.opencontainers.image.licenses"] == "MIT"


def test_bytecode_is_not_written_and_memory_arenas_are_limited() -> None:
    (variables,) = arguments(FINAL, "ENV")
    assert {"MALLOC_ARENA_MAX=2", "PYTHONDONTWRITEBYTECODE=1"} <= set(variables.split())


def test_neither_the_image_nor_its_build_context_contains_a_secret() -> None:
    given = [value for stage in (BUILD, FINAL) for name in ("ENV", "ARG") for value in arguments(stage, name)]
    assert [value for value in given if re.search(r"(?i)key|token|secret|password", value)] == []
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in ignored if not line.startswith("#")]
    assert patterns[0] == "*", "what is not named stays out"
    assert patterns[-1] == "**/.*"


def test_every_copied_file_exists_and_is_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_through = {line[1:] for line in ignored if line.startswith("!")}
    copied = [word for given in arguments(BUILD, "COPY") for word in given.split()[:-1]]
    assert [name for name in let_through if not (ROOT / name).exists()] == []
    assert {name.split("/")[0] for name in copied} == {name.split("/")[0] for name in let_through}


def test_the_wheel_is_built_from_every_file_that_its_metadata_names() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    copied = {word for given in arguments(BUILD, "COPY") for word in given.split()[:-1]}
    included = build["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {name.split("/")[0] for name in (*included["packages"], *included["force-include"])} <= copied
    assert {build["project"]["readme"], *build["project"]["license-files"]} <= copied


def test_the_image_has_the_tested_package_versions() -> None:
    tested = (ROOT / "requirements/dev.txt").read_text(encoding="utf-8")
    pinned = re.findall(r"(?m)^([\w.-]+==\S+)", RUNTIME.read_text(encoding="utf-8"))
    assert len(pinned) > 10
    assert [package for package in pinned if f"\n{package} " not in tested] == []


def test_the_image_of_a_cluster_has_all_of_the_other_one_and_the_engine() -> None:
    runtime, cluster = (
        set(re.findall(r"(?m)^([\w.-]+==\S+)", (ROOT / f"requirements/{name}.txt").read_text("utf-8")))
        for name in ("runtime", "cluster")
    )
    assert runtime < cluster
    assert any(package.startswith("distributed==") for package in cluster - runtime)


def test_every_package_has_hashes_and_no_url() -> None:
    text = RUNTIME.read_text(encoding="utf-8")
    assert "://" not in text
    entries = re.split(r"(?m)^(?=[a-z])", text)[1:]
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_image_has_the_extras_of_a_service_and_no_emulator() -> None:
    pinned = set(re.findall(r"(?m)^([\w.-]+)==", RUNTIME.read_text(encoding="utf-8")))
    assert {"prometheus-client", "jinja2"} <= pinned
    assert pinned.isdisjoint({"starlette", "uvicorn", "hatchling", "pytest"})


def test_the_example_in_its_first_lines_runs_a_command_that_exists() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    words = re.findall(r"(?m)^# docker run .*? reconciler (.+)$", text)[0].split()
    assert cli.commands[words[0]].make_context(words[0], words[1:], parent=click.Context(cli)).params["paths"]


@pytest.mark.parametrize("command", ["validate", "fmt"])
def test_a_pre_commit_hook_is_offline_and_reads_all_files(command: str) -> None:
    hooks = from_yaml((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    (hook,) = [one for one in hooks if one["id"] == f"reconciler-{command}"]
    assert set(hook) == {"id", "name", "description", "entry", "language", "pass_filenames", "args", "files"}
    assert (hook["entry"], hook["language"]) == (f"reconciler {command}", "python")
    assert (hook["pass_filenames"], hook["args"]) == (False, ["keys"])
    assert re.search(hook["files"], "keys/shop.yml")
    assert not re.search(hook["files"], "keys/readme.md")
