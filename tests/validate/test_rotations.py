"""What files may say of rotations: who takes whose place, and which alias is whose."""

from __future__ import annotations

from itertools import pairwise

import pytest

from reconciler.errors import InputError
from reconciler.load.builder import parse
from tests.values import state_of

HEAD = "project_id: 1\nregion_id: 76\nkeys:\n"
SHOP = "  - {name: shop}\n"
NEXT = "  - {name: shop-2, lifecycle: {rotates: shop, alias: shop}}\n"
THIRD = "  - {name: shop-3, lifecycle: {rotates: shop-2, alias: shop}}\n"


@pytest.mark.parametrize(
    "keys",
    [
        SHOP + NEXT,
        SHOP + NEXT + THIRD,
        SHOP + NEXT.replace("shop-2,", "shop-2, state: absent,") + THIRD,
        "  - {name: shop-2, lifecycle: {alias: shop}}\n",
        SHOP + '  - {name: new, lifecycle: {rotates: shop, until: "2036-01-01T00:00:00Z"}}\n',
        "  - {name: one, lifecycle: {alias: one}}\n",
    ],
)
def test_a_rotation_is_declared(keys: str) -> None:
    assert state_of(*parse(HEAD + keys, "keys.yaml")).key_count == keys.count("name:")


def test_a_key_that_gives_way_to_another_is_not_warned_about() -> None:
    soon = "expire: 2026-06-02T00:00:00Z"
    texts = [
        HEAD + f"  - {{name: shop, {soon}}}\n  - {{name: other, {soon}}}\n",
        HEAD + f"  - {{name: shop-2, {soon}, lifecycle: {{rotates: shop}}}}\n",
        HEAD + f"  - {{name: old, {soon}, state: absent}}\n",
    ]
    files = [document for text in texts for document in parse(text, f"{len(text)}.yaml")]
    state = state_of(*files)
    assert [one.address for one in state.warnings] == ["caas/1/76/other", "caas/1/76/shop-2"]


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        (NEXT, "rotates names shop, which is not declared in this scope"),
        ("  - {name: shop, lifecycle: {rotates: shop}}\n", "leads back to this key"),
        (
            "  - {name: one, lifecycle: {rotates: two}}\n  - {name: two, lifecycle: {rotates: one}}\n",
            "leads back to this key",
        ),
        (
            SHOP + NEXT.replace("shop-2,", "shop-2, state: absent,"),
            "rotates names shop, but this key is declared absent; remove rotates, and if shop is to",
        ),
        (SHOP + NEXT + NEXT.replace("shop-2", "shop-9"), "and so does shop-2 at keys.yaml:5:5; keep one"),
        (
            SHOP + '  - {name: one, lifecycle: {until: "2036-01-01T00:00:00Z"}}\n',
            "without lifecycle.rotates; remove until",
        ),
        (
            SHOP + "  - {name: other, lifecycle: {alias: shop}}\n",
            "alias is shop, the name of another key at keys.yaml:4:5",
        ),
        (
            "  - {name: one, lifecycle: {alias: a}}\n  - {name: two, lifecycle: {alias: a}}\n",
            "alias is a, and so is that of one at keys.yaml:4:5",
        ),
        (SHOP + "  - {name: one, lifecycle: {rotates: shop, until: soon}}\n", "until"),
    ],
)
def test_a_rotation_that_cannot_be_is_an_error(keys: str, complaint: str) -> None:
    with pytest.raises(InputError) as raised:
        state_of(*parse(HEAD + keys, "keys.yaml"))
    assert complaint in "\n".join(raised.value.texts)


def test_aliases_of_many_keys_are_checked() -> None:
    """By the square of their number this would take a minute: each key that was ever rotated has an alias."""
    count = 10_000
    keys = "".join(f"  - {{name: key-{i}, lifecycle: {{alias: alias-{i}}}}}\n" for i in range(count))
    assert state_of(*parse(HEAD + keys, "keys.yaml")).key_count == count


def test_the_keys_of_a_long_chain_are_checked() -> None:
    """By the third power of their number this would take minutes."""
    names = [f"shop-{i}" for i in range(3000)]
    keys = "".join(
        f"  - {{name: {new}, lifecycle: {{rotates: {old}, alias: shop-0}}}}\n" for old, new in pairwise(names)
    )
    text = f"{HEAD}  - {{name: shop-0}}\n{keys}"
    assert state_of(*parse(text, "keys.yaml")).key_count == len(names)
    with pytest.raises(InputError) as raised:
        state_of(*parse(f"{text}  - {{name: other, lifecycle: {{alias: shop-0}}}}\n", "keys.yaml"))
    assert [one.address for one in raised.value.problems] == ["caas/1/76/other"] * 2


def test_the_keys_of_a_rotation_may_be_in_several_files() -> None:
    documents = (*parse(HEAD + SHOP, "a.yaml"), *parse(HEAD + NEXT, "b.yaml"))
    assert state_of(*documents).key_count == 2


@pytest.mark.parametrize(
    ("policy", "complaint"),
    [
        ("renew: {within: 30d, to: 180d, max_total: 2y}", ""),
        ("renew: {within: 30}", "renew.within must be text"),
        ("renew: {within: 1 month}", "write a whole number and a unit"),
        ("rotate: {overlap: 14d, name: '{alias}-v{number}'}", ""),
        ("rotate: {name: next}", "write a pattern with {alias}"),
    ],
)
def test_a_document_has_policies_of_its_own(policy: str, complaint: str) -> None:
    documents = parse(f"{policy}\n{HEAD}{SHOP}", "keys.yaml")
    if not complaint:
        assert state_of(*documents).key_count == 1
        return
    with pytest.raises(InputError) as raised:
        state_of(*documents)
    assert complaint in "\n".join(raised.value.texts)
