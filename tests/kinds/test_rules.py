"""The file of a kind: what its schema and the rules beyond it let pass, and what they say of the rest."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from jsonschema import Draft7Validator

from reconciler.kinds.kind import kind_from_schema
from reconciler.kinds.packaged import document_schema, kind_schema, load_kinds, resource
from reconciler.kinds.paths import NAME_PATTERN, SEGMENT_PATTERN, path_fault
from reconciler.kinds.patterns import Budget
from reconciler.kinds.rules import faults
from reconciler.model.request import Encoding
from reconciler.model.scope import HEADER_WORDS, SCOPE_NAMES
from reconciler.validate.custom_kinds import complaints
from reconciler.validate.messages import describe
from reconciler.validate.schema import check_of

CHECK = check_of(kind_schema())
TEXT: dict[str, Any] = {"type": "string"}
OWNER = {"type": "string", "pattern": SEGMENT_PATTERN}
EITHER: dict[str, Any] = {
    "properties": {"a": TEXT, "b": TEXT},
    "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
}
PLAIN: dict[str, Any] = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "pattern": NAME_PATTERN},
        "text": TEXT,
        "moment": {"type": ["string", "null"], "format": "date-time"},
        "off": {"type": "boolean"},
        "set": {"type": "array", "uniqueItems": True, "items": TEXT},
        "made": {"type": "string", "readOnly": True},
    },
    "x-reconciler": {
        "collection": "/things/{owner}/{project_id}",
        "identity": "name",
        "page_limit": 10,
        "scope": {"owner": OWNER},
    },
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the plain kind with one value of it another one; None takes it away."""
    schema = copy.deepcopy(PLAIN)
    *above, last = path.split(".")
    place = schema
    for step in above:
        place = place.setdefault(step, {})
    if value is None:
        del place[last]
    else:
        place[last] = value
    return schema


def shape(schema: Any) -> list[str]:
    return [describe(violation) for violation in CHECK(schema)]


def rules(schema: Any, budget: Budget | None = None) -> list[str]:
    assert shape(schema) == []
    return [f"{'.'.join(map(str, fault.path))}: {fault.message}" for fault in faults("thing", schema, budget)]


@pytest.mark.parametrize("name", load_kinds())
def test_the_built_in_kinds_satisfy_the_rules(name: str) -> None:
    assert rules(load_kinds()[name].schema) == []


def test_the_kind_of_the_example_satisfies_the_rules() -> None:
    file = resource("examples") / "kinds/label.schema.json"
    assert rules(json.loads(file.read_text(encoding="utf-8"))) == []


def test_a_minimal_kind_is_accepted() -> None:
    assert rules(PLAIN) == []


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        ("type", "array", 'type "array" is unknown; write one of: object'),
        ("additionalProperties", True, "additionalProperties true is unknown; write one of: false"),
        ("properties", None, "properties is missing"),
        ("x-reconciler", None, "x-reconciler is missing"),
        ("propertys", {}, "propertys is not a known field; did you mean properties?"),
        ("x-reconciler.colection", "/x", "x-reconciler.colection is not a known field; did you mean"),
        ("x-reconciler.page_limit", -1, "x-reconciler.page_limit -1 is too small; the smallest is 1"),
        ("x-reconciler.page_limit", True, "x-reconciler.page_limit must be a whole number, not the boolean"),
        ("x-reconciler.page_limit", 10**12, "x-reconciler.page_limit 1000000000000 is too large"),
        ("x-reconciler.list", {"limit": "n&x=1"}, 'list.limit "n&x=1" is not allowed; write the name of a'),
        ("x-reconciler.list", {"offset": "a#b"}, "write the name of a query parameter"),
        ("x-reconciler.list", {"style": "page", "page": ""}, "write the name of a query parameter"),
        ("x-reconciler.page_limit", 0, "x-reconciler.page_limit 0 is too small; the smallest is 1"),
        ("x-reconciler.collection", "things", "write a path such as /repos/{owner}/{repo}/labels"),
        ("x-reconciler.collection", "/things//", "write a path such as"),
        ("x-reconciler.collection", "/things?a=b", "write a path such as"),
        ("x-reconciler.collection", "/{0}", "write a path such as"),
        ("x-reconciler.list", {"style": "pages"}, '"pages" is unknown; write one of: offset, page'),
        ("x-reconciler.update", {"method": "DELETE"}, 'update.method "DELETE" is unknown; write one of:'),
        ("x-reconciler.effects", {"off": "off"}, 'effects.off "off" is unknown; write one of: none, expiry'),
        ("x-reconciler.scope", {"owner": {}}, "scope.owner.type is missing"),
        ("properties.text", {}, "properties.text.type is missing; write it"),
        ("properties.text", {"type": "text"}, 'properties.text.type "text" is unknown; write one of: array'),
        ("properties.text", {"type": ["string", "nil"]}, '"nil" is unknown'),
        ("properties.text", {"$ref": "other.json"}, "$ref"),
        ("properties.text", {"type": "string", "format": "hex"}, '"hex" is unknown; write one of: date-time'),
        ("properties.text", {"type": "string", "minLength": "3"}, "minLength must be a whole number"),
        ("properties.map", {"type": "object", "oneOf": [{"required": ["a"]}]}, "oneOf"),
        ("properties.map", {"type": "object", "oneOf": [{}, {}]}, "oneOf[0].required is missing"),
        ("properties.text", {"type": "string", "minLength": -1}, "minLength -1 is too small"),
        ("properties.set", {"type": "array", "items": [TEXT]}, "items must be a mapping, not a list"),
        ("properties.set", {"type": "array", "items": {}}, "items.type is missing"),
        ("properties.map", {"type": "object", "additionalProperties": {}}, "Properties.type is missing"),
        ("properties.map", {"type": "object", "additionalProperties": 1}, "additionalProperties must be"),
        ("properties.made", {"type": "string", "not": TEXT}, "properties.made.not"),
        ("properties.a b", TEXT, '"a b"'),
        ("x-reconciler.shown", {"text": "a..b"}, 'shown.text "a..b" is not allowed; write a member such as'),
        ("x-reconciler.shown", {"set": {"unless": "x"}}, "shown.set.shape is missing"),
        ("x-reconciler.shown", {"set": {"shape": "pairs", "read_only": "x"}}, "set.read_only must be a list"),
        ("x-reconciler.shown", {"set": {"shape": "id", "unless": "x"}}, "shown.set.shape "),
        ("x-reconciler.sent_with", {"text": {}}, "sent_with.text "),
        ("x-reconciler.envelope", {"item": "a[].b"}, 'envelope.item "a[].b" is not allowed; write a member'),
        ("x-reconciler.envelope", {"item": "."}, 'envelope.item "." is not allowed; write a member such as'),
        ("x-reconciler.list", {"results": "a."}, 'list.results "a." is not allowed; write a member such as'),
        ("x-reconciler.list", {"count": ".a"}, 'list.count ".a" is not allowed; write a member such as'),
    ],
)  # fmt: skip
def test_a_file_that_does_not_match_the_schema_is_refused(path: str, value: Any, complaint: str) -> None:
    found = shape(changed(path, value))
    assert [text for text in found if complaint in text] != [], found


@pytest.mark.parametrize("value", [None, [], "kind", 1, True, {}])
def test_a_file_that_is_not_a_kind_is_refused(value: Any) -> None:
    assert shape(value) != []


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        ("x-reconciler.identity", "nam", "x-reconciler.identity: nam is not a property; did you mean name?"),
        ("required", ["text"], "required: must list the identity, name"),
        ("required", ["name", "txt"], "required: txt is not a property; did you mean text?"),
        ("properties.name", {"type": "number"}, 'properties.name.type: must be "string" or "integer"'),
        ("properties.name", {"type": ["string", "null"]}, 'properties.name.type: must be "string"'),
        ("properties.name", {"type": "string", "readOnly": True}, "properties.name.readOnly: is not allowed"),
        ("properties.name", TEXT, 'properties.name: accepts "", ".", ".."'),
        ("properties.name", {"type": "string", "minLength": 1}, 'properties.name: accepts ".", "..", which'),
        ("properties.text", {"type": "string", "pattern": "("}, "text.pattern: is not a regular expression"),
        ("properties.default", {"type": "string", "pattern": "("}, "default.pattern: is not a regular"),
        ("properties.set.items", {"type": "string", "pattern": "(?i)a"}, "items.pattern: is not a regular"),
        ("x-reconciler.scope.owner.pattern", "\\Aa", "owner.pattern: is not a regular expression of ECMA"),
        ("properties.set.items", {"type": "object", "required": ["a"]}, '"a" is not described'),
        (
            "properties.set.items",
            {"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "readOnly": True}}},
            'items.required: "a" is read-only and cannot be declared; remove it here',
        ),
        (
            "properties.map",
            {"type": "object", "additionalProperties": {"type": "string", "pattern": "("}},
            "map.additionalProperties.pattern: is not a regular expression",
        ),
        (
            "properties.set.items",
            {"type": "object", "anyOf": EITHER["oneOf"], "properties": {"a": TEXT}},
            'items.anyOf.1: "b" is not described under properties; an alternative has only members',
        ),
        ("properties.map", {"type": ["object", "null"], **EITHER}, "oneOf: cannot be used, because null"),
        ("properties.map", {"type": "object", **EITHER, "anyOf": EITHER["oneOf"]}, "cannot be combined with"),
        ("properties.state", TEXT, "cannot be declared, because `state: absent` has another meaning"),
        ("properties.lifecycle", TEXT, "properties.lifecycle: cannot be declared"),
        ("x-reconciler.always_sent", ["colour"], "x-reconciler.always_sent: colour is not a property"),
        ("x-reconciler.sent_with", {"colour": {"off": [True]}}, "sent_with: colour is not a property"),
        ("x-reconciler.sent_with", {"text": {"made": ["x"]}}, "sent_with: made cannot be set by an update"),
        ("x-reconciler.sent_with", {"text": {"off": [1]}}, (
            "sent_with.text.off: has a value that is invalid for the field"
        )),
        ("x-reconciler.sent_one_of", [["text", "colour"]], "sent_one_of: colour is not a property"),
        ("x-reconciler.sent_one_of", [["text", "name"]], "sent_one_of: name cannot be set by an update"),
        ("x-reconciler.create", {"requires": [], "later": ["name"]}, "name can only be sent by a"),
        ("x-reconciler.create", {"requires": ["text"], "later": ["text"]}, "text can only be sent by a"),
        ("x-reconciler.create", {"requires": [], "later": ["colour"]}, "colour is not a property"),
        ("x-reconciler.always_sent", ["made"], "x-reconciler.always_sent: made is read-only"),
        ("x-reconciler.immutable", ["colour"], "x-reconciler.immutable: colour is not a property"),
        ("x-reconciler.optional", {"colour": ""}, "x-reconciler.optional: colour is not a property"),
        ("x-reconciler.optional", {"text": 1}, "text: is not a valid value of the field"),
        ("x-reconciler.foreign", {"colour": [1]}, "x-reconciler.foreign: colour is not a property"),
        ("x-reconciler.effects", {"colour": "none"}, "x-reconciler.effects: colour is not a property"),
        ("x-reconciler.effects", {"text": "expiry"}, "effects.text: is expiry, which requires that text has"),
        ("x-reconciler.effects", {"text": "binding"}, "which requires that text has"),
        ("x-reconciler.effects", {"text": "switch-off"}, 'which requires that text has "type": "boolean"'),
        ("x-reconciler.secret", "token", "x-reconciler.secret: token is not a property"),
        ("x-reconciler.secret", "text", 'text is set by the service; give it "readOnly"'),
        ("x-reconciler.created", "born", "x-reconciler.created: born is not a property"),
        ("x-reconciler.collection", "/a/{other}/{owner}", "has {other}, which scope does not describe"),
        ("x-reconciler.collection", "/a/{owner}/{owner}", "collection: has {owner} twice"),
        ("x-reconciler.collection", "/a/{keys}/{owner}", "collection: has {keys}, a member of every"),
        ("x-reconciler.collection", "/a", "scope.owner: is not in the path"),
        ("x-reconciler.scope", {"owner": TEXT}, 'x-reconciler.scope.owner: accepts "", ".", "..", "a/b"'),
        ("x-reconciler.scope", {"owner": {"type": "integer"}}, "scope.owner: must not be negative"),
        ("x-reconciler.scope", {"owner": OWNER, "project_id": OWNER}, "project_id: is an integer"),
        ("properties.off", {"type": "boolean", "format": "date-time"}, "off.format: applies to"),
        ("properties.off", {"type": "boolean", "uniqueItems": True}, "off.uniqueItems: applies to lists"),
        ("x-reconciler.list", {"page": "p"}, "x-reconciler.list.page: has an effect only with the style"),
        ("x-reconciler.list", {"style": "page", "offset": "o"}, "list.offset: has an effect only with the"),
        ("x-reconciler.list", {"style": "page", "count": "n"}, "list.count: requires an object around"),
        ("x-reconciler.list", {"limit": "offset"}, "limit: is the name of two query parameters"),
        ("x-reconciler.page_limit", None, "has no page_limit; set it to the largest page size that"),
        ("x-reconciler.list", {"style": "whole", "first": 0}, "first: has an effect only with the styles"),
        ("x-reconciler.list", {"style": "whole", "limit": "n"}, "list.limit: has no effect"),
        ("x-reconciler.list", {"style": "cursor"}, "exactly one of next, link and last, but has none"),
        ("x-reconciler.list", {"style": "cursor", "next": "a", "link": True}, "but has next and link"),
        ("x-reconciler.list", {"style": "cursor", "last": "id"}, "last and more must be set"),
        ("x-reconciler.path", "name", "x-reconciler.path: is the identity, which request paths contain by"),
        ("x-reconciler.path", "id", "x-reconciler.path: id is not a property; describe the id"),
        ("x-reconciler.path", "text", 'path: text is generated by the service; add "readOnly": true to it'),
        ("x-reconciler.item", "/things", "must have exactly one parameter more than the"),
        ("x-reconciler.item", "/a/{x}/{y}", "the id, but has {x} and {y}; write a path such as"),
        ("x-reconciler.update", {"method": "PUT", "path": "/a"}, "update.path: must have exactly one"),
        ("x-reconciler.item", "/a/{owner}/{x}", "item: lacks {project_id}, so keys with the same name in"),
        ("x-reconciler.update", {"method": "PUT", "path": "/a/{x}"}, "path: lacks {owner} and {project_id}"),
        ("x-reconciler.update", {"method": "PUT", "encoding": "merge-patch"}, "merge-patch is for PATCH"),
        (
            "x-reconciler.update",
            {"method": "PATCH", "body": "whole", "encoding": "json-patch"},
            "json-patch contains only changes; set body to changed",
        ),
        ("x-reconciler.send", {"headers": {"AUTHORIZATION": "x"}}, "AUTHORIZATION is not a constant"),
        ("x-reconciler.send", {"headers": {"Content-Type": "x"}}, "Content-Type is not a constant"),
        ("x-reconciler.send", {"query": {"offset": "1"}}, "send.query: offset is the parameter that"),
        ("x-reconciler.as", {"colour": "state"}, "as.colour: colour is not a property; write the name of a"),
        ("x-reconciler.as", {"text": "off"}, "as.text: two properties are mapped to off"),
        ("x-reconciler.shown", {"colour": "id"}, "x-reconciler.shown: colour is not a property"),
        ("x-reconciler.shown", {"made": "id"}, "x-reconciler.shown: made cannot be set by an update"),
        ("x-reconciler.shown", {"text": "pairs"}, "x-reconciler.shown.text: pairs are for maps"),
        ("x-reconciler.read_from", {"text": "text"}, "text is read from the member of the same name by"),
        ("x-reconciler.read_from", {"made": "x"}, "read_from: made cannot be set by an update"),
        ("x-reconciler.read_from", {"name": "name"}, "name is read from the member of the same name by"),
        ("x-reconciler.read_from", {"name": "text"}, "text is a property that files declare; set it as the"),
        ("x-reconciler.read_from", {"name": "text.a"}, "text contains the name, so it must be an object"),
        ("x-reconciler.merge", ["name"], "x-reconciler.merge: name cannot be set by an update"),
        ("x-reconciler.merge", ["text"], "x-reconciler.merge: text is not a map"),
        ("x-reconciler.type", "things", 'x-reconciler.type: is for JSON:API; add "style": "json-api"'),
        ("x-reconciler.style", "json-api", "x-reconciler.style: JSON:API needs the type of the resource"),
        ("x-reconciler.update", {"method": "PATCH", "id": True}, "update.id: request paths contain"),
        ("required", ["name", "made"], "required: made is read-only and cannot be declared"),
        ("x-reconciler.optional", {"name": "x"}, "optional: name is the identity, which every key has"),
        ("x-reconciler.foreign", {"off": ["yes"]}, 'foreign.off: "yes" is not a valid value of the field'),
        ("x-reconciler.create", {"requires": ["colour"]}, "x-reconciler.create: colour is not a property"),
        ("x-reconciler.create", {"requires": ["made"]}, "create: made is read-only and cannot be declared"),
        ("x-reconciler.send", {"headers": {"X-Original-URL": "/a"}}, "X-Original-URL is not a constant"),
        ("x-reconciler.send", {"headers": {"x-rewrite-url": "/a"}}, "x-rewrite-url is not a constant"),
        ("x-reconciler.send", {"headers": {"X-Method-Override": "GET"}}, "Override is not a constant"),
        ("x-reconciler.send", {"headers": {"X-Real-IP": "127.0.0.1"}}, "X-Real-IP is not a constant"),
        ("x-reconciler.send", {"headers": {"Accept-Encoding": "br"}}, "Accept-Encoding is not a constant"),
        ("x-reconciler.send", {"headers": {"Range": "bytes=0-1"}}, "Range is not a constant"),
        ("x-reconciler.send", {"headers": {"X-A": "1", "x-a": "2"}}, "headers: X-A and x-a are the same"),
        ("x-reconciler.send", {"query": {"_method": "DELETE"}}, "_method is not a constant of a kind"),
        ("x-reconciler.as", {"text": "text"}, "as.text: has the same name in files as in the API; remove it"),
    ],
)  # fmt: skip
def test_rules_beyond_the_schema_of_kinds_are_checked(path: str, value: Any, complaint: str) -> None:
    found = rules(changed(path, value))
    assert [text for text in found if complaint in text] != [], found


MAP = {"type": "object", "additionalProperties": TEXT}
ID = {"type": "string", "readOnly": True}
JSON_API = {"style": "json-api", "type": "things"}
FORM = {"requires": [], "encoding": "form"}
MADE: dict[str, Any] = {"update": None, "create": {"requires": []}}


@pytest.mark.parametrize(
    ("extension", "complaint"),
    [
        ({"merge": ["map"], "update": {"method": "PUT"}}, "merge: has an effect only where updates send"),
        (
            {"merge": ["map"], "update": {"method": "PATCH", "encoding": "json-patch"}},
            "merge: has an effect only where updates send changed members, but a JSON",
        ),
        ({"update": {"method": "PUT", "encoding": "json-patch"}}, "encoding: json-patch is for PATCH, but"),
        ({"update": {"method": "PUT", "encoding": "merge-patch"}}, "encoding: merge-patch is for PATCH, but"),
        ({"update": {"method": "PUT", "encoding": "merge-patch"}, "merge": ["map"]}, "is for PATCH, but the"),
        (
            {"update": {"method": "POST", "encoding": "form"}, "envelope": {"body": "things[]"}},
            "envelope.body: form cannot send a list of one; remove [], or the encoding",
        ),
        ({"merge": ["map"], "immutable": ["map"]}, "merge: map is immutable, so no update sends it"),
        ({"merge": ["mixed"]}, "merge: mixed is not a map"),
        ({"update": None}, (
            'update: is null, so only a creation can set fields; add "create", or describe the'
        )),
        ({**MADE, "immutable": ["text"]}, "immutable: includes every property that can be set, because"),
        ({**MADE, "always_sent": ["text"]}, "always_sent: applies to updates only, but update is null;"),
        ({**MADE, "merge": ["map"]}, "merge: applies to updates only, but update is null"),
        ({**MADE, "sent_with": {"text": {"off": [True]}}}, "sent_with: applies to updates only, but update"),
        ({**MADE, "sent_one_of": [["text", "off"]]}, "sent_one_of: applies to updates only, but update is"),
        ({**MADE, "create": {"requires": [], "later": ["text"]}}, "create.later: applies to updates only,"),
        (
            {**MADE, "create": FORM, "envelope": {"body": "things[]"}},
            "envelope.body: form cannot send a list of one; remove [], or the encoding",
        ),
        (
            {**JSON_API, "path": "id", "create": FORM, "update": None},
            "create.encoding: JSON:API requests are always JSON; remove the encoding, or the style",
        ),
        ({"merge": ["nulls"]}, "merge: nulls allows null as a value, which would remove a member"),
        ({"shown": {"mixed": "pairs"}}, "shown.mixed: pairs are for maps"),
        ({"path": "id", "secret": "id"}, "secret: id is the id of a key; use another property"),
        ({"created": "made", "secret": "made"}, "secret: made is the time of creation; use another"),
        ({"path": "id", "optional": {"id": "x"}}, "optional: id is the id of a key, which every key has"),
        ({"relationships": ["map"]}, 'relationships: are only in JSON:API; add "style": "json-api"'),
        ({**JSON_API, "path": "id", "relationships": ["x"]}, "relationships: x is not a property; describe"),
        (
            {**JSON_API, "path": "id", "relationships": ["text"]},
            'relationships: text must be an object with "type" and "id", or a list of these; describe it so',
        ),
        (JSON_API, 'style: JSON:API has ids in its paths; add "path", the property that is the id'),
        ({**JSON_API, "path": "id", "list": {"ids": True}}, "list.ids: JSON:API lists resources, not ids;"),
        ({"list": {"ids": True, "partial": True}}, "list.partial: requires rows that are objects, but"),
        (
            {"list": {"style": "cursor", "last": "id", "more": "m", "ids": True, "results": "r"}},
            ("list.last: requires rows that are objects, but with ids rows are only ids; remove one of"
            " the two"),
        ),
        ({**JSON_API, "path": "made"}, "path: made is not the id of JSON:API; use id"),
        ({**JSON_API, "path": "id", "list": {"results": "items"}}, "list.results: is always data in"),
        ({"list": {"style": "cursor", "next": "n"}}, "list.next: requires an object around the list; set"),
        ({"list": {"style": "cursor", "last": "id", "more": "m"}}, "list.more: requires an object around"),
        (
            {"list": {"style": "cursor", "next": "a", "results": "a"}},
            "list.next: is the member that contains the list; use another one",
        ),
        ({"list": {"results": "a", "count": "a"}}, "list.count: is the member that contains the list"),
        ({"identity": "number"}, "properties.number.pattern: applies to strings only; use minimum and"),
    ],
)  # fmt: skip
def test_members_that_make_no_sense_together_are_refused_once(
    extension: dict[str, Any], complaint: str
) -> None:
    schema = copy.deepcopy(PLAIN)
    schema["required"].append("number")
    number = {"type": "integer", "pattern": "^[1-9]$"}
    mixed = {"type": ["object", "array"], "additionalProperties": TEXT}
    nulls = {"type": "object", "additionalProperties": {"type": ["string", "null"]}}
    schema["properties"] |= {"map": MAP, "mixed": mixed, "nulls": nulls, "id": ID, "number": number}
    schema["x-reconciler"] |= extension
    (found,) = rules(schema)
    assert complaint in found


@pytest.mark.parametrize(
    ("update", "encoding", "written"),
    [
        ({"method": "PATCH", "encoding": "form"}, None, Encoding.FORM),
        ({"method": "PATCH", "encoding": "form"}, "json", Encoding.JSON),
        ({"method": "PATCH", "encoding": "merge-patch"}, None, Encoding.JSON),
        (None, None, Encoding.JSON),
        (None, "form", Encoding.FORM),
    ],
)
def test_a_creation_is_written_as_an_update_unless_that_is_a_patch(
    update: Any, encoding: str | None, written: Encoding
) -> None:
    schema = copy.deepcopy(PLAIN)
    create = {"requires": [], **({} if encoding is None else {"encoding": encoding})}
    schema["x-reconciler"] |= {"update": update, "create": create}
    assert rules(schema) == []
    assert kind_from_schema("thing", schema).update.creation is written


def test_without_an_update_every_property_that_can_be_set_is_immutable() -> None:
    schema = copy.deepcopy(PLAIN)
    schema["x-reconciler"] |= {**MADE, "always_sent": []}
    assert rules(schema) == []
    assert kind_from_schema("thing", schema).immutable == {"text", "moment", "off", "set"}


def around(name: Any, **more: Any) -> dict[str, Any]:
    inner = {"type": "object", "properties": {"name": name}, **more}
    return {"type": "object", "properties": {"inner": inner, "size": TEXT}}


@pytest.mark.parametrize(
    ("spec", "extension", "complaints"),
    [
        (around({"type": "string", "readOnly": True}), {}, []),
        (
            around(TEXT),
            {},
            [
                (
                    'spec.inner.name would be declared twice; add "readOnly": true to it, so that only name'
                    " declares it"
                )
            ],
        ),
        (
            around(TEXT, properties={}),
            {},
            ['spec.inner does not describe name; describe it there, with "readOnly": true'],
        ),
        (
            around({"type": "string", "readOnly": True}, additionalProperties=TEXT),
            {},
            ["spec.inner contains the name, so it must be an object without additional members; give it"],
        ),
        (
            {**around({"type": "string", "readOnly": True}), "type": ["object", "null"]},
            {},
            ["spec contains the name, so it must be an object"],
        ),
        (
            around({"type": "string", "readOnly": True}),
            {"always_sent": ["name"], "create": {"requires": [], "later": ["spec"]}},
            [
                "always_sent: name is sent inside spec; name spec here",
                "create: spec contains the name, which every creation must send; remove it from later",
            ],
        ),
        (around({"type": "string", "readOnly": True}), {"always_sent": ["name", "spec"]}, []),
        ({**around(TEXT), "readOnly": True}, {}, []),
    ],
)
def test_a_name_inside_a_property_is_declared_in_one_place(
    spec: Any, extension: Any, complaints: list[str]
) -> None:
    schema = changed("properties.spec", spec)
    schema["x-reconciler"] |= {"read_from": {"name": "spec.inner.name"}, **extension}
    found = rules(schema)
    assert [text in fault for text, fault in zip(complaints, found, strict=True)] == [True] * len(complaints)


def test_a_patch_in_a_whole_body_is_refused_beside_its_method() -> None:
    found = rules(
        changed("x-reconciler.update", {"method": "PUT", "body": "whole", "encoding": "json-patch"})
    )
    assert [text.partition(":")[0] for text in found] == ["x-reconciler.update.encoding"] * 2


@pytest.mark.parametrize("update", [{"method": "PATCH", "id": False}, None])
def test_the_path_may_take_the_name_in_json_api(update: Any) -> None:
    schema = copy.deepcopy(PLAIN)
    schema["x-reconciler"] |= {**JSON_API, **MADE, "update": update}
    assert rules(schema) == []


def test_an_id_may_have_another_name_than_in_json_api() -> None:
    schema = changed("x-reconciler.as", {"made": "id"})
    schema["x-reconciler"] |= {**JSON_API, "path": "made"}
    assert rules(schema) == []


@pytest.mark.parametrize(
    "extension",
    [{"item": "/thing/{id}"}, {"update": {"method": "PUT", "path": "/a/{id}"}}, {"item": "/{owner}/{id}"}],
)
def test_an_id_that_the_service_makes_needs_no_scope_in_its_path(extension: dict[str, Any]) -> None:
    schema = changed("x-reconciler.path", "made")
    schema["x-reconciler"] |= extension
    assert rules(schema) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("x-reconciler.list", {"style": "page"}),
        ("x-reconciler.list", {"style": "page", "results": "items", "count": "total"}),
        ("x-reconciler.list", {"limit": "n", "offset": "skip", "results": "items", "count": "total"}),
        ("x-reconciler.list", {"style": "page", "first": 0, "limit": None}),
        ("x-reconciler.list", {"first": 1}),
        ("x-reconciler.list", {"style": "whole", "results": "data.items"}),
        ("x-reconciler.list", {"style": "cursor", "last": "id", "more": "has_more", "results": "data"}),
        ("x-reconciler.list", {"count": None}),
        ("x-reconciler.update", {"method": "PATCH"}),
        ("x-reconciler.update", {"method": "PUT"}),
        ("x-reconciler.update", {"method": "POST", "encoding": "form"}),
        ("x-reconciler.update", {"method": "PATCH", "encoding": "merge-patch"}),
        ("x-reconciler.path", "made"),
        ("x-reconciler.item", "/thing/{id}/of/{project_id}/{owner}"),
        ("x-reconciler.collection", "/things/{owner}/{project_id}/"),
        ("x-reconciler.send", {"query": {"v": "1"}, "headers": {"X-Version": "2"}}),
        ("x-reconciler.as", {"text": "state"}),
        ("x-reconciler.shown", {"text": "value"}),
        ("x-reconciler.sent_with", {"text": {"off": [True]}}),
        ("x-reconciler.sent_one_of", [["text", "off"], ["set"]]),
        ("x-reconciler.read_from", {"text": "label.text"}),
        ("x-reconciler.read_from", {"name": "label.text"}),
        ("x-reconciler.read_from", {"name": "made"}),
        ("x-reconciler.wait", 60),
        ("properties.map", {"type": "object", "additionalProperties": {"type": "string", "format": "uri"}}),
        ("x-reconciler.envelope", {"item": "data.thing", "body": "thing"}),
        ("x-reconciler.envelope", {"item": "[]", "body": "data.things[]"}),
        ("x-reconciler.effects", {"moment": "expiry", "off": "switch-off", "set": "binding", "text": "none"}),
        ("x-reconciler.optional", {"moment": None, "text": ""}),
        ("x-reconciler.created", "made"),
        ("properties.name", {"type": "string", "enum": ["a", "b"]}),
        ("properties.text", {"type": "string", "examples": [{"pattern": "("}], "enum": ["{0}", "{a"]}),
    ],
)
def test_every_supported_setting_of_a_kind_is_accepted(path: str, value: Any) -> None:
    assert rules(changed(path, value)) == []


SAFE_PATHS = [
    "/",
    "/things",
    "/v1/things",
    "/v1/things/",
    "/v1.2/things_of-ours~",
    "/repos/{owner}/{repo}/labels",
    "/v1/things:list",
    "/a/team-{owner}",
    "/a/...b",
    "/a/@me/$x(1)",
]
UNSAFE_PATHS = {
    "": "must begin with a slash",
    "things": "must begin with a slash",
    "https://evil.test/things": "must begin with a slash",
    "//evil.test/things": "has an empty segment",
    "/a//b": "has an empty segment",
    "/a//": "has an empty segment",
    "/../../admin": 'has the segment ".."',
    "/a/./b": 'has the segment "."',
    "/a/..": 'has the segment ".."',
    "/a/.../b": 'has the segment "..."',
    "/a/%2e%2e/b": 'has the character "%"',
    "/a%2Fb": 'has the character "%"',
    "/a?x=1": 'has the character "?"',
    "/a#b": 'has the character "#"',
    "/a\\..\\b": 'has the character "\\"',
    "/a;x=1/b": 'has the character ";"',
    "/a/..;/b": 'has the character ";"',
    "/a b": 'has the character " "',
    "/a\tb": "has the character U+0009",
    "/a\n": "has the character U+000A",
    "/a\x00": "has the character U+0000",
    "/a\u2028b": "has the character U+2028",
    "/\uff0e\uff0e/a": "has the character U+FF0E",
    "/k\u00e9ys": "has the character U+00E9",
    "/{": 'has the character "{"',
    "/{}": 'has the character "{"',
    "/{0}": 'has the character "{"',
    "/{a.b}": 'has the character "{"',
    "/{a!r}": 'has the character "{"',
    "/{{a}}": 'has the character "{"',
    "/{a}{b}": "has two placeholders in the segment",
}


@pytest.mark.parametrize("path", SAFE_PATHS)
def test_a_path_of_plain_segments_is_accepted(path: str) -> None:
    assert path_fault(path) == ""
    found = shape(changed("x-reconciler.collection", path))
    assert found == []


@pytest.mark.parametrize(("path", "complaint"), UNSAFE_PATHS.items())
def test_a_path_that_could_lead_elsewhere_is_refused(path: str, complaint: str) -> None:
    schema = changed("x-reconciler.collection", path)
    assert shape(schema) != []
    assert path_fault(path).startswith(complaint)
    assert [(fault.path, fault.message.startswith(complaint)) for fault in faults("thing", schema)] == [
        (("x-reconciler", "collection"), True)
    ]
    assert complaints("thing", schema)[0][1].startswith(f"x-reconciler.collection: {complaint}")


def test_a_path_parameter_must_not_have_the_name_of_a_header_member() -> None:
    assert frozenset(document_schema()["properties"]) == HEADER_WORDS | set(SCOPE_NAMES)
    for word in HEADER_WORDS:
        schema = changed("x-reconciler.collection", f"/{{{word}}}")
        schema["x-reconciler"]["scope"] = {word: OWNER}
        assert [text for text in rules(schema) if "a member of every document" in text] != []


def test_excessive_nesting_is_reported_first() -> None:
    schema: Any = TEXT
    for _ in range(400):
        schema = {"type": "array", "items": schema}
    assert complaints("thing", changed("properties.text", schema)) == [
        ((), "nested deeper than 24 levels, the limit for a kind")
    ]


def test_patterns_that_are_too_large_together_are_refused() -> None:
    large = {"type": "string", "pattern": "a{9999}"}
    fields = {**PLAIN["properties"], **{f"field{number}": large for number in range(3)}}
    found = rules(changed("properties", fields), Budget(25_000))
    assert ["too large, together" in text for text in found] == [True]


@pytest.mark.parametrize("name", ["state", "lifecycle"])
def test_a_service_field_may_share_the_name_of_key_metadata(name: str) -> None:
    assert rules(changed(f"properties.{name}", {"type": "string", "readOnly": True})) == []


@pytest.mark.parametrize("name", ["caas"])
def test_a_file_that_follows_the_schema_of_kinds_is_a_valid_schema(name: str) -> None:
    Draft7Validator.check_schema(load_kinds()[name].schema)
    Draft7Validator.check_schema(PLAIN)
