"""A loopback API server that is fast enough not to be what is measured: ``python -m benchmark.server``.

It prints its port, reads the token from GCORE_API_KEY, and ends when its standard input does, so
that it cannot outlive the benchmark. List pages are made when data is loaded, not when asked for.
Paths under /control are for the benchmark: they load data, set the latency, and return what arrived.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import socket
import sys
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from benchmark.data import (
    COLLECTION,
    MANAGED,
    PAGE_LIMIT,
    Dataset,
    dataset_from_json,
    observed_key,
    scope_path,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONTROL: Final = "/control/"
_END_OF_HEAD: Final = b"\r\n\r\n"
_SEND_BUFFER: Final = 4 << 20
_REASONS: Final = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 405: "Not Allowed"}


def response(status: int, value: object) -> bytes:
    """Return a complete HTTP response with ``value`` as its JSON body."""
    body = json.dumps(value, separators=(",", ":")).encode()
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def failure(status: int, message: str) -> bytes:
    """Return an error response in the service's format."""
    return response(status, {"exception_class": _REASONS[status], "message": message, "request_id": "0"})


class Keys:
    """The live keys of every scope, and their pages as prepared responses."""

    def __init__(self, dataset: Dataset) -> None:
        """Make the keys of ``dataset``, and their pages at the largest limit."""
        self._scopes: dict[str, dict[str, dict[str, Any]]] = {}
        self._pages: dict[str, dict[tuple[int, int], bytes]] = {}
        for scope, size in enumerate(dataset.sizes):
            path = scope_path(scope)
            keys = (observed_key(dataset, scope, index) for index in range(1, size + 1))
            self._scopes[path] = {key["name"]: key for key in keys}
            self._pages[path] = {}
            for offset in range(0, size, PAGE_LIMIT):
                self._list(path, offset, PAGE_LIMIT)

    def respond(self, method: str, target: str, body: bytes) -> bytes:
        """Respond to one request of the API."""
        path, _, query = target.partition("?")
        if path in self._scopes:
            return self._respond_list(path, query) if method == "GET" else failure(405, method)
        collection, _, name = path.rpartition("/")
        key = self._scopes.get(collection, {}).get(name)
        if key is None:
            return failure(404, f"{path} could not be found")
        if method == "PATCH":
            return self._patch(collection, key, json.loads(body))
        return response(200, key) if method == "GET" else failure(405, method)

    def _respond_list(self, path: str, query: str) -> bytes:
        values = parse_qs(query)
        limit = int(values.get("limit", [str(PAGE_LIMIT)])[0])
        offset = int(values.get("offset", ["0"])[0])
        if not 0 < limit <= PAGE_LIMIT:
            return failure(400, "limit")
        return self._pages[path].get((offset, limit)) or self._list(path, offset, limit)

    def _list(self, path: str, offset: int, limit: int) -> bytes:
        keys = list(self._scopes[path].values())
        page = response(200, {"count": len(keys), "results": keys[offset : offset + limit]})
        self._pages[path][offset, limit] = page
        return page

    def _patch(self, collection: str, key: dict[str, Any], fields: Mapping[str, Any]) -> bytes:
        if not fields or not fields.keys() <= set(MANAGED):
            return failure(400, "unknown or no fields")
        key.update(fields)
        self._pages[collection].clear()
        return response(200, key)


class Api:
    """What all connections share: the keys, the token, the latency, and the counts."""

    def __init__(self, token: str) -> None:
        """Start without keys."""
        self._authorization = f"apikey {token}"
        self._keys = Keys(Dataset(()))
        self.latency = 0.0
        self._methods: dict[str, int] = {}
        self._first_patch = 0.0
        self._last_patch = 0.0

    def respond(self, method: str, target: str, authorization: str, body: bytes) -> bytes:
        """Count one request and respond to it."""
        if target.startswith(_CONTROL):
            return self._control(target.removeprefix(_CONTROL), body)
        self._methods[method] = self._methods.get(method, 0) + 1
        if authorization != self._authorization:
            return failure(401, "Authentication credentials were not provided.")
        if not target.startswith(COLLECTION):
            return failure(404, target)
        if method == "PATCH" and self._methods[method] == 1:
            self._first_patch = time.perf_counter()
        return self._keys.respond(method, target, body)

    def count_sent(self, method: str) -> None:
        """Count a response that was sent."""
        if method == "PATCH":
            self._last_patch = time.perf_counter()

    def _control(self, command: str, body: bytes) -> bytes:
        if command == "load":
            gc.unfreeze()
            self._keys = Keys(dataset_from_json(body.decode()))
            # The keys live until the next load: no collection needs to walk them.
            gc.collect()
            gc.freeze()
        elif command == "latency":
            self.latency = float(body)
        elif command == "reset":
            self._methods = {}
        patching = self._last_patch - self._first_patch if "PATCH" in self._methods else 0.0
        return response(200, {"methods": self._methods, "patching_seconds": patching})


class Connection(asyncio.Protocol):
    """One keep-alive HTTP/1.1 connection; a delayed response blocks no other connection."""

    def __init__(self, api: Api) -> None:
        """Serve ``api``."""
        self._api = api
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport, and let it accept an entire page at once."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("a stream transport is needed")
        self._transport = transport
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)

    def data_received(self, data: bytes) -> None:
        """Respond to every request that has arrived completely."""
        self._received += data
        while (end := self._received.find(_END_OF_HEAD)) >= 0:
            request, *lines = self._received[:end].decode("latin-1").split("\r\n")
            headers = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
            }
            start = end + len(_END_OF_HEAD)
            stop = start + int(headers.get("content-length", "0"))
            if len(self._received) < stop:
                return
            body = bytes(self._received[start:stop])
            del self._received[:stop]
            method, target, _ = request.split(" ")
            response = self._api.respond(method, target, headers.get("authorization", ""), body)
            if self._api.latency and not target.startswith(_CONTROL):
                asyncio.get_running_loop().call_later(self._api.latency, self._send, method, response)
            else:
                self._send(method, response)

    def _send(self, method: str, response: bytes) -> None:
        if self._transport is not None:
            self._transport.write(response)
            self._api.count_sent(method)


async def serve(token: str) -> None:
    """Serve on a free loopback port until standard input ends."""
    api = Api(token)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(api), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(port, flush=True)
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    async with server:
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(serve(os.environ["GCORE_API_KEY"]))
