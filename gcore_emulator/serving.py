"""A web server on a loopback socket, in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import uvicorn

from gcore_emulator.delivery import FaultyProtocol
from gcore_emulator.errors import EmulatorError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp

LOOPBACK = "127.0.0.1"
_GRACE_SECONDS = 0.5


class _Server(uvicorn.Server):
    """A uvicorn server that starts and stops without polling, for suites with hundreds of them."""

    def __init__(self, application: ASGIApp) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                log_config=None,
                log_level="critical",
                access_log=False,
                lifespan="off",
                http=FaultyProtocol,
                ws="none",
                loop="asyncio",
                server_header=False,
                date_header=False,
            )
        )
        self.ready = threading.Event()
        self._stopping = asyncio.Event()

    async def main_loop(self) -> None:
        """Serve until `stop`."""
        self._loop = asyncio.get_running_loop()
        self.ready.set()
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close all connections: idle ones at once, busy ones when they are done or the grace period ends."""
        del sockets
        for server in self.servers:
            server.close()
        connections, tasks = self.server_state.connections, self.server_state.tasks
        for connection in list(connections):
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE_SECONDS):
                while connections:  # noqa: ASYNC110 - uvicorn only offers a set to look at
                    await asyncio.sleep(0.001)
        for connection in list(connections):
            connection.transport.abort()
        for task in tasks:
            task.cancel()

    def stop(self) -> None:
        """Ask the server, which must be ready, from another thread to shut down."""
        self._loop.call_soon_threadsafe(self._stopping.set)


@contextlib.contextmanager
def serving(application: ASGIApp, listener: socket.socket) -> Iterator[None]:
    """Serve inside the block; afterwards the thread has ended and every connection is closed."""
    server = _Server(application)
    thread = threading.Thread(target=server.run, args=([listener],), name="emulator", daemon=True)
    thread.start()
    server.ready.wait()
    try:
        yield
    finally:
        server.stop()
        thread.join()


def listen(port: int) -> socket.socket:
    """Open a port of this machine, 0 for any free one; `EmulatorError` when it cannot be used."""
    # With the protocol left at 0, asyncio would not switch Nagle's algorithm off: 40 ms for each response.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise EmulatorError(f"port {port} on {LOOPBACK} cannot be used: {error.strerror}") from error
    return listener
