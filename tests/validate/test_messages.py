"""What a message says: what is wrong, and what to write instead."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.kinds.packaged import document_schema
from reconciler.validate.messages import Violation, describe
from reconciler.validate.schema import SchemaChecker, check_of
from tests.values import API, CAAS, WEB

CHECKER = SchemaChecker(document_schema(), CAAS)
NAME_RULE = (
    "use lower-case letters, digits and hyphens, starting with a letter and ending with a letter or digit"
)
FIELDS = "name, description, expire, is_disabled, containers, state, lifecycle"
UNMANAGED = "leave the field out to leave it unmanaged"
EXAMPLE = "write it like 2027-07-31T00:00:00Z"

TOO_LARGE = "the number is too large or too small"


def said_of(**fields: Any) -> str:
    """Return the first message about a key."""
    return describe(CHECKER.violations({"keys": [{"name": "web-key"} | fields]})[0])


@pytest.mark.parametrize("value", [{}, {"allow": {}, "block": {}}])
def test_an_object_that_is_no_alternative_or_several_is_told_which_there_are(value: Any) -> None:
    schema = {
        "type": "object",
        "oneOf": [
            {"required": ["allow"]},
            {"required": ["block", "how"], "properties": {"how": {"enum": ["a", "b"]}}},
            {"required": ["block"]},
        ],
    }
    (found,) = check_of({"properties": {"action": schema}})({"action": value})
    assert describe(found) == (
        "action does not match exactly one alternative; set the members of one of these: allow, "
        'block and how ("a", "b"), block'
    )


def test_an_object_that_may_have_several_alternatives_is_told_that_it_has_none() -> None:
    schema = {"type": "object", "anyOf": [{"required": ["allow"]}, {"required": ["block"]}]}
    (found,) = check_of({"properties": {"action": schema}})({"action": {}})
    assert describe(found) == (
        "action does not match any alternative; set the members of at least one of these: allow, block"
    )


def said_of_document(document: Any) -> str:
    return describe(CHECKER.violations(document)[0])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ab", 'name "ab" has 2 characters; it needs at least 3 and at most 64'),
        ("a", 'name "a" has 1 character; it needs at least 3 and at most 64'),
        ("", 'name "" has 0 characters; it needs at least 3 and at most 64'),
        ("a" * 65, f'name "{"a" * 59}… has 65 characters; it needs at least 3 and at most 64'),
        ("Web", f'name "Web" is not allowed; {NAME_RULE}'),
        ("web\n", f'name "web\\n" is not allowed; {NAME_RULE}'),
        ("web_key", f'name "web_key" is not allowed; {NAME_RULE}'),
        ("1web", f'name "1web" is not allowed; {NAME_RULE}'),
        ("web-", f'name "web-" is not allowed; {NAME_RULE}'),
        (None, "name cannot be null; write text"),
        (123, 'name must be text, not the number 123; write "123" in quotes'),
    ],
)
def test_an_invalid_name_is_reported(name: Any, message: str) -> None:
    assert said_of(name=name) == message


@pytest.mark.parametrize(
    ("expire", "message"),
    [
        ("2027-01-01", 'expire "2027-01-01" has no time of day; write 2027-01-01T00:00:00Z'),
        (
            "2027-01-01T00:00:00",
            'expire "2027-01-01T00:00:00" has no time zone; write 2027-01-01T00:00:00Z for UTC',
        ),
        (
            "2027-01-01 00:00:00",
            'expire "2027-01-01 00:00:00" has no time zone; write 2027-01-01T00:00:00Z for UTC',
        ),
        ("2027-02-30T00:00:00Z", 'expire "2027-02-30T00:00:00Z" is not a date that exists'),
        ("2027-02-30", f'expire "2027-02-30" is not a date and time; {EXAMPLE}'),
        ("2027-01-01T00:00:00+0000", f'expire "2027-01-01T00:00:00+0000" is not a date and time; {EXAMPLE}'),
        ("never", f'expire "never" is not a date and time; {EXAMPLE}'),
        ("", f'expire "" is not a date and time; {EXAMPLE}'),
        (2027, f"expire must be text or null, not the number 2027; {EXAMPLE}"),
        (False, f"expire must be text or null, not the boolean false; {EXAMPLE}"),
        ([], f"expire must be text or null, not a list; {EXAMPLE}"),
        ({}, f"expire must be text or null, not a mapping; {EXAMPLE}"),
    ],
)
def test_an_invalid_expiry_is_reported(expire: Any, message: str) -> None:
    assert said_of(expire=expire) == message


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("no", 'is_disabled must be true or false, not the text "no"; write false'),
        ("Yes", 'is_disabled must be true or false, not the text "Yes"; write true'),
        ("ON", 'is_disabled must be true or false, not the text "ON"; write true'),
        ("TRUE", 'is_disabled must be true or false, not the text "TRUE"; write true'),
        ("maybe", 'is_disabled must be true or false, not the text "maybe"'),
        (0, "is_disabled must be true or false, not the number 0"),
        (None, f"is_disabled cannot be null; {UNMANAGED}"),
    ],
)
def test_an_invalid_boolean_is_reported(value: Any, message: str) -> None:
    assert said_of(is_disabled=value) == message


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, f'description cannot be null; {UNMANAGED}, write "" to clear it'),
        (12, 'description must be text, not the number 12; write "12" in quotes'),
        (1.5, 'description must be text, not the number 1.5; write "1.5" in quotes'),
        (True, 'description must be text, not the boolean true; write "true" in quotes'),
        (["x"], "description must be text, not a list"),
        ({"x": 1}, "description must be text, not a mapping"),
    ],
)
def test_an_invalid_description_is_reported(value: Any, message: str) -> None:
    assert said_of(description=value) == message


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, f"containers cannot be null; {UNMANAGED}, write [] to clear it"),
        ("web", 'containers must be a list, not the text "web"'),
        (["web"], 'containers[0] must be a mapping, not the text "web"'),
        ([None], "containers[0] cannot be null; write a mapping"),
        ([{"name": "web"}], 'containers[0].namespace is missing; write it, for example namespace: "shop"'),
        ([{**WEB, "name": None}], "containers[0].name cannot be null; write text"),
        (
            [{**WEB, "name": "W"}],
            'containers[0].name "W" has 1 character; it needs at least 2 and at most 64',
        ),
        ([{**WEB, "namespace": ""}], 'containers[0].namespace "" has 0 characters; it needs at least 1'),
        ([{**WEB, "nme": 1}], "containers[0].nme is not a known field; did you mean name?"),
        (
            [API, WEB, WEB],
            'containers lists {"name": "web", "namespace": "shop"} more than once; remove the repetition',
        ),
    ],
)
def test_an_invalid_container_list_is_reported(value: Any, message: str) -> None:
    assert said_of(containers=value) == message


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("descripton", "descripton is not a known field; did you mean description?"),
        ("is-disabled", '"is-disabled" is not a known field; did you mean is_disabled?'),
        ("expires", "expires is not a known field; did you mean expire?"),
        ("colour", f"colour is not a known field; known fields: {FIELDS}"),
        ("", f'"" is not a known field; known fields: {FIELDS}'),
        ("a.b", f'"a.b" is not a known field; known fields: {FIELDS}'),
        ("x\ny", f'"x\\ny" is not a known field; known fields: {FIELDS}'),
        ("created_at", "created_at is set by the service and cannot be declared; remove it"),
        ("status", "status is set by the service and cannot be declared; remove it"),
        ("secret", "secret is set by the service and cannot be declared; remove it"),
    ],
)
def test_a_read_only_or_unknown_field_is_reported(field: str, message: str) -> None:
    assert said_of(**{field: "x"}) == message


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "keys is missing; write it"),
        ({"keys": None}, "keys cannot be null; write a list"),
        ({"keys": {}}, "keys must be a list, not a mapping"),
        ({"keys": ["web"]}, 'the key must be a mapping, not the text "web"'),
        ({"keys": [None]}, "the key cannot be null; write a mapping"),
        ({"keys": [{}]}, 'name is missing; write it, for example name: "storefront"'),
        ({"keys": [], "key": []}, "key is not a known field; did you mean keys?"),
        ({"keys": [], "kind": "cass"}, 'kind "cass" is unknown; write one of: caas, faas, inference'),
        ({"keys": [], "kind": None}, "kind null is unknown; write one of: caas, faas, inference"),
        ({"keys": [], "kind": ["caas"]}, 'kind ["caas"] is unknown; write one of: caas, faas, inference'),
        ({"keys": [], "project_id": 0}, "project_id 0 is too small; the smallest is 1"),
        ({"keys": [], "project_id": None}, "project_id cannot be null; write a whole number"),
        ({"keys": [], "project_id": 1.5}, "project_id must be a whole number, not the number 1.5"),
        ({"keys": [], "project_id": True}, "project_id must be a whole number, not the boolean true"),
        (
            {"keys": [], "project_id": "1"},
            'project_id must be a whole number, not the text "1"; write 1 without quotes or leading zeros',
        ),
        (
            {"keys": [], "region_id": "076"},
            'region_id must be a whole number, not the text "076"; write 76 without quotes or leading zeros',
        ),
        (
            {"keys": [], "project_id": "9" * 5000},
            f'project_id must be a whole number, not the text "{"9" * 59}…; {TOO_LARGE}',
        ),
        ([], "the document must be a mapping, not a list"),
    ],
)
def test_an_invalid_document_is_reported(document: Any, message: str) -> None:
    assert said_of_document(document) == message


def test_a_rule_without_its_own_message_is_quoted() -> None:
    violation = Violation(("keys", 0, "size"), "multipleOf", 7, {"multipleOf": 5})
    assert describe(violation) == "size 7 breaks the rule multipleOf: 5"


def test_a_pattern_without_an_explanation_is_quoted() -> None:
    violation = Violation(("keys", 0, "size"), "pattern", "x", {"pattern": "^y$"})
    assert describe(violation) == 'size "x" is not allowed; it must match ^y$'


def test_messages_have_a_bounded_length() -> None:
    assert len(said_of(name="x" * 100_000)) < 200
    assert len(said_of(**{"x" * 100_000: 1})) < 200
