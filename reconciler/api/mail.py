"""E-mail by SMTP: encrypted with a verified certificate, bounded like every exchange, one recipient each.

The protocol is the standard library's, over the network of :mod:`reconciler.api.transport`.
"""

from __future__ import annotations

import io
import re
import smtplib
import socket
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpcore
import httpx

from reconciler import errors
from reconciler.api.address import is_loopback
from reconciler.api.environment import TRUST_SETTING, trusted
from reconciler.api.exchange import Bounds
from reconciler.api.failures import unreachable
from reconciler.api.redaction import Redactor
from reconciler.api.retry import Retrier, RetryPolicy
from reconciler.api.transport import Backend, Budget, as_httpx
from reconciler.model.escape import escape_control
from reconciler.model.expressions import expression
from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    import ssl

    from reconciler.api.exchange import HttpSettings
    from reconciler.model.secret import Secret

_POLICY: Final = RetryPolicy(attempts=4, longest_pause=30.0, longest_total=30.0)
_BOUNDS: Final = Bounds(connect=10.0, read=10.0, head=30.0, whole=30.0, size=0)
_GRACE: Final = 3.0
"""How long a message that is being sent goes on after the run was stopped."""
_PORTS: Final = {"smtp": 587, "smtps": 465}
_HOST: Final = expression(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:.]{2,45}", re.ASCII)
_ADDRESS: Final = expression(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*", re.ASCII
)
_LOGIN: Final = "check RECONCILER_DRIFT_SMTP_USER and the password"
_PORT: Final = "check the port: smtps:// is usually 465, smtp:// 587"
_NO_REPLY: Final = -1
"""What smtplib returns as the code of a line that has none."""
_READY, _DONE, _ACCEPTED = 220, 250, frozenset({250, 251})
_TEMPORARY: Final = range(400, 500)


@dataclass(frozen=True, slots=True)
class Login:
    """A user and a password."""

    user: str
    password: Secret


@dataclass(frozen=True, slots=True)
class MailServer:
    """An SMTP server; if ``is_tls``, TLS is used from the start, else STARTTLS."""

    host: str
    port: int
    is_tls: bool
    login: Login | None = None

    def __str__(self) -> str:
        """Return its address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'smtps' if self.is_tls else 'smtp'}://{host}:{self.port}"

    @staticmethod
    def of(text: str, login: Login | None = None) -> MailServer:
        """Return the server at an address. Raises ConfigurationError, without a password of the address."""
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        rest = (parts.path.strip("/"), parts.query, parts.fragment)
        host = parts.hostname or ""
        if "@" in parts.netloc:
            message = "the mail server has a user or password in its address; set RECONCILER_DRIFT_SMTP_USER"
            raise errors.ConfigurationError(f"{message} and RECONCILER_DRIFT_SMTP_PASSWORD instead")
        is_odd = not text.isprintable()  # urlsplit leaves line breaks out
        if is_odd or parts.scheme not in _PORTS or not _HOST.fullmatch(host) or port == 0 or any(rest):
            message = "the mail server is not an address like smtps://mail.example.com"
            raise errors.ConfigurationError(f"{message} or smtp://mail.example.com:587")
        return MailServer(host, port or _PORTS[parts.scheme], parts.scheme == "smtps", login)


def checked_mailbox(text: str) -> str:
    """Return an e-mail address. Raises ConfigurationError if it is invalid."""
    if not _ADDRESS.fullmatch(text):
        raise errors.ConfigurationError(f"{text[:100]!r} is not an address like team@example.com")
    return text


class Mail:
    """Sends e-mail to one recipient, over a connection of its own for each message."""

    def __init__(
        self,
        server: MailServer,
        sender: str,
        recipient: str,
        settings: HttpSettings,
        network: httpcore.NetworkBackend | None = None,
    ) -> None:
        """Store the sender and the recipient; ``network`` replaces the real network.

        Raises ConfigurationError if one of the addresses or the login cannot be used.
        """
        self._server, self._settings, login = server, settings, server.login
        self._sender, self._recipient = checked_mailbox(sender), checked_mailbox(recipient)
        self.place = f"{recipient} by {server}"
        self._redactor = Redactor()
        if login is not None:
            if not (login.user + login.password.reveal()).isascii():
                raise errors.ConfigurationError("user and password of the mail server must be ASCII")
            self._redactor.refuse(login.password)
        self._tls = trusted(settings.environment)
        self._budget = Budget(settings.clock, settings.stop, _BOUNDS)
        self._network = network or Backend(self._budget)
        self._retrier = Retrier(_POLICY, settings.clock, settings.stop, settings.randomness)

    def close(self) -> None:
        """Close nothing: no connection outlives a message."""

    def send(self, subject: str, text: str, identifier: str) -> str:
        """Send a message, and return the response in words; a repetition has the same identifier.

        Raises ApiError.
        """
        message = EmailMessage(SMTP)
        message["From"], message["To"] = self._sender, self._recipient
        message["Subject"] = subject
        message["Date"] = format_datetime(self._settings.clock.now())
        message["Message-ID"] = f"<{identifier}@{self._sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text, cte="quoted-printable")  # ASCII, in short lines
        content = message.as_bytes()
        return self._retrier.call(lambda: self._deliver(content))

    def _deliver(self, content: bytes) -> str:
        try:
            with as_httpx():
                return self._converse(content)
        except (httpx.HTTPError, UnicodeError) as error:  # a host of too long a label
            raise unreachable(self.place, error, self._redactor, TRUST_SETTING, "") from None
        except smtplib.SMTPResponseException as error:
            is_login = isinstance(error, smtplib.SMTPAuthenticationError)
            raise self._refusal(error.smtp_code, error.smtp_error, _LOGIN if is_login else "") from None
        except smtplib.SMTPServerDisconnected:
            detail = "the mail server closed the connection"
            failure = errors.Failure(self.place, detail, hint=_PORT, in_doubt=True)
            raise errors.UnreachableError(failure) from None
        except smtplib.SMTPException as error:
            failure = errors.Failure(self.place, self._words(str(error)))
            raise errors.RejectedError(failure) from None
        except ValueError as error:  # smtplib decodes the challenge of a login without a check
            detail = f"the mail server's reply to the login cannot be read: {self._words(str(error))}"
            raise errors.InvalidResponseError(errors.Failure(self.place, detail)) from None

    def _converse(self, content: bytes) -> str:
        self._budget.start(_GRACE)
        server = self._server
        stream = self._network.connect_tcp(server.host, server.port, _BOUNDS.connect)
        smtp = _Conversation(stream)
        try:
            if server.is_tls:
                smtp.encrypt(self._tls, server.host)
            self._expect(smtp.getreply(), {_READY})
            smtp.ehlo_or_helo_if_needed()
            if not server.is_tls:
                self._start_tls(smtp)
            if server.login is not None:
                smtp.login(server.login.user, server.login.password.reveal())
            self._expect(smtp.mail(self._sender), {_DONE})
            self._expect(smtp.rcpt(self._recipient), _ACCEPTED)
            answer = self._expect(smtp.data(content), {_DONE})
            with suppress(smtplib.SMTPException, httpcore.NetworkError, httpcore.TimeoutException):
                smtp.quit()
        finally:
            smtp.close()
        return answer

    def _start_tls(self, smtp: _Conversation) -> None:
        """Encrypt, unless a server on this machine does not offer it. Raises RejectedError elsewhere."""
        if smtp.has_extn("starttls"):
            self._expect(smtp.docmd("STARTTLS"), {_READY})
            smtp.encrypt(self._tls, self._server.host)
            smtp.ehlo_or_helo_if_needed()
        elif not is_loopback(self._server.host):
            detail = "the mail server does not offer STARTTLS, and nothing is sent unencrypted"
            hint = "use smtps:// if it speaks TLS on another port"
            raise errors.RejectedError(errors.Failure(self.place, detail, hint=hint))

    def _expect(self, reply: tuple[int, bytes], codes: set[int] | frozenset[int]) -> str:
        """Return a reply in words. Raises ApiError for another code."""
        code, text = reply
        if code not in codes:
            raise self._refusal(code, text)
        return f"{code} {self._words(text)}".strip()

    def _refusal(self, code: int, text: bytes | str, hint: str = "") -> errors.ApiError:
        if code == _NO_REPLY:
            detail = f"this is not the reply of a mail server: {self._words(text)}"
            return errors.InvalidResponseError(errors.Failure(self.place, detail, hint=_PORT))
        kind = errors.ServerFaultError if code in _TEMPORARY else errors.RejectedError
        detail = f"the mail server refuses the message: {code} {self._words(text)}"
        return kind(errors.Failure(self.place, detail.strip(), hint=hint))

    def _words(self, text: bytes | str) -> str:
        words = text if isinstance(text, str) else text.decode("utf-8", "replace")
        return escape_control(self._redactor.line(words))


class _Conversation(smtplib.SMTP):
    """The protocol over a bounded connection."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        name = socket.gethostname()
        super().__init__(local_hostname=name if "." in name else "[127.0.0.1]")
        self._stream = stream
        self._attach(stream)

    def _attach(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream
        self.sock = _Socket(stream)  # type: ignore[assignment]  # of a socket it uses no more
        self.file = None

    def encrypt(self, tls: ssl.SSLContext, host: str) -> None:
        """Start TLS, and discard earlier data, which could come from an attacker (RFC 3207, 4.2)."""
        self._attach(self._stream.start_tls(tls, host, _BOUNDS.connect))
        self.helo_resp = self.ehlo_resp = None
        self.esmtp_features = {}
        self.does_esmtp = False


class _Socket:
    """The subset of a socket that smtplib uses."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def sendall(self, content: bytes) -> None:
        self._stream.write(content, _BOUNDS.read)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._stream))

    def close(self) -> None:
        self._stream.close()


class _Reader(io.RawIOBase):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        content = self._stream.read(len(view), _BOUNDS.read)
        view[: len(content)] = content
        return len(content)
