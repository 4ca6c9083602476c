"""The token is in no output of any command, whatever happens to it."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import logging
import pickle
import signal
import socket
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.api.exchange import Exchange
from reconciler.api.reader import Reader
from reconciler.model.secret import Secret
from tests.support import (
    COLLECTION,
    TOKEN,
    CommandLine,
    FakeClock,
    Script,
    connect,
    declare,
    emulate,
    fill,
    http_bytes,
    raw_server,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator

    from gcore_emulator import Emulator


def _printed(secret: Secret) -> str:
    stream = io.StringIO()
    print(secret, file=stream)
    return stream.getvalue()


SHOWN: dict[str, Callable[[Secret], object]] = {
    "str": str,
    "repr": repr,
    "ascii": ascii,
    "an f-string": lambda secret: f"{secret}",
    "an f-string with width": lambda secret: f"{secret:>40}",
    "an f-string with repr": lambda secret: f"{secret!r}",
    "percent": lambda secret: "%s %r" % (secret, secret),  # noqa: UP031 - old code formats so
    "format": "{0!s} {0!r} {0:x}".format,
    "a container": lambda secret: str([{"token": (secret,)}]),
    "print": _printed,
    "an exception": lambda secret: str(ValueError(secret)),
    "a dataclass": lambda secret: str(connect(Script(), token=secret)),
    "a log record": lambda secret: logging.makeLogRecord({"msg": "%s", "args": (secret,)}).getMessage(),
    "json with default=str": lambda secret: json.dumps(secret, default=str),
}
REFUSED: dict[str, Callable[[Secret], object]] = {
    "pickle": pickle.dumps,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "json": json.dumps,
    "vars": vars,
    "bytes": bytes,  # type: ignore[dict-item]  # refused at run time
    "iteration": list,  # type: ignore[dict-item]  # refused at run time
    "length": len,  # type: ignore[dict-item]  # refused at run time
    "concatenation": lambda secret: "token " + secret,  # type: ignore[operator]  # refused at run time
    "asdict": lambda secret: dataclasses.asdict(connect(Script(), token=secret)),
}


@pytest.mark.parametrize("show", SHOWN.values(), ids=SHOWN)
def test_a_secret_cannot_be_seen(show: Callable[[Secret], object]) -> None:
    shown = show(Secret(TOKEN))
    assert TOKEN not in str(shown)
    assert "***" in str(shown)


@pytest.mark.parametrize("attempt", REFUSED.values(), ids=REFUSED)
def test_a_secret_cannot_be_iterated_indexed_or_pickled(attempt: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError) as error:
        attempt(Secret(TOKEN))
    assert TOKEN not in str(error.value)


def test_only_reveal_returns_the_secret() -> None:
    assert Secret(TOKEN).reveal() == TOKEN


def test_an_exchange_has_no_field_for_headers() -> None:
    assert {field.name for field in dataclasses.fields(Exchange)} == {
        "api",
        "method",
        "path",
        "seconds",
        "status",
    }


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(monkeypatch, capsys)


@pytest.fixture
def emulator(cli: CommandLine) -> Iterator[Emulator]:
    with emulate(null_expire="ignored", description_limit=5) as running:
        cli.use(running)
        fill(running, "fine", "fails")
        fill(running, "ignored", expire="2099-01-01T00:00:00Z")
        yield running


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A file whose keys are applied, refused, and accepted but not stored."""
    applied = {"name": "fine", "is_disabled": True}
    refused = {"name": "fails", "description": "too long"}
    ignored = {"name": "ignored", "expire": None}
    return declare(tmp_path / "keys.yaml", applied, refused, ignored)


COMMANDS: dict[str, tuple[list[str], int]] = {
    "validate": (["validate"], 0),
    "plan": (["plan", "-vv"], 0),
    "plan as JSON": (["plan", "-vv", "--format", "json"], 0),
    "a dry run": (["apply", "-vv", "--dry-run"], 0),
    "apply": (["apply", "-vv", "--auto-approve"], 4),
    "apply without approval": (["apply", "-vv"], 1),
    "a target without a match": (["plan", "-vv", "--target", "x"], 1),
    "a usage error": (["plan", "--token"], 64),
    "an address that is refused": (["plan", "--base-url", f"https://{TOKEN}@h"], 1),
    "an address with a query": (["plan", "--base-url", f"https://h?token={TOKEN}"], 1),
    "an address where no server listens": (["plan", "-vv", "--base-url", "http://127.0.0.1:9"], 1),
    "a token file that is missing": (["plan", "--token-file", "/nowhere"], 1),
}


@pytest.mark.parametrize(("arguments", "code"), COMMANDS.values(), ids=COMMANDS)
@pytest.mark.usefixtures("emulator")
def test_no_command_prints_the_token(cli: CommandLine, path: str, arguments: list[str], code: int) -> None:
    done = cli(*arguments, path)
    assert done.code == code
    assert done.everything
    assert TOKEN not in done.everything


@pytest.mark.parametrize(
    "arguments", [["--version"], ["-h"], ["plan", "-h"], ["schema"], ["completion", "bash"]]
)
def test_no_text_about_the_tool_contains_the_token(cli: CommandLine, arguments: list[str]) -> None:
    assert TOKEN not in cli(*arguments).everything


RESPONSES: dict[str, bytes] = {
    "a message": http_bytes(b'{"message": "Bad permanent token: %s"}' % TOKEN.encode(), "401 Unauthorized"),
    "HTML": http_bytes(b"<html>%s</html>" % TOKEN.encode(), "502 Bad Gateway"),
    "no JSON": http_bytes(b"<html>%s</html>" % TOKEN.encode()),
    "a redirect": http_bytes(b"", "302 Found", None, f"Location: https://evil/?{TOKEN}"),
    "no HTTP": TOKEN.encode() + b"\r\n\r\n",
    "a key that is reported": http_bytes(b'{"count": 1, "results": "%s"}' % TOKEN.encode()),
}


@pytest.mark.parametrize("response", RESPONSES.values(), ids=RESPONSES)
def test_an_echoed_token_is_not_printed(cli: CommandLine, path: str, response: bytes) -> None:
    with raw_server(response) as server:
        done = cli("plan", "-vv", "--retries", "0", "--base-url", server.url, path)
    assert (done.code, bool(done.err)) == (1, True)
    assert TOKEN not in done.everything


TESTS = Path(__file__).parents[1]


class BrokenClock(FakeClock):
    """A clock that fails when the token has been read."""

    def now(self) -> dt.datetime:
        raise ZeroDivisionError


def test_a_crash_of_the_command_line_does_not_show_the_token(cli: CommandLine, path: str) -> None:
    with pytest.raises(ZeroDivisionError) as crash:
        cli("plan", path, clock=BrokenClock())
    shown = traceback.TracebackException.from_exception(crash.value, capture_locals=True)
    own = [line for line in shown.format() if f"{TESTS}/" not in line]
    assert any("reconciler/cli/plan.py" in line for line in own)
    assert TOKEN not in "".join(own)


def test_a_crash_of_the_client_does_not_show_the_token() -> None:
    with Reader(connect(Script(ZeroDivisionError()))) as reader, pytest.raises(ZeroDivisionError) as crash:
        reader.get(COLLECTION, {})
    shown = traceback.TracebackException.from_exception(crash.value, capture_locals=True)
    assert TOKEN not in "".join(line for line in shown.format() if "tests/" not in line)


def test_an_api_error_shows_no_token_in_its_exception_chain() -> None:
    with Reader(connect(Script(httpx.ConnectError("refused")))) as reader, pytest.raises(Exception) as error:  # noqa: PT011 - whatever it is
        reader.get(COLLECTION, {})
    assert TOKEN not in "".join(traceback.format_exception(error.value))


def test_the_traceback_of_a_crashed_process_shows_no_token(cli: CommandLine, path: str) -> None:
    cli.environment.setenv("PYTHONFAULTHANDLER", "1")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with cli.start("plan", path, "-vv", "--base-url", url) as process:
            peer, _ = listener.accept()
            with peer:
                assert TOKEN.encode() in peer.recv(65536)
                process.send_signal(signal.SIGABRT)
                out, err = process.communicate(timeout=60)
    assert "Fatal Python error: Aborted" in err
    assert TOKEN not in out + err
