"""Child processes: an environment made for each from lists of names, never ours less a few; and their run."""

from __future__ import annotations

import fnmatch
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import field
from typing import TYPE_CHECKING, Final

from reconciler.errors import ConfigurationError
from reconciler.model.configuration import BOUND_SECRETS
from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

OWN_VARIABLES: Final = (
    *("GCORE_API_KEY", "RECONCILER_DRIFT_WEBHOOK"),
    *("RECONCILER_DRIFT_SLACK", "RECONCILER_DRIFT_TEAMS", "RECONCILER_DRIFT_SMTP_PASSWORD"),
    *("RECONCILER_DRIFT_WEBHOOK_SECRET", "RECONCILER_WEBHOOK_SECRET"),
)
"""What holds a token or a secret of this program, beside the variables that bind one to a host."""
BOUND_VARIABLE: Final = re.compile(f"RECONCILER_(?:{'|'.join(BOUND_SECRETS)})_[a-z0-9_]+", re.ASCII)
"""Variables that bind a secret to a host."""
MACHINE: Final = (
    *("HOME", "LANG", "LANGUAGE", "LC_*", "LOGNAME"),
    *("PATH", "TMPDIR", "TZ", "USER", "XDG_CONFIG_HOME"),
)
"""What every program may know: who runs it, where, in which language."""
NETWORK: Final = (
    *("SSL_CERT_DIR", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"),
    *("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"),
    *("all_proxy", "https_proxy", "http_proxy", "no_proxy"),
)
"""How a program that talks gets out of this machine, and whom it trusts."""
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\*?", re.ASCII)
_PART: Final = 2**16
_POLL: Final = 0.05


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended: its exit code, None if it took too long and was killed, and its output."""

    code: int | None
    out: bytes = field(repr=False)
    err: bytes = field(repr=False)


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    seconds: float,
    content: bytes = b"",
    most: int = sys.maxsize,
) -> Ended:
    """Run a program that reads ``content``; return the last ``most`` bytes of its output and of its errors.

    It runs in a session of its own, so that Ctrl-C does not end it halfway. After ``seconds`` it is killed
    with all that it started. A pipe that a grandchild holds open is not waited for. Raises OSError or
    ValueError if it cannot be run.
    """
    outputs = bytearray(), bytearray()
    with subprocess.Popen(  # noqa: S603 - what the operator names, without a shell
        command,
        stdin=subprocess.PIPE if content else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
        bufsize=0,
    ) as process:
        try:
            _communicate(process, content, seconds, most, outputs)
        finally:
            is_late = process.poll() is None
            if is_late:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
    return Ended(None if is_late else process.returncode, *map(bytes, outputs))


def _communicate(
    process: subprocess.Popen[bytes],
    content: bytes,
    seconds: float,
    most: int,
    outputs: tuple[bytearray, bytearray],
) -> None:
    """Write and read until the program has ended or its time is over, which is real time as its life is."""
    latest = time.monotonic() + seconds
    pipes = process.stdin, process.stdout, process.stderr
    with selectors.DefaultSelector() as selector:
        for pipe, output in zip(pipes, (None, *outputs), strict=True):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                event = selectors.EVENT_WRITE if output is None else selectors.EVENT_READ
                selector.register(pipe, event, (pipe, output))
        while selector.get_map():
            is_over = process.poll() is not None
            left = latest - time.monotonic()
            ready = selector.select(0 if is_over else max(min(left, _POLL), 0))
            if left <= 0 or (is_over and not ready):
                return
            for key, _ in ready:
                pipe, output = key.data
                if output is None:
                    content = more = _unwritten(key.fd, content)
                else:
                    more = os.read(key.fd, _PART)
                    output += more
                    del output[: max(len(output) - most, 0)]
                if not more:
                    selector.unregister(pipe)
                    pipe.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(latest - time.monotonic(), 0))


def _unwritten(descriptor: int, content: bytes) -> bytes:
    try:
        return content[os.write(descriptor, content[:_PART]) :]
    except BrokenPipeError:  # it does not read all: its exit code says why
        return b""


def secrets_in(value: str) -> tuple[str, ...]:
    """Return the secrets in a variable: its value, and each address where it holds several."""
    return value, *(word for word in value.split() if "://" in word)


def child_environment(
    environment: Mapping[str, str], *lists: Iterable[str], passed: Sequence[str] = ()
) -> dict[str, str]:
    """Return what a child may have of an environment: what the lists and ``passed`` name, ``*`` at an end.

    The tokens of this program are never passed on, under whatever name, nor are relative folders of PATH:
    a program is not taken from the folder that a run happens in. Raises ConfigurationError where ``passed``
    asks for a token, or names no variable.
    """
    secret = {*OWN_VARIABLES, *filter(BOUND_VARIABLE.fullmatch, environment)}
    own = {text for name in secret for text in secrets_in(environment.get(name, ""))} - {""}
    for name in passed:
        if not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"--pass-env {name!r} is not the name of a variable, such as AWS_PROFILE or 'AWS_*'"
            )
        if name in secret or (name in environment and environment[name] in own):
            raise ConfigurationError(
                f"--pass-env {name}: no program is given a token of this one; leave it out"
            )
    patterns = (name for names in (*lists, passed) for name in names)
    is_named = re.compile("|".join(map(fnmatch.translate, patterns))).match
    allowed = {
        name: value
        for name, value in environment.items()
        if is_named(name)
        and name not in secret
        and value not in own  # the same token under another name is no better
    }
    folders = [folder for folder in allowed.pop("PATH", "").split(os.pathsep) if os.path.isabs(folder)]  # noqa: PTH117 - a text
    return allowed | ({"PATH": os.pathsep.join(folders)} if folders else {})
