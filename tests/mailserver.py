"""A mail server on this machine that records what it is sent."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator


@dataclass(slots=True)
class MailRecorder:
    """What a server was sent: commands, messages and logins, and whether each message came over TLS.

    ``replies`` are what it says to a command instead of the usual, ``offers`` the extensions that it names.
    """

    port: int = 0
    commands: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    replies: dict[str, list[bytes]] = field(default_factory=dict)
    offers: tuple[str, ...] = ()
    greeting: bytes = b"220 ready\r\n"


@contextlib.contextmanager
def mail_server(tls: ssl.SSLContext | None = None, *, implicit: bool = False) -> Iterator[MailRecorder]:
    """Serve mail; with ``tls`` by STARTTLS, or from the start if that is ``implicit``."""
    found = MailRecorder(offers=("STARTTLS",) if tls and not implicit else ())

    def serve() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), peer:
                first = tls.wrap_socket(peer, server_side=True) if tls and implicit else peer
                with first:
                    first.sendall(found.greeting)
                    if _converse(first, found, is_tls=implicit) and tls is not None:
                        with tls.wrap_socket(first, server_side=True) as stream:
                            _converse(stream, found, is_tls=True)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        found.port = listener.getsockname()[1]
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield found
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _converse(stream: socket.socket, found: MailRecorder, *, is_tls: bool) -> bool:
    """Respond to commands; return whether TLS is to begin."""
    with stream.makefile("rb") as lines:
        for line in lines:
            command = line.decode().strip()
            word = command.split()[0].upper()
            found.commands.append(command)
            special = found.replies.get(word)
            if special:
                stream.sendall(special.pop(0))
                if word == "STARTTLS":
                    return True
            elif word == "EHLO":
                names = [offer for offer in found.offers if offer != "STARTTLS" or not is_tls]
                words = ["hello", *names]
                stream.sendall("".join(f"250-{name}\r\n" for name in words[:-1]).encode())
                stream.sendall(f"250 {words[-1]}\r\n".encode())
            elif word == "STARTTLS":
                stream.sendall(b"220 go on\r\n")
                return True
            elif word == "AUTH":
                found.logins.append(base64.b64decode(command.split()[2]).decode())
                stream.sendall(b"235 welcome\r\n")
            elif word == "DATA":
                stream.sendall(b"354 go on\r\n")
                content = b"".join(iter(lines.readline, b".\r\n"))
                found.messages.append(content.decode())
                found.encrypted.append(is_tls)
                stream.sendall(b"250 queued as 4711\r\n")
            elif word == "QUIT":
                stream.sendall(b"221 bye\r\n")
                return False
            else:
                stream.sendall(b"250 fine\r\n")
    return False
