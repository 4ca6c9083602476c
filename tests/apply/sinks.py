"""What the tests of sinks share: a key, its secret, and a look at all that an error may show."""

from __future__ import annotations

import base64
import traceback
from typing import TYPE_CHECKING

import pytest

from reconciler.apply.sinks.sink import Place
from reconciler.errors import SinkError
from reconciler.model.scope import Scope
from reconciler.model.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.apply.sinks.sink import SecretSink

VALUE = '9876$very+secret/"quoted"\u00e9-0123456789abcdef'
SECRET = Secret(VALUE)
WEB = Place(Scope("caas", 1, 76), "web")
TELLING = (VALUE, "very+secret", "0123456789abcdef", base64.b64encode(VALUE.encode()).decode()[4:24])
"""The secret, and parts of it that must not be seen either."""


def store(sink: SecretSink, place: Place = WEB) -> str:
    """Store the secret and check what is returned."""
    said = sink.store(place, SECRET)
    assert not [part for part in TELLING if part in said + repr(sink)]
    return said


def store_error(sink: SecretSink, place: Place = WEB) -> str:
    """Return why the secret is not stored, after a look at all that the error may show."""
    with pytest.raises(SinkError) as raised:
        sink.store(place, SECRET)
    return safe(raised.value)


def probe_error(sink: SecretSink) -> str:
    """Return why nothing can be stored."""
    with pytest.raises(SinkError) as raised:
        sink.probe([WEB])
    return safe(raised.value)


def safe(error: BaseException) -> str:
    """Return the message of an error that, like all before it, shows nothing of the secret."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True).format()
    own = [line for line in shown if "/tests/" not in line]
    everything = "".join([*own, *(f"{one!s} {one!r}" for one in _chain(error))])
    assert not [part for part in TELLING if part in everything]
    return str(error)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
