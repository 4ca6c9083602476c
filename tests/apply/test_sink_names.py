"""Secret names are safe wherever they are used, and unique per key."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.apply.sinks.sink import file_name, object_name, path_parts

PARTS = st.lists(st.text(st.characters() | st.sampled_from("aA%_~./\\-\0\n\ud800"), max_size=30), max_size=5)
LONG = ["caas", "1", "76", "x" * 300]


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (["caas", "1", "76", "web"], "caas_1_76_web"),
        (["inference", "1", "chat-key"], "inference_1_chat-key"),
        (["own", "a_b", "c"], "own_a%5Fb_c"),
        (["own", "a", "b_c"], "own_a_b%5Fc"),
        (["Own", "x.y"], "%4Fwn_x.y"),
        ([".hidden", "a/b"], "%2Ehidden_a%2Fb"),
        (["own", "caf\u00e9", ""], "own_caf%C3%A9_"),
        (["own", "~", "%41"], "own_%7E_%2541"),
    ],
)
def test_a_file_is_named_after_the_address(parts: list[str], name: str) -> None:
    assert file_name(parts) == name


@given(PARTS, PARTS)
def test_two_addresses_have_two_files_on_a_case_insensitive_file_system(
    one: list[str], other: list[str]
) -> None:
    same = len(one) == len(other) and one == other
    one, other = ["own", *one], ["own", *other]
    assert (file_name(one).lower() == file_name(other).lower()) == same


@given(PARTS)
def test_every_address_has_a_safe_file_name(parts: list[str]) -> None:
    assert re.fullmatch(r"[-a-zA-Z0-9_%~][-a-zA-Z0-9._%~]{0,199}", file_name(["own", *parts]))


def test_a_long_address_ends_in_a_checksum() -> None:
    name = file_name(LONG)
    assert len(name) == 200
    assert name.startswith("caas_1_76_xxx")
    assert name != file_name([*LONG[:3], "x" * 301])


@given(PARTS, PARTS)
def test_parts_of_a_path_are_safe_and_differ(one: list[str], other: list[str]) -> None:
    assert (path_parts(one) == path_parts(other)) == (one == other)
    assert all(re.fullmatch(r"[-a-zA-Z0-9._~%]+", part) for part in path_parts(one))
    assert {".", ".."}.isdisjoint(path_parts(one))


@pytest.mark.parametrize(
    ("address", "readable"),
    [
        ("caas/1/76/web", "caas-1-76-web-"),
        ("own/A_b/caf\u00e9", "own-a-b-caf-"),
        ("own/" + "x" * 100, "own-" + "x" * 42 + "-"),
        ("///", ""),
    ],
)
def test_an_object_is_named_after_the_address_with_a_checksum(address: str, readable: str) -> None:
    assert re.fullmatch(re.escape(readable) + r"[0-9a-f]{16}", object_name(address))


@given(st.text(), st.text())
def test_two_addresses_have_two_objects_with_valid_kubernetes_names(one: str, other: str) -> None:
    assert (object_name(one) == object_name(other)) == (one == other)
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", object_name(one))
