"""How responses are sent: completely, late, truncated, or not at all."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, Literal, NamedTuple

from starlette.responses import Response as HttpResponse
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from gcore_emulator.responses import Response

_CONNECTION = "connection"
# Closing with a linger time of zero makes the kernel send RST, and not the FIN of an orderly end.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)

Manner = Literal["whole", "late", "half", "cut"]
"""How a response is sent: as it is, after a while, only its first half, or the connection is reset."""


class FaultyProtocol(H11Protocol):
    """HTTP/1.1 that passes its connection to the application, so that a fault can close it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Store the connection in the state that every request's scope gets a copy of."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, _CONNECTION: transport}


class Channel(NamedTuple):
    """The target of a response: the three parts of an ASGI call."""

    scope: Scope
    receive: Receive
    send: Send

    @property
    def connection(self) -> asyncio.Transport:
        """The underlying connection."""
        transport: asyncio.Transport = self.scope["state"][_CONNECTION]
        return transport


async def deliver(response: Response, channel: Channel) -> None:
    """Send a response without faults."""
    await _http(response)(*channel)


async def deliver_badly(response: Response, channel: Channel, manner: Manner, seconds: float) -> None:
    """Send a response in the given manner; ``seconds`` is the delay of a late one."""
    match manner:
        case "whole":
            await deliver(response, channel)
        case "late":
            await _deliver_late(response, channel, seconds)
        case "half":
            await _deliver_half(response, channel)
        case "cut":
            await _reset(channel)


async def _deliver_late(response: Response, channel: Channel, seconds: float) -> None:
    """Wait until the client disconnects or it is time to respond."""
    try:
        await asyncio.wait_for(channel.receive(), seconds)
    except TimeoutError:
        await deliver(response, channel)


async def _deliver_half(response: Response, channel: Channel) -> None:
    """Announce the complete body, send half of it, and close the connection in order."""
    head = {"type": "http.response.start", "status": response.status, "headers": _http(response).raw_headers}
    half = response.body[: len(response.body) // 2]
    await channel.send(head)
    await channel.send({"type": "http.response.body", "body": half, "more_body": True})
    channel.connection.close()
    await channel.receive()  # returns when the connection has ended


async def _reset(channel: Channel) -> None:
    connection = channel.connection
    connection.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    connection.abort()
    await channel.receive()  # returns when the connection has ended


def _http(response: Response) -> HttpResponse:
    media_type = "application/json" if response.body else None
    return HttpResponse(response.body, response.status, dict(response.headers), media_type)
