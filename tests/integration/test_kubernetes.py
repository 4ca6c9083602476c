"""kubectl builds the bases of deploy/ and would create them; they match Kubernetes' own schemas."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any, Final

import kubernetes_validate  # type: ignore[import-untyped]  # it has no types
import pytest
import yaml

from counterparts import ROOT, find
from tests.contract.test_deploy import BASES, KUBERNETES
from tests.support import serving

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VERSIONS: Final = ("1.30", "1.36")
with_kubectl: Final = pytest.mark.counterpart("kubectl")
RESOURCES: Final[Mapping[str, Mapping[str, str]]] = {
    "v1": {
        "PersistentVolumeClaim": "persistentvolumeclaims",
        "Service": "services",
        "ServiceAccount": "serviceaccounts",
    },
    "apps/v1": {"Deployment": "deployments"},
    "batch/v1": {"CronJob": "cronjobs", "Job": "jobs"},
    "networking.k8s.io/v1": {"NetworkPolicy": "networkpolicies"},
    "rbac.authorization.k8s.io/v1": {"Role": "roles", "RoleBinding": "rolebindings"},
}
"""What a cluster has, as far as the manifests use it."""


class _Discovery(BaseHTTPRequestHandler):
    """Answers what kubectl asks before a dry run: which resources there are. There is no other request."""

    def do_GET(self) -> None:  # the name is the library's
        path = self.path.partition("?")[0].strip("/")
        found: dict[str, Any] = {}
        if path == "api":
            found = {"kind": "APIVersions", "versions": ["v1"]}
        elif path == "apis":
            groups = [version.split("/") for version in RESOURCES if "/" in version]
            versions = {
                name: {"groupVersion": f"{name}/{number}", "version": number} for name, number in groups
            }
            found = {
                "kind": "APIGroupList",
                "groups": [
                    {"name": name, "versions": [each], "preferredVersion": each}
                    for name, each in versions.items()
                ],
            }
        elif (version := path.removeprefix("apis/").removeprefix("api/")) in RESOURCES:
            resources = [
                {
                    "name": name,
                    "singularName": "",
                    "kind": kind,
                    "namespaced": True,
                    "verbs": ["create", "get"],
                }
                for kind, name in RESOURCES[version].items()
            ]
            found = {"kind": "APIResourceList", "groupVersion": version, "resources": resources}
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(found).encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the library's
        """Log nothing."""


def kubectl(*words: str) -> str:
    done = subprocess.run([str(find("kubectl")), *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def validate(document: Any) -> None:
    for version in VERSIONS:
        kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.counterpart("kubernetes-validate")
@pytest.mark.parametrize("path", KUBERNETES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_manifest_is_valid(path: Path) -> None:
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        validate(document)


@pytest.mark.counterpart("kubernetes-validate")
def test_strict_validation_refuses_a_member_that_does_not_exist() -> None:
    document = yaml.safe_load(KUBERNETES[0].read_text(encoding="utf-8"))
    with pytest.raises(kubernetes_validate.ValidationError):
        validate({**document, "spec": {**document["spec"], "sheduled": True}})


@with_kubectl
@pytest.mark.parametrize("base", BASES, ids=lambda base: base.name)
def test_a_base_is_built_and_is_valid(base: Path) -> None:
    built = list(yaml.safe_load_all(kubectl("kustomize", str(base))))
    sources = [path.read_text(encoding="utf-8") for path in KUBERNETES if path.parent == base]
    assert len(built) == sum(len(list(yaml.safe_load_all(text))) for text in sources)
    for document in built:
        validate(document)


@with_kubectl
@pytest.mark.parametrize("base", BASES, ids=lambda base: base.name)
def test_every_object_of_a_base_would_be_created(base: Path, tmp_path: Path) -> None:
    built = list(yaml.safe_load_all(kubectl("kustomize", str(base))))
    words = ("create", "--dry-run=client", "--validate=false", "--output=name", "--kustomize", str(base))
    with serving(HTTPServer(("127.0.0.1", 0), _Discovery)) as url:
        shown = kubectl("--server", url, "--cache-dir", str(tmp_path), *words).split()
    assert sorted(name.partition("/")[2] for name in shown) == sorted(
        document["metadata"]["name"] for document in built
    )


def overlays() -> dict[str, str]:
    """Return every overlay of the documentation, by its page."""
    pages = {page.stem: page.read_text(encoding="utf-8") for page in sorted(ROOT.glob("docs/*.md"))}
    return {
        f"{name}-{number}": text
        for name, page in pages.items()
        for number, text in enumerate(re.findall(r"(?ms)^```yaml\n(.*?)^```", page))
        if "\nkind: Kustomization\n" in text
    }


@with_kubectl
@pytest.mark.parametrize("overlay", overlays().values(), ids=overlays())
def test_an_overlay_of_the_documentation_brings_files_token_and_image(overlay: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    folder = tmp_path / "overlays/own"
    folder.mkdir(parents=True)
    for name in ("keys.yaml", "token"):
        (folder / name).write_text("made up", encoding="utf-8")
    digest = "sha256:" + "0" * 64
    filled = overlay.replace("sha256:\u2026", digest)
    (folder / "kustomization.yaml").write_text(filled, encoding="utf-8")
    text = kubectl("kustomize", str(folder))
    built = list(yaml.safe_load_all(text))
    for document in built:
        validate(document)
    made = {document["metadata"]["name"] for document in built if document["kind"] in {"ConfigMap", "Secret"}}
    assert {name.rpartition("-")[0] for name in made} == {"reconciler-keys", "reconciler-token"}
    (pod,) = (document["spec"] for document in built if document["kind"] in {"CronJob", "Job"})
    used = json.dumps(pod)
    assert [name for name in made if f'"{name}"' not in used] == []
    assert f'"image": "registry.example.com/reconciler@{digest}"' in used
    assert "reconciler.invalid" not in text
