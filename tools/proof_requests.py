"""Whether a request of a proof holds what it has to, and nothing that it could do without."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from described_collection import settings_at
from made_values import REQUEST
from proof_verdicts import FaultError

if TYPE_CHECKING:
    from described_server import Fake, Recorded


def check_minimal(fake: Fake, write: Recorded, there: str) -> None:
    """Raise FaultError unless a request holds one field, and else only what the description asks for."""
    schema, described = fake.of.body[1], fake.described
    settings = settings_at(write.body, fake.of.body[0])
    if there not in settings:
        raise FaultError(f"the request lacks {there}: {json.dumps(write.body)[:150]}")
    if write.method == "PUT":
        return
    extra = settings.keys() - {there}
    if described.is_valid(schema, settings, REQUEST):  # not so in a form, where all values are text
        less = {name: {other: part for other, part in settings.items() if other != name} for name in extra}
        extra = {name for name in extra if described.is_valid(schema, less[name], REQUEST)}
    else:
        extra -= fake.of.required
    if extra:
        raise FaultError(f"the request carries {', '.join(sorted(extra))} too")
