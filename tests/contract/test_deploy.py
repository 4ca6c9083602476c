"""The manifests in deploy/ are valid, and safe by default."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click
import pytest

from reconciler.cli.main import cli
from tests.contract.forge import DEPLOY, JOB, WORKFLOW
from tests.contract.runner import ROOT
from tests.support import from_yaml

if TYPE_CHECKING:
    from pathlib import Path

UNITS = sorted(DEPLOY.glob("systemd/*"))
SERVICES = sorted(DEPLOY.glob("systemd/*.service"))
BASES = sorted(path.parent for path in DEPLOY.glob("*/kustomization.yaml"))
KUBERNETES = [
    path for base in BASES for path in sorted(base.glob("*.yaml")) if path.name != "kustomization.yaml"
]


def document(name: str) -> Any:
    return from_yaml((DEPLOY / name).read_text(encoding="utf-8"))


PODS: dict[str, Any] = {
    "kubernetes": document("kubernetes/cronjob.yaml")["spec"]["jobTemplate"]["spec"]["template"]["spec"],
    "kubernetes-service": document("kubernetes-service/deployment.yaml")["spec"]["template"]["spec"],
}
APPLY: dict[str, Any] = document("kubernetes-apply/job.yaml")["spec"]["template"]["spec"]
ALL_PODS = PODS | {"kubernetes-apply": APPLY}
DASK: dict[str, Any] = {
    name: document(f"dask/{name}.yaml")["spec"]["template"]["spec"] for name in ("scheduler", "worker")
}


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.name)
def test_a_base_names_all_of_its_files(base: Path) -> None:
    names = document(f"{base.name}/kustomization.yaml")["resources"]
    assert names == [path.name for path in KUBERNETES if path.parent == base]


@pytest.mark.parametrize("pod", (PODS | DASK).values(), ids=PODS | DASK)
def test_a_pod_that_only_looks_has_no_rights_in_the_cluster(pod: dict[str, Any]) -> None:
    assert pod["automountServiceAccountToken"] is False
    assert "serviceAccountName" not in pod


def test_an_apply_in_the_cluster_may_store_secrets_in_its_namespace_and_nothing_more() -> None:
    account, role, binding = (
        document(f"kubernetes-apply/{name}.yaml") for name in ("serviceaccount", "role", "rolebinding")
    )
    assert APPLY["serviceAccountName"] == account["metadata"]["name"]
    assert account["automountServiceAccountToken"] is False
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create", "get", "update"]}
    ]
    kinds = {"kind": "Role", "name": role["metadata"]["name"], "apiGroup": "rbac.authorization.k8s.io"}
    assert (role["kind"], binding["roleRef"]) == ("Role", kinds)
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": account["metadata"]["name"]}]
    wanted = (
        (ROOT / "docs/secrets.md")
        .read_text(encoding="utf-8")
        .split("this role, and nothing more:\n\n```yaml\n")
    )
    assert role["rules"] == from_yaml(wanted[1].split("```")[0])["rules"]


def test_an_apply_in_the_cluster_runs_once_and_stores_secrets_where_it_runs() -> None:
    job = document("kubernetes-apply/job.yaml")["spec"]
    assert (job["backoffLimit"], APPLY["restartPolicy"]) == (0, "Never")
    assert APPLY["terminationGracePeriodSeconds"] >= 180
    (container,) = APPLY["containers"]
    assert "--secret-sink=kubernetes:$(NAMESPACE)" in container["args"]
    namespace = {"fieldRef": {"fieldPath": "metadata.namespace"}}
    assert {"name": "NAMESPACE", "valueFrom": namespace} in container["env"]


@pytest.mark.parametrize("pod", (ALL_PODS | DASK).values(), ids=ALL_PODS | DASK)
def test_a_pod_is_unprivileged_and_writes_to_its_volumes_only(pod: dict[str, Any]) -> None:
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(container["resources"]) == {"requests", "limits"}


@pytest.mark.parametrize("pod", ALL_PODS.values(), ids=ALL_PODS)
def test_a_pod_reads_its_token_from_a_group_readable_file(pod: dict[str, Any]) -> None:
    (container,) = pod["containers"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
    environment = {entry["name"]: entry["value"] for entry in container["env"] if "value" in entry}
    assert environment == {"GCORE_API_KEY_FILE": "/token/token", "RECONCILER_STRICT_ENV": "1"}
    assert mounts["token"] == {"name": "token", "mountPath": "/token", "readOnly": True}
    assert volumes["token"]["secret"]["defaultMode"] == 0o440
    assert set(volumes) == set(mounts)


def test_workers_alone_have_the_token_where_the_reconciler_has_it() -> None:
    token = {"name": "token", "mountPath": "/token", "readOnly": True}
    assert [token in pod["containers"][0]["volumeMounts"] for pod in DASK.values()] == [False, True]
    place = {"name": "GCORE_API_KEY_FILE", "value": "/token/token"}
    for pod in (DASK["worker"], *PODS.values()):
        assert place in pod["containers"][0]["env"]
        assert {volume["name"]: volume for volume in pod["volumes"]}["token"]["secret"] == {
            "secretName": "reconciler-token",
            "defaultMode": 0o440,
        }


@pytest.mark.parametrize("role", DASK)
def test_settings_of_dask_are_the_same_on_one_machine(role: str) -> None:
    (container,) = DASK[role]["containers"]
    own = document("dask/compose.yml")["services"][role]["environment"]
    settings = {one["name"]: one["value"] for one in container["env"] if one["name"].startswith("DASK_")}
    assert settings == {name: value for name, value in own.items() if name.startswith("DASK_")} != {}


def test_only_the_reconciler_and_the_cluster_itself_reach_the_cluster() -> None:
    policies = [document(f"dask/networkpolicy-{name}.yaml")["spec"] for name in DASK]
    labels = [document(f"dask/{name}.yaml")["spec"]["template"]["metadata"]["labels"] for name in DASK]
    assert [policy["podSelector"]["matchLabels"] for policy in policies] == labels
    (schedulers,), (workers,) = ([rule["from"] for rule in policy["ingress"]] for policy in policies)
    (names,) = schedulers[0]["podSelector"]["matchExpressions"]
    assert names["values"] == ["reconciler-dask-worker", "reconciler-drift", "reconciler-watch"]
    assert [source["podSelector"] for source in workers] == [{"matchLabels": labels[0]}]
    for policy, pod, word in zip(policies, DASK.values(), ("--port", "--worker-port"), strict=True):
        (container,) = pod["containers"]
        port = container["ports"][0]["containerPort"]
        assert [each["port"] for rule in policy["ingress"] for each in rule["ports"]] == [port]
        assert container["args"][container["args"].index(word) + 1] == str(port)
    service = document("dask/service.yaml")
    address = f"tcp://{service['metadata']['name']}:{service['spec']['ports'][0]['port']}"
    assert address in DASK["worker"]["containers"][0]["args"]
    assert service["spec"]["selector"] == labels[0]


def test_rounds_of_the_cron_job_never_overlap() -> None:
    spec = document("kubernetes/cronjob.yaml")["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["schedule"] == "*/15 * * * *"
    assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] < 15 * 60


def test_only_one_instance_of_the_service_runs() -> None:
    spec = document("kubernetes-service/deployment.yaml")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_a_stuck_service_is_restarted_and_failing_rounds_make_it_unready() -> None:
    (container,) = PODS["kubernetes-service"]["containers"]
    (port,) = container["ports"]
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": port["name"]}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": port["name"]}
    assert f"--metrics-port={port['containerPort']}" in container["args"]


def test_the_history_outlives_the_pod() -> None:
    pod = PODS["kubernetes-service"]
    claim = document("kubernetes-service/persistentvolumeclaim.yaml")["metadata"]["name"]
    assert {"name": "history", "persistentVolumeClaim": {"claimName": claim}} in pod["volumes"]
    assert {"name": "history", "mountPath": "/history"} in pod["containers"][0]["volumeMounts"]
    assert "--history=/history/history.db" in pod["containers"][0]["args"]


def test_metrics_of_an_unready_pod_are_scraped() -> None:
    service = document("kubernetes-service/service.yaml")
    template = document("kubernetes-service/deployment.yaml")["spec"]["template"]
    (port,) = service["spec"]["ports"]
    assert service["spec"]["publishNotReadyAddresses"] is True
    assert service["spec"]["selector"].items() <= template["metadata"]["labels"].items()
    assert service["metadata"]["annotations"] == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(port["port"]),
        "prometheus.io/path": "/metrics",
    }


def test_the_status_page_is_closed_to_other_namespaces() -> None:
    policy = document("kubernetes-service/networkpolicy.yaml")["spec"]
    labels = document("kubernetes-service/deployment.yaml")["spec"]["template"]["metadata"]["labels"]
    assert policy["podSelector"]["matchLabels"] == labels
    assert policy["policyTypes"] == ["Ingress"]
    assert [set(source) for rule in policy["ingress"] for source in rule["from"]] == [{"namespaceSelector"}]


def commands() -> dict[str, list[str]]:
    """Return the words after ``reconciler`` of every manifest, those of commented examples too."""
    found = {name: pod["containers"][0]["args"] for name, pod in ALL_PODS.items()}
    for path in SERVICES:
        text = re.sub(r"\\\n#?", " ", path.read_text(encoding="utf-8"))
        for number, line in enumerate(re.findall(r"(?m)^#?ExecStart=\S+/reconciler (.*)", text), 1):
            found[f"{path.name} {number}"] = line.split()
    for path in sorted([*DEPLOY.glob("github/*.yml"), *DEPLOY.glob("gitlab/*.yml")]):
        for number, line in enumerate(
            re.findall(r"(?m)^ +reconciler ([^>\n]+?)(?: >|$)", path.read_text("utf-8")), 1
        ):
            found[f"{path.parent.name} {path.stem} {number}"] = line.split()
    return found


def test_every_deployment_is_covered_by_these_tests() -> None:
    assert list(commands()) == [
        "kubernetes",
        "kubernetes-service",
        "kubernetes-apply",
        "reconciler-drift.service 1",
        "reconciler-drift.service 2",
        "reconciler-watch.service 1",
        "github drift 1",
        *(f"github rotation {number}" for number in range(1, 5)),
        "gitlab drift 1",
        *(f"gitlab rotation {number}" for number in range(1, 5)),
    ]


@pytest.mark.parametrize("words", commands().values(), ids=commands())
def test_a_manifest_runs_a_command_that_exists(words: list[str]) -> None:
    name, *arguments = words
    context = cli.commands[name].make_context(name, arguments, parent=click.Context(cli))
    assert context.params["paths"]


def test_nothing_that_is_made_to_look_changes_a_key() -> None:
    found = {name for name, words in commands().items() if "apply" in words or "--correct" in str(words)}
    assert found == {"kubernetes-apply"}


def settings(unit: Path) -> dict[str, list[str]]:
    """Return the settings of a unit, each with its values in order."""
    found: dict[str, list[str]] = {}
    text = unit.read_text(encoding="utf-8").replace("\\\n", " ")
    for name, value in re.findall(r"(?m)^(\w+)=(.*)", text):
        found.setdefault(name, []).append(value)
    return found


def test_the_services_are_hardened_alike() -> None:
    once, watch = (settings(DEPLOY / f"systemd/reconciler-{name}.service") for name in ("drift", "watch"))
    own = {"Type", "Description", "After", "ExecStart", "TimeoutStartSec"}
    shared = [name for name in once if name not in own | {"SuccessExitStatus"}]
    assert {name: once[name] for name in shared} == {name: watch.get(name) for name in shared}
    assert {"DynamicUser", "NoNewPrivileges", "ProtectSystem", "SystemCallFilter"} <= set(shared)


def test_the_watch_and_the_timer_exclude_each_other() -> None:
    watch = settings(DEPLOY / "systemd/reconciler-watch.service")
    assert watch["Conflicts"] == ["reconciler-drift.timer reconciler-drift.service"]


def test_the_watch_reports_itself_alive_and_restarted_when_it_hangs_or_fails() -> None:
    watch = settings(DEPLOY / "systemd/reconciler-watch.service")
    assert (watch["Type"], watch["NotifyAccess"], watch["WatchdogSec"]) == (["notify"], ["main"], ["10min"])
    assert (watch["Restart"], watch["RestartPreventExitStatus"]) == (["on-failure"], ["64"])


def test_drift_does_not_fail_the_timer_unit() -> None:
    assert settings(DEPLOY / "systemd/reconciler-drift.service")["SuccessExitStatus"] == ["2"]


def workflow() -> Any:
    return from_yaml(WORKFLOW.read_text(encoding="utf-8"))


def job() -> Any:
    return from_yaml(JOB.read_text(encoding="utf-8"))["reconciler-drift"]


def scripts() -> dict[str, tuple[str, str]]:
    """Return every script with its shell, by its place."""
    found = {"gitlab": ("sh", "\n".join(job()["script"]))}
    for path in sorted(DEPLOY.glob("github/*.yml")):
        for name, each in from_yaml(path.read_text(encoding="utf-8"))["jobs"].items():
            for number, step in enumerate(each["steps"], 1):
                if "run" in step:
                    found[f"{path.name} {name} {number}"] = ("bash", step["run"])
    return found


def test_the_workflow_has_only_read_and_issue_permissions() -> None:
    assert workflow()["permissions"] == {}
    assert [each["permissions"] for each in workflow()["jobs"].values()] == [
        {"contents": "read", "issues": "write"}
    ]


def test_runs_are_serialized_and_limited_in_time() -> None:
    assert workflow()["concurrency"] == {"group": "reconciler-drift", "cancel-in-progress": False}
    assert workflow()["jobs"]["drift"]["timeout-minutes"] < 15
    assert (job()["resource_group"], job()["timeout"]) == ("reconciler-drift", "10 minutes")


def test_the_job_runs_on_a_schedule_only() -> None:
    assert job()["rules"] == [{"if": '$CI_PIPELINE_SOURCE == "schedule"'}]


def test_steps_run_in_order_in_one_directory_as_the_schedule_tests_assume() -> None:
    steps = workflow()["jobs"]["drift"]["steps"]
    assert [step for step in steps if not {"if", "shell", "working-directory"}.isdisjoint(step)] == []


@pytest.mark.parametrize("place", scripts())
def test_no_script_is_built_from_expressions(place: str) -> None:
    assert "${{" not in scripts()[place][1]
