"""Which lines of a text differ."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.adopt.lines import changed_lines

LINES = st.lists(st.sampled_from("abcdefgh"), max_size=12)


def test_changed_lines_are_grouped() -> None:
    groups = list(changed_lines("a\nb\nc\nd\n", "a\nx\ny\nc\n"))
    assert groups == [(2, ["b"], ["x", "y"]), (4, ["d"], [])]


@given(LINES, LINES)
def test_the_groups_make_one_text_of_the_other(old: list[str], new: list[str]) -> None:
    text, last = list(old), len(old) + 2
    for number, removed, added in reversed([*changed_lines("\n".join(old), "\n".join(new))]):
        assert removed or added
        assert number + len(removed) < last  # a line that is the same lies between two groups
        assert text[number - 1 : number - 1 + len(removed)] == removed
        text[number - 1 : number - 1 + len(removed)] = added
        last = number
    assert text == new


def test_many_edits_of_a_long_text_are_found() -> None:
    """By the square of its length this would take many minutes."""
    keys = "".join(f"  - name: key-{i}\n    containers: []\n" for i in range(3_000))
    old = "".join(f"region_id: {region}\nkeys:\n{keys}" for region in (76, 80))
    new = old.replace("    containers", "    expire: x\n    containers")
    groups = list(changed_lines(old, new))
    assert len(groups) == 6_000
    assert groups[0] == (4, [], ["    expire: x"])
