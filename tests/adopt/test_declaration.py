"""From live keys to text: the law of export, and what a reader of the text sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adopt.declaration import adopt, document_lines, key_lines
from reconciler.adopt.export import Live, export_document, export_into
from reconciler.kinds.packaged import document_schema
from reconciler.load.builder import parse
from reconciler.load.parser import default_parser, pure_parser
from reconciler.model.desired import DesiredScope
from reconciler.model.live import LiveScope
from reconciler.plan.planning import plan_scope
from reconciler.validate.schema import SchemaChecker
from tests.adopt.hostile import KEYS, TEXT
from tests.properties import examples
from tests.values import API, CAAS, NOW, SCOPE, WEB, kind_with, live, rules, state_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.kinds.kind import Kind
    from reconciler.model.desired import DesiredState

CHECKER = SchemaChecker(document_schema(), CAAS)


def validated(text: str) -> DesiredState:
    """Read a text as the project does."""
    return state_of(*parse(text, "keys.yaml"))


def exported(*keys: Mapping[str, Any], kind: Kind = CAAS) -> list[str]:
    """Return the lines of a document of live keys."""
    checker = CHECKER if kind is CAAS else SchemaChecker(document_schema(), kind)
    return document_lines(kind, SCOPE, adopt(kind, keys, checker))


@examples(10)
@given(st.lists(KEYS, min_size=40, max_size=40))
def test_an_exported_scope_plans_no_changes(keys: list[dict[str, Any]]) -> None:
    observed = LiveScope(SCOPE, {key["name"]: key for key in keys})
    adoption = adopt(CAAS, observed.keys.values(), CHECKER)
    text = "\n".join(document_lines(CAAS, SCOPE, adoption)) + "\n"
    (scope,) = validated(text).scopes
    plan = plan_scope(CAAS, scope, observed, NOW)
    assert (plan.changes, plan.problems) == ((), ())
    assert [key.name for key in scope.keys] == sorted(made.name for made in adoption.keys)
    names = {made.name for made in adoption.keys} | adoption.unusable.keys()
    assert names.union(*adoption.managed_elsewhere.values()) == observed.keys.keys()
    assert parse(text, "x", pure_parser)[0].data == parse(text, "x", default_parser())[0].data
    assert "do-not-show" not in text


@examples(40)
@given(TEXT)
def test_every_text_without_lone_surrogates_can_be_declared(text: str) -> None:
    made = adopt(CAAS, [live(description=text)], CHECKER).keys[0]
    if text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text):
        assert made.fields["description"] == text
    else:
        assert made.left_out == {"description": "description holds what strict YAML cannot write"}


def test_a_document_is_read_like_one_written_by_hand() -> None:
    one = live("storefront", description="Storefront, owned by web", containers=[WEB, API])
    two = live("billing", expire="2036-07-31 00:00:00.123+0000", is_disabled=True)
    assert exported(one, two) == [
        "kind: caas",
        "project_id: 1",
        "region_id: 76",
        "keys:",
        "  # created 2026-01-01T00:00:00Z, status Active, source cloud",
        "  - name: billing",
        '    description: ""',
        "    expire: 2036-07-31T00:00:00Z",
        "    is_disabled: true",
        "    containers: []",
        "  # created 2026-01-01T00:00:00Z, status Active, source cloud",
        "  - name: storefront",
        "    description: Storefront, owned by web",
        "    expire: null",
        "    is_disabled: false",
        "    containers:",
        "      - {name: api, namespace: shop}",
        "      - {name: web, namespace: shop}",
    ]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain words, with a comma", ["description: plain words, with a comma"]),
        ("it's 5 % of #1", ['description: "it\'s 5 % of #1"']),
        ("no", ['description: "no"']),
        ("010", ['description: "010"']),
        ("2027-01-01", ['description: "2027-01-01"']),
        ("漢字 é 😀", ["description: 漢字 é 😀"]),
        ("a\u2028b\x85", ['description: "a\\u2028b\\u0085"']),
        ("one\n\n  two\n", ['description: "one\\n\\n  two\\n"']),
        ("one\n\ntwo\n", ["description: |", "  one", "", "  two"]),
        ("one\ntwo", ["description: |-", "  one", "  two"]),
        ("one\ntwo ", ['description: "one\\ntwo "']),
    ],
)
def test_a_text_is_written_in_the_most_readable_form(text: str, written: list[str]) -> None:
    made = adopt(CAAS, [live("web", description=text)], CHECKER).keys[0]
    lines = [line[2:] for line in key_lines(made, 0, 2)]
    assert lines[2 : 2 + len(written)] == written


def test_keys_managed_elsewhere_are_named_and_counted() -> None:
    lines = exported(live("mine"), live("theirs-2", source="iate"), live("theirs-1", source="iate"))
    assert lines[3:6] == [
        "# left out: 2 keys managed elsewhere (source iate), which are never changed:",
        "#   theirs-1",
        "#   theirs-2",
    ]
    assert [line for line in lines if "name:" in line] == ["  - name: mine"]


def test_undeclarable_values_are_omitted_with_the_reason() -> None:
    lines = exported(live("ab"), live("web", description=None), live("api", containers=None))
    assert lines[3].startswith('# left out: ab: name "ab" has 2 characters')
    assert "    # description left out: description holds null" in lines
    assert "    # containers left out: containers holds null" in lines


def test_without_keys_the_list_is_empty() -> None:
    assert exported() == ["kind: caas", "project_id: 1", "region_id: 76", "keys: []"]


def test_every_settable_field_is_written_and_no_other() -> None:
    assert list(CAAS.settable) == ["name", "description", "expire", "is_disabled", "containers"]


def test_text_in_a_comment_cannot_end_the_comment() -> None:
    lines = exported(live("web", status="x\nkeys: []\u2028forged", source="a" * 500))
    assert (
        lines[4]
        == rf"  # created 2026-01-01T00:00:00Z, status x\u000akeys: []\u2028forged, source {'a' * 120}…"
    )


def test_numbers_that_yaml_reads_as_text_are_omitted() -> None:
    kind = kind_with({"limit": {"type": "integer"}, "shape": {"type": "object"}})
    (made,) = adopt(
        kind, [{"name": "web", "limit": 10**20, "shape": {"a b": [1, {"<<": None}]}}], CHECKER
    ).keys
    assert made.left_out.keys() == {"limit", "shape"}  # the second, because a caas key has no such field


TEXT_FIELD = {"type": "string"}
SET_BY_SERVICE = {"readOnly": True}
SHOWING = kind_with(
    {
        "note": TEXT_FIELD,
        "token": TEXT_FIELD,
        "hook": {"type": "object", "properties": {"url": TEXT_FIELD, "secret": TEXT_FIELD}},
        "secret": TEXT_FIELD | SET_BY_SERVICE,
        "dsn": {"type": "object"} | SET_BY_SERVICE,
        "links": {"type": "object"} | SET_BY_SERVICE,
        "status": TEXT_FIELD | SET_BY_SERVICE,
    }
)


def test_what_the_service_hides_is_left_out() -> None:
    live_key = {
        "name": "web",
        "note": "**** do not touch ****",
        "token": "sk-****1234",
        "hook": {"url": "u", "secret": "********"},
    }
    (made,) = adopt(SHOWING, [live_key], SchemaChecker(document_schema(), SHOWING)).keys
    assert made.fields == {"name": "web", "note": "**** do not touch ****", "hook": {"url": "u"}}
    assert made.left_out == {"token": "the service masks its value in responses"}


def test_secrets_that_a_listing_shows_are_in_no_comment() -> None:
    live_key = {
        "name": "web",
        "note": "n",
        "token": "t",
        "hook": {"url": "u", "secret": "s"},
        "secret": "hush-1",
        "dsn": {"public": "https://hush-2@host"},
        "links": {"self": "/", "signed": [{"access_token": "hush-3"}]},
        "status": "Active",
    }
    (made,) = adopt(SHOWING, [live_key], SchemaChecker(document_schema(), SHOWING)).keys
    assert made.fact == "status Active"


def source(*keys: Mapping[str, Any]) -> Live:
    """Return live keys as export takes them."""
    observed = LiveScope(SCOPE, {key["name"]: key for key in keys})
    return Live(CAAS, observed, NOW, rules())


def test_an_export_names_its_schema_and_plans_as_no_change() -> None:
    state = source(live("web"))
    made = export_document(state, "s.json")
    assert made.text.startswith("# yaml-language-server: $schema=s.json\nkind: caas\n")
    (scope,) = validated(made.text).scopes
    assert plan_scope(CAAS, DesiredScope(SCOPE, scope.keys), state.observed, NOW).changes == ()


HEAD = "project_id: 1\nregion_id: 76\n"
COMMENTS = st.sampled_from(["", "\n", "# x\n", "    # deep\n", "  # beside\n"])
ITEMS = st.sampled_from(
    [
        "  - name: {}\n",
        "  - {{name: {}}}  # flow\n",
        "  - name: {}\n    description: ''   # none\n",
        "  - description: >-\n\n    name: {}\n",
        "  -   name: {}\n      containers: []\n",
        "  - name: {}\n    containers: [\n    ]\n",
    ]
)


@st.composite
def texts(draw: st.DrawFn) -> tuple[int, str, str]:
    """Write one to three keys, in any layout; return their count, the text and its line break."""
    items = draw(st.lists(st.tuples(ITEMS, COMMENTS), min_size=1, max_size=3))
    body = "".join(item.format(f"key-{number}") + comment for number, (item, comment) in enumerate(items))
    mark = draw(st.sampled_from(["\n", "\r\n"]))
    text = f"{HEAD}keys:\n{body}{draw(COMMENTS)}".replace("\n", mark)
    return len(items), draw(st.sampled_from([text, text.rstrip("\r\n")])), mark


@examples(12)
@given(texts())
def test_adding_keys_preserves_every_existing_line(written: tuple[int, str, str]) -> None:
    count, before, mark = written
    names = ["key-0", "key-1", "key-2", "new-1", "new-2"]
    made = export_into(before.encode(), "keys.yaml", source(*map(live, names)), "s.json")
    assert len(made.adoption.keys) == 5 - count
    new = iter(made.text.split(mark))
    assert all(any(line == other for other in new) for line in before.removesuffix(mark).split(mark))
    assert made.text.replace(mark, "").isprintable()
    (scope,) = validated(made.text).scopes
    assert sorted(key.name for key in scope.keys) == [
        *names[:count],
        *sorted(set(names) - set(names[:count])),
    ]
