"""The API address and the token: every mistake is reported before a request is made."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support import TOKEN, CommandLine, declare, emulate, fill, http_bytes, listings, raw_server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gcore_emulator import Emulator

ACCEPTED = [
    "https://api.gcore.com",
    "https://127.0.0.1/proxy/",
    "HTTPS://127.0.0.1",
    "https://127.0.0.1:8443",
]
LOOPBACK = [
    "http://127.0.0.1:9",
    "http://127.8.9.1:9",
    "http://localhost:9",
    "http://LOCALHOST:9",
    "http://[::1]:9",
]
IN_THE_CLEAR = [
    "http://api.gcore.com",
    "http://10.0.0.1",
    "http://[::2]",
    "http://0.0.0.0",
    "http://localhost.evil.com",
    "http://127.0.0.1.evil.com",
]
UNUSABLE = {
    "no scheme": "api.gcore.com",
    "only a path": "/cloud",
    "another scheme": "ftp://127.0.0.1",
    "no host": "https:///cloud",
    "a port that is no number": "https://127.0.0.1:port",
    "a port out of range": "https://127.0.0.1:99999",
    "an open bracket": "https://[::1",
    "text after a bracket": "http://[::1]evil.com",
    "a query": "https://127.0.0.1?a=hush",
    "an empty query": "https://127.0.0.1/?",
    "a fragment": "https://127.0.0.1/#hush",
    "a blank": "https://127.0.0.1/a b",
    "a blank before it": " https://127.0.0.1",
    "a line break": "https://127.0.0.1\n",
    "a control character": "https://127.0.0.1/\x7f",
    "a backslash": "https://127.0.0.1\\.evil.com",
    "letters beyond ASCII": "https://\N{SNOWMAN}.com",
    "broken punycode": "https://xn--a",
    "a user": "https://hush@127.0.0.1",
    "an empty user": "http://@127.0.0.1",
    "a password": "https://user:hush@127.0.0.1",
    "a password with a slash": "https://user:hu/sh@127.0.0.1",
    "a password and no scheme": "user:hush@127.0.0.1",
}
_OF_ONE_KEY = ("explain", "accept", "import")
_DECLARED = "project_id: 1\nregion_id: 76\nkeys: [{name: web}]\n"
_NAMED = "project: shop\nregion: Sines\nkeys: [{name: web}]\n"


@pytest.fixture
def path(tmp_path: Path) -> str:
    return declare(tmp_path / "keys.yaml", {"name": "web"})


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(0o600)
    return file


@pytest.mark.parametrize("base_url", IN_THE_CLEAR)
def test_the_token_is_not_sent_unencrypted(cli: CommandLine, path: str, base_url: str) -> None:
    done = cli("plan", path, "--base-url", base_url)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"Error: the base URL {base_url} would send the token unencrypted")


@pytest.mark.parametrize("base_url", [*LOOPBACK, *ACCEPTED[1:]])
def test_https_and_loopback_are_accepted(cli: CommandLine, path: str, base_url: str) -> None:
    done = cli("plan", path, "--retries", "0", "--base-url", base_url, "--connect-timeout", "5")
    assert "no response" in done.err


@pytest.mark.parametrize("base_url", UNUSABLE.values(), ids=UNUSABLE)
def test_an_invalid_address_is_refused_without_showing_its_secrets(
    cli: CommandLine, path: str, base_url: str
) -> None:
    done = cli("plan", path, "--base-url", base_url)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("Error: the base URL ")
    assert "could not be read" not in done.err
    assert "hu" not in done.err


def test_a_base_url_may_have_a_path_and_a_trailing_slash(cli: CommandLine, path: str) -> None:
    with raw_server(http_bytes(b'{"count": 0, "results": []}')) as server:
        cli("plan", path, "--base-url", f"{server.url}/proxy/")
    assert server.heads[0].startswith(b"GET /proxy/cloud/v1/caas/keys/1/76?")


def test_requests_contain_the_version_of_the_tool(cli: CommandLine, path: str) -> None:
    with raw_server(http_bytes(b'{"count": 0, "results": []}')) as server:
        cli("plan", path, "--base-url", server.url)
    version = cli("--version").out.split()[-1]
    assert f"\r\nUser-Agent: gcore-reconciler/{version}\r\n".encode() in server.heads[0]
    assert f"\r\nAuthorization: apikey {TOKEN}\r\n".encode() in server.heads[0]


def test_the_environment_can_set_the_token_file(
    cli: CommandLine, emulator: Emulator, path: str, token_file: Path
) -> None:
    fill(emulator, "web")
    cli.environment.delenv("GCORE_API_KEY")
    cli.environment.setenv("GCORE_API_KEY_FILE", str(token_file))
    assert cli("plan", path).code == 0


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_token_file_may_end_with_a_line_break(
    cli: CommandLine, emulator: Emulator, path: str, token_file: Path, ending: str
) -> None:
    fill(emulator, "web")
    token_file.write_bytes((TOKEN + ending).encode())
    done = cli("plan", path, "--token-file", str(token_file))
    assert (done.code, done.err) == (0, "")


def test_a_token_file_takes_precedence_over_the_environment(
    cli: CommandLine, emulator: Emulator, path: str, token_file: Path
) -> None:
    fill(emulator, "web")
    cli.environment.setenv("GCORE_API_KEY", "wrong")
    assert cli("plan", path, "--token-file", str(token_file)).code == 0


def test_the_name_of_a_token_file_cannot_forge_a_line(
    cli: CommandLine, emulator: Emulator, path: str, tmp_path: Path
) -> None:
    fill(emulator, "web")
    file = tmp_path / "token\n::error::forged"
    file.write_text(emulator.token, encoding="utf-8")
    file.chmod(0o644)
    done = cli("plan", path, "--token-file", str(file))
    assert done.code == 0
    assert [line[:8] for line in done.err.splitlines()] == ["Warning:"]


@pytest.mark.parametrize("mode", [0o604, 0o644])
def test_a_world_readable_token_file_is_warned_about(
    cli: CommandLine, emulator: Emulator, path: str, token_file: Path, mode: int
) -> None:
    fill(emulator, "web")
    token_file.chmod(mode)
    done = cli("plan", path, "--token-file", str(token_file))
    assert (done.code, "can be read by others; run chmod 600" in done.err) == (0, True)


def test_a_group_readable_token_file_is_not_warned_about(
    cli: CommandLine, emulator: Emulator, path: str, token_file: Path
) -> None:
    fill(emulator, "web")
    token_file.chmod(0o640)  # Kubernetes mounts secrets so
    assert cli("plan", path, "--token-file", str(token_file)).err == ""


def _replace_by_directory(file: Path) -> None:
    file.unlink()
    file.mkdir()


UNREADABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda file: file.unlink(), "No such file or directory"),
    "a directory": (_replace_by_directory, "Is a directory"),
    "not UTF-8": (lambda file: file.write_bytes(b"\xff\xfe"), "not UTF-8"),
    "empty": (lambda file: file.write_text(""), "is empty"),
    "blank": (lambda file: file.write_text(" \n\n"), "is empty"),
    "two lines": (lambda file: file.write_text(f"{TOKEN}\nmore"), "a line break or a blank"),
    "two line breaks": (lambda file: file.write_text(f"{TOKEN}\n\n"), "a line break or a blank"),
    "a blank inside": (lambda file: file.write_text(f"apikey {TOKEN}"), "a line break or a blank"),
    "not ASCII": (lambda file: file.write_text(f"{TOKEN}é"), "a character that is invalid in a token"),
    "a byte order mark": (
        lambda file: file.write_text(f"\ufeff{TOKEN}"),
        "a character that is invalid in a token",
    ),
    "a NUL": (lambda file: file.write_text(f"{TOKEN}\0"), "a character that is invalid in a token"),
}


@pytest.mark.parametrize(("spoil", "said"), UNREADABLE.values(), ids=UNREADABLE)
def test_an_unusable_token_file_is_an_error_before_any_request(
    cli: CommandLine, path: str, token_file: Path, spoil: Callable[[Path], object], said: str
) -> None:
    spoil(token_file)
    done = cli("plan", path, "--token-file", str(token_file))
    assert (done.code, done.out, said in done.err) == (1, "", True)
    assert TOKEN not in done.err
    assert "could not be read" not in done.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_token_file_without_permission_is_an_error(cli: CommandLine, path: str, token_file: Path) -> None:
    token_file.chmod(0)
    assert "Permission denied" in cli("plan", path, "--token-file", str(token_file)).err


@pytest.mark.parametrize(
    "token", [f"{TOKEN}\n", f"{TOKEN}\r", f"{TOKEN} ", f"{TOKEN}\t", f"\x1b{TOKEN}", f"{TOKEN}é"]
)
def test_a_token_that_cannot_be_sent_is_not_echoed(
    cli: CommandLine, emulator: Emulator, path: str, token: str
) -> None:
    cli.environment.setenv("GCORE_API_KEY", token)
    done = cli("plan", path)
    assert (done.code, "GCORE_API_KEY contains a character" in done.err) == (1, True)
    assert TOKEN not in done.err
    assert listings(emulator) == 0


@pytest.mark.parametrize("command", [["plan"], ["apply", "--auto-approve"], ["apply", "--dry-run"]])
@pytest.mark.parametrize("value", [None, "", " ", "\n"])
def test_without_a_token_no_request_is_sent(
    cli: CommandLine, emulator: Emulator, path: str, command: list[str], value: str | None
) -> None:
    cli.environment.delenv("GCORE_API_KEY")
    if value is not None:
        cli.environment.setenv("GCORE_API_KEY", value)
    done = cli(*command, path)
    assert (done.code, done.out) == (1, "")
    lack = "not set" if value is None else "empty"
    assert f"no token: GCORE_API_KEY is {lack}; set GCORE_API_KEY or use --token-file" in done.err
    assert listings(emulator) == 0


@pytest.mark.parametrize(
    ("line", "content", "complaint"),
    [
        *((f"{command} caas/1/76/web", "keys: 1\n", ".yaml:1:7: ") for command in _OF_ONE_KEY),
        *((f"{command} caas/1", _DECLARED, "caas/1 is not an address") for command in ("explain", "accept")),
        *((f"{command} caas/1/76/web hue", _DECLARED, "hue is not a") for command in ("explain", "accept")),
        *((f"{command} caas/1/76/b", _DECLARED, "is not declared") for command in ("explain", "accept")),
        ("import caas/1/76/web", _DECLARED, "caas/1/76/web is declared here"),
        *((f"{command} caas/1/76/web", _DECLARED, "no token: ") for command in ("explain", "accept")),
        ("import caas/1/76/new", _DECLARED, "no token: "),
        ("explain caas/1/76/web", _NAMED, "no token: "),
    ],
)
def test_a_command_about_a_key_reads_files_and_address_before_the_token(
    cli: CommandLine, tmp_path: Path, line: str, content: str, complaint: str
) -> None:
    (tmp_path / "keys.yaml").write_text(content, encoding="utf-8")
    cli.environment.delenv("GCORE_API_KEY")
    done = cli(*line.split(), "--file", str(tmp_path / "keys.yaml"))
    assert (done.code, complaint in done.err) == (1, True), done.err


@pytest.mark.parametrize("body", ["documented", "detail"])
def test_a_wrong_token_is_an_error_with_advice(
    cli: CommandLine, tmp_path: Path, path: str, body: str
) -> None:
    with emulate(unauthorized_body=body) as emulator:
        cli.use(emulator)
        cli.environment.setenv("GCORE_API_KEY", "wrong-token")
        done = cli("plan", path)
        (tmp_path / "token").write_text("wrong-token", encoding="utf-8")
        of_file = cli("plan", path, "--token-file", str(tmp_path / "token"))
    assert (done.code, done.out) == (1, "")
    assert "HTTP 401" in done.err
    assert done.err.endswith("; check GCORE_API_KEY\n")
    assert f"; check the token file {tmp_path}/token" in of_file.err
    assert "wrong-token" not in done.err + of_file.err


def test_a_certificate_folder_that_is_missing_is_an_error(cli: CommandLine, path: str) -> None:
    cli.environment.setenv("SSL_CERT_FILE", "/nowhere.pem")
    done = cli("plan", path, "--base-url", "https://127.0.0.1:9")
    assert (done.code, "SSL_CERT_FILE" in done.err) == (1, True)


def test_an_apply_that_cannot_connect_makes_no_history(cli: CommandLine, path: str, tmp_path: Path) -> None:
    cli.environment.setenv("SSL_CERT_FILE", "/nowhere.pem")
    history = tmp_path / "history.db"
    done = cli("apply", path, "--base-url", "https://127.0.0.1:9", "--history", str(history))
    assert (done.code, "SSL_CERT_FILE" in done.err, history.exists()) == (1, True, False)
