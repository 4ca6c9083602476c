"""Writing live values into a text: the law of accept, and the text that it leaves."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adopt.accept import accept, drifted
from reconciler.errors import InputError
from reconciler.load.builder import parse
from reconciler.model.canonical import json_text
from tests.adopt.hostile import TEXT
from tests.properties import examples
from tests.values import CAAS, NOW, SCOPE, kind_with, live, rules, state_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.desired import DesiredKey

HEAD = "project_id: 1\nregion_id: 76\nkeys:\n"
WEB = {"name": "web", "namespace": "shop"}
API = {"name": "api", "namespace": "shop"}
DB = {"name": "db", "namespace": "a: b"}
W, A, D = ("{name: web, namespace: shop}", "{name: api, namespace: shop}", '{name: db, namespace: "a: b"}')


RULES = rules()


def all_keys(text: str) -> list[DesiredKey]:
    return [key for scope in state_of(*parse(text, "keys.yaml")).scopes for key in scope.keys]


def keys_of(text: str) -> dict[str, DesiredKey]:
    return {key.name: key for key in all_keys(text)}


def accepted(text: str, field: str | None = None, /, **fields: Any) -> str:
    """Accept live values of the key ``web-key``, whose other fields are as declared."""
    key = keys_of(text)["web-key"]
    have = live("web-key", **{name: key.fields[name] for name in key.fields} | fields)
    found = drifted(CAAS, SCOPE, key, have, NOW).narrowed(field)
    after = accept(text.encode(), found, NOW, RULES)
    assert drifted(CAAS, SCOPE, keys_of(after)["web-key"], have, NOW).narrowed(field).fields == ()
    return after


def value(text: str, field: str, /, **fields: Any) -> str:
    """Accept a field written as ``text`` below the name of the key, and return the text afterwards."""
    before = f"{HEAD}  - name: web-key\n{text}  - name: next-key  # end\n"
    after = accepted(before, field, **fields)
    start, end = f"{HEAD}  - name: web-key\n", "  - name: next-key  # end\n"
    assert after.startswith(start)
    assert after.endswith(end)
    return after.removeprefix(start).removesuffix(end)


@pytest.mark.parametrize(
    ("written", "new", "expected"),
    [
        ("    description: old  # c\n", "new: it", '    description: "new: it"  # c\n'),
        ("    description: old\n", "no", '    description: "no"\n'),
        ("    description:   'old' # c\n", "it's", "    description:   'it''s' # c\n"),
        ("    description: 'old'\n", "a\nb", '    description: "a\\nb"\n'),
        ('    description: "old"\n', "new", '    description: "new"\n'),
        ('    "description": old\n', "new", '    "description": "new"\n'),
        ("    description: old\n      text\n", "new", "    description: new\n"),
        ("    description: &a old\n", "new", "    description: &a new\n"),
        ("    description: !!str 010\n", "new", "    description: !!str new\n"),
        ("    description: &a !!str 010\n", "new", "    description: &a !!str new\n"),
        (
            "    description: |  # c\n      old\n      text\n\n",
            "x\n\ny\n",
            "    description: |  # c\n      x\n\n      y\n\n",
        ),
        ("    description: |\n      old\n", "new", "    description: |-\n      new\n"),
        ("    description: |+\n      old\n\n\n", "new\n", "    description: |\n      new\n"),
        ("    description: |2\n      old\n", "new", "    description: |-\n      new\n"),
        ("    description: |\n         old\n", "new\n", "    description: |\n         new\n"),
        ("    description: >-\n      old\n      text\n", "new", "    description: >-\n      new\n"),
        ("    description: >\n      old\n", "a\nb\n", "    description: |\n      a\n      b\n"),
        ("    description: |\n      old\n      # no comment\n", "", '    description: ""\n'),
        ("    description: |  # c\n      old\n", " a", '    description: " a"  # c\n'),
        ("    description: |\n", "new\n", "    description: |\n      new\n"),
        ("    description: >-  # c\n\n", "new", "    description: >-  # c\n      new\n\n"),
        ("    ? description\n    : old\n", "new", "    ? description\n    : new\n"),
        ("    description: é 😀 old  # 漢\n", "漢字 😀", "    description: 漢字 😀  # 漢\n"),
    ],
)
def test_a_changed_text_keeps_its_position_and_quotes(written: str, new: str, expected: str) -> None:
    assert value(written, "description", description=new) == expected


@pytest.mark.parametrize(
    ("written", "new", "expected"),
    [
        ("    expire: 2030-01-01T00:00:00Z  # c\n", None, "    expire: null  # c\n"),
        ("    expire: null\n", "2030-01-01 00:00:00+0100", "    expire: 2029-12-31T23:00:00Z\n"),
        ("    expire:  # never\n", "2030-01-01T00:00:00Z", "    expire: 2030-01-01T00:00:00Z  # never\n"),
        ("    expire:\n", "2030-01-01T00:00:00Z", "    expire: 2030-01-01T00:00:00Z\n"),
        ("    expire: &a\n", "2030-01-01T00:00:00Z", "    expire: &a 2030-01-01T00:00:00Z\n"),
        ("    expire: ~\n", "2030-01-01T00:00:00Z", "    expire: 2030-01-01T00:00:00Z\n"),
        (
            "    expire: '2030-01-01T00:00:00Z'\n",
            "2031-01-01T00:00:00Z",
            "    expire: '2031-01-01T00:00:00Z'\n",
        ),
        ("    expire: '2030-01-01T00:00:00Z'\n", None, "    expire: null\n"),
        ("    ? expire\n", "2030-01-01T00:00:00Z", None),
    ],
)
def test_an_expiry_is_written_in_utc(written: str, new: str | None, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(InputError, match="cannot be edited"):
            value(written, "expire", expire=new)
    else:
        assert value(written, "expire", expire=new) == expected


@pytest.mark.parametrize(
    ("written", "new", "expected"),
    [
        ("[]  # none\n", [WEB], "[{name: web, namespace: shop}]  # none\n"),
        ("[{name: web, namespace: shop}]\n", [], "[]\n"),
        (
            "[{name: web, namespace: shop}]  # c\n",
            [WEB, API],
            "[{name: web, namespace: shop}, {name: api, namespace: shop}]  # c\n",
        ),
        (
            "[{namespace: shop, name: web}, {name: api, namespace: shop}]\n",
            [WEB],
            "[{namespace: shop, name: web}]\n",
        ),
        (
            "[{name: api, namespace: shop}, {namespace: shop, name: web}]\n",
            [WEB],
            "[{namespace: shop, name: web}]\n",
        ),
        (
            "[{name: web, namespace: shop}]\n",
            [API, DB],
            '[{name: api, namespace: shop}, {name: db, namespace: "a: b"}]\n',
        ),
        (
            '[{"name": "web", "namespace": "shop"}]\n',
            [API, WEB],
            '[{"name": "web", "namespace": "shop"}, {"name": "api", "namespace": "shop"}]\n',
        ),
        (
            f"[  # these\n      {W},  # c\n      {A},  # d\n    ]\n",
            [WEB, API, DB],
            f"[  # these\n      {W},  # c\n      {A},  # d\n      {D}\n    ]\n",
        ),
        (
            f"[{W}, {A}  # both\n      # tail\n    ]\n",
            [WEB, API, DB],
            f"[{W}, {A},  # both\n                 {D}\n      # tail\n    ]\n",
        ),
        (
            f"[\n      {W},\n      {A}\n      # tail\n    ]  # c\n",
            [API, DB],
            f"[\n      {A},\n      {D}\n      # tail\n    ]  # c\n",
        ),
        (
            f"[\n      {W},\n      # api\n      {A},\n      # tail\n    ]\n",
            [API],
            f"[\n      # api\n      {A},\n      # tail\n    ]\n",
        ),
        (
            f"[\n      {W},\n      # api\n      {A}, ]\n",
            [WEB, API, DB],
            f"[\n      {W},\n      # api\n      {A},\n      {D}, ]\n",
        ),
        (
            f"# all\n      # first\n      - {W}  # c\n      - {A}\n",
            [WEB, DB],
            f"# all\n      # first\n      - {W}  # c\n      - {D}\n",
        ),
        (
            f"\n      - {W}  # c\n        # more\n\n        # also\n      # - {A}\n    # end\n",
            [WEB, DB],
            f"\n      - {W}  # c\n        # more\n\n        # also\n      - {D}\n      # - {A}\n    # end\n",
        ),
        ("\n      -\n        name: old\n        namespace: shop\n", [], " []\n"),
        (
            "\n      -\n        name: old\n        namespace: shop\n",
            [WEB, DB],
            '\n      - name: db\n        namespace: "a: b"\n      - name: web\n        namespace: shop\n',
        ),
        (
            f"\n      - # a - remark\n        {W}\n      - {A}\n",
            [WEB, DB],
            f"\n      - # a - remark\n        {W}\n      - {D}\n",
        ),
        (
            "\n    - name: web\n      namespace: shop\n    # 2\n    - name: api\n      namespace: shop\n",
            [API, DB],
            '\n    # 2\n    - name: api\n      namespace: shop\n    - name: db\n      namespace: "a: b"\n',
        ),
        ("\n      - {name: web, namespace: shop}\n", [API], "\n      - {name: api, namespace: shop}\n"),
        ("  # c\n      - {name: web, namespace: shop}\n", [], " []  # c\n"),
        ("&c  # c\n      - name: web\n        namespace: shop\n", [], "&c []  # c\n"),
        (
            "\n      - {name: web, namespace: shop}\n      - {name: web, namespace: shop2}\n",
            [API, DB],
            '\n      - {name: api, namespace: shop}\n      - {name: db, namespace: "a: b"}\n',
        ),
    ],
)
def test_unchanged_list_items_are_preserved(written: str, new: list[Any], expected: str) -> None:
    gap = "" if written[0] in "\n " else " "
    wanted = "" if expected[0] in "\n " else " "
    assert (
        value(f"    containers:{gap}{written}", "containers", containers=new)
        == f"    containers:{wanted}{expected}"
    )


@pytest.mark.parametrize(
    ("written", "new"),
    [
        (f"\n      - {W}\n      - {A}  # c\n", [WEB]),
        (f"\n      # c\n      - {W}\n      - {A}\n", [API]),
        (f"\n      - {W}\n      - {A}\n        # c\n", [WEB, DB]),
        (f"\n      - {W}\n      - # c\n        {A}\n", [WEB]),
        ("\n      - name: web\n        # c\n        namespace: shop\n", [DB]),
        (f"\n      - {W}  # c\n", []),
        (f"\n    # c\n    - {W}\n", []),
        (f"[{W}, {A}  # c\n    ]\n", [WEB]),
        (f"[{W},  # c\n      {A}\n    ]\n", [API]),
        (f"[{W},\n      # c\n      {A}\n    ]\n", [WEB]),
        (f"[{W}\n      # c\n    ]\n", [DB]),
    ],
)
def test_a_change_that_would_lose_or_move_a_comment_is_not_written(written: str, new: list[Any]) -> None:
    gap = "" if written[0] == "\n" else " "
    with pytest.raises(InputError) as raised:
        value(f"    containers:{gap}{written}", "containers", containers=new)
    (said,) = raised.value.texts
    before = f"{HEAD}  - name: web-key\n    containers:{gap}{written}".partition("# c")[0].split("\n")
    place = f"{len(before)}:{len(before[-1]) + 1}"
    assert said.startswith(
        f"keys.yaml:{place}: cannot be edited automatically: the comment # c would be lost"
    )
    assert "; write it by hand: {containers: [" in said


def test_a_tag_is_removed_with_its_value() -> None:
    assert value("    expire: !!str 2036-07-31T00:00:00Z  # c\n", "expire", expire=None) == (
        "    expire: null  # c\n"
    )
    assert value("    description: &a !!str >-\n      old\n", "description", description=" a") == (
        '    description: &a !!str " a"\n'
    )
    assert value("    containers: !!seq\n    - " + W + "\n", "containers", containers=[]) == (
        "    containers: !!seq []\n"
    )


def test_a_key_in_flow_style_stays_in_flow_style() -> None:
    before = f"{HEAD}  - {{name: web-key, expire, description: old, is_disabled: false}}  # c\n"
    after = accepted(before, expire="2030-01-01T00:00:00Z", description="a, b", is_disabled=True)
    wanted = 'expire: "2030-01-01T00:00:00Z", description: "a, b", is_disabled: true'
    assert after == f"{HEAD}  - {{name: web-key, {wanted}}}  # c\n"


def test_json_stays_json() -> None:
    before = (
        '{"project_id": 1, "region_id": 76, "keys": [{"name": "web-key", "expire": null, "containers": []}]}'
    )
    after = accepted(before, expire="2030-01-01T00:00:00Z", containers=[WEB])
    assert after == before.replace("null", '"2030-01-01T00:00:00Z"').replace(
        "[]", '[{"name": "web", "namespace": "shop"}]'
    )


@examples(15)
@given(
    st.sampled_from([None, 0, 1, 2, 4, "\t"]),
    st.sampled_from([None, (",", ":"), (" , ", " : ")]),
    st.sampled_from([[], [WEB], [WEB, DB]]),
    st.sampled_from([[], [WEB], [API, WEB], [DB, API]]),
)
def test_json_stays_json_in_every_layout(
    indent: int | str | None, separators: tuple[str, str] | None, old: list[Any], new: list[Any]
) -> None:
    key = {"name": "web-key", "expire": None, "containers": old, "description": "a"}
    document = {"project_id": 1, "region_id": 76, "keys": [key, {"name": "next-key"}]}
    before = json.dumps(document, indent=indent, separators=separators)
    odd = 'b"\u2028\u00e9: #\\'
    after = accepted(before, expire="2030-01-01T00:00:00Z", containers=new, description=odd)
    held = {json_text(item): item for item in json.loads(after)["keys"][0]["containers"]}
    assert sorted(held) == sorted(map(json_text, new))
    again = json.loads(after)
    if indent is None and separators == (",", ":"):
        assert after == json.dumps(again, separators=separators, ensure_ascii=False).replace(
            "\u2028", "\\u2028"
        )
    if indent and separators is None:
        assert after == json.dumps(again, indent=indent, ensure_ascii=False).replace("\u2028", "\\u2028")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ([["a"]], [["a"], ["b\U000e0001"]]),
        ([{}], [{}, {"a": "x y"}]),
        ([1], [1, "b"]),
        ([None], [None, True, "b"]),
    ],
)
def test_items_of_any_type_are_added_to_a_list_of_json_as_json(old: list[Any], new: list[Any]) -> None:
    kind = kind_with({"set": {"type": "array", "uniqueItems": True}})
    document = {"kind": "thing", "project_id": 1, "keys": [{"name": "web-key", "set": old}]}
    text = json.dumps(document)
    by = rules({"thing": kind})
    (scope,) = state_of(*parse(text, "keys.json"), by=by).scopes
    found = drifted(kind, scope.scope, scope.keys[0], {"name": "web-key", "set": new}, NOW)
    (key,) = json.loads(accept(text.encode(), found, NOW, by))["keys"]
    assert sorted(map(json_text, key["set"])) == sorted(map(json_text, new))


def test_one_of_several_fields_can_be_accepted_alone() -> None:
    before = f"{HEAD}  - name: web-key\n    description: old\n    is_disabled: false\n"
    assert accepted(before, "is_disabled", description="new", is_disabled=True) == before.replace(
        "false", "true"
    )


def test_only_the_named_key_of_the_right_document_changes() -> None:
    text = "project_id: 1\nregion_id: 7\nkeys:\n  - {name: web-key, description: old}\n---\n# none\n---\n"
    before = f"{text}{HEAD}  - name: api-key\n    description: old\n  - name: web-key\n    description: old\n"
    key = [key for key in all_keys(before) if key.name == "web-key"][1]
    found = drifted(CAAS, SCOPE, key, live("web-key", description="new"), NOW)
    after = accept(before.encode(), found, NOW, RULES)
    assert after == before[: -len("old\n")] + "new\n"


MIXED = [
    ("\r\n", "\n", "\n"),
    ("\n", "\r\n", "\r\n"),
    ("\n", "\r", "\r"),
    ("\r", "\n", "\n"),
]


@pytest.mark.parametrize(("head", "mark", "expected"), MIXED)
def test_added_lines_use_the_line_ending_of_their_neighbours(head: str, mark: str, expected: str) -> None:
    text = f"  - name: web-key\n    containers:\n      - {W}\n    description: |\n      old\n"
    before = HEAD.replace("\n", head) + text.replace("\n", mark)
    after = accepted(before, containers=[WEB, DB], description="a\nb\n")
    wanted = text.replace("old", "a\n      b").replace(f"{W}\n", f"{W}\n      - {D}\n")
    assert after == HEAD.replace("\n", head) + wanted.replace("\n", expected)


@pytest.mark.parametrize(
    ("written", "new", "expected"),
    [
        (f"\n      - {W}", [WEB, DB], f"\n      - {W}\n      - {D}"),
        (f"\n      - {W}  # c", [WEB, DB], f"\n      - {W}  # c\n      - {D}"),
        (f"\n      - {W}\n      - {D}", [WEB], f"\n      - {W}"),
        (f"\n      - {W}", [], " []"),
        (f"\n      - {W}\n      - {A}", [WEB, DB], f"\n      - {W}\n      - {D}"),
        (f"\n      - {W}\n      - {A}\n      - {D}", [WEB], f"\n      - {W}"),
        (f"\n      - {A}\n      - {W}\n      - {D}", [WEB], f"\n      - {W}"),
        (f"\r\n      - {W}\r\n      - {D}", [WEB], f"\r\n      - {W}"),
        (" []", [WEB], f" [{W}]"),
    ],
)
def test_a_missing_final_newline_is_not_added(written: str, new: list[Any], expected: str) -> None:
    mark = "\r\n" if "\r" in written else "\n"
    before = f"{HEAD}  - name: web-key\n    containers:".replace("\n", mark)
    assert accepted(before + written, containers=new) == before + expected


def test_a_block_scalar_at_the_end_keeps_its_value_without_a_final_newline() -> None:
    before = f"{HEAD}  - name: web-key\n    description: |\n      old"
    assert keys_of(before)["web-key"].fields["description"] == "old\n"
    assert accepted(before, description="new\n") == before.replace("old", "new")


def test_line_endings_and_the_byte_order_mark_are_preserved() -> None:
    before = f"{HEAD}  - name: web-key\n    description: |\n      old\n    containers: [] # c\n".replace(
        "\n", "\r\n"
    )
    key = keys_of(before)["web-key"]
    long = [{"name": f"web{number}", "namespace": "shop"} for number in range(5)]
    found = drifted(CAAS, SCOPE, key, live("web-key", description="a\nb\n", containers=long), NOW)
    after = accept(b"\xef\xbb\xbf" + before.encode(), found, NOW, RULES)
    assert after.startswith("\ufeffproject_id")
    assert after.count("\n") == after.count("\r\n") == before.count("\n") + 6
    assert "containers: # c\r\n" in after or "containers:  # c\r\n" in after


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        (
            "  - {name: api-key, description: &d old}\n  - name: web-key\n    description: *d\n",
            "keys.yaml:6:18",
            "description is the alias *d",
        ),
        (
            "  - name: web-key\n    description: &d old\n  - {name: api-key, description: *d}\n",
            "keys.yaml:5:18",
            "its anchor &d is used by others, first on line 6",
        ),
        (
            "  - name: web-key\n    description: &d old\n"
            + "".join(f"  - {{name: {name}-key, description: *d}}\n" for name in ("api", "db")),
            "keys.yaml:5:18",
            "its anchor &d is used by others, first on line 6",
        ),
        (
            "  - &b {name: web-key, description: old}\n  - <<: *b\n    name: api-key\n",
            "keys.yaml:4:5",
            "cannot be edited automatically: other values would change too: description of the key on line 5",
        ),
    ],
)
def test_a_value_shared_through_an_alias_is_not_changed(text: str, place: str, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        accepted(HEAD + text, description="new")
    assert str(caught.value).startswith(f"{place}: ")
    assert reason in str(caught.value)


def test_an_anchored_key_is_changed_if_its_aliases_override_the_value() -> None:
    other = "  - {<<: *b, name: api-key, description: mine}\n"
    before = f"{HEAD}  - &b {{name: web-key, description: old}}\n{other}"
    assert accepted(before, description="new") == before.replace("old", "new")


def test_a_value_from_a_merge_is_changed_in_the_key_itself() -> None:
    before = f"{HEAD}  - &b {{name: api-key, description: old}}\n  - <<: *b\n    name: web-key\n"
    assert accepted(before, description="new") == f"{before}    description: new\n"


def test_an_alias_in_a_list_is_preserved_with_its_item() -> None:
    boxes = "  - name: api-key\n    containers: [&w {name: web, namespace: shop}]\n"
    before = f"{HEAD}{boxes}  - name: web-key\n    containers: [*w, {{name: api, namespace: shop}}]\n"
    after = accepted(before, containers=[WEB, DB])
    assert after == before.replace(
        "[*w, {name: api, namespace: shop}]", '[*w, {name: db, namespace: "a: b"}]'
    )


def test_a_value_that_cannot_be_declared_is_not_accepted() -> None:
    with pytest.raises(
        InputError, match="the live value cannot be declared: description holds what strict YAML"
    ):
        accepted(f"{HEAD}  - name: web-key\n    description: old\n", description="\ud800")


INNER = {
    "type": "object",
    "properties": {"check": {"type": "boolean"}, "name": {"type": ["string", "null"]}},
}
HOOK = kind_with(
    {
        "hook": {
            "type": "object",
            "required": ["url"],
            "properties": {"url": {"type": "string"}, "secret": {"type": "string"}, "tls": INNER},
        }
    }
)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{url: a}", "{url: b}"),
        ("{url: a, tls: {check: true}}", "{url: b, tls: {check: false}}"),
        ("{url: a, tls: {}}", "{url: b, tls: {}}"),
    ],
)
def test_members_that_a_file_leaves_out_are_not_written_into_it(written: str, expected: str) -> None:
    text = "kind: thing\nproject_id: 1\nkeys:\n  - name: web-key\n    hook: "
    by = rules({"thing": HOOK})
    (scope,) = state_of(*parse(text + written, "keys.yaml"), by=by).scopes
    have = {"name": "web-key", "hook": {"url": "b", "secret": "s3cr3t", "tls": {"check": False, "name": "n"}}}
    found = drifted(HOOK, scope.scope, scope.keys[0], have, NOW)
    after = accept((text + written).encode(), found, NOW, by)
    assert after == text + expected


def test_members_that_an_item_leaves_out_are_not_written_into_it() -> None:
    kind = kind_with({"rules": {"type": "array", "items": HOOK.schema["properties"]["hook"]}})
    text = "kind: thing\nproject_id: 1\nkeys:\n  - name: web-key\n"
    text += "    rules: [{url: a}, {url: b, tls: {check: true}}]"
    by = rules({"thing": kind})
    (scope,) = state_of(*parse(text, "keys.yaml"), by=by).scopes
    have = [
        {"url": "a", "secret": "s3cr3t"},
        {"url": "b", "secret": "s", "tls": {"check": False, "name": "n"}},
    ]
    found = drifted(kind, scope.scope, scope.keys[0], {"name": "web-key", "rules": have}, NOW)
    assert accept(text.encode(), found, NOW, by) == text.replace("true", "false")


BOXES = st.lists(st.sampled_from([WEB, API, DB]), max_size=3, unique_by=lambda box: box["name"])
WRITTEN = {
    "description": [
        "description: old",
        "description: 'old' # c",
        'description: "old\\\n  er"',
        "description: |\n  old\n  er\n",
        "description: >-\n  old\n\n  er",
        "description: |+\n  old\n\n",
        "description:\n  old",
    ],
    "expire": [
        "expire:",
        "expire: null # c",
        "expire: 2030-01-01T00:00:00Z",
        '"expire": "2030-01-01T00:00:00+02:00"',
        "expire: ~",
    ],
    "is_disabled": ["is_disabled: true", "is_disabled:   false  # c", "is_disabled:\n  true"],
    "containers": [
        "containers: []",
        "containers: [{name: web, namespace: shop}]  # c",
        "containers:\n- {name: web, namespace: shop} # c\n- name: api\n  namespace: shop # d",
        "containers: # c\n  # d\n  - namespace: shop\n    name: api\n  # e",
        "containers: [ {name: api, namespace: shop}, # c\n  {name: db, namespace: 'a: b'},\n  # d\n  ] # e",
    ],
}
LIVE = st.fixed_dictionaries(
    {
        "description": TEXT.filter(lambda text: not any("\ud800" <= char <= "\udfff" for char in text)),
        "expire": st.one_of(st.none(), st.dates(dt.date(1000, 1, 1)).map(lambda day: f"{day} 10:00:00+0000")),
        "is_disabled": st.booleans(),
        "containers": BOXES,
    }
)


@st.composite
def keys(draw: st.DrawFn) -> str:
    """Write a key with some fields in some order and layout."""
    fields = draw(st.permutations(sorted(WRITTEN)))[: draw(st.integers(1, 4))]
    lines = [line for field in fields for line in draw(st.sampled_from(WRITTEN[field])).split("\n")]
    indented = "\n".join(f"    {line}" if line else "" for line in lines)
    return f"  - name: web-key # n\n{indented}\n"


@examples(10)
@given(keys(), LIVE, st.sampled_from(["\n", "\r\n"]), st.sampled_from(["", "  # end\n  - name: next-key\n"]))
def test_after_accept_the_key_has_no_planned_change_and_the_rest_is_unchanged(
    written: str, have: dict[str, Any], mark: str, rest: str
) -> None:
    before = f"# top\n{HEAD}  - {{name: api-key, description: x}}\n{written}{rest}".replace("\n", mark)
    key = keys_of(before)["web-key"]
    shown = live("web-key", **have)
    left, refusals = [], []
    for field in drifted(CAAS, SCOPE, key, shown, NOW).fields:
        found = drifted(CAAS, SCOPE, keys_of(before)["web-key"], shown, NOW).narrowed(field)
        try:
            after = accept(before.encode(), found, NOW, RULES)
        except InputError as error:
            left.append(field)
            refusals.append((field, "the comment # " in str(error)))
            continue
        check_law(before, after, field, shown)
        before = after
    assert list(drifted(CAAS, SCOPE, keys_of(before)["web-key"], shown, NOW).fields) == left
    assert set(refusals) <= {("containers", True)}


def check_law(before: str, after: str, field: str, shown: Mapping[str, Any]) -> None:
    """Only the field changed, and only lines from its name on to the next field."""
    old, new = keys_of(before), keys_of(after)
    assert field not in drifted(CAAS, SCOPE, new["web-key"], shown, NOW).fields
    for name in old:
        rest = {other for other in old[name].fields if name != "web-key" or other != field}
        assert all(json_text(old[name].fields[other]) == json_text(new[name].fields[other]) for other in rest)
    start = next(
        n for n, line in enumerate(before.splitlines(keepends=True)) if line.strip(' "-').startswith(field)
    )
    lines = before.splitlines(keepends=True)
    end = next(
        (
            n
            for n in range(start + 1, len(lines))
            if lines[n].strip(' "-').startswith((*WRITTEN, "# end"))
            and len(lines[n]) - len(lines[n].lstrip()) <= 4
        ),
        len(lines),
    )
    assert after.startswith("".join(lines[:start]))
    assert after.endswith("".join(lines[end:]))
    comments = [line.partition("#")[2] for line in lines[start:end] if "#" in line and "|" not in before]
    assert all(comment in after for comment in comments)
