"""Requests to the API of keys, projects and regions, proper ones and others."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

from fuzz.description import OPERATIONS

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from fuzz.description import Operation

TOKEN: Final = "made-up$token"  # noqa: S105 - guards nothing
_METHODS: Final = ("PUT", "HEAD", "OPTIONS", "TRACE", "GET", "POST", "PATCH", "DELETE", "LIST", "get")
_NUMBERS: Final = (
    "0",
    "-1",
    "2147483648",
    "9" * 18,
    "9" * 19,
    "1.0",
    "abc",
    "",
    " 1",
    "\u0661",
    "1e3",
    "+1",
    "%00",
)
_NAMES: Final = (
    *(
        "ab",
        "a",
        "A-b",
        "a.b",
        "-ab",
        "ab-",
        "x" * 64,
        "x" * 65,
        "x" * 3000,
        "é",
        "a b",
        "a/b",
        "..",
        ".",
        "",
    ),
    *("a\nb", "a\x00b", "a%2Fb", "\u202e", "?", "#", "a;b", "a'b", "null", "web-one "),
)
_VALUES: Final[tuple[Any, ...]] = (
    *(
        None,
        True,
        0,
        1.5,
        "",
        "x",
        "x" * 5000,
        "\ud800",
        "\x00",
        [],
        {},
        [[]],
        [None],
        10**30,
        -0.0,
        "web-one",
    ),
    *(
        "2036-01-01T00:00:00Z",
        "2036-13-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
    ),
    *("2020-01-01t00:00:00.123456789z", "2036-01-01", "2036-01-01T00:00:00", "2036-12-31T23:59:60Z"),
    *([{"name": "web", "namespace": "\ud800"}], [{"name": "Web", "namespace": ""}], [{"name": "web"}]),
    *([{"name": "web", "namespace": "shop", "x": 1}], [{"name": "web", "namespace": "shop"}] * 3),
)
_BODIES: Final = (
    *(
        b"",
        b"{",
        b"null",
        b"[]",
        b"0",
        b'"x"',
        b"{}{}",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b'{"name":NaN}',
        b"[" * 99_999,
    ),
    *(b'{"name":"twice","name":"web-two","containers":[]}', b'{"containers":[],"name":"\\ud800"}', b"{}"),
    *(
        b'{"expire":%s}' % (b"[" * 700 + b"]" * 700),
        b'{"name":%s}' % (b"9" * 5000),
        b'{"x":%s}' % (b"9" * 5000),
    ),
    *('{"containers":[]}'.encode("utf-16"), b'{"description":"\xed\xa0\x80"}', b"name=web&containers="),
)
_QUERIES: Final = (
    *(
        "limit=1",
        "offset=1",
        "limit=1000&offset=0",
        "limit=0",
        "limit=1001",
        "offset=-1",
        "limit=",
        "limit=a",
    ),
    *(
        "limit=1&limit=2",
        "LIMIT=0",
        "offset=" + "9" * 18,
        "offset=" + "9" * 19,
        "limit=%00",
        "limit=%FF",
        "x=1",
    ),
    *("limit=1.0", "%zz", "&&==", "a" * 20_000, "limit=1;offset=1", "limit[]=1", "limit=+1", "limit=%D9%A1"),
)
_ORDERS: Final = ("order_by=created_at.asc", "order_by=", "order_by=x", "order_by=name.desc&limit=1")
_OWN_QUERIES: Final[Mapping[str, tuple[str, ...]]] = {
    "faas": (
        *_ORDERS,
        *("order_by=expire.asc", "order_by=expire.desc&offset=1", "search=web", "search=", "search=%00"),
        *("search=A", "expire_in=1", "expire_in=0", "expire_in=" + "9" * 18, "expire_in=x", "expire_in=-1"),
        "search=" + "a" * 27,
    ),
    "projects": (*_ORDERS, "name=Default", "name=", "include_deleted=true", "include_deleted=%FF"),
    "regions": (
        *_ORDERS,
        *("display_name=LUXEMBOURG-2", "display_name=%FF", "product=inference", "product=x"),
        *("show_volume_types=true", "show_volume_types=2", "order_by=display_name.asc"),
    ),
}
_HEADERS: Final[tuple[Mapping[str, str], ...]] = (
    *({}, {"Authorization": ""}, {"Authorization": "apikey"}, {"Authorization": "apikey wrong"}),
    *({"Authorization": f"Bearer {TOKEN}"}, {"Authorization": TOKEN}, {"Authorization": "apikey \xff\xe9"}),
    *({"Authorization": f"Basic {TOKEN}"}, {"Authorization": f"apikey  {TOKEN} x"}),
)
_TYPES: Final = ("application/json", "text/plain", "", "multipart/form-data", "application/json; charset=x")


@dataclass(frozen=True, slots=True)
class Sent:
    """A request; ``operation`` is what its path and method mean, or None where they mean nothing."""

    operation: Operation | None
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes | None
    authorized: bool

    def shown(self) -> bytes:
        """Return the request as text, to be saved."""
        lines = [
            f"{self.method} {self.target}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        return "\n".join([*lines, "", ""]).encode("utf-8", "surrogatepass") + (self.body or b"")


def request(chance: random.Random) -> Sent:
    """Return some request."""
    operation = chance.choice(OPERATIONS)
    target = operation.path.format(
        project_id=_number(chance, "1"), region_id=_number(chance, "76"), key_name=_name(chance)
    )
    if chance.random() < 1 / 40:
        target = chance.choice(
            (target + "/", target + "/x", target.replace("cloud", "crowd"), "/", "//", "/cloud")
        )
    query = chance.random() < (1 / 2 if operation.name == "list" else 1 / 20)
    target += "?" + chance.choice(_QUERIES + _OWN_QUERIES.get(operation.thing.name, ())) if query else ""
    method = operation.method if chance.random() < 19 / 20 else chance.choice(_METHODS)
    authorized = chance.random() < 19 / 20
    headers = {"Authorization": f"apikey {TOKEN}"} if authorized else dict(chance.choice(_HEADERS))
    body = _body(operation, chance)
    if body is not None:
        headers["Content-Type"] = chance.choice(_TYPES)
    return Sent(meaning(method, target), method, target, headers, body, authorized)


def meaning(method: str, target: str) -> Operation | None:
    """Return the operation that a request asks for, if its path and method are those of one."""
    path = unquote(target.partition("?")[0]).split("/")  # %2F divides, as in most servers
    for operation in OPERATIONS:
        parts = operation.path.split("/")
        fits = len(parts) == len(path) and all(
            part == given or (part.startswith("{") and given) for part, given in zip(parts, path, strict=True)
        )
        if fits and operation.method == method:
            return operation
    return None


def _number(chance: random.Random, usual: str) -> str:
    return usual if chance.random() < 19 / 20 else quote(chance.choice(_NUMBERS), safe="%")


def _name(chance: random.Random) -> str:
    if chance.random() < 3 / 4:
        return chance.choice(("web-one", "web-two", "web-three", f"key-{chance.randrange(30)}"))
    return quote(chance.choice(_NAMES), safe="%" if chance.random() < 1 / 2 else "")


def _body(operation: Operation, chance: random.Random) -> bytes | None:
    if operation.name not in {"create", "change"}:
        return None if chance.random() < 19 / 20 else chance.choice(_BODIES)
    if chance.random() < 1 / 8:
        return chance.choice(_BODIES)
    body = _members(operation, chance)
    if chance.random() < 1 / 3:
        body[chance.choice((*body, "name", "status", "secret", "", "x"))] = chance.choice(_VALUES)
    if chance.random() < 1 / 20:
        body.pop(chance.choice(list(body) or [""]), None)
    return json.dumps(body).encode()


def _members(operation: Operation, chance: random.Random) -> dict[str, Any]:
    instant = chance.choice((None, "2036-01-01T00:00:00Z", "2027-01-01T00:00:00.5+05:30"))
    boxes = [{"name": f"box-{n}", "namespace": "shop"} for n in range(chance.randrange(4))]
    own: Mapping[str, dict[str, Any]] = {
        "caas": {"expire": instant, "is_disabled": chance.random() < 1 / 2, "containers": boxes},
        "faas": {"expire": instant, "functions": boxes},
        "inference": {"expires_at": instant or "2036-01-01T00:00:00"},
    }
    values = {"description": f"text {chance.randrange(9)} é", **own[operation.thing.name]}
    body = {name: value for name, value in values.items() if chance.random() < 1 / 2}
    needed = {name: values[name] for name in operation.thing.references}
    if operation.name == "create":
        return body | needed | {"name": f"key-{chance.randrange(30)}"}
    return body | needed if chance.random() < 1 / 2 else body
