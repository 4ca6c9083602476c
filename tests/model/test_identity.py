"""What becomes of the objects that names stood for, by their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.identity import IdentityChange, identity_changes

if TYPE_CHECKING:
    from collections.abc import Mapping

ANEW = "has been deleted and created again"
OTHER = ", and another object has its name"
CASES: dict[str, tuple[Mapping[str, str], Mapping[str, str], Mapping[str, str]]] = {
    "nothing remembered": ({}, {"1": "web"}, {}),
    "as it was": ({"web": "1"}, {"1": "web", "2": "api"}, {}),
    "deleted": ({"web": "1"}, {"2": "api"}, {}),
    "renamed": ({"web": "1"}, {"1": "shop"}, {"web": 'has been renamed to "shop"'}),
    "created again": ({"web": "1"}, {"2": "web"}, {"web": ANEW}),
    "renamed, and created again": (
        {"web": "1"},
        {"1": "shop", "2": "web"},
        {"web": f'has been renamed to "shop"{OTHER}'},
    ),
    "doubled": ({"web": "1"}, {"2": "web", "3": "web"}, {}),
    "doubled, and renamed": ({"web": "1"}, {"1": "shop", "2": "web", "3": "web"}, {}),
    "a twin beside it": ({"web": "1"}, {"1": "web", "2": "web"}, {}),
    "swapped": (
        {"web": "1", "shop": "2"},
        {"1": "shop", "2": "web"},
        {"web": f'has been renamed to "shop"{OTHER}', "shop": f'has been renamed to "web"{OTHER}'},
    ),
    "its name taken": (
        {"web": "1", "shop": "2"},
        {"1": "shop"},
        {"web": 'has been renamed to "shop"', "shop": "has been deleted and replaced by a renamed object"},
    ),
}


@pytest.mark.parametrize(("remembered", "names", "titles"), CASES.values(), ids=CASES)
def test_how_an_identity_has_changed_follows_from_ids(
    remembered: Mapping[str, str], names: Mapping[str, str], titles: Mapping[str, str]
) -> None:
    assert {name: identity.title for name, identity in identity_changes(remembered, names).items()} == titles


FEW = st.sampled_from("abcd")


@given(st.dictionaries(FEW, FEW, max_size=4), st.dictionaries(FEW, FEW, max_size=4))
def test_an_identity_has_changed_just_where_another_object_or_name_is_found(
    remembered: Mapping[str, str], names: Mapping[str, str]
) -> None:
    found = identity_changes(remembered, names)
    for name, path_id in remembered.items():
        having = [one for one in names if names[one] == name]
        is_told = names.get(path_id) != name and len(having) < 2 and (path_id in names or bool(having))
        assert (name in found) is is_told
        if is_told:
            other = having[0] if having else None
            taken = other in remembered.values()
            assert found[name] == IdentityChange(name, path_id, names.get(path_id), other, taken)
