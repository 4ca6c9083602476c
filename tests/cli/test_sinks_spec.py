"""What --secret-sink takes, and what it needs of the environment."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.apply.sinks import spec as sinks
from reconciler.apply.sinks.spec import SINKS, open_sink
from reconciler.cli.record_options import secret_sink_option
from reconciler.errors import ConfigurationError
from reconciler.model.system import SystemRandomness
from tests.apply.sinks import WEB, probe_error
from tests.support import FakeClock

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN = "hvs.never-shown"
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "KUBERNETES_SERVICE_HOST": "10.0.0.1",
    "KUBERNETES_SERVICE_PORT": "443",
    "VAULT_ADDR": "https://vault.example.com:8200",
    "VAULT_TOKEN": TOKEN,
}
FORMS = [kind.form for kind in SINKS.values()]
DATA = "vault:secret/data/x: remove data, which is only in paths of the API"
PAGE = (Path(__file__).parents[2] / "docs/secrets.md").read_text(encoding="utf-8")


def refused(spec: str, environment: Mapping[str, str] = ENVIRONMENT) -> str:
    with pytest.raises(ConfigurationError) as caught:
        open_sink(spec, FakeClock(), SystemRandomness(), "test/1", environment)
    assert TOKEN not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("spec", "shown"),
    [
        ("file:keys", f"FileSink(folder=PosixPath('{Path.cwd()}/keys'))"),
        ("file:/a b/c:d", "FileSink(folder=PosixPath('/a b/c:d'))"),
        ("kubernetes:shop", "KubernetesSink('shop')"),
        ("vault:secret/api-keys/", "VaultSink('secret/api-keys')"),
        ("vault:secret", "VaultSink('secret')"),
    ],
)
def test_a_sink_is_chosen_by_its_kind(spec: str, shown: str) -> None:
    assert repr(open_sink(spec, FakeClock(), SystemRandomness(), "test/1", ENVIRONMENT)) == shown


@pytest.mark.parametrize("kind", ["exec", "exec+probe"])
def test_a_command_is_split_into_words(kind: str) -> None:
    sink = open_sink(f"{kind}:true -n 'a b'", FakeClock(), SystemRandomness(), "test/1", ENVIRONMENT)
    assert getattr(sink, "command", None) == ("true", "-n", "a b")
    assert sink.probe([WEB]) == {WEB: None if kind == "exec" else ""}


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("fle:keys", "begins with 'fle', which is not a kind of sink; did you mean file:DIRECTORY?"),
        ("Vault:x", "begins with 'Vault', which is not a kind of sink; did you mean vault:MOUNT/PATH?"),
        ("", f"begins with '', which is not a kind of sink; known are {', '.join(FORMS)}"),
        ("file", "file: lacks what follows the colon: file:DIRECTORY"),
        ("exec: ", "exec: lacks what follows the colon: exec:COMMAND"),
        ("vault:", "vault: lacks what follows the colon: vault:MOUNT/PATH"),
        ("file:a\0b", "file: holds a NUL character"),
        ("file:~/keys", "file:~/keys: ~ is not expanded; write $HOME"),
        ("exec:sh -c 'a", "exec: the command cannot be read: No closing quotation"),
        ("exec:''", "exec: the command names no program"),
        ("exec+probe:", "exec+probe: lacks what follows the colon: exec+probe:COMMAND"),
        ("exec+probe:''", "exec+probe: the command names no program"),
        ("kubernetes:Shop", "kubernetes:Shop: a namespace is lower-case letters, digits, hyphens"),
        ("kubernetes:a/b", "kubernetes:a/b: a namespace is lower-case letters, digits, hyphens"),
        ("vault:a//b", "vault:a//b: write MOUNT/PATH, like secret/api-keys"),
        ("vault:/", "vault:/: write MOUNT/PATH, like secret/api-keys"),
        ("vault:a/../b", "vault:a/../b: write MOUNT/PATH, like secret/api-keys"),
        ("vault:secret/data/x", f"{DATA}: vault:secret/x"),
    ],
)
def test_a_text_that_is_not_a_sink_is_refused(spec: str, reason: str) -> None:
    assert refused(spec) == f"--secret-sink {reason}"


@pytest.mark.parametrize("missing", ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"])
def test_kubernetes_needs_a_pod(missing: str) -> None:
    assert "requires a pod, in which" in refused("kubernetes:shop", ENVIRONMENT | {missing: ""})


def test_a_cluster_may_have_an_ipv6_address() -> None:
    open_sink(
        "kubernetes:shop",
        FakeClock(),
        SystemRandomness(),
        "test/1",
        ENVIRONMENT | {"KUBERNETES_SERVICE_HOST": "fd00::1"},
    )
    assert "the cluster's address" in refused(
        "kubernetes:shop", ENVIRONMENT | {"KUBERNETES_SERVICE_HOST": "a b"}
    )


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"VAULT_ADDR": ""}, "needs VAULT_ADDR or BAO_ADDR, like https://vault.example.com:8200"),
        (
            {"VAULT_ADDR": "vault:8200"},
            "it has no scheme and host; set VAULT_ADDR to one like https://vault.example.com:8200",
        ),
        (
            {"VAULT_ADDR": "http://vault:8200"},
            "the address of Vault http://vault:8200 would send the token unencr",
        ),
        (
            {"VAULT_ADDR": f"https://{TOKEN}@vault"},
            "the address of Vault cannot be used: it holds a user name or password",
        ),
        (
            {"VAULT_ADDR": "https://vault/?x"},
            "an invalid character; set VAULT_ADDR to one like https://vault.ex",
        ),
        ({"VAULT_TOKEN": ""}, "needs a token: set VAULT_TOKEN or VAULT_TOKEN_FILE"),
        ({"VAULT_TOKEN": f"{TOKEN}\n{TOKEN}"}, "VAULT_TOKEN contains a character that is invalid in a token"),
        ({"VAULT_NAMESPACE": "a\nb"}, "VAULT_NAMESPACE contains an invalid character"),
    ],
)
def test_vault_needs_an_address_and_a_token(variables: dict[str, str], reason: str) -> None:
    assert reason in refused("vault:secret", ENVIRONMENT | variables)


def test_variables_of_openbao_are_equivalent(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    bao = {name.replace("VAULT", "BAO"): value for name, value in ENVIRONMENT.items()}
    sink = open_sink(
        "vault:secret", FakeClock(), SystemRandomness(), "test/1", bao | {"BAO_NAMESPACE": "team"}
    )
    assert vars(sink)["_namespace"] == "team"
    open_sink(
        "vault:secret",
        FakeClock(),
        SystemRandomness(),
        "test/1",
        ENVIRONMENT | bao | {"BAO_ADDR": "https://vault.example.com:8200/"},
    )
    file = {"VAULT_TOKEN": "", "BAO_TOKEN_FILE": str(tmp_path / "none")}
    reported = probe_error(
        open_sink("vault:secret", FakeClock(), SystemRandomness(), "test/1", ENVIRONMENT | file)
    )
    assert f"the file {tmp_path / 'none'} of BAO_TOKEN_FILE cannot be read" in reported


@pytest.mark.parametrize("name", ["ADDR", "TOKEN", "TOKEN_FILE", "NAMESPACE", "CACERT"])
def test_conflicting_variables_are_refused(name: str) -> None:
    both = {f"VAULT_{name}": "https://a", f"BAO_{name}": "https://b"}
    if name == "TOKEN_FILE":
        both["VAULT_TOKEN"] = ""
    reported = f"VAULT_{name} and BAO_{name} differ: unset the wrong one"
    assert reported in refused("vault:secret", ENVIRONMENT | both)


@pytest.mark.parametrize("address", ["http://127.0.0.1:8200", "http://localhost:8200", "http://[::1]:8200"])
def test_plain_http_is_allowed_only_on_loopback(address: str) -> None:
    open_sink(
        "vault:secret", FakeClock(), SystemRandomness(), "test/1", ENVIRONMENT | {"VAULT_ADDR": address}
    )


@pytest.mark.parametrize("content", [None, b"", b"two words", b"\xff", b"caf\xc3\xa9"])
def test_an_invalid_token_file_is_detected_by_the_probe(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    environment = ENVIRONMENT | {"VAULT_TOKEN": "", "VAULT_TOKEN_FILE": str(file)}
    sink = open_sink("vault:secret", FakeClock(), SystemRandomness(), "test/1", environment)
    assert f"the file {file} of VAULT_TOKEN_FILE" in probe_error(sink)


def test_invalid_vault_certificates_are_detected_by_the_probe(tmp_path: Path) -> None:
    environment = ENVIRONMENT | {"VAULT_CACERT": str(tmp_path / "none")}
    sink = open_sink("vault:secret", FakeClock(), SystemRandomness(), "test/1", environment)
    assert f"the trusted certificates in {tmp_path / 'none'} cannot be loaded" in probe_error(sink)


def test_documentation_and_help_name_every_sink_and_variable() -> None:
    assert [form for form in FORMS if f"| `{form}` |" not in PAGE] == []
    assert [name for name in SINKS if f"{name}:" not in secret_sink_option.args[0]] == []
    variables = re.findall(r"(?:VAULT|KUBERNETES)_[A-Z_]+", Path(sinks.__file__).read_text(encoding="utf-8"))
    assert [name for name in variables if f"`{name}`" not in PAGE] == []
