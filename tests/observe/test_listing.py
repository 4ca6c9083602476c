"""A scope is read completely or not at all, with as few requests as its size allows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.api.reader import Page, Reader
from reconciler.errors import IncompleteReadError, InvalidResponseError, UnauthorizedError
from reconciler.kinds.packaged import load_kinds
from reconciler.model.live import LiveScope
from reconciler.model.scope import Scope
from reconciler.model.secret import Secret
from reconciler.observe.listing import observe
from reconciler.observe.paging import LISTINGS
from tests.support import COLLECTION, EMPTY_LIST, Handler, Script, connect, emulate, fill, live
from tests.values import kind_with

if TYPE_CHECKING:
    from reconciler.kinds.kind import Kind

CAAS = load_kinds()["caas"]
SCOPE = Scope("caas", 1, 76)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["count", "results", "name"]), inner)
        | st.fixed_dictionaries({"count": st.integers(-1, 3), "results": st.lists(inner, max_size=3)})
    ),
    max_leaves=8,
)


def read(handler: Handler) -> LiveScope:
    with Reader(connect(handler)) as reader:
        return observe(reader, CAAS, SCOPE)


def page(count: int, *names: str) -> httpx.Response:
    return httpx.Response(200, json={"count": count, "results": [live(name) for name in names]})


@pytest.mark.parametrize(
    ("keys", "offsets"), [(0, [0]), (1, [0]), (1000, [0]), (1001, [0, 1000]), (2500, [0, 1000, 2000])]
)
def test_a_listing_needs_one_request_per_thousand_keys(keys: int, offsets: list[int]) -> None:
    seed = {"caas": {"1/76": [live(f"key-{number}") for number in range(keys)]}}
    with emulate(seed=seed) as emulator:
        connection = connect(Script(), base_url=emulator.url, transport=None)
        with Reader(connection) as reader:
            observed = observe(reader, CAAS, SCOPE)
        sent = [record.path for record in emulator.requests]
    assert len(observed.keys) == keys
    assert sent == [f"{COLLECTION}?limit=1000&offset={offset}" for offset in offsets]


def test_keys_are_returned_as_the_api_shows_them() -> None:
    with emulate() as emulator:
        fill(emulator, "web", description="Shop")
        shown = emulator.keys(1, 76)
        with Reader(connect(Script(), base_url=emulator.url, transport=None)) as reader:
            assert observe(reader, CAAS, SCOPE) == LiveScope(SCOPE, shown)


def test_a_wrong_token_is_an_error_and_not_an_empty_scope() -> None:
    with emulate() as emulator:
        connection = connect(Script(), base_url=emulator.url, transport=None, token=Secret("wrong"))
        with Reader(connection) as reader, pytest.raises(UnauthorizedError):
            observe(reader, CAAS, SCOPE)


def test_a_page_shorter_than_its_limit_is_not_the_last() -> None:
    remote = Script(page(3, "a"), page(3, "b"), page(3, "c"))
    assert list(read(remote).keys) == ["a", "b", "c"]
    assert [request.url.params["offset"] for request in remote.requests] == ["0", "1", "2"]


def test_a_count_without_results_is_refused() -> None:
    remote = Script(page(3))
    with pytest.raises(IncompleteReadError, match=f"reports 3 keys but lists 0; listed {LISTINGS} times"):
        read(remote)
    assert len(remote.requests) == LISTINGS == 3


@pytest.mark.parametrize(
    ("responses", "reason"),
    [
        ([page(3, "a", "b"), page(3)], "reports 3 keys but lists 2"),
        ([page(1, "a", "b")], "reports 1 keys but lists 2"),
        ([page(0, "a")], "reports 0 keys but lists 1"),
        ([page(2, "a", "a")], "the key a is listed twice"),
        ([page(3, "a", "b"), page(3, "b")], "the key b is listed twice"),
        ([page(3, "a", "b"), page(2, "c")], "the count changed from 3 to 2"),
        ([page(3, "a", "b"), page(4, "c")], "the count changed from 3 to 4"),
    ],
)
def test_an_inconsistent_listing_is_refused(responses: list[httpx.Response], reason: str) -> None:
    remote = Script(*responses * LISTINGS)
    with pytest.raises(IncompleteReadError, match=reason):
        read(remote)
    assert len(remote.requests) == LISTINGS * len(responses)


@pytest.mark.parametrize(
    "disturbed",
    [
        [page(3, "a", "b"), page(2, "c")],
        [page(3, "a", "b"), page(3, "b")],
        [page(3, "a", "b"), page(3)],
        [page(2, "a", "b", "c")],
    ],
)
def test_a_listing_that_changes_between_pages_is_restarted(disturbed: list[httpx.Response]) -> None:
    assert list(read(Script(*disturbed, page(2, "a", "c"))).keys) == ["a", "c"]


WRONG: dict[str, object] = {
    "null": None,
    "a list": [],
    "a text": "keys",
    "an empty object": {},
    "no count": {"results": []},
    "no results": {"count": 0},
    "results that are null": {"count": 0, "results": None},
    "results that are an object": {"count": 0, "results": {}},
    "a count that is a text": {"count": "0", "results": []},
    "a count that is a boolean": {"count": False, "results": []},
    "a count that is a fraction": {"count": 0.5, "results": []},
    "a negative count": {"count": -1, "results": []},
    "a result that is a text": {"count": 1, "results": ["a"]},
    "a result without a name": {"count": 1, "results": [{}]},
    "a name that is null": {"count": 1, "results": [{"name": None}]},
    "a name that is a number": {"count": 1, "results": [{"name": 7}]},
    "a name that is a list": {"count": 1, "results": [{"name": ["a"]}]},
    "an error with status 200": {"exception_class": "ServerError", "message": "Oops"},
}


@pytest.mark.parametrize("response", WRONG.values(), ids=WRONG)
def test_a_response_that_does_not_match_the_schema_is_not_retried(response: object) -> None:
    remote = Script(httpx.Response(200, content=json.dumps(response).encode()))
    with pytest.raises(
        InvalidResponseError, match=f"GET {COLLECTION}: the response does not match the documented schema"
    ) as raised:
        read(remote)
    assert not isinstance(raised.value, IncompleteReadError)
    assert len(remote.requests) == 1


@given(JSON)
@example(EMPTY_LIST)
@example({"count": False, "results": []})
@example({"count": 10**30, "results": [{"name": "a"}]})
def test_only_an_empty_list_means_no_keys(response: Any) -> None:
    content = json.dumps(response).encode()
    try:
        keys = read(Script(httpx.Response(200, content=content))).keys
    except InvalidResponseError:
        return
    assert [*keys.values()] == response["results"]
    assert len(keys) == response["count"]


PAGED = kind_with({}, collection="/labels", page_limit=2, list={"style": "page", "limit": "per_page"})
WRAPPED = kind_with(
    {}, collection="/labels", page_limit=2, list={"style": "page", "results": "items", "count": "total"}
)


def numbered(*names: str) -> httpx.Response:
    return httpx.Response(200, json=[{"name": name} for name in names])


def counted(total: object, *names: str) -> httpx.Response:
    return httpx.Response(200, json={"total": total, "items": [{"name": name} for name in names]})


def read_kind(kind: Kind, handler: Handler) -> LiveScope:
    with Reader(connect(handler)) as reader:
        return observe(reader, kind, kind.scope_of([]))


@pytest.mark.parametrize(
    ("kind", "responses"),
    [
        (PAGED, [numbered()]),
        (PAGED, [numbered("a")]),
        (PAGED, [numbered("a", "b"), numbered()]),
        (PAGED, [numbered("a", "b"), numbered("c")]),
        (WRAPPED, [counted(0)]),
        (WRAPPED, [counted(3, "a", "b"), counted(3, "c")]),
    ],
)
def test_numbered_pages_are_read_until_a_short_page(kind: Kind, responses: list[httpx.Response]) -> None:
    remote = Script(*responses)
    keys = read_kind(kind, remote).keys
    assert len(keys) == sum(len(response.content.split(b"name")) - 1 for response in responses)
    assert [request.url.params["page"] for request in remote.requests] == [
        str(number) for number, _ in enumerate(responses, 1)
    ]


@pytest.mark.parametrize(
    ("kind", "responses", "reason"),
    [
        (PAGED, [numbered("a", "b"), numbered("b")], "the key b is listed twice"),
        (PAGED, [numbered("a", "b"), numbered("a", "b")], "the key a is listed twice"),
        (WRAPPED, [counted(3, "a", "b"), counted(3)], "reports 3 keys but lists 2"),
        (WRAPPED, [counted(5, "a")], "reports 5 keys but lists 1"),
    ],
)
def test_inconsistent_numbered_pages_are_refused(
    kind: Kind, responses: list[httpx.Response], reason: str
) -> None:
    with pytest.raises(IncompleteReadError, match=reason):
        read_kind(kind, Script(*responses * LISTINGS))


@pytest.mark.parametrize(
    ("kind", "response", "reason"),
    [
        (PAGED, {"results": []}, "it must be a list"),
        (PAGED, None, "it must be a list"),
        (PAGED, [{"name": "a"}, {"name": "b"}, {"name": "c"}], "must not have more than the requested 2"),
        (PAGED, ["a"], "each result must be an object"),
        (WRAPPED, [], "it must have a total and a list under items"),
        (WRAPPED, {"items": []}, "it must have a total and a list under items"),
        (WRAPPED, {"total": True, "items": []}, "it must have a total and a list under items"),
    ],
)  # fmt: skip
def test_a_numbered_page_that_does_not_match_the_schema_is_an_invalid_response(
    kind: Kind, response: object, reason: str
) -> None:
    remote = Script(httpx.Response(200, content=json.dumps(response).encode()))
    with pytest.raises(InvalidResponseError, match=reason):
        read_kind(kind, remote)
    assert len(remote.requests) == 1


@pytest.mark.parametrize(
    ("extension", "read"),
    [
        ({"read_from": {"name": "meta.name"}}, []),
        ({"path": "id", "read_from": {"id": "meta.id"}}, ["/things/1/a", "/things/1/b"]),
        ({"path": "id", "read_from": {"id": "meta.id", "name": "meta.name"}}, ["/things/1/a", "/things/1/b"]),
    ],
)
def test_a_listing_of_ids_says_what_responses_show_inside_an_object(
    extension: dict[str, Any], read: list[str]
) -> None:
    text = {"type": "string"}
    kind = kind_with({"id": text}, list={"style": "whole", "ids": True}, **extension)
    paths: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        last = request.url.path.rpartition("/")[2]
        one = {"name": f"key-{last}", "meta": {"id": last, "name": f"key-{last}"}}
        return httpx.Response(200, json=["a", "b"] if last == "1" else one)

    with Reader(connect(respond)) as reader:
        observed = observe(reader, kind, Scope("thing", 1), names=())
    assert list(observed.keys) == (["key-a", "key-b"] if "path" in extension else ["a", "b"])
    assert paths == ["/things/1", *read]


def test_a_response_about_another_id_inside_an_object_is_invalid() -> None:
    extension = {"path": "id", "read_from": {"id": "meta.id"}}
    kind = kind_with({"id": {"type": "string"}}, list={"style": "whole", "ids": True}, **extension)

    def respond(request: httpx.Request) -> httpx.Response:
        is_listing = request.url.path.endswith("/1")
        return httpx.Response(200, json=["a"] if is_listing else {"name": "web", "meta": {"id": "b"}})

    with Reader(connect(respond)) as reader, pytest.raises(InvalidResponseError, match="about another key"):
        observe(reader, kind, Scope("thing", 1))


class Endless:
    """A source with an endless count; each of its pages has one key of another name."""

    def __init__(self, count: int, weight: int = 100, pause: float = 0.0) -> None:
        self._count = count
        self._weight = weight
        self._pause = pause
        self.pages = 0

    @property
    def received(self) -> int:
        return self.pages * self._weight

    @property
    def seconds(self) -> float:
        return self.pages * self._pause

    def page(self, _path: str, _parameters: object, _headers: object) -> Page:
        self.pages += 1
        return Page({"count": self._count, "results": [{"name": f"key-{self.pages}"}]})

    def get(self, path: str, _parameters: object, _headers: object) -> object:
        raise AssertionError(f"nothing asks for {path}")


@pytest.mark.parametrize(
    ("source", "reason", "pages"),
    [
        (Endless(1_000_001), "has more than 1000000 entries", 1),
        (Endless(10**300), "has more than 1000000 entries", 1),
        (Endless(1_000_000), "does not end within 10000 pages", 10_000),
        (Endless(1_000, weight=10 * 2**20), "has more than 512 MiB", 52),
        (Endless(1_000, pause=100.0), "does not end within 3600 s", 37),
    ],
)
def test_a_listing_that_is_too_large_is_refused(source: Endless, reason: str, pages: int) -> None:
    with pytest.raises(InvalidResponseError, match=f"the listing is too large: it {reason}"):
        observe(source, CAAS, SCOPE)
    assert source.pages == pages


def test_the_bytes_of_responses_are_counted() -> None:
    with Reader(connect(Script(page(1, "a")))) as reader:
        observe(reader, CAAS, SCOPE)
        observe(reader, CAAS, SCOPE)
        assert reader.received == 2 * len(page(1, "a").content)


OFFSET = kind_with({}, collection="/labels", page_limit=2, list={"results": "items", "count": "total"})


@pytest.mark.parametrize("kind", [CAAS, WRAPPED, OFFSET], ids=["the usual names", "numbered", "offset"])
@pytest.mark.parametrize("doubled", ["results", "count"])
def test_any_duplicate_member_of_a_response_is_refused(kind: Kind, doubled: str) -> None:
    results, count = kind.listing.results, kind.listing.count
    member = f'"{results}": []' if doubled == "results" else f'"{count}": 0'
    remote = Script(httpx.Response(200, text=f'{{"{results}": [], "{count}": 0, {member}}}'))
    scope = SCOPE if kind is CAAS else kind.scope_of([])
    with (
        Reader(connect(remote)) as reader,
        pytest.raises(InvalidResponseError, match="has a duplicate member in an object"),
    ):
        observe(reader, kind, scope)
    assert len(remote.requests) == 1
