"""What to do about a refusal, by its status and by what the service says of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_BY_REQUEST: Final[Mapping[tuple[str, int], str]] = {
    ("GET", 401): "check GCORE_API_KEY or the token file",
    ("PATCH", 401): "check GCORE_API_KEY or the token file",
    ("GET", 403): "the token may lack the permission to list keys",
    ("PATCH", 403): "the token may lack the permission to change keys, or a capacity limit is reached",
    ("GET", 404): "check project_id and region_id, or what else the scope names",
    ("POST", 401): "check GCORE_API_KEY or the token file",
    ("POST", 403): "the token may lack the permission to create keys, or a capacity limit is reached",
    ("DELETE", 401): "check GCORE_API_KEY or the token file",
    ("DELETE", 403): "the token may lack the permission to delete keys",
    ("DELETE", 409): "something still uses the key; detach it first",
}
_BY_STATUS: Final[Mapping[int, str]] = {
    304: "that is a cache's answer, to what was not asked: check the base URL and what is between",
    407: "a proxy between wants a login: set user and password in HTTPS_PROXY",
    511: "the network wants a login first",
}
_OF_LIMITS: Final = frozenset({400, 402, 403, 409, 422})
_QUOTA: Final = re.compile(
    r"quota|exceed\w*\W+(\w+\W+){0,4}limit|limit\w*\W+(\w+\W+){0,4}(exceed|reach)|reached\W+(\w+\W+){0,4}limit"
    r"|(insufficient|not enough|no free|out of)\W+(\w+\W+){0,2}capacity|maximum number of",
    re.IGNORECASE,
)
_PERMISSION: Final = re.compile(
    r"permission|\bcannot \w+ resource\b|not allowed to|access denied|\brole\b", re.IGNORECASE
)
_ELSEWHERE: Final[Mapping[str, str]] = {
    "being terminated": "it is being deleted: name another one",
    "admission": "that is for the admission policies of the cluster to allow",
    "denied the request": "that is for the admission policies of the cluster to allow",
}
QUOTA: Final = "a quota or a limit is reached: have it raised, or remove what is not needed"


def hint_for(method: str, status: int, said: str) -> str:
    """Return advice about a refusal in which the service said so."""
    return limit_hint(status, said) or _BY_REQUEST.get((method, status)) or _BY_STATUS.get(status, "")


def limit_hint(status: int | None, said: str) -> str:
    """Return advice if a limit is reached, and not a permission missing; else nothing."""
    is_limit = status in _OF_LIMITS and _QUOTA.search(said) and not _PERMISSION.search(said)
    return QUOTA if is_limit else ""


def cluster_hint(status: int | None, said: str) -> str:
    """Return advice if a cluster refuses for a reason other than a permission; else nothing."""
    lower = said.lower()
    reason = next((advice for sign, advice in _ELSEWHERE.items() if sign in lower), "")
    return limit_hint(status, said) or ("" if _PERMISSION.search(said) else reason)
