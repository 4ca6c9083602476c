"""``drift`` notifies people: webhook, metrics, status page, systemd."""

from __future__ import annotations

import contextlib
import json
import re
import resource
import signal
import socket
import subprocess
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from gcore_emulator import Faults
from tests.support import (
    COMMAND,
    GIT_SETTINGS,
    CommandLine,
    FakeClock,
    declare,
    fill,
    lines_until,
    live,
    serving,
    unused_port,
)
from tests.values import check_document

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gcore_emulator import Emulator


@pytest.fixture
def drifted(emulator: Emulator, tmp_path: Path) -> str:
    fill(emulator, "web", description="theirs")
    return declare(tmp_path / "keys.yaml", {"name": "web", "description": "ours"})


class Channel:
    """A webhook on this machine that stores what it receives; ``status`` is what it returns."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 200
        self.received: list[dict[str, Any]] = []

    @property
    def types(self) -> list[str]:
        return [message["type"] for message in self.received]


@pytest.fixture
def channel() -> Iterator[Channel]:
    hook = Channel()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if hook.status == 200:
                hook.received.append(body)
            self.send_response(hook.status)
            self.end_headers()

        def log_message(self, format: str, *_args: object) -> None:  # noqa: A002 - the name in the base class
            pass

    with serving(HTTPServer(("127.0.0.1", 0), Handler)) as url:
        hook.url = f"{url}/secret-path"
        yield hook


@dataclass(slots=True)
class Refusing:
    """A receiver that refuses its first message."""

    url: str = ""
    identifiers: list[str] = field(default_factory=list)


@contextlib.contextmanager
def refusing_once() -> Iterator[Refusing]:
    found = Refusing()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            found.identifiers.append(self.headers["webhook-id"])
            self.send_response(200 if len(found.identifiers) > 1 else 400)
            self.end_headers()

        def log_message(self, format: str, *_args: object) -> None:  # noqa: A002 - the name in the base class
            pass

    with serving(HTTPServer(("127.0.0.1", 0), Handler)) as url:
        found.url = url
        yield found


def test_a_webhook_is_notified_once_of_drift_and_once_of_its_end(
    cli: CommandLine, emulator: Emulator, drifted: str, channel: Channel, tmp_path: Path
) -> None:
    words = ("drift", drifted, "--history", str(tmp_path / "h.db"), "--webhook", channel.url)
    for _ in range(3):
        assert cli(*words).code == 2
    fill(emulator, "web", description="ours")
    assert cli(*words).code == 0
    assert [message["data"]["fields"][0]["outcome"] for message in channel.received] == [
        "left to a person",
        "no longer drifted",
    ]


def test_drift_is_notified_after_the_configured_number_of_rounds(
    cli: CommandLine, drifted: str, channel: Channel, tmp_path: Path
) -> None:
    words = ("--history", str(tmp_path / "h.db"), "--webhook", channel.url, "--notify-after", "3")
    reported = []
    for _ in range(4):
        cli("drift", drifted, *words)
        reported.append(len(channel.received))
    assert reported == [0, 0, 1, 1]
    assert channel.received[0]["data"]["fields"][0]["rounds"] == 3


def test_a_correction_is_notified_at_once(cli: CommandLine, drifted: str, channel: Channel) -> None:
    assert cli("drift", drifted, "--correct", "all", "--webhook", channel.url).code == 0
    (message,) = channel.received
    assert message["text"].splitlines()[1] == (
        '• `caas/1/76/web` description: "ours" -&gt; "theirs" (neutral: access unchanged), '
        "since 2026-06-01T12:00:00Z: *corrected*"
    )


def test_created_and_new_keys_are_notified_and_pending_ones_are_not(
    cli: CommandLine, emulator: Emulator, channel: Channel, tmp_path: Path
) -> None:
    fill(emulator, "web", "old")
    emulator.put_key(1, 77, live("far"))
    (tmp_path / "a").mkdir()
    file = tmp_path / "a" / "a.yaml"
    declare(tmp_path / "a" / "b.yaml", {"name": "far"}, region_id=77)
    words = ("drift", str(tmp_path / "a"), "--history", str(tmp_path / "h.db"), "--webhook", channel.url)
    document = {
        "project_id": 1,
        "region_id": 76,
        "exclusive": True,
        "keys": [{"name": "web"}, {"name": "old"}],
    }
    file.write_text(json.dumps(document))
    assert (cli(*words).code, channel.received) == (0, [])
    file.write_text(json.dumps({**document, "keys": [{"name": "web"}]}))
    fill(emulator, "stray")
    emulator.put_key(1, 77, live("new"))
    assert cli(*words).code == 2
    assert cli(*words).code == 2
    drift, keys = channel.received
    for message in channel.received:
        check_document("notification", message)
    assert drift["text"].splitlines()[0] == (
        "*reconciler*: 1 created key changed outside Git, *access granted on 1 key*"
    )
    (fact,) = drift["data"]["fields"]
    assert (fact["address"], fact["action"], fact["origin"]) == ("caas/1/76/stray", "create", "drift")
    assert (keys["type"], keys["data"]["keys"]) == (
        "keys.unmanaged",
        [{"address": "caas/1/77/new", "first_seen": "2026-06-01T12:00:00Z"}],
    )


def test_a_service_without_a_history_file_notifies_of_new_keys(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    fill(emulator, "web")
    file = declare(tmp_path / "keys.yaml", {"name": "web"})
    with cli.start("drift", file, "--every", "1d") as process:
        lines_until(process.stderr, "still matches")
        fill(emulator, "stray")
        process.send_signal(signal.SIGHUP)
        assert lines_until(process.stderr, " caas/1/76/stray: is new, and no file declares it")
        process.terminate()
        process.communicate(timeout=60)


def test_failing_rounds_are_notified_and_so_is_their_end(
    cli: CommandLine, emulator: Emulator, drifted: str, channel: Channel, tmp_path: Path
) -> None:
    words = ("drift", drifted, "--history", str(tmp_path / "h.db"), "--webhook", channel.url)
    fill(emulator, "web", description="ours")
    emulator.faults = Faults(status_503=1.0)
    for _ in range(2):
        assert cli(*words, "--retries", "0").code == 1
    emulator.faults = Faults()
    assert cli(*words).code == 0
    assert channel.types == ["rounds.failing", "rounds.recovered"]
    assert "HTTP 503" in channel.received[0]["data"]["errors"][0]


def test_an_undelivered_notification_is_sent_later_without_showing_the_address(
    cli: CommandLine, drifted: str, channel: Channel, tmp_path: Path
) -> None:
    words = ("drift", drifted, "--history", str(tmp_path / "h.db"), "--webhook", channel.url)
    channel.status = 400
    done = cli(*words)
    assert done.code == 2
    assert (
        f"Error: webhook delivery failed: POST {channel.url.removesuffix('secret-path')}…: HTTP 400: "
        in done.err
    )
    assert "secret-path" not in done.everything
    channel.status = 200
    cli(*words)
    assert channel.types == ["drift"]


def test_each_receiver_is_notified_in_its_form_and_one_that_fails_stops_no_other(
    cli: CommandLine, drifted: str, channel: Channel
) -> None:
    cli.environment.setenv("RECONCILER_DRIFT_TEAMS", channel.url)
    with unused_port() as port:
        broken = f"http://127.0.0.1:{port}/secret-path"
        words = ("--slack", broken, "--slack", channel.url, "--status-page", "https://pages.example.com/")
        done = cli("drift", drifted, "--webhook", channel.url, *words)
    assert done.code == 2
    assert [sorted(body) for body in channel.received] == [
        ["data", "text", "timestamp", "type"],
        ["blocks", "text", "unfurl_links", "unfurl_media"],
        ["attachments", "type"],
    ]
    assert f"Error: Slack delivery failed: POST http://127.0.0.1:{port}/…: no response: " in done.err
    assert "secret-path" not in done.everything
    assert "<https://pages.example.com/|Status page>" in channel.received[1]["blocks"][1]["text"]["text"]


def test_a_service_sends_a_receiver_later_what_others_received(
    cli: CommandLine, drifted: str, channel: Channel
) -> None:
    with refusing_once() as slack:
        words = ("--webhook", channel.url, "--slack", f"{slack.url}/secret-path")
        with cli.start("drift", drifted, "--every", "1d", "-v", *words) as process:
            lines_until(process.stderr, "Next round")
            process.send_signal(signal.SIGHUP)
            lines_until(process.stderr, "Next round")
            process.terminate()
            process.communicate(timeout=60)
    assert channel.types == ["drift"]
    assert len(slack.identifiers) == 2
    assert len(set(slack.identifiers)) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--slack", "http://hooks.example.com/secret-path"),
            "Slack http://hooks.example.com/… would be sent",
        ),
        (
            ("--webhook", "http://hooks.example.com/secret-path"),
            "unencrypted; use https:// (http:// is accepted",
        ),
        (("--teams", "secret-path"), "Teams is not an address like https://example.com/path"),
    ],
)
def test_a_receiver_that_may_not_be_notified_is_an_error_that_does_not_show_its_path(
    cli: CommandLine, drifted: str, words: tuple[str, ...], said: str
) -> None:
    done = cli("drift", drifted, *words)
    assert (done.code, "secret-path" in done.everything) == (1, False)
    assert said in done.err


@pytest.mark.parametrize(
    "page", ["javascript:alert(1)", "https://x/|y", "https://user:word@x/", "https://x/ y", "x"]
)
def test_a_status_page_that_a_message_cannot_link_to_is_refused(
    cli: CommandLine, drifted: str, channel: Channel, page: str
) -> None:
    done = cli("drift", drifted, "--slack", channel.url, "--status-page", page)
    assert done.code == 64
    assert "it is not an address like https://reconciler.example.com/" in done.err


def test_an_invalid_webhook_address_is_an_error_that_does_not_show_it(cli: CommandLine, drifted: str) -> None:
    done = cli("drift", drifted, "--webhook", "ftp://example.com/secret-path")
    assert (done.code, "secret-path" in done.everything) == (1, False)
    assert "the webhook is not an address like https://example.com/path" in done.err


def test_invalid_files_are_notified_once_and_so_is_their_end(
    cli: CommandLine, channel: Channel, drifted: str, tmp_path: Path
) -> None:
    with cli.start("drift", drifted, "--every", "1d", "-v", "--webhook", channel.url) as process:
        lines_until(process.stderr, "Next round")
        file = tmp_path / "keys.yaml"
        valid = file.read_text(encoding="utf-8")
        for text in ("keys: [", "keys: [", valid):
            file.write_text(text, encoding="utf-8")
            process.send_signal(signal.SIGHUP)
            lines_until(process.stderr, "Next round")
        process.terminate()
        process.communicate(timeout=60)
    assert channel.types == ["drift", "files.invalid", "files.valid"]
    assert "keys.yaml:1:" in channel.received[1]["data"]["errors"][0]


def test_counters_of_a_metrics_file_continue_from_run_to_run(
    cli: CommandLine, drifted: str, tmp_path: Path
) -> None:
    file = tmp_path / "drift.prom"
    for _ in range(2):
        assert cli("drift", drifted, "--metrics-file", str(file)).code == 2
    figures = file.read_text(encoding="utf-8").splitlines()
    assert 'reconciler_rounds_total{result="drifted"} 2.0' in figures
    assert 'reconciler_drifted_keys{api="gcore",effect="neutral",kind="caas"} 1.0' in figures
    assert 'reconciler_api_requests_total{api="gcore",method="GET",status="200"} 2.0' in figures


@pytest.mark.parametrize("place", ["no/such/folder.prom", "garbage.prom"])
def test_a_metrics_file_that_cannot_be_used_is_an_error(
    cli: CommandLine, drifted: str, tmp_path: Path, place: str
) -> None:
    (tmp_path / "garbage.prom").write_text("{{{", encoding="utf-8")
    done = cli("drift", drifted, "--metrics-file", str(tmp_path / place))
    assert re.search(rf"Error: the metrics file .*{place} cannot be (read|written)", done.err)


@contextlib.contextmanager
def a_service(
    cli: CommandLine, path: str, *words: str, **settings: Any
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a service with pages, and return it with their address."""
    with cli.start(
        "drift", path, "--every", "1d", "-v", "--metrics-port", "0", *words, **settings
    ) as process:
        try:
            (line,) = [line for line in lines_until(process.stderr, "Status page: ") if "Status" in line]
            yield process, line.split()[-1]
        finally:
            process.terminate()
            process.communicate(timeout=60)


def test_a_service_serves_status_metrics_and_health_to_known_hosts(cli: CommandLine, drifted: str) -> None:
    with a_service(cli, drifted, "--metrics-host", "watch.example") as (process, address):
        lines_until(process.stderr, "Next round")
        page = httpx.get(address)
        responses = {path: httpx.get(address + path) for path in ("metrics", "healthz", "readyz", "nothing")}
        by_host = [
            httpx.get(f"{address}healthz", headers={"Host": host}).status_code
            for host in ("watch.example:9464", "attacker.example", "localhost")
        ]
        of_key = {
            query: httpx.get(address, params=query).text
            for query in (
                "object=caas/1/76/web",
                "object=caas/1/76/we",
                "name=76/we",
                "name=*nothing",
                "%FF=&;",
            )
        }
    assert by_host == [200, 421, 200]
    assert {query: "theirs" in text for query, text in of_key.items()} == {
        "object=caas/1/76/web": True,
        "object=caas/1/76/we": False,
        "name=76/we": True,
        "name=*nothing": False,
        "%FF=&;": True,
    }
    assert "Of one key: " in of_key["object=caas/1/76/we"]
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "caas/1/76/web" in page.text
    assert "Next round" in page.text
    assert {path: response.status_code for path, response in responses.items()} == {
        "metrics": 200,
        "healthz": 200,
        "readyz": 200,
        "nothing": 404,
    }
    assert "reconciler_last_success_timestamp_seconds 1." in responses["metrics"].text
    assert "reconciler_next_round_timestamp_seconds 1." in responses["metrics"].text


def test_a_service_whose_api_is_down_is_alive_and_not_ready(
    cli: CommandLine, emulator: Emulator, drifted: str
) -> None:
    with a_service(cli, drifted, "--retries", "0") as (process, address):
        lines_until(process.stderr, "Next round")
        emulator.faults = Faults(status_503=1.0)
        process.send_signal(signal.SIGHUP)
        lines_until(process.stderr, "rounds have failed since")
        health, readiness = httpx.get(address + "healthz"), httpx.get(address + "readyz")
        page = httpx.get(address).text
    assert (health.status_code, readiness.status_code) == (200, 503)
    assert readiness.text.startswith("not ready: rounds fail, since ")
    assert "HTTP 503" in readiness.text
    assert "unreachable" in page


def test_a_service_waits_for_an_api_that_is_down_when_it_starts(
    cli: CommandLine, emulator: Emulator, drifted: str
) -> None:
    emulator.faults = Faults(status_503=1.0)
    with a_service(cli, drifted, "--retries", "0") as (process, _):
        lines_until(process.stderr, "rounds have failed since")
        emulator.faults = Faults()
        process.send_signal(signal.SIGHUP)
        assert lines_until(process.stderr, "Rounds succeed again")


def test_a_service_with_a_wrong_token_ends_at_once(
    cli: CommandLine, emulator: Emulator, drifted: str
) -> None:
    cli.environment.setenv("GCORE_API_KEY", "wrong")
    done = cli.alone("drift", drifted, "--every", "1d")
    assert (done.code, "HTTP 401" in done.err, len(emulator.requests)) == (1, True, 1)


def test_a_port_in_use_is_an_error(cli: CommandLine, drifted: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = cli("drift", drifted, "--every", "1d", "--metrics-port", str(port))
    refused = (
        f" error   service.failed -: it is not possible to listen on 127.0.0.1 port {port}: Address already "
        "in use\n"
    )
    assert (done.code, refused in done.err) == (1, True)


def test_systemd_is_notified_by_a_service(cli: CommandLine, drifted: str, tmp_path: Path) -> None:
    place = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(place)
        systemd.settimeout(60)
        cli.environment.setenv("NOTIFY_SOCKET", place)
        with cli.start("drift", drifted, "--every", "1d") as process:
            assert systemd.recv(1000) == b"READY=1"
            status = systemd.recv(1000).decode()
            process.terminate()
            assert systemd.recv(1000) == b"STOPPING=1"
            process.communicate(timeout=60)
    assert re.fullmatch(r"STATUS=Last round: drifted; next round at 20\d\d-.*Z", status)


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(folder), *GIT_SETTINGS, *words], check=True, capture_output=True)  # noqa: S607 - whichever git there is


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clone with the keys, beside the repository that it is of."""
    upstream = tmp_path / "upstream"
    upstream.mkdir()
    git(upstream, "init", "--quiet")
    declare(upstream / "keys.yaml", {"name": "web", "description": "ours"})
    git(upstream, "add", ".")
    git(upstream, "commit", "--quiet", "--message", "first")
    git(tmp_path, "clone", "--quiet", str(upstream), "checkout")
    return tmp_path / "checkout"


def test_a_round_pulls_merged_commits(
    cli: CommandLine, emulator: Emulator, checkout: Path, tmp_path: Path
) -> None:
    fill(emulator, "web", description="ours")
    words = ("drift", str(checkout / "keys.yaml"), "--git-pull", "--correct", "all")
    assert cli(*words).code == 0
    declare(tmp_path / "upstream" / "keys.yaml", {"name": "web", "description": "merged"})
    git(tmp_path / "upstream", "commit", "--quiet", "--all", "--message", "second")
    assert cli(*words).code == 0
    assert emulator.keys(1, 76)["web"]["description"] == "merged"


def test_a_service_that_cannot_pull_continues_with_the_present_files(
    cli: CommandLine, emulator: Emulator, checkout: Path, tmp_path: Path
) -> None:
    fill(emulator, "web", description="theirs")
    with cli.start("drift", str(checkout), "--git-pull", "--every", "1d", "-v") as process:
        lines_until(process.stderr, "Next round")
        (tmp_path / "upstream").rename(tmp_path / "gone")
        fill(emulator, "web", description="ours")
        process.send_signal(signal.SIGHUP)
        reported = lines_until(process.stderr, "the present files are used")
        assert lines_until(process.stderr, "still matches")
        process.terminate()
        process.communicate(timeout=60)
    assert f"git pull in {checkout}" in "".join(reported)


def test_a_pull_outside_git_is_an_error(cli: CommandLine, drifted: str) -> None:
    done = cli("drift", drifted, "--git-pull")
    assert (done.code, "--git-pull needs a Git checkout" in done.err) == (1, True)


@pytest.mark.usefixtures("cli")
def test_a_service_works_without_the_extras(drifted: str) -> None:
    script = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(['prometheus_client', 'jinja2']))\n"
        "from reconciler.cli.main import run\n"
        f"codes = [run(['drift', {drifted!r}]), run(['drift', {drifted!r}, '--metrics-file', 'x'])]\n"
        "print(*map(int, codes))"
    )
    done = subprocess.run([COMMAND[0], "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("\n2 1\n")
    assert "pip install --require-hashes -r requirements/runtime.txt" in done.stderr


def test_a_status_page_without_its_extra_names_the_package_to_install(
    cli: CommandLine, drifted: str, tmp_path: Path
) -> None:
    history = str(tmp_path / "h.db")
    assert cli("drift", drifted, "--history", history, clock=FakeClock()).code == 2
    script = (
        "import sys\nsys.modules['jinja2'] = None\nfrom reconciler.cli.main import run\n"
        f"sys.exit(run(['history', '--history', {history!r}, '--format', 'html']))"
    )
    done = subprocess.run([COMMAND[0], "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "pip install --require-hashes -r requirements/runtime.txt" in done.stderr


def test_idle_clients_block_neither_pages_nor_rounds(cli: CommandLine, drifted: str) -> None:
    cli.begin_from_nothing()
    few = (64, 64)
    with (
        a_service(cli, drifted, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, few)) as (
            process,
            address,
        ),
        contextlib.ExitStack() as clients,
    ):
        lines_until(process.stderr, "Next round")
        place = ("127.0.0.1", httpx.URL(address).port or 0)
        for _ in range(95):
            clients.enter_context(socket.create_connection(place, timeout=60))
        assert httpx.get(f"{address}healthz").status_code == 200
        process.send_signal(signal.SIGHUP)
        reported = lines_until(process.stderr, "Next round")
        assert httpx.get(f"{address}readyz").status_code == 200
    assert not any("Error" in line for line in reported)
    assert process.returncode == 0


def test_a_round_that_cannot_open_a_file_is_a_failed_round(cli: CommandLine, drifted: str) -> None:
    cli.begin_from_nothing()
    with a_service(cli, drifted, "--retries", "0") as (process, address):
        lines_until(process.stderr, "Next round")
        before = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (4, before[1]))
        process.send_signal(signal.SIGHUP)
        reported = lines_until(process.stderr, "Next round")
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, before)
        process.send_signal(signal.SIGHUP)
        lines_until(process.stderr, "Rounds succeed again")
        assert httpx.get(f"{address}readyz").status_code == 200
    assert any("rounds have failed since" in line for line in reported)
    assert any("Too many open files" in line for line in reported)
    assert process.returncode == 0


@pytest.mark.parametrize("host", ["http://watch.example", "watch.example:9464", "*", "", "a b"])
def test_a_metrics_host_is_a_name_without_a_port(cli: CommandLine, drifted: str, host: str) -> None:
    done = cli("drift", drifted, "--every", "1d", "--metrics-port", "0", "--metrics-host", host)
    assert (done.code, "write it without a port" in done.err) == (64, True)


def test_a_metrics_host_needs_a_port(cli: CommandLine, drifted: str) -> None:
    done = cli("drift", drifted, "--every", "1d", "--metrics-host", "watch.example")
    assert (done.code, "--metrics-host has no effect without --metrics-port" in done.err) == (64, True)
