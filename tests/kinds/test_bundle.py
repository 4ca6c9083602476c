"""The schemas that editors get: complete in one file, whatever kinds are called."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from jsonschema import Draft7Validator

from reconciler.kinds.bundle import editor_schema
from tests.values import kind_with


@pytest.mark.parametrize("name", ["lifecycle", "lifetime", "state", "label"])
def test_a_kind_may_be_called_like_a_definition(name: str) -> None:
    schema = json.loads(editor_schema([replace(kind_with({}), name=name, is_custom=True)]))
    is_valid = Draft7Validator(schema).is_valid
    members = {"state": "present", "lifecycle": {"prevent_destroy": True}}
    for kind in (name, "inference"):
        document = {
            "kind": kind,
            "project_id": 1,
            "renew": {"within": "30d"},
            "keys": [{"name": "web-key", **members}],
        }
        assert is_valid(document)
        assert not is_valid({**document, "renew": {"within": "soon"}})
        assert not is_valid({**document, "keys": [{"name": "web-key", "state": "gone"}]})
        assert not is_valid({**document, "keys": [{}]})
