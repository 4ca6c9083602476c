"""Prometheus and Alertmanager read a running service: alerts fire and end, panels have data."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import subprocess
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from counterparts import find
from tests.contract.test_dashboards import ALERTS, EXPRESSIONS, RULES
from tests.integration.running import free_ports, running, until
from tests.support import COMMAND, declare, emulate, fill, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gcore_emulator import Emulator

with_both = pytest.mark.counterpart("Prometheus", "Alertmanager")
ALERT = "ReconcilerDriftGrantsAccess"


@pytest.mark.counterpart("promtool")
@pytest.mark.parametrize("words", ["check rules alerts.yml", "test rules alerts_test.yml"])
def test_promtool_accepts_the_rules_and_their_tests(words: str) -> None:
    command = [str(find("promtool")), *words.split()]
    done = subprocess.run(command, cwd=RULES.parent, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@dataclass(slots=True)
class Monitored:
    """A service in which a key drifted, and what Alertmanager sent about it."""

    cloud: Emulator
    port: int
    receiver: str = ""
    url: str = ""
    logs: tuple[Path, ...] = ()
    alerts: list[tuple[str, str]] = field(default_factory=list)

    def api(self, path: str, **parameters: str) -> Any:
        """Return the data of a response of Prometheus; nothing before it is ready."""
        try:
            response = httpx.get(f"{self.url}/api/v1/{path}", params=parameters, trust_env=False)
            return response.json()["data"]
        except (httpx.TransportError, ValueError):
            return {}

    def values(self, expression: str) -> list[float]:
        """Return the numbers that an expression has."""
        found = self.api("query", query=expression).get("result", [])
        numbers = [float(each["value"][1]) for each in found]
        return [number for number in numbers if not math.isnan(number)]


@contextlib.contextmanager
def receiving(monitored: Monitored) -> Iterator[str]:
    """Receive what Alertmanager sends, and the notifications of the service."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            monitored.alerts += [
                (alert["labels"]["alertname"], alert["status"]) for alert in body.get("alerts", [])
            ]
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *_args: object) -> None:  # noqa: A002 - the name in the base class
            pass

    with serving(HTTPServer(("127.0.0.1", 0), Handler)) as url:
        yield url


def configure(folder: Path, service: int, alertmanager: int, receiver: str) -> None:
    """Write the configurations: rules fire at once, and nothing is gathered before it is sent."""
    rules = re.sub(r"(?m)^( +for: )\S+", r"\g<1>0s", RULES.read_text(encoding="utf-8"))
    (folder / "alerts.yml").write_text(rules, encoding="utf-8")
    targets = {"targets": [f"127.0.0.1:{service}"]}
    prometheus = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["alerts.yml"],
        "scrape_configs": [{"job_name": "reconciler", "static_configs": [targets]}],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager}"]}]}]},
    }
    route = {"receiver": "test", "group_by": ["alertname"], "group_wait": "0s", "group_interval": "1s"}
    receivers = [{"name": "test", "webhook_configs": [{"url": receiver, "send_resolved": True}]}]
    (folder / "prometheus.yml").write_text(json.dumps(prometheus), encoding="utf-8")
    alerting = {"route": route, "receivers": receivers}
    (folder / "alertmanager.yml").write_text(json.dumps(alerting), encoding="utf-8")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitored]:
    """Run the service alone."""
    folder = tmp_path_factory.mktemp("service")
    keys = declare(folder / "keys.yaml", {"name": "web", "is_disabled": True})
    with contextlib.ExitStack() as stack:
        cloud = stack.enter_context(emulate())
        fill(cloud, "web", is_disabled=False)
        (port,) = free_ports(1)
        found = Monitored(cloud, port, logs=(folder / "service.log",))
        found.receiver = stack.enter_context(receiving(found))
        words = ("--every", "1s", "--metrics-port", str(found.port), "--webhook", found.receiver)
        environment = {"GCORE_BASE_URL": cloud.url, "GCORE_API_KEY": cloud.token}
        log = stack.enter_context(found.logs[0].open("wb"))
        process = subprocess.Popen(
            [*COMMAND, "drift", keys, *words, "--history", str(folder / "history.db")],
            env=os.environ | environment,
            stdout=log,
            stderr=log,
        )
        stack.callback(process.wait, 30)
        stack.callback(process.terminate)
        yield found


@pytest.fixture(scope="module")
def monitored(service: Monitored, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitored]:
    """Run Prometheus and Alertmanager beside the service."""
    folder = tmp_path_factory.mktemp("monitored")
    logs = tuple(folder / f"{name}.log" for name in ("prometheus", "alertmanager"))
    prometheus, alertmanager = free_ports(2)
    service.url = f"http://127.0.0.1:{prometheus}"
    service.logs += logs
    configure(folder, service.port, alertmanager, service.receiver)
    with (
        running(
            logs[1],
            "prometheus-alertmanager",
            "--config.file=alertmanager.yml",
            "--storage.path=alerts",
            "--cluster.listen-address=",
            f"--web.listen-address=127.0.0.1:{alertmanager}",
        ),
        running(
            logs[0],
            "prometheus",
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=data",
            f"--web.listen-address=127.0.0.1:{prometheus}",
        ),
    ):
        yield service


@with_both
def test_every_rule_is_evaluated(monitored: Monitored) -> None:
    def evaluated() -> set[str]:
        groups = monitored.api("rules").get("groups", [])
        rules = [rule for group in groups for rule in group["rules"]]
        assert {rule["lastError"] for rule in rules if rule["health"] == "err"} == set()
        return {rule["name"] for rule in rules if rule["health"] == "ok"}

    def all_of_them() -> bool:
        return evaluated() == {rule["alert"] for rule in ALERTS}

    until(all_of_them, *monitored.logs)


@with_both
def test_every_query_of_the_dashboard_returns_data(monitored: Monitored) -> None:
    variables = {"$instance": ".*", "$api": ".*", "[5m]": "[5s]"}
    queries = {place: text for place, text in EXPRESSIONS.items() if place.startswith("panel ")}
    for variable, value in variables.items():
        queries = {place: text.replace(variable, value) for place, text in queries.items()}
    assert len(queries) > 15
    empty = dict(queries)

    def nothing_is_empty() -> bool:
        for place, text in list(empty.items()):
            if monitored.values(text):
                del empty[place]
        return not empty

    try:
        until(nothing_is_empty, *monitored.logs)
    finally:
        assert empty == {}


@with_both
@pytest.mark.parametrize("metric", [("reconciler_build_info", "instance"), ("reconciler_scopes", "api")])
def test_every_variable_of_the_dashboard_has_values(monitored: Monitored, metric: tuple[str, str]) -> None:
    series, label = metric

    def values() -> Any:
        return monitored.api(f"label/{label}/values", **{"match[]": series})

    until(values, *monitored.logs)


@with_both
def test_an_alert_fires_when_a_key_drifts_and_ends_with_the_drift(monitored: Monitored) -> None:
    def fires() -> bool:
        return (ALERT, "firing") in monitored.alerts

    def ends() -> bool:
        return (ALERT, "resolved") in monitored.alerts

    until(fires, *monitored.logs)
    fill(monitored.cloud, "web", is_disabled=True)
    until(ends, *monitored.logs)


@pytest.mark.counterpart("promtool")
def test_promtool_finds_nothing_in_the_metrics(service: Monitored) -> None:
    def shown() -> str:
        try:
            return httpx.get(f"http://127.0.0.1:{service.port}/metrics", trust_env=False).text
        except httpx.TransportError:
            return ""

    words = [str(find("promtool")), "check", "metrics"]
    metrics = until(shown, *service.logs)
    done = subprocess.run(words, input=metrics, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
