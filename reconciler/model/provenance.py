"""What a plan was made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.frozen import dataclass

if TYPE_CHECKING:
    import datetime as dt


@dataclass(frozen=True, slots=True)
class Provenance:
    """When and from what a plan was made: the API, the digest of all files, and their commit.

    ``base_commit`` is the commit that the origins of fields refer to, if there is one.
    """

    made_at: dt.datetime
    base_url: str
    inputs_digest: str
    git_commit: str | None = None
    base_commit: str | None = None
