"""Every style of listing is read to its end, and one that might have more is never taken for all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.reader import Reader
from reconciler.errors import IncompleteReadError, InvalidResponseError
from reconciler.observe.listing import observe
from tests.support import Handler, Script, connect
from tests.values import kind_with

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.kinds.kind import Kind
    from reconciler.model.live import LiveScope

CREATED: dict[str, Any] = {"create": {"requires": []}}


def labels(style: str, /, **described: Any) -> Kind:
    """Return a kind whose listing is described so, two keys to a page."""
    members = {name: described.pop(name) for name in ("send", "create") if name in described}
    return kind_with({}, collection="/labels", page_limit=2, list={"style": style, **described}, **members)


def rows(*names: str) -> list[dict[str, str]]:
    return [{"name": name, "id": f"id-{name}"} for name in names]


def answer(value: Any, link: str | None = None) -> httpx.Response:
    headers = {} if link is None else {"Link": link}
    return httpx.Response(200, content=json.dumps(value).encode(), headers=headers)


def read(kind: Kind, handler: Handler) -> LiveScope:
    with Reader(connect(handler)) as reader:
        return observe(reader, kind, kind.scope_of([]))


def queries(script: Script) -> list[str]:
    return [request.url.query.decode() for request in script.requests]


NEXT = labels("cursor", cursor="after", next="meta.next", results="items", limit="size")
LINK = labels("cursor", cursor="after", link=True)
UNSIZED = kind_with({}, collection="/labels", page_limit=100_000, list={"style": "page", "limit": None})
LAST = labels("cursor", cursor="starting_after", last="id", more="has_more", results="data", limit="limit")


NEW = labels("page", **CREATED)


def after(cursor: Any, *names: str) -> httpx.Response:
    return answer({"items": rows(*names), "meta": {"next": cursor}})


def flagged(*names: str, more: Any) -> httpx.Response:
    return answer({"data": rows(*names), "has_more": more})


ELSEWHERE = "https://evil.test/labels?x=1&after=c%2F2"


@pytest.mark.parametrize(
    ("kind", "responses", "asked"),
    [
        (NEXT, [after(None)], ["size=2"]),
        (NEXT, [answer({"items": rows("a")})], ["size=2"]),
        (NEXT, [after("c1", "a"), after("", "b")], ["size=2", "size=2&after=c1"]),
        (NEXT, [after(17, "a"), after(None, "b")], ["size=2", "size=2&after=17"]),
        (NEXT, [after("/a+b=", "a"), after(None)], ["size=2", "size=2&after=%2Fa%2Bb%3D"]),
        (NEXT, [after(ELSEWHERE, "a"), after(None, "b")], ["size=2", "size=2&after=c%2F2"]),
        (LINK, [answer(rows("a"))], [""]),
        (
            LINK,
            [answer(rows("a"), f'<{ELSEWHERE}>; rel="next", <x>; rel=up'), answer(rows("b"), "<x>; rel=up")],
            ["", "after=c%2F2"],
        ),
        (LINK, [answer(rows("a"), f'<{ELSEWHERE}>; rel="next"; results="false"')], [""]),
        *(
            (LINK, [answer(rows("a"), link), answer(rows("b"))], ["", "after=2"])
            for link in (
                '</x?after=2>; rel="last next"',
                '</x?after=1>; rel=prev, </x?after=2>;REL = "NEXT"',
                '</x?after=1>; rel="prev"; title="; rel=next", </x?after=2> ; title="a, <b>" ; rel=next',
                "</x?after=1>; rel=up; rel=next, </x?after=2>; rel=next",
            )
        ),
        (LAST, [flagged(more=False)], ["limit=2"]),
        (
            LAST,
            [flagged("a", "b", more=True), flagged("c", more=False)],
            ["limit=2", "limit=2&starting_after=id-b"],
        ),
        (LAST, [answer({"data": rows("a")})], ["limit=2"]),
        (labels("page", first=0), [answer(rows("a", "b")), answer([])], ["limit=2&page=0", "limit=2&page=1"]),
        (labels("page", limit=None), [answer(rows("a"))], ["page=1"]),
        (
            UNSIZED,
            [answer(rows("a", "b", "c")), answer(rows("d")), answer([])],
            ["page=1", "page=2", "page=3"],
        ),
        (
            labels("page", results="items"),
            [
                answer({"items": rows("a", "b"), "total": 3, "per_page": 2}),
                answer({"items": rows("c"), "total": 3}),
            ],
            ["limit=2&page=1", "limit=2&page=2"],
        ),
        (
            labels("page", results="items"),
            [answer({"items": rows("a"), "per_page": 2, "page": 1, "next_page": None, "total": 1})],
            ["limit=2&page=1"],
        ),
        (
            LAST,
            [answer({"data": rows("a"), "has_more": False, "links": {"next": "/labels?x=1"}})],
            ["limit=2"],
        ),
        (
            labels("offset", count=None, results="items"),
            [answer({"items": rows("a", "b")}), answer({"items": rows("c")})],
            ["limit=2&offset=0", "limit=2&offset=2"],
        ),
        (
            labels("offset", count=None, results=None, first=1),
            [answer(rows("a", "b")), answer(rows("c"))],
            ["limit=2&offset=1", "limit=2&offset=3"],
        ),
        (
            labels("offset", count="meta.total", results="data.items"),
            [answer({"data": {"items": rows("a")}, "meta": {"total": 1}})],
            ["limit=2&offset=0"],
        ),
        (labels("whole"), [answer(rows("a", "b", "c"))], [""]),
        (labels("whole"), [answer(rows("a"), '</labels?after=1>; rel="next"; results="false"')], [""]),
        (labels("whole", results="data"), [answer({"data": rows("a"), "next": None, "total": 1})], [""]),
        (labels("whole", send={"query": {"v": "2"}}), [answer(rows("a"))], ["v=2"]),
    ],
)  # fmt: skip
def test_a_listing_is_read_to_its_end(
    kind: Kind, responses: Sequence[httpx.Response], asked: list[str]
) -> None:
    script = Script(*responses)
    found = read(kind, script)
    assert len(found.keys) == sum(response.text.count('"name"') for response in responses)
    assert queries(script) == asked
    assert {request.url.host for request in script.requests} == {"127.0.0.1"}


@pytest.mark.parametrize(
    ("kind", "responses", "reason"),
    [
        (NEXT, [after("c", "a"), after("c", "b")], 'the cursor "c" is repeated'),
        (NEXT, [after("\ud800", "a")], "the cursor .* is not valid Unicode"),
        (NEXT, [after({"a": 1}, "a")], "meta.next must be a string, not a list or object"),
        (NEXT, [after("https://x/labels?page=2", "a")], "has no after"),
        (LINK, [answer(rows("a"), '</labels?page=2>; rel="next"')], "has no after"),
        (LAST, [flagged(more=True)], "do not define the next page"),
        (LAST, [flagged("a", more="yes")], "do not define the next page"),
        (LAST, [answer({"data": rows("a", "b")})], "do not define the next page"),
        (labels("whole"), [answer(rows("a"), '</labels?page=2>; rel="next"')], "it has a link next"),
        *(
            (labels("whole", results="data"), [answer({"data": rows("a"), **said})], "so there are more")
            for said in (
                {"has_more": True},
                {"nextPageToken": "x"},
                {"meta": {"total": 2}},
                {"paging": {"next": {"href": "/labels?page=2"}}},
                {"data2": {}, "total_count": 10},
            )
        ),
        (labels("page", **CREATED), [answer([]), answer(rows("a"))], "page 1 is empty and page 0 is not"),
        (NEW, [answer(rows("a")), answer(rows("b"))], "the service returned 1 of 2 requested objects"),
        (NEW, [answer(rows("c")), answer([]), answer(rows("a", "b"))], "page 0 has other objects"),
        (
            labels("offset", count=None, results=None, **CREATED),
            [answer(rows("a")), answer(rows("b"))],
            "set page_limit to 1",
        ),
        (labels("page"), [answer(rows("a"), '</labels?page=2>; rel="next"')], "it has a link next, so there"),
        *(
            (kind, [answer({"items": rows("a"), **said})], "so there are more pages; check page_limit")
            for kind in (labels("page", results="items"), labels("offset", count=None, results="items"))
            for said in (
                {"next_page": 2},
                {"links": {"next": "/labels?page=2"}},
                {"total": 7},
                {"totalElements": 2},
                {"per_page": 1},
                {"meta": {"pagination": {"limit": 1}}},
            )
        ),
        (NEXT, [answer({"items": rows("a"), "next_page_token": "x"})], 'next_page_token "x", so there are'),
        (NEXT, [answer({"items": rows("a"), "meta": {"hasMore": True}})], "hasMore true, so there are more"),
        (LAST, [answer({"data": rows("a"), "hasMore": True})], "hasMore true, so there are more"),
    ],
)  # fmt: skip
def test_a_listing_that_may_have_more_is_refused(
    kind: Kind, responses: Sequence[httpx.Response], reason: str
) -> None:
    with pytest.raises(InvalidResponseError, match=reason):
        read(kind, Script(*responses))


@pytest.mark.parametrize("beyond", [answer([]), answer(rows("c")), httpx.Response(404)])
@pytest.mark.parametrize("before", [answer(rows("a", "b")), answer([]), httpx.Response(400, json={})])
def test_where_keys_can_be_created_the_pages_around_a_listing_are_looked_at(
    beyond: httpx.Response, before: httpx.Response
) -> None:
    script = Script(answer(rows("a", "b")), answer(rows("c")), beyond, before)
    assert sorted(read(NEW, script).keys) == ["a", "b", "c"]
    assert queries(script) == [f"limit=2&page={number}" for number in (1, 2, 3, 0)]


def test_a_listing_that_is_counted_needs_no_look_around_it() -> None:
    kind = labels("page", results="items", count="total", **CREATED)
    script = Script(answer({"items": rows("a"), "total": 1}))
    assert read(kind, script).keys.keys() == {"a"}
    assert len(script.requests) == 1


@pytest.mark.parametrize("before", [answer([]), httpx.Response(404), httpx.Response(400, json={})])
def test_an_empty_first_page_is_believed_once_the_page_before_it_is_empty(before: httpx.Response) -> None:
    script = Script(answer([]), before)
    assert read(labels("page", **CREATED), script).keys == {}
    assert queries(script) == ["limit=2&page=1", "limit=2&page=0"]


def test_an_empty_first_page_is_believed_where_nothing_can_be_created() -> None:
    script = Script(answer([]))
    assert read(labels("page"), script).keys == {}
    assert len(script.requests) == 1


def test_constants_of_a_kind_are_sent_with_every_page() -> None:
    kind = labels("page", send={"query": {"v": "1"}, "headers": {"X-Version": "2022-11-28"}})
    script = Script(answer(rows("a", "b")), answer(rows("c")))
    read(kind, script)
    assert queries(script) == ["v=1&limit=2&page=1", "v=1&limit=2&page=2"]
    assert [request.headers["X-Version"] for request in script.requests] == ["2022-11-28"] * 2


def test_a_listing_by_cursor_that_changes_is_read_again() -> None:
    changing = [after("c1", "a"), after(None, "a")]
    assert [*read(NEXT, Script(*changing, after(None, "a"))).keys] == ["a"]
    with pytest.raises(IncompleteReadError, match="the key a is listed twice"):
        read(NEXT, Script(*changing * 3))


STYLES = {
    "page": labels("page"),
    "zero": labels("page", first=0),
    "offset": labels("offset", count=None, results=None),
    "next": labels("cursor", cursor="c", next="next", results="items", limit="limit"),
    "link": labels("cursor", cursor="c", link=True, limit="limit"),
    "last": labels("cursor", cursor="c", last="name", more="more", results="items", limit="limit"),
}


@given(st.sampled_from(sorted(STYLES)), st.sets(st.sampled_from("abcdefgh")))
def test_every_style_reads_exactly_what_is_there(style: str, names: set[str]) -> None:
    there = sorted(names)

    def serve(request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        start = {
            "page": lambda: 2 * (int(asked["page"]) - 1),
            "zero": lambda: 2 * int(asked["page"]),
            "offset": lambda: int(asked["offset"]),
        }.get(style, lambda: there.index(asked["c"]) + 1 if "c" in asked else 0)()
        items, left = rows(*there[start : start + 2]), there[start + 2 :]
        if style in {"page", "zero", "offset"}:
            return answer(items)
        if style == "link":
            return answer(items, f"</x?c={there[start + 1]}>; rel=next" if left else None)
        cursor = there[start + 1] if left else None
        return answer({"items": items, "next": cursor, "more": bool(left)})

    assert sorted(read(STYLES[style], serve).keys) == there


def named(number: Any, name: str) -> dict[str, Any]:
    return {"id": number, "name": name}


IDS = kind_with(
    {"id": {"type": "string", "readOnly": True}},
    collection="/labels",
    page_limit=2,
    list={"style": "page"},
    path="id",
)
OLD = [named("1", "a"), named("2", "b"), named(None, "odd"), named("4", "d")]
NAMES = {"1": "a", "2": "b", "4": "d"}


@pytest.mark.parametrize(
    ("newer", "keys", "unclear"),
    [
        ([named("5", "e")], NAMES | {"5": "e"}, {"odd": 1}),
        ([named("4", "renamed"), named("2", "odd")], {"1": "a", "4": "renamed", "2": "odd"}, {}),
        ([named("9", "a"), named("2", "b")], {"2": "b", "4": "d"}, {"a": 2, "odd": 1}),
        ([named("..", "odd")], NAMES, {"odd": 1}),
    ],
)
def test_a_key_exists_if_either_of_two_listings_holds_it(
    newer: list[dict[str, Any]], keys: dict[str, str], unclear: dict[str, int]
) -> None:
    script = Script(*map(answer, (OLD[:2], OLD[2:], [], newer, [])))
    with Reader(connect(script)) as reader:
        found = observe(reader, IDS, IDS.scope_of([]), lambda live: live.holds(["sought"]))
    assert {row["id"]: name for name, row in found.keys.items()} == keys
    assert {name: len(rows) for name, rows in found.unclear.items()} == unclear


def test_keys_of_two_listings_are_as_the_newer_one_shows_them() -> None:
    older, newer = rows("a", "b"), [named("new", "b"), named("new", "c")]
    script = Script(answer(older), answer([]), answer(newer), answer([]))
    with Reader(connect(script)) as reader:
        kind = labels("page")
        found = observe(reader, kind, kind.scope_of([]), lambda live: live.holds(["sought"]))
    assert {name: row["id"] for name, row in found.keys.items()} == {"a": "id-a", "b": "new", "c": "new"}


def test_no_page_is_asked_for_once_all_that_is_counted_has_come() -> None:
    kind = labels("page", results="items", count="total", **CREATED)
    pages = [answer({"items": rows(*names), "total": 4}) for names in ("ab", "cd")]
    script = Script(*pages, httpx.Response(404, json={"detail": "Invalid page."}))
    assert sorted(read(kind, script).keys) == ["a", "b", "c", "d"]
    assert queries(script) == ["limit=2&page=1", "limit=2&page=2"]


def test_the_count_of_numbered_pages_must_not_change() -> None:
    kind = labels("page", results="items", count="total")
    pages = [answer({"items": rows("a", "b"), "total": 3}), answer({"items": [], "total": 2})]
    with pytest.raises(IncompleteReadError, match="the count changed from 3 to 2 between two pages"):
        read(kind, Script(*pages * 3))
