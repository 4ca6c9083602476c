"""E-mail: verified TLS unless the server is here, no login in the clear, headers that nobody can add to."""

from __future__ import annotations

import contextlib
import email
import email.policy
import shutil
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Any

import httpcore
import pytest

from reconciler.api.exchange import HttpSettings
from reconciler.api.mail import Login, Mail, MailServer
from reconciler.errors import (
    ApiError,
    ConfigurationError,
    InvalidResponseError,
    RejectedError,
    ServerFaultError,
    StoppedError,
    UnreachableError,
    UntrustedError,
)
from reconciler.model.secret import Secret
from reconciler.model.system import SystemRandomness
from tests.mailserver import MailRecorder, mail_server
from tests.support import NO_AUTHORITIES, FakeClock, unused_port

if TYPE_CHECKING:
    from pathlib import Path

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")
SENDER, TEAM, PASSWORD = "reconciler@example.com", "team@example.com", "very-secret-password"
LOGIN = Login("reconciler", Secret(PASSWORD))


class Elsewhere(httpcore.NetworkBackend):
    """A network in which every host is this machine."""

    def connect_tcp(self, host: str, port: int, *rest: Any, **settings: Any) -> httpcore.NetworkStream:
        assert host == "mail.example.com"
        return httpcore.SyncBackend().connect_tcp("127.0.0.1", port, *rest, **settings)


def server_tls(store: Path, name: str = "good") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(store / f"{name}.pem", store / "key.pem")
    return context


def send(  # noqa: PLR0913 - what a message depends on
    found: MailRecorder,
    scheme: str = "smtp",
    host: str = "127.0.0.1",
    *,
    subject: str = "one field",
    text: str = "what\n.\n.dotted\n\u00fc",
    login: Login | None = None,
    stop: threading.Event | None = None,
    **environment: str,
) -> str:
    network = Elsewhere() if host == "mail.example.com" else None
    environment = environment or {"SSL_CERT_DIR": NO_AUTHORITIES}
    settings = HttpSettings(
        "test/1", FakeClock(), SystemRandomness(), environment=environment, stop=stop or threading.Event()
    )
    server = MailServer.of(f"{scheme}://{host}:{found.port}", login)
    return Mail(server, SENDER, TEAM, settings, network).send(subject, text, "msg_1")


def test_a_message_arrives_with_its_headers_and_the_response_is_returned() -> None:
    with mail_server() as found:
        assert send(found) == "250 queued as 4711"
    (message,) = (email.message_from_string(text, policy=email.policy.default) for text in found.messages)
    assert {
        name: message[name] for name in ("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted")
    } == {
        "From": SENDER,
        "To": TEAM,
        "Subject": "one field",
        "Date": "Mon, 01 Jun 2026 12:00:00 +0000",
        "Message-ID": "<msg_1@example.com>",
        "Auto-Submitted": "auto-generated",
    }
    commands = [command.lower() for command in found.commands[1:]]  # Python 3.13 writes all small
    assert commands == [f"mail from:<{SENDER}>", f"rcpt to:<{TEAM}>", "data", "quit"]
    assert found.messages[0].isascii()
    assert message.get_content().splitlines() == ["what", "..", "..dotted", "\u00fc"]


def test_a_subject_cannot_add_a_header() -> None:
    with mail_server() as found, pytest.raises(ValueError, match=r"newline|linefeed"):
        send(found, subject="one\r\nBcc: everybody@example.com")
    assert found.messages == []


@needs_openssl
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_login_is_sent_over_verified_tls(store: Path, scheme: str) -> None:
    with mail_server(server_tls(store), implicit=scheme == "smtps") as found:
        found.offers = (*found.offers, "AUTH PLAIN")
        send(found, scheme, login=LOGIN, SSL_CERT_FILE=str(store / "ca.pem"))
    assert (found.logins, found.encrypted) == ([f"\0reconciler\0{PASSWORD}"], [True])


@needs_openssl
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("expired", "certificate has expired; it has to be renewed"),
        ("elsewhere", "IP address mismatch"),
        ("good", "set the certificate of its authority in SSL_CERT_FILE"),
    ],
)
def test_a_certificate_that_cannot_be_verified_ends_it_before_the_login(
    store: Path, scheme: str, name: str, said: str
) -> None:
    trusted: Any = {} if name == "good" else {"SSL_CERT_FILE": str(store / "ca.pem")}
    serving = mail_server(server_tls(store, name), implicit=scheme == "smtps")
    with serving as found, pytest.raises(UntrustedError) as raised:
        send(found, scheme, login=LOGIN, **trusted)
    assert said in str(raised.value)
    assert str(raised.value).startswith(f"{TEAM} by {scheme}://127.0.0.1:{found.port}: ")
    assert found.logins == found.messages == []


@pytest.mark.parametrize("login", [None, LOGIN])
def test_a_server_elsewhere_that_offers_no_tls_is_sent_nothing(login: Login | None) -> None:
    with mail_server() as found:
        found.offers = ("AUTH PLAIN",)
        with pytest.raises(RejectedError, match="does not offer STARTTLS, and nothing is sent unencrypted"):
            send(found, host="mail.example.com", login=login)
    assert [command.split()[0] for command in found.commands] == ["ehlo"]


@needs_openssl
def test_what_is_said_before_tls_does_not_count(store: Path) -> None:
    """A reply that somebody adds to that of STARTTLS would else be the first one over TLS."""
    with mail_server(server_tls(store)) as found:
        found.offers = ("STARTTLS", "AUTH PLAIN")
        found.replies["STARTTLS"] = [b"220 go on\r\n250-hello\r\n250 AUTH LOGIN\r\n"]
        send(found, login=LOGIN, SSL_CERT_FILE=str(store / "ca.pem"))
    assert (found.logins, found.encrypted) == ([f"\0reconciler\0{PASSWORD}"], [True])


@pytest.mark.parametrize(
    ("word", "reply", "kind", "times"),
    [
        ("MAIL", b"550 go away\r\n", RejectedError, 1),
        ("RCPT", b"550 5.1.1 nobody here\r\n", RejectedError, 1),
        ("RCPT", b"451 later\r\n", ServerFaultError, 4),
        ("DATA", b"554 no\r\n", RejectedError, 1),
        ("AUTH", b"535 bad login\r\n", RejectedError, 1),
    ],
)
def test_a_refusal_is_reported_with_its_words_and_tried_again_if_it_is_temporary(
    word: str, reply: bytes, kind: type[ApiError], times: int
) -> None:
    with mail_server() as found:
        found.offers = ("AUTH PLAIN",)
        found.replies[word] = [reply] * 4
        with pytest.raises(kind) as raised:
            send(found, login=LOGIN)
    assert f"the mail server refuses the message: {reply.decode().strip()}" in str(raised.value)
    assert sum(command.upper().startswith(word) for command in found.commands) == times
    assert found.messages == []


@pytest.mark.parametrize("word", ["", "EHLO", "MAIL"])
def test_a_server_of_another_protocol_is_told_apart_from_a_refusal(word: str) -> None:
    line = b"HTTP/1.1 400 Bad Request\r\n"
    with mail_server() as found:
        found.greeting = found.greeting if word else line
        found.replies = {word: [line], "HELO": [line]}
        with pytest.raises(InvalidResponseError, match=r"not the reply of a mail server: .*check the port"):
            send(found)
    assert found.messages == []


@pytest.mark.parametrize("challenge", [b"a", b"abc\xff"])
def test_a_challenge_that_cannot_be_decoded_is_an_error(challenge: bytes) -> None:
    with mail_server() as found:
        found.offers = ("AUTH CRAM-MD5",)
        found.replies["AUTH"] = [b"334 " + challenge + b"\r\n"]
        with pytest.raises(InvalidResponseError, match="the mail server's reply to the login cannot be read"):
            send(found, login=LOGIN)


def test_a_temporary_refusal_is_followed_by_the_same_message() -> None:
    with mail_server() as found:
        found.replies["RCPT"] = [b"451 later\r\n"]
        assert send(found) == "250 queued as 4711"
    assert len(found.messages) == 1


def test_a_server_without_logins_is_an_error() -> None:
    with mail_server() as found, pytest.raises(RejectedError, match="AUTH"):
        send(found, login=LOGIN)


def test_the_password_is_in_no_error_even_if_the_server_repeats_it() -> None:
    with mail_server() as found:
        found.offers = ("AUTH PLAIN",)
        found.replies["AUTH"] = [f"535 not {PASSWORD}\x1b[31m\r\n".encode()]
        with pytest.raises(RejectedError) as raised:
            send(found, login=LOGIN)
    said = str(raised.value)
    assert PASSWORD not in said
    assert said.isprintable()
    assert "check RECONCILER_DRIFT_SMTP_USER" in said


def test_a_server_that_cannot_be_reached_or_hangs_up_is_an_error() -> None:
    with unused_port() as port, pytest.raises(UnreachableError, match="no response"):
        send(MailRecorder(port))
    with pytest.raises(UnreachableError):
        send(MailRecorder(25), host="a" * 70)
    with mail_server() as found:
        found.replies["MAIL"] = [b"221 bye\r\n"]
        found.greeting = b"554 no\r\n"
        with pytest.raises(RejectedError, match="554 no"):
            send(found)


def test_a_reply_without_end_is_bounded_in_size() -> None:
    with mail_server() as found:
        found.greeting = b"220-more\r\n" * 200_000
        with pytest.raises(UnreachableError, match="larger than 1 MiB"):
            send(found)


def test_a_reply_without_end_is_bounded_in_time() -> None:
    """Each line comes in time, and the whole never."""
    clock = FakeClock()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for _ in range(4):
                peer, _ = listener.accept()
                with contextlib.suppress(OSError), peer:
                    clock.elapsed += 31
                    peer.sendall(b"220-more\r\n")
                    peer.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        server = MailServer.of(f"smtp://127.0.0.1:{listener.getsockname()[1]}")
        mail = Mail(server, SENDER, TEAM, HttpSettings("test/1", clock, SystemRandomness()))
        with pytest.raises(UnreachableError, match="timed out"):
            mail.send("a", "b", "msg_1")
        for _ in range(3):
            socket.create_connection(listener.getsockname()).close()
        thread.join()


def test_nothing_is_sent_once_the_service_is_stopping() -> None:
    stop = threading.Event()
    stop.set()
    with mail_server() as found, pytest.raises(StoppedError):
        send(found, stop=stop)
    assert found.commands == []


@pytest.mark.parametrize(
    "address",
    [
        *("", "mail.example.com", "https://mail.example.com", "smtp://", "smtp://mail.example.com/path"),
        *("smtp://mail.example.com:0", "smtp://mail.example.com:x", "smtp://mail example.com", "smtp://a\nb"),
    ],
)
def test_an_address_that_is_none_of_a_mail_server_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match=r"is not an address like smtps://mail\.example\.com"):
        MailServer.of(address)


def test_a_login_in_the_address_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigurationError, match="RECONCILER_DRIFT_SMTP_PASSWORD") as raised:
        MailServer.of(f"smtps://user:{PASSWORD}@mail.example.com")
    assert PASSWORD not in str(raised.value)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("smtp://mail.example.com", "smtp://mail.example.com:587"),
        ("smtps://mail.example.com", "smtps://mail.example.com:465"),
        ("smtp://[::1]:25", "smtp://[::1]:25"),
    ],
)
def test_the_usual_ports_are_those_of_submission(address: str, shown: str) -> None:
    assert str(MailServer.of(address)) == shown


@pytest.mark.parametrize(
    "mailbox",
    ["", "team", "a@b\r\nRCPT TO:<x@y>", "a b@example.com", "<a@example.com>", "a@b,c@d", "\u00fc@x.de"],
)
def test_an_address_that_could_end_a_command_is_refused(mailbox: str) -> None:
    with pytest.raises(ConfigurationError, match=r"is not an address like team@example\.com"):
        Mail(
            MailServer.of("smtp://localhost"),
            SENDER,
            mailbox,
            HttpSettings("test/1", FakeClock(), SystemRandomness()),
        )
