"""Updates that carry the whole object, and writes that take their time."""

from __future__ import annotations

import json
import threading
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.retry import RetryPolicy
from reconciler.api.workers import Workers
from reconciler.api.writer import Writer
from reconciler.apply.executor import Executor
from reconciler.kinds.wire import body_of, item_of
from reconciler.model.outcome import Outcome, Result
from reconciler.plan.full_object import full_values, undescribed
from tests.support import FakeClock, Handler, Script, connect
from tests.values import declared, kind_with, make_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.kinds.kind import Kind
    from reconciler.model.plan import Change

TEXT = {"type": "string"}
RULES = {"type": "array", "items": {"type": "object", "properties": {"port": {"type": "integer"}}}}
FIELDS: dict[str, Any] = {
    "note": TEXT,
    "hook": {
        "type": "object",
        "properties": {"url": TEXT, "rules": RULES, "made": {"type": "string", "readOnly": True}},
    },
    "id": {"type": "integer", "readOnly": True},
    "size": {"type": "integer"},
}
LIVE: dict[str, Any] = {
    "name": "web-key",
    "note": "old",
    "hook": {"url": "u", "made": "m"},
    "id": 7,
    "size": 1,
}
PUT = kind_with(FIELDS, update={"method": "PUT"})


def change_of(kind: Kind, live: dict[str, Any] = LIVE, **want: Any) -> Change:
    (change,) = make_plan([declared(**want)], [live], kind=kind).changes
    return change


def shown(value: Any, status: int = 200, **headers: Any) -> httpx.Response:
    return httpx.Response(status, content=json.dumps(value).encode(), headers=headers)


def sent_by(kind: Kind, change: Change, handler: Handler, clock: FakeClock | None = None) -> Outcome:
    with Writer(connect(handler, clock=clock or FakeClock())) as writer:
        executor = Executor(writer, {"caas": kind, "thing": kind}, Workers(1), threading.Event())
        [outcome] = executor.execute([change])
    return outcome


def outcome_of(kind: Kind, change: Change, *responses: httpx.Response) -> tuple[Outcome, list[httpx.Request]]:
    script = Script(*responses)
    return sent_by(kind, change, script), script.requests


def test_the_plan_says_that_a_request_is_whole() -> None:
    (request,) = change_of(PUT, note="new").requests
    assert str(request).endswith('/web-key (with all its other fields) {"note":"new"}')


def test_a_whole_update_sends_what_can_be_set_with_the_declared_fields_laid_over_it() -> None:
    stored = {**LIVE, "note": "new"}
    outcome, (read, write) = outcome_of(
        PUT, change_of(PUT, note="new"), shown(LIVE, ETag='"v1"'), shown(stored)
    )
    assert outcome.result is Result.APPLIED
    assert (read.method, write.method, read.url.path) == ("GET", "PUT", write.url.path)
    assert json.loads(write.content) == {"name": "web-key", "note": "new", "hook": {"url": "u"}, "size": 1}
    assert write.headers["If-Match"] == '"v1"'


MORE = {
    "on": {"type": "boolean"},
    "tags": {"type": "array", "items": TEXT},
    "set": {"type": "array", "uniqueItems": True, "items": TEXT},
    "lock": {"type": "object", "properties": {"version": {"type": "integer"}, "by": TEXT}},
    "many": {"type": "array", "items": {"type": "object", "properties": {"version": {"type": "integer"}}}},
    "at": {"type": ["string", "null"], "format": "date-time"},
}
SHOWN: dict[str, Any] = LIVE | {
    "on": True,
    "tags": ["a", "b"],
    "set": ["a", "b"],
    "lock": {"version": 1, "by": "x"},
    "many": [{"version": 1}],
    "at": "2026-01-01T00:00:00Z",
}


def whole_update(after: dict[str, Any], **want: Any) -> tuple[Outcome, list[httpx.Request]]:
    """Send a whole update after which the key is as it was, but for ``after``; ``...`` is not there."""
    kind = kind_with(FIELDS | MORE, update={"method": "PUT"})
    stored = {name: value for name, value in (SHOWN | {"note": "new"} | after).items() if value is not ...}
    change = change_of(kind, SHOWN, note="new", **want)
    return outcome_of(kind, change, shown(SHOWN), shown(stored))


@pytest.mark.parametrize(
    ("after", "altered"),
    [
        ({"hook": {"url": "u", "made": "other"}, "set": ["b", "a"], "at": "2026-01-01T01:00:00+01:00"}, ""),
        ({"size": 2, "at": "2026-06-01T00:00:00Z"}, "at, size"),
        (
            {"lock": {"version": 2, "by": "y"}, "many": [{"version": 2}]},
            "lock.by, lock.version, many[].version",
        ),
        ({"tags": ["b", "a", "c"], "set": ["c", "b", "a"]}, "set, tags"),
        ({"size": "secret"}, "size"),
    ],
)
def test_a_whole_update_tells_what_the_service_has_changed(after: dict[str, Any], altered: str) -> None:
    outcome, requests = whole_update(after)
    notice = f"the service has changed {altered}, sent as it was shown" if altered else ""
    assert (outcome.result, outcome.detail, outcome.notice) == (Result.APPLIED, "", notice)
    assert (len(requests), str(outcome).count("secret")) == (2, 0)


@pytest.mark.parametrize(
    ("after", "lost"),
    [
        ({"size": 0}, "size"),
        ({"size": None}, "size"),
        ({"size": ...}, "size"),
        ({"on": False}, "on"),
        ({"tags": ["a", "c"]}, "tags"),
        ({"set": []}, "set"),
        ({"lock": {"version": 2}}, "lock.by"),
        ({"many": []}, "many"),
        ({"at": None, "on": ...}, "at, on"),
        ({"hook": {}}, "hook.url"),
    ],
)
def test_a_whole_update_that_loses_something_is_not_verified(after: dict[str, Any], lost: str) -> None:
    outcome, requests = whole_update(after)
    detail = f"it was accepted; read back: the key no longer has {lost}, although it was sent"
    assert (outcome.result, outcome.detail, len(requests)) == (Result.NOT_VERIFIED, detail, 3)


@pytest.mark.parametrize(
    ("after", "different"),
    [
        ({"size": 2}, "size was accepted as 1 but is stored as 2"),
        ({"lock": {"version": 1, "by": "y"}}, "lock was accepted as"),
        ({"at": "2026-01-01T01:00:00+01:00"}, ""),
    ],
)
def test_a_whole_update_holds_all_that_a_file_declares(after: dict[str, Any], different: str) -> None:
    want = {"size": 1, "lock": {"by": "x"}, "at": "2026-01-01T00:00:00Z"}
    outcome, _ = whole_update(after, **want)
    result = Result.NOT_VERIFIED if different else Result.APPLIED
    assert (outcome.result, outcome.detail.startswith(different)) == (result, True)


def test_a_whole_update_that_is_done_later_is_awaited() -> None:
    kind = kind_with(FIELDS, update={"method": "PUT"}, wait=60)
    early = LIVE | {"note": "new", "size": None}
    outcome, requests = outcome_of(
        kind, change_of(kind, note="new"), shown(LIVE), *[shown(early)] * 3, shown(LIVE | {"note": "new"})
    )
    assert (outcome.result, len(requests)) == (Result.APPLIED, 5)


def test_a_response_that_shows_less_than_the_key_is_no_loss() -> None:
    part = {name: LIVE[name] for name in ("name", "id")} | {"note": "new"}
    outcome, requests = outcome_of(
        PUT, change_of(PUT, note="new"), shown(LIVE), shown(part), shown(LIVE | {"note": "new"})
    )
    assert (outcome.result, [request.method for request in requests]) == (
        Result.APPLIED,
        ["GET", "PUT", "GET"],
    )


@pytest.mark.parametrize("headers", [{}, {"ETag": 'W/"v1"'}, {"ETag": b'"\xe4"'}, {"ETag": "v1"}])
def test_a_whole_update_without_a_tag_that_can_be_compared_has_no_condition(
    headers: dict[str, Any],
) -> None:
    read, written = shown(LIVE, **headers), shown({**LIVE, "note": "new"})
    outcome, (_, write) = outcome_of(PUT, change_of(PUT, note="new"), read, written)
    assert (outcome.result, "If-Match" in write.headers) == (Result.APPLIED, False)


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({**LIVE, "owner": "x"}, "would drop owner, which its kind does not describe"),
        ({**LIVE, "hook": {"url": "u", "token": "t"}}, "would drop hook.token, which its kind does not"),
        ({**LIVE, "hook": {"url": "u", "rules": [{"from": "a"}]}}, "would drop hook.rules[].from, which"),
        ({**LIVE, "hook": {"url": "sk-****1234"}}, "the response masks the value of hook"),
        ({name: LIVE[name] for name in ("name", "note", "id", "size")}, "the response does not show hook"),
        ({**LIVE, "hook": {"url": "[REDACTED]"}}, "the response masks the value of hook"),
        ({**LIVE, "name": "other"}, 'the response is about another key: name "other"'),
        ("text", "the response is not an object"),
    ],
)  # fmt: skip
def test_a_whole_update_that_would_lose_something_is_not_sent(item: Any, reason: str) -> None:
    outcome, requests = outcome_of(PUT, change_of(PUT, note="new"), shown(item))
    assert (outcome.result, [request.method for request in requests]) == (Result.NOT_ATTEMPTED, ["GET"])
    assert reason in outcome.detail


READ = {"note": "text", "owner": "made.by.id"}


@pytest.mark.parametrize(
    ("row", "lost"),
    [
        ({"text": "old", "made": {"by": {"id": "x"}}}, ""),
        ({"text": "old", "made": None}, ""),
        ({"text": "old", "made": "x"}, "would drop made,"),
        (
            {"text": "old", "made": {"by": {"id": "x", "role": "r"}, "at": 1}},
            "would drop made.at, made.by.role,",
        ),
    ],
)
def test_what_is_beside_a_value_that_is_read_inside_an_object_is_not_lost(row: Any, lost: str) -> None:
    row = {"name": "web-key", **row}
    fields = {"note": TEXT, "owner": {"type": ["string", "null"]}}
    extension: Any = {"update": {"method": "PUT"}, "read_from": READ}
    kind = kind_with(fields, **extension)
    assert undescribed(kind, item_of(kind, row)).partition(" which")[0].endswith(lost)
    assert (undescribed(kind, item_of(kind, row)) == "") == (lost == "")
    known = kind_with({**fields, "made": {"type": "object", "readOnly": True}}, **extension)
    assert undescribed(known, item_of(known, row)) == ""


SHOWN_TAGS = {"shape": "pairs", "unless": "fixed", "read_only": ["at"]}
TAGGED = kind_with(
    {"note": TEXT, "tags": {"type": "object", "additionalProperties": TEXT}},
    update={"method": "PUT"},
    shown={"tags": SHOWN_TAGS},
)
PAIR = st.fixed_dictionaries(
    {"key": st.sampled_from("abc"), "value": st.sampled_from("xy")},
    optional={"fixed": st.booleans(), "at": st.just(0), "by": st.sampled_from([None, "me"])},
)


@given(
    st.lists(PAIR, max_size=3, unique_by=itemgetter("key")),
    st.sampled_from([{"note": "new"}, {"tags": {"a": "new"}}]),
)
def test_a_whole_update_loses_nothing_of_pairs_or_is_refused(
    pairs: list[dict[str, Any]], patch: dict[str, Any]
) -> None:
    live = {"name": "web-key", "note": "old", "tags": pairs}
    row = item_of(TAGGED, live)
    own = [pair for pair in pairs if not pair.get("fixed")]
    if any("by" in pair for pair in own):
        assert "would drop tags[].by, which its kind does not describe; add it" in undescribed(TAGGED, row)
        return
    body = body_of(TAGGED, full_values(TAGGED, row, patch))
    # The service replaces all pairs but its own, and sets the time.
    kept = [pair for pair in pairs if pair not in own]
    stored = [{"key": key, "value": value, "at": 0} for key, value in body["tags"].items()]
    assert item_of(TAGGED, {**live, **body, "tags": [*kept, *stored]}) == {**row, **patch}


def test_a_number_that_cannot_be_read_exactly_is_not_sent_back() -> None:
    item = httpx.Response(200, content=json.dumps(LIVE).replace('"size": 1', '"size": 1e400').encode())
    outcome, requests = outcome_of(PUT, change_of(PUT, note="new"), item)
    assert (outcome.result, [request.method for request in requests]) == (Result.NOT_ATTEMPTED, ["GET"])
    assert "size holds 1e400, a number that cannot be read exactly" in outcome.detail


def test_a_whole_update_leaves_out_what_is_null_and_cannot_be_sent_as_null() -> None:
    kind = kind_with(FIELDS, update={"method": "PUT"}, optional={"size": 0})
    live = {**LIVE, "size": None}
    change = change_of(kind, {**LIVE, "size": 0}, note="new")
    _, (_, write) = outcome_of(kind, change, shown(live), shown({**live, "note": "new"}))
    assert json.loads(write.content) == {"name": "web-key", "note": "new", "hook": {"url": "u"}}


def test_a_member_behind_the_name_of_another_is_not_dropped_unseen() -> None:
    kind = kind_with({"note": TEXT, "phase": TEXT}, update={"method": "PUT"}, **{"as": {"phase": "state"}})
    before, item = {"note": "old", "phase": "on"}, {"note": "old", "state": "on", "phase": "new moon"}
    change = change_of(kind, {"name": "web-key", **before}, note="new")
    outcome, requests = outcome_of(kind, change, shown({"name": "web-key", **item}))
    assert (outcome.result, len(requests)) == (Result.NOT_ATTEMPTED, 1)
    assert "would drop phase of the API, which its kind does not describe" in outcome.detail


OWNED: dict[str, Any] = {
    "source": {"type": "string", "readOnly": True},
    "made": {"type": "string", "readOnly": True},
}
MARKED = {**LIVE, "source": "us", "made": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("item", "result", "detail"),
    [
        ({**MARKED, "source": "iate"}, Result.STALE, 'name was planned from "web-key" and is now null'),
        ({**MARKED, "made": "2026-02-01T00:00:00Z"}, Result.STALE, "made was planned from"),
        ({**MARKED, "note": "new"}, Result.UNCHANGED, ""),
    ],
)
def test_what_became_of_a_key_since_the_plan_is_seen_before_it_is_written(
    item: dict[str, Any], result: Result, detail: str
) -> None:
    kind = kind_with(FIELDS | OWNED, update={"method": "PUT"}, foreign={"source": ["iate"]}, created="made")
    outcome, requests = outcome_of(kind, change_of(kind, MARKED, note="new"), shown(item))
    assert (outcome.result, [request.method for request in requests]) == (result, ["GET"])
    assert detail in outcome.detail


def test_a_write_that_took_effect_and_is_refused_when_repeated_is_applied() -> None:
    stored = shown({**LIVE, "note": "new"})
    script = Script(shown(LIVE, ETag="1"), httpx.Response(502), httpx.Response(412), stored)
    with Writer(connect(script, clock=FakeClock(), retry=RetryPolicy(attempts=2))) as writer:
        executor = Executor(writer, {"caas": PUT, "thing": PUT}, Workers(1), threading.Event())
        [outcome] = executor.execute([change_of(PUT, note="new")])
    assert (outcome.result, outcome.detail) == (Result.APPLIED, "")
    assert [request.method for request in script.requests] == ["GET", "PUT", "PUT", "GET"]


def test_a_member_that_the_kind_does_not_describe_is_a_problem_of_its_key_alone() -> None:
    rows = [{**LIVE, "owner": "x"}, {**LIVE, "name": "other"}]
    plan = make_plan([declared(note="new"), declared("other", note="new")], rows, kind=PUT)
    (problem,) = plan.problems
    assert "an update sends the complete key, and would drop owner" in problem.message
    assert ([change.name for change in plan.changes], plan.objections) == (["other"], ())


def test_a_key_that_moved_since_the_plan_is_stale() -> None:
    outcome, requests = outcome_of(PUT, change_of(PUT, note="new"), shown({**LIVE, "note": "theirs"}))
    assert (outcome.result, len(requests)) == (Result.STALE, 1)
    assert outcome.detail == 'note was planned from "old" and is now "theirs"'


def test_a_key_that_changes_between_reading_and_writing_keeps_what_it_has() -> None:
    failed = httpx.Response(412, json={"message": "the tag differs"})
    moved = {**LIVE, "size": 2}
    outcome, requests = outcome_of(
        PUT, change_of(PUT, note="new"), shown(LIVE, ETag="1"), failed, shown(moved)
    )
    assert outcome.result is Result.FAILED
    assert "it changed after it was read; plan again" in outcome.detail
    assert [request.method for request in requests] == ["GET", "PUT", "GET"]


WAITING = kind_with(FIELDS, wait=60, create={"requires": []})
TASK = shown({"tasks": ["7"]}, 202)
OLD, NEW = shown(LIVE), shown({**LIVE, "note": "new"})


def listing(*rows: Any) -> httpx.Response:
    return shown({"count": len(rows), "results": list(rows)})


@pytest.mark.parametrize(
    ("responses", "result", "waits"),
    [
        ([NEW], Result.APPLIED, 0),
        ([TASK, NEW], Result.APPLIED, 0),
        ([TASK, OLD, OLD, NEW], Result.APPLIED, 2),
        ([OLD, OLD, NEW], Result.APPLIED, 1),
        ([shown({"tasks": ["7"]}), OLD, NEW], Result.APPLIED, 1),
        ([TASK, *[OLD] * 30], Result.NOT_VERIFIED, 10),
        ([httpx.Response(400, json={}), OLD], Result.FAILED, 0),
    ],
)
def test_an_accepted_update_is_read_back_until_it_holds(
    responses: Sequence[httpx.Response], result: Result, waits: int
) -> None:
    clock = FakeClock()
    outcome = sent_by(WAITING, change_of(WAITING, note="new"), Script(*responses), clock)
    assert (outcome.result, len(clock.sleeps)) == (result, waits)
    assert clock.elapsed <= 60


def test_without_waiting_an_accepted_update_is_read_back_once() -> None:
    kind = kind_with(FIELDS)
    outcome, requests = outcome_of(kind, change_of(kind, note="new"), TASK, OLD)
    assert (outcome.result, len(requests)) == (Result.NOT_VERIFIED, 2)


@pytest.mark.parametrize(
    ("responses", "result", "waits"),
    [
        ([TASK, OLD, httpx.Response(404), listing()], Result.APPLIED, 1),
        ([httpx.Response(204), OLD, httpx.Response(404)], Result.APPLIED, 1),
        ([TASK, *[OLD] * 30], Result.NOT_VERIFIED, 10),
    ],
)
def test_an_accepted_deletion_is_read_back_until_the_key_is_gone(
    responses: Sequence[httpx.Response], result: Result, waits: int
) -> None:
    absent = declared()._replace(is_absent=True)
    (change,) = make_plan([absent], [LIVE], kind=WAITING).changes
    clock = FakeClock()
    outcome = sent_by(WAITING, change, Script(*responses), clock)
    assert (outcome.result, len(clock.sleeps)) == (result, waits)


@pytest.mark.parametrize("has_ids", [True, False])
def test_what_no_get_shows_is_read_back_in_the_listing(*, has_ids: bool) -> None:
    kind = kind_with(FIELDS, wait=60, **({"path": "id"} if has_ids else {}))
    listed = listing({**LIVE, "note": "new"})
    outcome, requests = outcome_of(kind, change_of(kind, note="new"), TASK, httpx.Response(405), listed)
    assert (outcome.result, outcome.detail) == (Result.APPLIED, "")
    assert [request.method for request in requests] == ["PATCH", "GET", "GET"]


GONE = httpx.Response(404)


@pytest.mark.parametrize(
    ("responses", "result", "waits"),
    [
        ([NEW], Result.APPLIED, 0),
        ([TASK, GONE, listing(), GONE, listing(), NEW], Result.APPLIED, 2),
        ([TASK, OLD, NEW], Result.APPLIED, 1),
        ([OLD, NEW], Result.APPLIED, 0),
        ([TASK, *[GONE, listing()] * 30], Result.NOT_VERIFIED, 10),
    ],
)
def test_an_accepted_creation_is_read_back_until_the_key_is_there_as_declared(
    responses: Sequence[httpx.Response], result: Result, waits: int
) -> None:
    (change,) = make_plan([declared(note="new")], [], kind=WAITING).changes
    clock = FakeClock()
    outcome = sent_by(WAITING, change, Script(*responses), clock)
    assert (outcome.result, len(clock.sleeps)) == (result, waits)


def test_a_key_that_was_perhaps_created_under_another_name_is_named() -> None:
    kind = kind_with(FIELDS, create={"requires": []})
    (change,) = make_plan([declared(note="new")], [], kind=kind).changes
    outcome, _ = outcome_of(kind, change, shown({**LIVE, "name": "web_key"}, 201), GONE, listing())
    assert outcome.result is Result.NOT_VERIFIED
    assert 'it may have been created with name "web_key"; write this name into the file' in outcome.detail


def test_a_stopped_run_waits_no_longer() -> None:
    clock, stop = FakeClock(), threading.Event()
    script = Script(TASK, OLD)

    def serve(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            stop.set()
        return script(request)

    change = change_of(WAITING, note="new")
    with Writer(connect(serve, clock=clock, stop=stop)) as writer:
        [outcome] = Executor(writer, {"thing": WAITING, "caas": WAITING}, Workers(1), stop).execute([change])
    assert (outcome.result, clock.sleeps) == (Result.NOT_VERIFIED, [])


@pytest.mark.parametrize(
    ("extension", "media_type", "content"),
    [
        ({"update": {"method": "POST", "encoding": "form"}}, "application/x-www-form-urlencoded", "note=a+b"),
        (
            {"update": {"method": "PATCH", "encoding": "merge-patch"}},
            "application/merge-patch+json",
            '{"note":"a b"}',
        ),
        (
            {"update": {"method": "PATCH", "encoding": "json-patch"}},
            "application/json-patch+json",
            '[{"op":"replace","path":"/note","value":"a b"}]',
        ),
        ({"envelope": {"item": "thing", "body": "thing"}}, "application/json", '{"thing":{"note":"a b"}}'),
        ({"envelope": {"item": "thing", "body": "[]"}}, "application/json", '[{"note":"a b"}]'),
    ],
)
def test_a_body_is_sent_in_the_encoding_of_its_kind(
    extension: dict[str, Any], media_type: str, content: str
) -> None:
    kind = kind_with(FIELDS, **extension, send={"query": {"v": "1"}, "headers": {"X-Version": "2"}})
    stored = {**LIVE, "note": "a b"}
    response = shown({"thing": stored} if "envelope" in extension else stored)
    outcome, (write,) = outcome_of(kind, change_of(kind, note="a b"), response)
    assert outcome.result is Result.APPLIED
    assert (write.headers["Content-Type"], write.content.decode()) == (media_type, content)
    assert (write.url.query.decode(), write.headers["X-Version"]) == ("v=1", "2")
