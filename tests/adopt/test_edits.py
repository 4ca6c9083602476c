"""Edits of a file that belong together: the text that they leave, and what they are refused for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.adopt.edits import GONE, FileEdits
from reconciler.errors import InputError
from tests.values import rules

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD = "project_id: 1\nregion_id: 76\n"
JSON = {"project_id": 1, "region_id": 76}
TEXT = f"""# top
{HEAD}defaults:
  expire: 2026-12-01T00:00:00Z  # all
keys:
  # the shop
  - name: shop-key  # main
    description: |
      a
      b
    lifecycle: {{renew: true, replace: false}}  # why

  # backend
  - name: back-key
    is_disabled: false # on
    state: absent
    # end of it

  - {{name: flow-key, is_disabled: false}}   # flow
"""
NEW = {"name": "new-key", "containers": [{"name": "web", "namespace": "shop"}]}
NEW_LINES = "  - name: new-key\n    containers:\n      - {name: web, namespace: shop}\n"


def edited(text: str, edit: Callable[[FileEdits], object]) -> str:
    edits = FileEdits(text.encode(), "keys.yaml")
    edit(edits)
    return edits.result(rules())[0]


EDITS: dict[str, tuple[Callable[[FileEdits], object], str, str]] = {
    "a new member is behind the name": (
        lambda edits: edits.set((0, 0), "expire", "2027-01-01T00:00:00Z"),
        "  # main\n",
        "  # main\n    expire: 2027-01-01T00:00:00Z\n",
    ),
    "a member between brackets is too": (
        lambda edits: edits.set((0, 2), "state", "absent"),
        "{name: flow-key,",
        "{name: flow-key, state: absent,",
    ),
    "a value that is there is replaced": (
        lambda edits: edits.set((0, 1), "is_disabled", value=True),
        "false # on",
        "true # on",
    ),
    "a member is removed": (
        lambda edits: edits.set((0, 1), "state", GONE),
        "    state: absent\n",
        "",
    ),
    "members of an object are added and removed": (
        lambda edits: edits.set((0, 0), "lifecycle", {"replace": False, "alias": "shop-key"}),
        "{renew: true, replace: false}",
        "{replace: false, alias: shop-key}",
    ),
    "an object whose members are all others is written again": (
        lambda edits: edits.set((0, 0), "lifecycle", {"alias": "shop-key"}),
        "{renew: true, replace: false}",
        "{alias: shop-key}",
    ),
    "a default is replaced": (
        lambda edits: edits.set_default(0, "expire", "2027-01-01T00:00:00Z"),
        "2026-12-01T00:00:00Z  # all",
        "2027-01-01T00:00:00Z  # all",
    ),
    "a key is added as far from the others as they are": (
        lambda edits: edits.add_behind((0, 1), NEW),
        "    # end of it\n",
        f"    # end of it\n\n{NEW_LINES}",
    ),
    "a key goes with the comments about it": (
        lambda edits: edits.drop((0, 1)),
        TEXT[TEXT.index("\n  # backend") : TEXT.index("\n  - {name: flow")],
        "",
    ),
    "the last key goes": (
        lambda edits: edits.drop((0, 2)),
        "\n  - {name: flow-key, is_disabled: false}   # flow\n",
        "",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_changes_what_it_says_and_nothing_else(name: str) -> None:
    edit, old, new = EDITS[name]
    assert TEXT.count(old) == 1
    assert edited(TEXT, edit) == TEXT.replace(old, new)
    crlf = TEXT.replace("\n", "\r\n")
    assert edited(crlf, edit) == TEXT.replace(old, new).replace("\n", "\r\n")


def test_several_edits_of_a_file_are_made_at_once() -> None:
    apart = [one for name, one in EDITS.items() if "object" not in name and "goes" not in name]
    wanted = TEXT
    for _, old, new in apart:
        wanted = wanted.replace(old, new)
    assert edited(TEXT, lambda edits: [edit(edits) for edit, _, _ in apart]) == wanted


FLOW = f"{HEAD}keys: [{{name: shop-key}}, {{name: back-key}}]\n"


def test_values_of_many_keys_are_replaced_at_once() -> None:
    """By the square of their number this would take minutes."""
    count = 3_000
    text = f"{HEAD}keys:\n" + "".join(f"  - name: key-{i}\n    description: old\n" for i in range(count))

    def edit(edits: FileEdits) -> None:
        for index in range(count):
            edits.set((0, index), "description", "new")

    assert edited(text, edit) == text.replace("old", "new")


def test_keys_between_brackets_are_added_and_removed() -> None:
    added = edited(FLOW, lambda edits: edits.add_behind((0, 0), {"name": "new-key"}))
    assert added == FLOW.replace("shop-key}", "shop-key}, {name: new-key}")
    assert edited(FLOW, lambda edits: edits.drop((0, 0))) == FLOW.replace("{name: shop-key}, ", "")


def test_rules_of_a_key_are_written_again_on_several_lines() -> None:
    text = f"{HEAD}keys:\n  - name: shop-key\n    lifecycle:\n      renew: false\n      replace: true\n"
    after = edited(text, lambda edits: edits.set((0, 0), "lifecycle", {"renew": False, "alias": "shop-key"}))
    assert after == text.replace("replace: true", "alias: shop-key")
    empty = f"{HEAD}keys:\n  - {{name: shop-key, lifecycle: {{}}}}\n"
    after = edited(empty, lambda edits: edits.set((0, 0), "lifecycle", {"renew": False}))
    assert after == empty.replace("{}", "{renew: false}")


def test_the_first_key_goes_without_a_gap() -> None:
    after = edited(TEXT, lambda edits: edits.drop((0, 0)))
    assert "keys:\n  # backend\n" in after


def test_a_comment_that_is_apart_from_a_key_remains() -> None:
    text = TEXT.replace("  # backend\n", "  # team two\n\n  # backend\n")
    after = edited(text, lambda edits: edits.drop((0, 1)))
    assert "  # team two\n\n  - {name: flow-key" in after


def test_a_line_of_a_text_that_looks_like_a_comment_remains() -> None:
    quoted = f'{HEAD}keys:\n  - name: shop-key\n    description: "a\n  # b"\n'
    assert edited(f"{quoted}  # back\n  - name: back-key\n", lambda edits: edits.drop((0, 1))) == quoted


@pytest.mark.parametrize("indent", [None, 2])
def test_a_file_of_json_stays_one(indent: int | None) -> None:
    keys: list[dict[str, Any]] = [{"name": "shop-key", "expire": None}, {"name": "back-key"}]
    text = json.dumps({**JSON, "keys": keys}, indent=indent)

    def edit(edits: FileEdits) -> None:
        edits.set((0, 0), "lifecycle", {"renew": False})
        edits.add_behind((0, 0), NEW)
        edits.drop((0, 1))

    assert json.loads(edited(text, edit))["keys"] == [{**keys[0], "lifecycle": {"renew": False}}, NEW]


@pytest.mark.parametrize("indent", [None, 2])
def test_rules_of_a_key_of_json_are_written_again_as_json(indent: int | None) -> None:
    rules_of_key = {"renew": False, "replace": True, "alias": "shop-key"}
    document = {**JSON, "keys": [{"name": "shop-key", "lifecycle": rules_of_key}]}
    new = {"alias": "a\U000e0001"}
    after = edited(json.dumps(document, indent=indent), lambda edits: edits.set((0, 0), "lifecycle", new))
    assert json.loads(after)["keys"] == [{"name": "shop-key", "lifecycle": new}]


SHARED = f"{HEAD}keys:\n  - &a {{name: shop-key, is_disabled: &off false}}\n  - {{<<: *a, name: back-key}}\n"
ANCHORED = "shop-key, is_disabled: &off false}\n  - {name: back-key, is_disabled: *off}"
REFUSED: dict[str, tuple[str, Callable[[FileEdits], object], str]] = {
    "a merge": (SHARED, lambda edits: edits.set((0, 0), "state", "absent"), "other values would change too"),
    "an alias": (
        SHARED.replace("shop-key, is_disabled: &off false}\n  - {<<: *a, name: back-key}", ANCHORED),
        lambda edits: edits.set((0, 0), "is_disabled", value=True),
        "its anchor &off is used by others",
    ),
    "a comment": (
        TEXT,
        lambda edits: edits.set((0, 1), "is_disabled", GONE),
        "the comment # on would be lost",
    ),
    "no key": (
        f"{HEAD}keys:\n  - name: shop-key\n",
        lambda edits: edits.drop((0, 0)),
        "the list of keys would be empty",
    ),
    "an alias of a key": (
        f"{HEAD}keys:\n  - &a {{name: shop-key}}\n  - *a\n",
        lambda edits: edits.set((0, 1), "state", "absent"),
        r"the key is the alias \*a",
    ),
    "keys by a merge": (
        f"<<: {{keys: [{{name: shop-key}}]}}\n{HEAD}",
        lambda edits: edits.set((0, 0), "state", "absent"),
        "the list of keys is defined elsewhere, by",
    ),
    "a default by a merge": (
        f"{HEAD}defaults: {{<<: {{is_disabled: false}}}}\nkeys:\n  - name: shop-key\n",
        lambda edits: edits.set_default(0, "is_disabled", value=True),
        "the default of is_disabled is defined elsewhere, by",
    ),
    "a rule by a merge": (
        f"{HEAD}keys:\n  - name: shop-key\n    lifecycle: {{replace: true, <<: {{renew: false}}}}\n",
        lambda edits: edits.set((0, 0), "lifecycle", {"replace": True}),
        "renew comes from a merge key",
    ),
    "the begin of a key": (
        f"{HEAD}keys:\n  - state: absent\n    name: shop-key\n",
        lambda edits: edits.set((0, 0), "state", GONE),
        "it is the first member there",
    ),
    "a key within a line": (
        f"{HEAD}keys: [{{name: shop-key}}, {{name: back-key}}]  # both\n",
        lambda edits: edits.set((0, 0), "name", "other-key-of-a-name-that-is-far-too-long-for-one" * 2),
        "would not be valid afterwards",
    ),
    "not valid": (TEXT, lambda edits: edits.set((0, 0), "state", "gone"), "would not be valid afterwards"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_possible_in_place_is_refused(name: str) -> None:
    text, edit, complaint = REFUSED[name]
    with pytest.raises(InputError, match=complaint):
        edited(text, edit)
