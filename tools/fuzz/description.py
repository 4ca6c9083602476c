"""The API of keys, projects and regions, written down by hand: what may be sent, and what may come back."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Shape = Callable[[Any], str]

_INTEGER: Final = re.compile(r"-?\d+", re.ASCII)
_REQUEST_ID: Final = re.compile(r"[0-9a-f]{32}")
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:?00)?", re.ASCII)
_NAIVE: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII)
_CAAS_NAME: Final = re.compile(r"[a-z][-a-z0-9]{0,62}[a-z0-9]")
_FAAS_NAME: Final = re.compile(r"[a-z][-a-z0-9]{0,24}[a-z0-9]")
_ANYTHING: Final = re.compile(r".*", re.DOTALL)
_TEXT_OR_NULL: Final = (str, type(None))

Types = type | tuple[type, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """What a list contains: the types of its members, and which of them may be missing or are instants.

    ``references`` are the patterns of the two members of each item in the lists of that name.
    """

    name: str
    collection: str
    members: Mapping[str, Types]
    instants: tuple[str, ...]
    instant: re.Pattern[str] = _INSTANT
    optional: frozenset[str] = frozenset()
    references: Mapping[str, tuple[re.Pattern[str], re.Pattern[str]]] = field(default_factory=dict)
    item: str = ""


CAAS: Final = Thing(
    name="caas",
    collection="/cloud/v1/caas/keys/{project_id}/{region_id}",
    item="/{key_name}",
    members={
        "name": str,
        "description": str,
        "created_at": str,
        "status": str,
        "source": str,
        "expire": _TEXT_OR_NULL,
        "is_disabled": bool,
        "containers": list,
    },
    instants=("created_at", "expire"),
    references={"containers": (_CAAS_NAME, _ANYTHING)},
)
FAAS: Final = Thing(
    name="faas",
    collection="/cloud/v1/faas/keys/{project_id}/{region_id}",
    item="/{key_name}",
    members={
        "name": str,
        "description": _TEXT_OR_NULL,
        "created_at": str,
        "status": str,
        "expire": _TEXT_OR_NULL,
        "functions": list,
    },
    instants=("created_at", "expire"),
    optional=frozenset({"description", "expire"}),
    references={"functions": (_FAAS_NAME, _FAAS_NAME)},
)
INFERENCE: Final = Thing(
    name="inference",
    collection="/cloud/v3/inference/{project_id}/api_keys",
    item="/{key_name}",
    members={
        "name": str,
        "description": _TEXT_OR_NULL,
        "created_at": str,
        "expires_at": _TEXT_OR_NULL,
        "deployment_names": list,
    },
    instants=("created_at", "expires_at"),
)
_ABILITIES: Final = ("ai", "ai_gpu", "baremetal", "basic_vm", "dbaas", "ddos", "k8s", "kvm", "sfs")
PROJECT: Final = Thing(
    name="projects",
    collection="/cloud/v1/projects",
    members={
        **dict.fromkeys(("id", "client_id"), int),
        **dict.fromkeys(("name", "state", "created_at"), str),
        **dict.fromkeys(("description", "deleted_at", "task_id"), _TEXT_OR_NULL),
        "is_default": bool,
    },
    instants=("created_at", "deleted_at"),
    instant=_NAIVE,
)
REGION: Final = Thing(
    name="regions",
    collection="/cloud/v1/regions",
    members={
        **dict.fromkeys(("id", "keystone_id"), int),
        **dict.fromkeys(("display_name", "slug", "keystone_name", "state", "country", "access_level"), str),
        **dict.fromkeys(("endpoint_type", "created_at", "created_on", "vlan_physical_network"), str),
        **dict.fromkeys(("zone", "external_network_id", "task_id"), _TEXT_OR_NULL),
        **dict.fromkeys(("available_volume_types", "file_share_types"), (list, type(None))),
        **dict.fromkeys(("metrics_database_id", "ddos_endpoint_id"), (int, type(None))),
        "coordinates": (dict, type(None)),
        **{f"has_{ability}": bool for ability in _ABILITIES},
    },
    instants=("created_at", "created_on"),
    instant=_NAIVE,
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its method and path, the shape of its success, and the refusals it may return."""

    thing: Thing
    name: str
    method: str
    path: str
    success: int
    shape: Shape
    refusals: frozenset[int]


def item_shape(thing: Thing, document: Any) -> str:
    """Return what is wrong with a key, project or region, or nothing."""
    if not isinstance(document, dict) or document.keys() | thing.optional != thing.members.keys():
        return f"not the members of one of the {thing.name}: {document!r:.200}"
    for name, value in document.items():
        if not isinstance(value, thing.members[name]):
            return f"{name} is {value!r:.80}"
        if name in thing.instants and value is not None and not _is_instant(value, thing.instant):
            return f"{name} is {value!r:.80}"
    for name, patterns in thing.references.items():
        for box in document[name]:
            if not isinstance(box, dict) or box.keys() != {"name", "namespace"}:
                return f"one of the {name} is {box!r:.80}"
            texts = (box["name"], box["namespace"])
            if not all(isinstance(text, str) for text in texts) or not all(
                map(re.fullmatch, patterns, texts)
            ):
                return f"one of the {name} is {box!r:.80}"
    return ""


def created_shape(thing: Thing, document: Any) -> str:
    """Return what is wrong with a new key and its secret, or nothing."""
    if (
        not isinstance(document, dict)
        or not isinstance(document.get("secret"), str)
        or not document["secret"]
    ):
        return "a new key without a secret"
    return item_shape(thing, {name: value for name, value in document.items() if name != "secret"})


def page_shape(thing: Thing, document: Any) -> str:
    """Return what is wrong with a page, or nothing."""
    if not isinstance(document, dict) or document.keys() != {"count", "results"}:
        return f"not the members of a page: {document!r:.200}"
    count, results = document["count"], document["results"]
    if type(count) is not int or not isinstance(results, list) or not 0 <= len(results) <= count:
        return f"a page of {count!r:.80}"
    return next(filter(None, (item_shape(thing, result) for result in results)), "")


def error_shape(document: Any, *, other_form: bool = False) -> str:
    """Return what is wrong with an error, or nothing; ``other_form`` is that of ``detail`` and ``code``."""
    if not isinstance(document, dict):
        return f"an error is {document!r:.80}"
    if other_form:
        texts = document.keys() == {"detail", "code"} and all(isinstance(v, str) for v in document.values())
        return "" if texts else f"not the members of the other form: {document!r:.200}"
    if document.keys() - {"invalid_fields"} != {"exception_class", "message", "request_id"}:
        return f"not the members of an error: {document!r:.200}"
    if not all(isinstance(document[name], str) for name in ("exception_class", "message")):
        return f"not the texts of an error: {document!r:.200}"
    fields = document.get("invalid_fields", {"": [""]})
    if not isinstance(fields, dict) or not fields or not all(map(_is_complaints, fields.values())):
        return f"invalid_fields is {fields!r:.200}"
    return "" if _REQUEST_ID.fullmatch(document["request_id"]) else "no request id"


def nothing(document: Any) -> str:
    """Return that there is an unexpected body, or an empty text."""
    return "" if document is None else f"a body: {document!r:.80}"


def is_number(text: str) -> bool:
    """Return whether a text is an integer as paths and queries write it."""
    return _INTEGER.fullmatch(text) is not None


def _is_instant(text: object, pattern: re.Pattern[str]) -> bool:
    if not isinstance(text, str) or not pattern.fullmatch(text):
        return False
    dt.datetime.fromisoformat(text)
    return True


def _is_complaints(texts: Any) -> bool:
    return isinstance(texts, list) and bool(texts) and all(isinstance(text, str) for text in texts)


_COMMON: Final = frozenset({400, 401, 404})


def _operations_on_keys(thing: Thing) -> tuple[Operation, ...]:
    collection, item, shape = thing.collection, thing.collection + thing.item, partial(item_shape, thing)
    page, created = partial(page_shape, thing), partial(created_shape, thing)
    return (
        Operation(thing, "list", "GET", collection, 200, page, _COMMON),
        Operation(thing, "create", "POST", collection, 200, created, _COMMON | {409}),
        Operation(thing, "read", "GET", item, 200, shape, _COMMON),
        Operation(thing, "change", "PATCH", item, 200, shape, _COMMON | {409}),
        Operation(thing, "delete", "DELETE", item, 204, nothing, _COMMON | {409}),
    )


OPERATIONS: Final = (
    *(operation for thing in (CAAS, FAAS, INFERENCE) for operation in _operations_on_keys(thing)),
    *(
        Operation(
            thing, "list", "GET", thing.collection, 200, partial(page_shape, thing), frozenset({400, 401})
        )
        for thing in (PROJECT, REGION)
    ),
)
"""The service may return 403, 429 and 500, but the emulator does so only if it is configured to."""
