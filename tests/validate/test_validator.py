"""From documents to the desired state."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.errors import InputError
from reconciler.load.builder import parse
from reconciler.model.scope import Scope, ScopeDefaults
from reconciler.model.source import Position, Problem
from reconciler.validate.parts import merged
from tests.values import CAAS, kind_with, rules, state_of

if TYPE_CHECKING:
    from reconciler.model.desired import DesiredState

HERE = ScopeDefaults(1, 76)


def desired(*texts: str, defaults: ScopeDefaults = HERE) -> DesiredState:
    """Validate texts as files named ``1.yaml``, ``2.yaml`` and so on."""
    documents = (parse(text, f"{number}.yaml") for number, text in enumerate(texts, 1))
    return state_of(*chain.from_iterable(documents), by=rules(defaults=defaults))


def problems(*texts: str, defaults: ScopeDefaults = HERE) -> list[str]:
    with pytest.raises(InputError) as caught:
        desired(*texts, defaults=defaults)
    return str(caught.value).splitlines()


def warnings(text: str) -> list[str]:
    return [str(warning) for warning in desired(text).warnings]


def addresses(state: DesiredState) -> list[str]:
    return [scope.scope.address(key.name) for scope in state.scopes for key in scope.keys]


def test_a_key_has_exactly_the_declared_fields() -> None:
    (scope,) = desired("keys:\n  - {name: web-key, expire: null, containers: []}\n").scopes
    (key,) = scope.keys
    assert key.fields == {"name": "web-key", "expire": None, "containers": []}
    assert key.position == Position("1.yaml", 2, 5)


@pytest.mark.parametrize(
    ("header", "scope"),
    [
        ("", Scope("caas", 1, 76)),
        ("project_id: 2\n", Scope("caas", 2, 76)),
        ("region_id: 9\n", Scope("caas", 1, 9)),
        ("kind: caas\nproject_id: 2\nregion_id: 9\n", Scope("caas", 2, 9)),
    ],
)
def test_a_document_takes_precedence_over_the_defaults(header: str, scope: Scope) -> None:
    (found,) = desired(f"{header}keys: []\n").scopes
    assert found.scope == scope


@pytest.mark.parametrize(
    ("defaults", "missing"),
    [
        (ScopeDefaults(), ["project_id", "region_id"]),
        (ScopeDefaults(project_id=1), ["region_id"]),
        (ScopeDefaults(region_id=1), ["project_id"]),
    ],
)
def test_a_scope_without_project_or_region_is_a_problem(defaults: ScopeDefaults, missing: list[str]) -> None:
    advice = "write `{}: N` at the top of the document or set GCORE_CLOUD_{}"
    assert problems("# keys\nkeys: []\n", defaults=defaults) == [
        f"1.yaml:2:1: no {name}; {advice.format(name, name.upper())}" for name in missing
    ]


def test_a_kind_without_regions_needs_none() -> None:
    by = rules({"caas": replace(kind_with({}), name="caas")}, ScopeDefaults(project_id=7))
    assert addresses(state_of(*parse("keys: [{name: x}]", "1.yaml"), by=by)) == ["caas/7/x"]


def test_scopes_are_sorted_by_number_and_merge_keys_of_all_documents() -> None:
    state = desired(
        "region_id: 76\nkeys: [{name: key-b}]\n---\nregion_id: 9\nkeys: [{name: key-a}]\n",
        "keys: [{name: key-a}]\n",
    )
    assert addresses(state) == ["caas/1/9/key-a", "caas/1/76/key-b", "caas/1/76/key-a"]


def test_an_empty_list_of_keys_still_names_a_scope() -> None:
    assert [tuple(scope.keys) for scope in desired("keys: []").scopes] == [()]


@pytest.mark.parametrize("again", ["1.yaml", "2.yaml"])
def test_a_duplicate_address_is_reported_with_both_positions(again: str) -> None:
    texts = ["keys:\n  - name: web-key\n", "keys: [{name: web-key}]\n"]
    joined = texts if again == "2.yaml" else ["---\n".join(texts)]
    place = "2.yaml:1:8" if again == "2.yaml" else "1.yaml:4:8"
    expected = f"{place}: caas/1/76/web-key: declared twice, first at 1.yaml:2:5; keep one of the two"
    assert problems(*joined) == [expected]


def test_the_same_name_in_another_scope_is_another_key() -> None:
    state = desired("keys: [{name: web-key}]\n---\nregion_id: 9\nkeys: [{name: web-key}]\n")
    assert state.key_count == 2


def test_a_duplicate_address_is_found_besides_other_violations() -> None:
    text = "keys:\n  - name: web-key\n  - {name: api-key, colour: red}\n  - name: web-key\n"
    assert [line.split("; ")[0] for line in problems(text)] == [
        "1.yaml:3:21: caas/1/76/api-key: colour is not a known field",
        "1.yaml:4:5: caas/1/76/web-key: declared twice, first at 1.yaml:2:5",
    ]


def test_a_key_with_violations_is_counted_as_declared() -> None:
    text = "keys:\n  - {name: web-key, colour: red}\n  - {name: web-key, color: red}\n"
    assert [line.split(": ")[0] for line in problems(text)] == ["1.yaml:2:21", "1.yaml:3:5", "1.yaml:3:21"]
    assert "declared twice, first at 1.yaml:2:5" in problems(text)[1]


@pytest.mark.parametrize("name", ["5", "null", "[a]", "{a: b}", '""'])
def test_what_is_no_name_is_not_declared_twice(name: str) -> None:
    assert len(problems(f"keys:\n  - {{name: {name}}}\n  - {{name: {name}}}\n  - x\n  - x\n")) == 4


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[a, b]", "1.yaml:1:1: must be a mapping with a list under `keys:`"),
        ("null", "1.yaml:1:1: must be a mapping with a list under `keys:`"),
        ("text", "1.yaml:1:1: must be a mapping with a list under `keys:`"),
        ("--- 1\n", "1.yaml:1:5: must be a mapping with a list under `keys:`"),
        ("{}", "1.yaml:1:1: caas/1/76: keys is missing; write it"),
        ("keys:", "1.yaml:1:6: caas/1/76: keys cannot be null; write a list"),
        ("keys: {}", "1.yaml:1:7: caas/1/76: keys must be a list, not a mapping"),
        ("keys: [x]", '1.yaml:1:8: caas/1/76/keys[0]: the key must be a mapping, not the text "x"'),
        (
            "keys: [{name: 1}]",
            '1.yaml:1:15: caas/1/76/keys[0]: name must be text, not the number 1; write "1" in quotes',
        ),
        ("kind: cass\nkeys: []", '1.yaml:1:7: kind "cass" is unknown; write one of: caas'),
        (
            "kind: [caas]\nkeys: []",
            '1.yaml:1:7: kind ["caas"] is unknown; write one of: caas',
        ),
        ("project_id: 1e2\nkeys: []", "1.yaml:1:13: project_id must be a whole number in digits; write 100"),
        (
            "keys: [{name: 1e5}]",
            '1.yaml:1:15: caas/1/76/keys[0]: name must be text, not the number 1e5; write "1e5" in quotes',
        ),
        ("region_id: 1.5\nkeys: []", "1.yaml:1:12: region_id must be a whole number, not the number 1.5"),
        ("region_id: 0\nkeys: []", "1.yaml:1:12: region_id 0 is too small; the smallest is 1"),
    ],
)
def test_a_document_that_does_not_match_the_schema_is_a_problem(text: str, problem: str) -> None:
    assert problems(text) == [problem]


def test_an_unknown_field_is_reported_at_its_key_and_an_invalid_value_at_the_value() -> None:
    text = "keys:\n  - name: web-key\n    colour: red\n    is_disabled: no\n    status: Active\n"
    assert [line.split(": ")[0] for line in problems(text)] == ["1.yaml:3:5", "1.yaml:4:18", "1.yaml:5:5"]


def test_one_value_has_one_problem() -> None:
    (line,) = problems("keys: [{name: A}]")
    assert "has 1 character" in line


def test_every_problem_of_every_document_is_reported_in_order() -> None:
    bad = "keys:\n  - {name: A}\n  - {nam: x}\n"
    places = [line.split(": ")[0] for line in problems(bad, "- x", bad)]
    assert places == [
        "1.yaml:2:12",
        "1.yaml:3:5",
        "1.yaml:3:6",
        "2.yaml:1:1",
        "3.yaml:2:5",
        "3.yaml:2:12",
        "3.yaml:3:5",
        "3.yaml:3:6",
    ]


def test_problems_of_inputs_without_documents_are_reported() -> None:
    with pytest.raises(InputError, match=r"gone\.yaml: no such file"):
        merged([], {}, [Problem("no such file", Position("gone.yaml"))])


PAST = "is in the past: the key has expired"


@pytest.mark.parametrize(
    ("expire", "reported"),
    [
        ("2026-06-01T12:00:00Z", PAST),
        ("2026-06-01T14:00:00+02:00", PAST),
        ("2026-06-02T11:00:00+23:30", PAST),
        ("2020-01-01T00:00:00Z", PAST),
        ("0001-01-01T00:00:00Z", PAST),
        ("2026-06-01T13:00:00Z", "is near: the key expires in 1 hour"),
        ("2026-06-01T12:30:00Z", "is near: the key expires in less than an hour"),
        ("2026-06-02T12:00:00Z", "is near: the key expires in 24 hours"),
        ("2026-06-01T00:00:00-13:00", "is near: the key expires in 1 hour"),
        ("2026-06-15T12:00:00Z", "is near: the key expires in 14 days"),
        ("2026-06-15T12:00:01Z", None),
        ("2027-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59Z", None),
        ("null", None),
    ],
)
def test_an_expiry_in_the_past_or_near_is_a_warning(expire: str, reported: str | None) -> None:
    message = f"1.yaml:1:32: caas/1/76/web-key: expire {expire} {reported}"
    assert warnings(f"keys: [{{name: web-key, expire: {expire}}}]") == ([message] if reported else [])


MERGED = """\
project_id: 1
keys:
  - &base {name: web-key, is_disabled: no, containers: [&box {name: web, namespace: shop}]}
  - {<<: *base, name: api-key, containers: [*box, {name: X, namespace: shop}]}
"""


def test_an_invalid_merged_value_is_reported_at_its_definition_for_each_key() -> None:
    places: list[Any] = [line.split(": ")[:2] for line in problems(MERGED)]
    assert places == [
        ["1.yaml:3:40", "caas/1/76/web-key"],
        ["1.yaml:3:40", "caas/1/76/api-key"],
        ["1.yaml:4:58", "caas/1/76/api-key"],
    ]


DEFAULTED = """\
defaults:
  expire: 2036-01-31T00:00:00Z
  containers: [{name: web, namespace: shop}]
keys:
  - name: web-key
  - {name: api-key, containers: []}
  - {name: job-key, expire: null, description: x}
"""


def test_a_default_applies_to_each_key_without_the_field() -> None:
    (scope,) = desired(DEFAULTED).scopes
    web = [{"name": "web", "namespace": "shop"}]
    later = "2036-01-31T00:00:00Z"
    assert [key.fields for key in scope.keys] == [
        {"name": "web-key", "expire": later, "containers": web},
        {"name": "api-key", "expire": later, "containers": []},
        {"name": "job-key", "expire": None, "containers": web, "description": "x"},
    ]


def test_a_key_has_its_position_and_those_of_inherited_values() -> None:
    (scope,) = desired(DEFAULTED).scopes
    _, _, job = scope.keys
    assert job.position == Position("1.yaml", 7, 5)
    places = {field: job.inherited_from(field) for field in ("expire", "containers", "description", "status")}
    assert places == {
        "expire": None,
        "containers": Position("1.yaml", 3, 15),
        "description": None,
        "status": None,
    }


@pytest.mark.parametrize("header", ["", "defaults: {}\n"])
def test_without_defaults_nothing_is_inherited_or_copied(header: str) -> None:
    (document,) = parse(f"{header}keys: [{{name: web-key}}]", "1.yaml")
    ((key,),) = (scope.keys for scope in state_of(document, by=rules(defaults=HERE)).scopes)
    assert key.fields == document.data["keys"][0]
    assert (key.own, key.defaults) == ((), {})
    assert key.inherited_from("expire") is None


def test_defaults_apply_to_their_own_document_only() -> None:
    state = desired("defaults: {is_disabled: true}\nkeys: [{name: web-key}]\n---\nkeys: [{name: api-key}]\n")
    assert [dict(key.fields) for scope in state.scopes for key in scope.keys] == [
        {"name": "web-key", "is_disabled": True},
        {"name": "api-key"},
    ]


UNMANAGED = "leave the field out to leave it unmanaged"


KNOWN = "known fields: description, expire, is_disabled, containers"
NO_DEFAULT = "identifies the key and has no default; write it in each key"
EXAMPLE = 'write it, for example namespace: "shop"'


@pytest.mark.parametrize(
    ("defaults", "place", "message"),
    [
        ("null", 11, "defaults cannot be null; write a mapping"),
        ("[]", 11, "defaults must be a mapping, not a list"),
        ("{name: web-key}", 12, f"defaults.name {NO_DEFAULT}"),
        ("{is_disabled: null}", 25, f"defaults.is_disabled cannot be null; {UNMANAGED}"),
        (
            "{description: null}",
            25,
            f'defaults.description cannot be null; {UNMANAGED}, write "" to clear it',
        ),
        ("{is_disabled: 1}", 25, "defaults.is_disabled must be true or false, not the number 1"),
        ("{colour: red}", 12, f"defaults.colour is not a known field; {KNOWN}"),
        ("{status: x}", 12, "defaults.status is set by the service and cannot be declared; remove it"),
        ("{containers: [{name: web}]}", 25, f"defaults.containers[0].namespace is missing; {EXAMPLE}"),
    ],
)
def test_an_invalid_default_is_reported_once_at_its_position(defaults: str, place: int, message: str) -> None:
    text = f"defaults: {defaults}\nkeys: [{{name: web-key}}, {{name: api-key}}]"
    assert problems(text) == [f"1.yaml:1:{place}: caas/1/76: {message}"]


def test_a_duplicate_address_is_found_besides_an_invalid_default() -> None:
    text = "defaults: {expire: 2027}\nkeys: [{name: web-key}, {name: web-key}]"
    assert [line.split(":")[1] for line in problems(text)] == ["1", "2"]


def test_a_near_expiry_in_a_default_is_warned_about_for_each_key() -> None:
    keys = "[{name: web-key}, {name: api-key, expire: null}]"
    reported = "expire 2026-06-02T12:00:00Z is near: the key expires in 24 hours"
    text = f"defaults: {{expire: 2026-06-02T12:00:00Z}}\nkeys: {keys}"
    assert warnings(text) == [f"1.yaml:1:20: caas/1/76/web-key: {reported}"]


def test_scope_names_are_placeholders_until_they_are_looked_up() -> None:
    state = desired("project: shop\nregion: Luxembourg-2\nkeys: [{name: web-key}]", defaults=ScopeDefaults())
    assert addresses(state) == ["caas/shop/Luxembourg-2/web-key"]
    assert [(named.parameter, named.name, str(named.position)) for named in state.names] == [
        ("project_id", "shop", "1.yaml:1:10"),
        ("region_id", "Luxembourg-2", "1.yaml:2:9"),
    ]


def test_a_name_takes_precedence_over_the_number_of_the_environment() -> None:
    assert addresses(desired("project: shop\nkeys: [{name: web-key}]")) == ["caas/shop/76/web-key"]


def test_a_key_that_is_declared_twice_by_name_is_found_offline() -> None:
    document = "project: shop\nkeys: [{name: web-key}]\n"
    reported = "declared twice, first at 1.yaml:2:8; keep one of the two"
    assert problems(document, document) == [f"2.yaml:2:8: caas/shop/76/web-key: {reported}"]


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("project: shop\nproject_id: 1", "1:1: both project and project_id are set; keep one"),
        ("region: Sines\nregion_id: 76", "1:1: both region and region_id are set; keep one"),
        ("project: null", "1:10: project cannot be null; write text"),
        ('project: ""', '1:10: project "" has 0 characters; it needs at least 1'),
        ("project: 7", '1:10: project must be text, not the number 7; write "7" in quotes'),
    ],
)
def test_a_name_that_cannot_be_looked_up_is_a_problem(header: str, problem: str) -> None:
    assert problems(f"{header}\nkeys: []") == [f"1.yaml:{problem}"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("kind: thing\nowner: acme\nkeys:\n  - {name: a/../b}\n", "1.yaml:4:12: thing/acme/a/../b"),
        ("kind: thing\nowner: ..\nkeys: []\n", "1.yaml:2:8"),
        ("kind: thing\nowner: a//b\nkeys: []\n", "1.yaml:2:8"),
    ],
)
def test_a_value_that_is_not_one_path_segment_is_a_problem_at_its_position(text: str, place: str) -> None:
    thing = kind_with({}, collection="/{owner}/things", scope={"owner": {"type": "string"}})
    with pytest.raises(InputError) as caught:
        state_of(*parse(text, "1.yaml"), by=rules({"caas": CAAS, "thing": thing}))
    (reported,) = str(caught.value).splitlines()
    assert reported.startswith(f"{place}: cannot be one segment of a request path")
