"""HTTP against the key API; the one home of httpx.

What a caller may do is a type: a :class:`Reader` can only read, a :class:`Writer` can also write.
No other package sees an httpx object or exception.
"""

from __future__ import annotations

from reconciler.api.environment import network_variables
from reconciler.api.session import Connection, Exchange, Reader, Writer, ignore

__all__ = ["Connection", "Exchange", "Reader", "Writer", "ignore", "network_variables"]
