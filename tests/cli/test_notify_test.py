"""``notify-test`` sends one sample to each receiver, and says of each what it responds."""

from __future__ import annotations

import json

import pytest

from tests.recorder import recorder
from tests.support import CommandLine, unused_port
from tests.values import check_document


def test_each_receiver_gets_one_sample_and_its_response_is_printed(cli: CommandLine) -> None:
    with recorder() as channel:
        url = f"{channel.url}/secret-path"
        cli.environment.setenv("RECONCILER_DRIFT_SLACK", f"{url} {url}")
        done = cli("notify-test", "--webhook", url, "--teams", url)
    took = "http://127.0.0.1/… took the message: HTTP 200"
    assert done.out.splitlines() == [f"{name}: {took}" for name in ("webhook", "Slack", "Slack", "Teams")]
    assert (done.code, done.err) == (0, "")
    bodies = [json.loads(request.body) for request in channel.requests]
    check_document("notification", bodies[0])
    assert bodies[0]["text"].startswith("*reconciler*: this is a test, nothing has changed\n")
    assert [min(body) for body in bodies] == ["data", "blocks", "blocks", "attachments"]


def test_one_that_fails_is_an_error_and_the_others_are_tried(cli: CommandLine) -> None:
    with recorder() as channel, unused_port() as port:
        done = cli(
            *("notify-test", "--webhook", f"http://127.0.0.1:{port}/secret-path"),
            *("--slack", f"{channel.url}/secret-path"),
        )
    assert done.code == 1
    assert done.out == "Slack: http://127.0.0.1/… took the message: HTTP 200\n"
    assert done.err.startswith("Error: webhook: POST http://127.0.0.1/…: no response: ")
    assert "secret-path" not in done.everything


def test_without_a_receiver_the_variables_are_named(cli: CommandLine) -> None:
    done = cli("notify-test")
    assert (done.code, done.out) == (1, "")
    assert "there is nobody to notify: set RECONCILER_DRIFT_SLACK" in done.err


@pytest.mark.parametrize("word", ["--every", "--history", "PATH"])
def test_it_takes_nothing_else_of_drift(cli: CommandLine, word: str) -> None:
    assert cli("notify-test", word, "1d").code == 64


def test_a_variable_that_nothing_reads_is_refused_if_wanted(cli: CommandLine) -> None:
    cli.environment.setenv("RECONCILER_NOTIFY_TEST_SLACK", "https://example.com/x")
    done = cli("notify-test", "--strict-env")
    assert done.code == 64
    assert "RECONCILER_NOTIFY_TEST_SLACK" in done.err
