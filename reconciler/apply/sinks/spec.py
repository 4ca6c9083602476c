"""Open a secret sink from its text, ``KIND:ARGUMENT``, as in ``--secret-sink``."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.api.address import checked_token, checked_url
from reconciler.api.exchange import HttpSettings
from reconciler.api.redaction import Redactor
from reconciler.apply.sinks.file import FileSink
from reconciler.apply.sinks.kubernetes import Cluster, KubernetesSink
from reconciler.apply.sinks.program import ExecSink, ProbedExecSink
from reconciler.apply.sinks.vault import VaultAccess, VaultSink
from reconciler.errors import ConfigurationError, os_reason
from reconciler.load.process import MACHINE, NETWORK, child_environment
from reconciler.model.expressions import expression
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import closest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.apply.sinks.sink import SecretSink
    from reconciler.model.clock import Clock
    from reconciler.model.randomness import Randomness
    from reconciler.model.secret import Secret

_NAMESPACE: Final = expression(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Run:
    """What a sink may depend on besides its argument."""

    clock: Clock
    randomness: Randomness
    user_agent: str
    environment: Mapping[str, str]
    passed: Sequence[str]
    redactor: Redactor

    def settings(self) -> HttpSettings:
        """Return the settings of connections to a server."""
        return HttpSettings(
            self.user_agent,
            self.clock,
            self.randomness,
            environment=self.environment,
            redactor=self.redactor,
        )

    def variables(self) -> Mapping[str, str]:
        """Return the environment of a program."""
        return child_environment(self.environment, MACHINE, NETWORK, passed=self.passed)


@dataclass(frozen=True, slots=True)
class SinkKind:
    """A kind of sink: ``form`` is how its text is written, ``opened`` returns the sink of an argument."""

    form: str
    opened: Callable[[str, _Run], SecretSink]


def _unusable(spec: str, what: str) -> ConfigurationError:
    return ConfigurationError(f"--secret-sink {spec}: {what}")


def _file_sink(folder: str, run: _Run) -> SecretSink:
    if folder.startswith("~"):
        raise _unusable(f"file:{folder}", "~ is not expanded; write $HOME")
    return FileSink(Path(folder).absolute(), run.randomness)


def _program_sink(command: str, run: _Run) -> SecretSink:
    words = _words("exec", command)
    return ExecSink(words, run.variables(), run.clock, redactor=run.redactor)


def _probed_program_sink(command: str, run: _Run) -> SecretSink:
    words = _words("exec+probe", command)
    return ProbedExecSink(words, run.variables(), run.clock, redactor=run.redactor)


def _words(kind: str, command: str) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise _unusable(kind, f"the command cannot be read: {error}") from error
    if not words or not words[0]:
        raise _unusable(kind, "the command names no program")
    return words


def _kubernetes_sink(namespace: str, run: _Run) -> SecretSink:
    if _NAMESPACE.fullmatch(namespace) is None:
        raise _unusable(f"kubernetes:{namespace}", "a namespace is lower-case letters, digits, hyphens")
    host = run.environment.get("KUBERNETES_SERVICE_HOST", "")
    port = run.environment.get("KUBERNETES_SERVICE_PORT", "")
    if not host or not port:
        where = "requires a pod, in which KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are set"
        raise _unusable("kubernetes", f"{where}; elsewhere, use exec: with kubectl")
    shown = f"[{host}]" if ":" in host else host
    address = checked_url(f"https://{shown}:{port}", "the cluster's address", "KUBERNETES_SERVICE_HOST")
    return KubernetesSink(namespace, Cluster(address), run.settings())


def _vault_sink(path: str, run: _Run) -> SecretSink:
    parts = path.strip("/").split("/")
    if not {"", ".", ".."}.isdisjoint(parts) or not path.isprintable():
        raise _unusable(f"vault:{path}", "write MOUNT/PATH, like secret/api-keys")
    if parts[1:2] == ["data"]:
        rest = "/".join([parts[0], *parts[2:]])
        raise _unusable(f"vault:{path}", f"remove data, which is only in paths of the API: vault:{rest}")
    address, named = _vault_setting(run.environment, "ADDR")
    if not address:
        raise _unusable("vault", "needs VAULT_ADDR or BAO_ADDR, like https://vault.example.com:8200")
    namespace, namer = _vault_setting(run.environment, "NAMESPACE")
    if not namespace.isascii() or not namespace.isprintable():
        raise ConfigurationError(f"{namer} contains an invalid character")
    ca_file, _ = _vault_setting(run.environment, "CACERT")
    access = VaultAccess(
        address=checked_url(address, "the address of Vault", named),
        token=_vault_token(run.environment),
        namespace=namespace.strip("/"),
        ca_file=Path(ca_file) if ca_file else None,
    )
    return VaultSink("/".join(parts), access, run.settings())


def _vault_setting(environment: Mapping[str, str], name: str) -> tuple[str, str]:
    """Return a setting of Vault or OpenBao, empty if it is not set, and the name of its variable.

    Raises ConfigurationError if the variables of both are set to different values.
    """
    vault, bao = f"VAULT_{name}", f"BAO_{name}"
    value, other = environment.get(vault, ""), environment.get(bao, "")
    if value and other and value.rstrip("/") != other.rstrip("/"):
        raise _unusable("vault", f"{vault} and {bao} differ: unset the wrong one")
    return (value, vault) if value or not other else (other, bao)


def _vault_token(environment: Mapping[str, str]) -> Callable[[], Secret]:
    """Return a function that reads the token: a file is read each time, because an agent replaces it."""
    token, named = _vault_setting(environment, "TOKEN")
    if token:
        checked = checked_token(token, named)
        return lambda: checked
    file, named = _vault_setting(environment, "TOKEN_FILE")
    if not file:
        variables = "VAULT_TOKEN or VAULT_TOKEN_FILE, or BAO_TOKEN or BAO_TOKEN_FILE"
        raise _unusable("vault", f"needs a token: set {variables}")
    return lambda: _read_token(Path(file), named)


def _read_token(file: Path, named: str) -> Secret:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = os_reason(error, "it is not UTF-8 text")
        raise ConfigurationError(f"the file {file} of {named} cannot be read: {reason}") from None
    return checked_token(text.strip(), f"the file {file} of {named}")


SINKS: Final[Mapping[str, SinkKind]] = {
    "exec": SinkKind("exec:COMMAND", _program_sink),
    "exec+probe": SinkKind("exec+probe:COMMAND", _probed_program_sink),
    "file": SinkKind("file:DIRECTORY", _file_sink),
    "kubernetes": SinkKind("kubernetes:NAMESPACE", _kubernetes_sink),
    "vault": SinkKind("vault:MOUNT/PATH", _vault_sink),
}
"""Every kind of sink, by the word before the colon."""


def open_sink(  # noqa: PLR0913, PLR0917 - all that any of the sinks depends on
    spec: str,
    clock: Clock,
    randomness: Randomness,
    user_agent: str,
    environment: Mapping[str, str],
    passed: Sequence[str] = (),
    redactor: Redactor | None = None,
) -> SecretSink:
    """Return the sink of ``spec``; nothing is opened before its ``probe``.

    ``passed`` are the variables that a program may have beyond those that every program may have;
    ``redactor`` knows the secrets of the run. Raises ConfigurationError if the text, or a variable of the
    environment that the sink needs, is unusable.
    """
    name, _, argument = spec.partition(":")
    kind = SINKS.get(name)
    if kind is None:
        close = closest(name.lower(), SINKS)
        known = ", ".join(each.form for each in SINKS.values())
        advice = f"did you mean {SINKS[close].form}?" if close else f"known are {known}"
        raise ConfigurationError(f"--secret-sink begins with {name!r}, which is not a kind of sink; {advice}")
    if not argument.strip():
        raise _unusable(name, f"lacks what follows the colon: {kind.form}")
    if "\0" in argument:
        raise _unusable(name, "holds a NUL character")
    return kind.opened(
        argument, _Run(clock, randomness, user_agent, environment, passed, redactor or Redactor())
    )
