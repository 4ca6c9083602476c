"""``notify-test`` sends one sample to each receiver, and says of each what it responds."""

from __future__ import annotations

import json

import pytest

from tests.mailserver import mail_server
from tests.recorder import recorder
from tests.support import CommandLine, unused_port
from tests.values import check_document


def test_each_receiver_gets_one_sample_and_its_response_is_printed(cli: CommandLine) -> None:
    with recorder() as channel:
        url = f"{channel.url}/secret-path"
        cli.environment.setenv("RECONCILER_DRIFT_SLACK", f"{url} {url}")
        done = cli("notify-test", "--webhook", url, "--teams", url)
    took = f"{channel.url}/… took the message: HTTP 200"
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
    assert done.out == f"Slack: {channel.url}/… took the message: HTTP 200\n"
    assert done.err.startswith(f"Error: webhook: POST http://127.0.0.1:{port}/…: no response: ")
    assert "secret-path" not in done.everything


MAIL = {
    "RECONCILER_DRIFT_MAIL_FROM": "reconciler@example.com",
    "RECONCILER_DRIFT_MAIL_TO": "one@example.com two@example.com",
}


def test_each_address_of_e_mail_gets_a_message_of_its_own(cli: CommandLine) -> None:
    with mail_server() as found:
        found.offers = ("AUTH PLAIN",)
        settings = {
            **MAIL,
            "RECONCILER_DRIFT_SMTP": f"smtp://127.0.0.1:{found.port}",
            "RECONCILER_DRIFT_SMTP_USER": "user",
            "RECONCILER_DRIFT_SMTP_PASSWORD": "very-secret",
            "RECONCILER_DRIFT_STATUS_PAGE": "https://pages.example.com/",
        }
        for name, value in settings.items():
            cli.environment.setenv(name, value)
        done = cli("notify-test", "--strict-env")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        f"e-mail: {name}@example.com by smtp://127.0.0.1:{found.port} took the message: 250 queued as 4711"
        for name in ("one", "two")
    ]
    assert found.logins == ["\0user\0very-secret"] * 2
    for message in found.messages:
        assert "Subject: reconciler: this is a test, nothing has changed\r\n" in message
        assert "Status page: https://pages.example.com/" in message


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--smtp", "smtp://localhost"), "e-mail has no sender; set RECONCILER_DRIFT_MAIL_FROM"),
        (("--smtp", "localhost", "--mail-from", "a@b"), "the mail server is not an address like"),
        (("--smtp", "smtp://u:secret@localhost", "--mail-from", "a@b"), "user or password in its address"),
        (("--smtp", "smtp://localhost", "--mail-from", "a"), "'a' is not an address like team@example.com"),
        (
            ("--smtp", "smtp://localhost", "--mail-from", "a@b", "--smtp-user", "u"),
            "RECONCILER_DRIFT_SMTP_PASSWORD is empty or not set",
        ),
    ],
)
def test_settings_of_e_mail_that_cannot_be_used_are_errors(
    cli: CommandLine, words: tuple[str, ...], said: str
) -> None:
    done = cli("notify-test", "--mail-to", "team@example.com", *words)
    assert (done.code, "secret" in done.everything) == (1, False)
    assert said in done.err


def test_without_a_receiver_the_variables_are_named(cli: CommandLine) -> None:
    done = cli("notify-test")
    assert (done.code, done.out) == (1, "")
    assert "there is no receiver to notify: set RECONCILER_DRIFT_SLACK" in done.err


@pytest.mark.parametrize("word", ["--every", "--history", "PATH"])
def test_it_takes_nothing_else_of_drift(cli: CommandLine, word: str) -> None:
    assert cli("notify-test", word, "1d").code == 64


def test_a_variable_that_nothing_reads_is_refused_if_wanted(cli: CommandLine) -> None:
    cli.environment.setenv("RECONCILER_NOTIFY_TEST_SLACK", "https://example.com/x")
    done = cli("notify-test", "--strict-env")
    assert done.code == 64
    assert "RECONCILER_NOTIFY_TEST_SLACK" in done.err
