"""Responses that no service should return, and some that it should."""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

EMPTY: Final = {"count": 0, "results": []}
_KEY: Final[dict[str, Any]] = {
    "name": "one",
    "description": "new",
    "created_at": "2023-08-22T11:21:00Z",
    "status": "Active",
    "source": "cloud",
    "expire": None,
    "is_disabled": True,
    "containers": [{"name": "web", "namespace": "shop"}],
}
_ERROR: Final = {
    "exception_class": "ValidationError",
    "message": "no",
    "request_id": "ab12",
    "invalid_fields": {"name": ["Field required"]},
}
_STATUSES: Final = (
    *(200,) * 40,
    *(201, 202, 203, 204, 205, 206, 226, 299, 300, 301, 302, 303, 304, 307, 308, 400, 401, 402, 403, 404),
    *(405, 408, 409, 410, 413, 418, 422, 425, 429, 429, 429, 451, 499, 500, 501, 502, 503, 503, 504, 511),
    *(599, 600, 700, 999, 101, 103, 199),
)
_TYPES: Final = (
    *("application/json",) * 6,
    *("application/json; charset=utf-8", "application/json; charset=utf-16", "application/json; charset=x"),
    *("text/html", "text/html; charset=", "application/json; charset=\0", "multipart/form-data", "", ";;=;"),
    *("application/problem+json", "a" * 5000, "text/plain; charset=idna", "text/plain; charset=undefined"),
)
_RETRIES: Final = (
    *(
        "0",
        "1",
        "7.5",
        "-1",
        "",
        " 3 ",
        "nan",
        "inf",
        "1e9",
        "9" * 400,
        "9" * 30,
        "\u0661",
        "0x10",
        "120",
        "121",
    ),
    *("Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 1999 07:28:00 GMT", "Mon, 01 Jan 0001 00:00:00 +2359"),
    *("Fri, 31 Dec 9999 23:59:59 -2359", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT", ",", "Wed,", "T"),
    *("Mon, 01 Jan 2026 00:00:00 +99999999999999999999", "Mon, 99 Foo 2026 99:99:99 GMT", "2026-06-01", "()"),
)
_LOCATIONS: Final = (
    *("/elsewhere", "https://other.example/", "", "//", "https:abc", "http://[::", "http://é:9/", "\\\\a\\b"),
    *(
        "http://a:99999/",
        "javascript:x",
        "?a",
        "#",
        "http:",
        "http://" + "a" * 300,
        "ht!tp://a",
        "http://\x7f",
    ),
    *(
        "mailto:a@b",
        "http://a b/",
        "http://xn--/",
        "data:,x",
        "file:a",
        "https:/",
        "http://%zz/",
        "/" * 70000,
    ),
)
_COOKIES: Final = (
    "a=b",
    "=",
    ";",
    "a=b; expires=Mon, 99 Jan 9999999999 00:00:00 GMT",
    "a; max-age=" + "9" * 99,
)
_ENCODINGS: Final = (
    "gzip",
    "deflate",
    "br",
    "zstd",
    "identity",
    "gzip, gzip",
    "x",
    "GZIP",
    "",
    "deflate, gzip",
)
_VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, 1, -1, 0.0, -0.0, 0.5, 1e300, 10**30, "", "0", "one", "x" * 2000, [], {}, [[]]),
    *([None], {"name": 1}, "\ud800", "\x1b[31m", "2036-01-01T00:00:00Z", "not a date", [{"name": "web"}]),
    *(
        {"a": {"b": [1]}},
        [{"name": "web", "namespace": "shop"}] * 2,
        [{"name": [], "namespace": {}}],
        [[], 1],
    ),
)
_RUBBISH: Final = (
    *(b"", b" ", b"null", b"<html>no</html>", b"{", b"[]", b"0", b'"count"', b"\x00", b"\xff\xfe", b"{}{}"),
    *(
        b'{"count":0,"results":[]',
        b'{"count":0,"results":[]}}',
        b'{"count":0,"results":[],}',
        b"\xef\xbb\xbf",
    ),
    *(b'{"count":NaN,"results":[]}', b'{"count":0,"results":[NaN]}', b'{"count":-Infinity,"results":[]}'),
    *(b'{"count":1e999,"results":[]}', b'{"count":0,"results":null}', b'{"count":0,"results":{}}'),
    *(b'{"count":-0,"results":[]}', b'{"count":0.0,"results":[]}', b'{"count":false,"results":[]}'),
    *(b'{"count":"0","results":[]}', b'{"results":[]}', b'{"count":0}', b'{"Count":0,"Results":[]}'),
    *(b"{'count':0,'results':[]}", b'[{"count":0,"results":[]}]', b'{"data":{"count":0,"results":[]}}'),
    *(b'{"count":00,"results":[]}', b'\x0b{"count":0,"results":[]}', b'{"count":0,"results":[]}\x00'),
    *(b'{"count":2,"count":0,"results":[]}', b'{"count":0,"results":[{"name":"a"}],"results":[]}'),
    *(b'{"count":%s,"results":[]}' % (b"9" * 5000), b'{"count":1,"results":[{"name":"one","expire":1e999}]}'),
    *(b"[" * 100_000, b'{"a":' * 5000 + b"1" + b"}" * 5000, b'{"count":1,"results":[%s]}' % (b"[" * 900)),
)
REPEATED_MEMBERS_MISLEAD: Final = True
"""Whether JSON that names a member twice says nothing; if not, the last one counts."""
_DEPTHS: Final = (10, 100, 300, 450, 600, 800, 900, 950, 970, 990)


@dataclass(frozen=True, slots=True)
class Response:
    """A response: status, headers and the bytes that go over the wire."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    wire: bytes

    def response(self) -> httpx.Response:
        """Return it the way a transport does: not read yet."""
        return httpx.Response(self.status, headers=list(self.headers), stream=httpx.ByteStream(self.wire))

    def raw(self) -> bytes:
        """Return it the way a socket does."""
        lines = [b"HTTP/1.1 %d Whatever" % self.status]
        lines += [name + b": " + value for name, value in self.headers]
        lines += [b"Content-Length: %d" % len(self.wire), b"Connection: close", b"", b""]
        return b"\r\n".join(lines) + self.wire

    def document(self) -> Any:
        """Return what a success says, as strict JSON without repeated members, or None."""
        response = self.response()
        try:
            response.read()
        except httpx.HTTPError:
            return None
        return strict(response.content) if response.is_success else None


def strict(content: bytes) -> Any:
    """Read JSON whose objects name no member twice, or return None."""
    try:
        return json.loads(content, object_pairs_hook=_members)
    except (ValueError, RecursionError):
        return None


def says_none(document: Any) -> bool:
    """Return whether a document says that there are no keys."""
    if not isinstance(document, dict):
        return False
    count, results = document.get("count"), document.get("results")
    # As JSON Schema counts: 0.0 is the integer 0, and false is none.
    return type(count) in {int, float} and count == 0 and results == [] and isinstance(results, list)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if REPEATED_MEMBERS_MISLEAD and len(dict(pairs)) < len(pairs):
        raise ValueError("a member stands there twice")
    return dict(pairs)


def random_response(chance: random.Random) -> Response:
    """Return a random response."""
    headers = [("Content-Type", chance.choice(_TYPES))]
    status = chance.choice(_STATUSES)
    for name, values, often in (
        ("Retry-After", _RETRIES, 0.8 if status in {429, 503} else 0.05),
        ("Location", _LOCATIONS, 0.8 if status in range(300, 400) else 0.02),
        ("Set-Cookie", _COOKIES, 0.05),
        ("Content-Encoding", _ENCODINGS, 0.15),
    ):
        if chance.random() < often:
            headers.append((name, chance.choice(values)))
    encoding = dict(headers).get("Content-Encoding", "")
    wire = _packed(_body(chance), encoding, chance)
    return Response(
        status, [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers], wire
    )


def _packed(body: bytes, encoding: str, chance: random.Random) -> bytes:
    for part in encoding.lower().split(", "):
        if part == "gzip":
            body = gzip.compress(body, 1, mtime=0)
        elif part == "deflate":
            body = zlib.compress(body) if chance.random() < 1 / 2 else zlib.compress(body)[2:-4]
    match chance.randrange(12 if not encoding else 4):
        case 0:
            return body[: chance.randint(0, len(body))]
        case 1 if body:
            place = chance.randrange(len(body))
            return body[:place] + bytes([chance.randrange(256)]) + body[place + 1 :]
        case 2 if encoding:
            return chance.randbytes(chance.choice((1, 20, 200)))
        case _:
            return body


def _body(chance: random.Random) -> bytes:
    if chance.random() < 1 / 5:
        return chance.choice(_RUBBISH)
    text = json.dumps(_document(chance), ensure_ascii=chance.random() < 1 / 2)
    if chance.random() < 1 / 10:
        text = text.replace('"count"', '"count": 7, "count"').replace('"name"', '"name": "two", "name"')
    if chance.random() < 1 / 10:
        deep = chance.choice(_DEPTHS)
        text = text.replace('"expire": null', '"expire": ' + "[" * deep + "]" * deep)
    encoding = (
        "utf-8" if chance.random() < 9 / 10 else chance.choice(("utf-16", "utf-32-be", "utf-8-sig", "utf-7"))
    )
    return text.encode(encoding, "surrogatepass" if encoding != "utf-7" else "replace")


def _document(chance: random.Random) -> Any:
    match chance.randrange(8):
        case 0:
            return EMPTY
        case 1 | 2 | 3:
            names = ["one", "two", "three", "\x1b", "one"][: chance.randrange(6)]
            keys = [_key(chance) | {"name": name} for name in names]
            count = len(keys) if chance.random() < 3 / 4 else chance.choice((0, 1, 2, 10**6, -1, 10**30))
            return _spoilt({"count": count, "results": keys}, chance)
        case 4:
            return _spoilt(_ERROR, chance)
        case 5:
            return chance.choice(_VALUES)
        case _:
            return _key(chance)


def _key(chance: random.Random) -> dict[str, Any]:
    return _spoilt(_KEY, chance)


def _spoilt(document: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """Change a member, leave one out or add one; now and then nothing."""
    spoilt = dict(document)
    for _ in range(chance.choice((0, 0, 0, 1, 1, 2))):
        name = chance.choice([*document, "extra"])
        if chance.random() < 1 / 4:
            spoilt.pop(name, None)
        else:
            spoilt[name] = chance.choice(_VALUES)
    return spoilt
