"""The YAML language server of editors, spoken to over its pipes: JSON-RPC, each message behind its length.

No wait is without an end, and no setting lets the server use the network.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import time
from typing import TYPE_CHECKING, Any, Final

from counterparts import find

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SECONDS: Final = 60.0
_SETTINGS: Final = {
    "yaml": {
        "schemaStore": {"enable": False},
        "kubernetesCRDStore": {"enable": False},
        "validate": True,
        "completion": True,
        "hover": True,
    },
    "redhat": {"telemetry": {"enabled": False}},
}
_ITEM: Final = {"snippetSupport": True, "documentationFormat": ["markdown"]}
_ABILITIES: Final = {
    "textDocument": {
        "completion": {"completionItem": _ITEM},
        "hover": {"contentFormat": ["markdown"]},
        "publishDiagnostics": {},
    },
    "workspace": {"configuration": True},
}


class LanguageServer:
    """A running server, by the ends of its two pipes; ``published`` is what it found wrong, by document."""

    def __init__(self, requests: int, responses: int) -> None:
        self.published: dict[str, list[dict[str, Any]]] = {}
        self._requests = requests
        self._output = responses
        self._number = 0
        self._unread = b""

    def call(self, method: str, /, **parameters: Any) -> Any:
        """Return the response to a request; requests and notifications before it are handled."""
        self._number += 1
        self._send(id=self._number, method=method, params=parameters)
        deadline = time.monotonic() + _SECONDS
        while True:
            message = self._receive(deadline)
            if message.get("id") == self._number and "method" not in message:
                assert "error" not in message, (method, message["error"])
                return message["result"]

    def notify(self, method: str, /, **parameters: Any) -> None:
        """Send a notification, which has no response."""
        self._send(method=method, params=parameters)

    @contextlib.contextmanager
    def opened(self, file: Path) -> Iterator[Document]:
        """Open a file as an editor does, and close it in the end."""
        document = Document(self, file.as_uri(), file.read_text(encoding="utf-8"))
        reported = {"uri": document.uri, "languageId": "yaml", "version": 1, "text": document.text}
        self.notify("textDocument/didOpen", textDocument=reported)
        yield document
        self.notify("textDocument/didClose", textDocument={"uri": document.uri})
        self.published.pop(document.uri, None)
        self.diagnostics(document.uri)  # a closed document is set to have none, in case it is opened again
        del self.published[document.uri]

    def diagnostics(self, uri: str) -> list[str]:
        """Return what is wrong with a document, each as ``line: message``; wait until it is known."""
        deadline = time.monotonic() + _SECONDS
        while uri not in self.published:
            self._receive(deadline)
        return [f"{found['range']['start']['line'] + 1}: {found['message']}" for found in self.published[uri]]

    def _send(self, **message: Any) -> None:
        text = json.dumps({"jsonrpc": "2.0", **message}).encode()
        os.write(self._requests, b"Content-Length: %d\r\n\r\n%s" % (len(text), text))

    def _receive(self, deadline: float) -> dict[str, Any]:
        """Return the next message, after responding to it if it is a request."""
        while b"\r\n\r\n" not in self._unread:
            self._read(deadline)
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split()[0])
        while len(self._unread) < length:
            self._read(deadline)
        text, self._unread = self._unread[:length], self._unread[length:]
        message: dict[str, Any] = json.loads(text)
        if message.get("method") == "textDocument/publishDiagnostics":
            self.published[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif "method" in message and "id" in message:
            self._send(id=message["id"], result=_respond(message["method"], message["params"]))
        return message

    def _read(self, deadline: float) -> None:
        ready, _, _ = select.select([self._output], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, "the language server is silent"
        read = os.read(self._output, 1 << 20)
        assert read, "the language server is gone"
        self._unread += read


class Document:
    """An open document; a place in it is given as the text before the cursor."""

    def __init__(self, server: LanguageServer, uri: str, text: str) -> None:
        self.uri = uri
        self.text = text
        self._server = server

    def diagnostics(self) -> list[str]:
        """Return what is shown to be wrong, each as ``line: message``."""
        return self._server.diagnostics(self.uri)

    def hover(self, before: str) -> str:
        """Return what is shown about the word in which a text ends, first found."""
        response = self._server.call("textDocument/hover", **self._cursor(before))
        shown: str = response["contents"]["value"]
        return shown

    def completion(self, before: str) -> dict[str, str]:
        """Return what is offered behind a text, first found: each word with its documentation."""
        response = self._server.call("textDocument/completion", **self._cursor(before))
        return {item["label"]: _text(item.get("documentation", "")) for item in response["items"]}

    def _cursor(self, before: str) -> dict[str, Any]:
        lines = self.text[: self.text.index(before) + len(before)].split("\n")
        place = {"line": len(lines) - 1, "character": len(lines[-1])}
        return {"textDocument": {"uri": self.uri}, "position": place}


def _text(documentation: Any) -> str:
    value: str = documentation["value"] if isinstance(documentation, dict) else documentation
    return value


def _respond(method: str, parameters: Any) -> Any:
    """Respond to the server: it asks for its settings, and for leave to be notified of changes."""
    if method != "workspace/configuration":
        return None
    return [_SETTINGS.get(item["section"], {}) for item in parameters["items"]]


@contextlib.contextmanager
def language_server(workspace: Path) -> Iterator[LanguageServer]:
    """Start a server with a workspace folder, and end it."""
    with subprocess.Popen(
        [str(find("yaml-language-server")), "--stdio"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin
        assert process.stdout
        server = LanguageServer(process.stdin.fileno(), process.stdout.fileno())
        try:
            folder = {"uri": workspace.as_uri(), "name": workspace.name}
            server.call(
                "initialize",
                processId=os.getpid(),
                rootUri=folder["uri"],
                capabilities=_ABILITIES,
                workspaceFolders=[folder],
            )
            server.notify("initialized")
            server.notify("workspace/didChangeConfiguration", settings=_SETTINGS)
            yield server
        finally:
            process.kill()
