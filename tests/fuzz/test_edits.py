from __future__ import annotations

import pytest

from fuzz.edit_files import make
from fuzz.edit_judge import complaints
from fuzz.edits import Editor
from fuzz.report import seeded

SEED = 7
TEXT = """\
keys:  #r1; keys
  #r2; key1
  - name: key1  #r3; key1
    containers:  #r4; containers
      #r5; box1
      - {name: box1, namespace: ns1}  #r6; box1
        #r7; box1
      - name: box2
        #r8; box2
        namespace: ns2
      #r9; containers
    description: old  #r10; description
"""
PUT = {
    1: ("behind field", "keys"),
    2: ("above", "key1"),
    3: ("behind key", "key1"),
    4: ("behind field", "containers"),
    5: ("above", "box1"),
    6: ("behind item", "box1"),
    7: ("below", "box1"),
    8: ("inside", "box2"),
    9: ("end", "containers"),
    10: ("behind field", "description"),
}


def test_an_edit_changes_only_its_target_and_no_comment() -> None:
    editor = Editor(SEED)
    for number in range(50):
        editor.case(number)
    assert [f"{broken.case}: {broken.detail}" for broken in editor.broken] == []
    assert editor.counts["edited"] + editor.counts["added to"] > 30


def test_the_check_accepts_edits_that_move_no_comment() -> None:
    more = TEXT.replace("      #r9", "      - {name: box3, namespace: ns3}\n      #r9")
    for after in (TEXT, more, TEXT.replace("old", "new"), TEXT.replace("  #r6", "\t#r6")):
        assert list(complaints(TEXT, after, PUT)) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  #r6; box1", ""),
        ("#r5; box1", "#r5; box2"),
        ("#r5; box1", "#r5; box1 #r5; box1"),
        ("      - {name: box1, namespace: ns1}  #r6; box1\n        #r7; box1\n", ""),
        ("      - {name: box1, namespace: ns1}  #r6; box1\n", "      #r6; box1\n"),
        ("  #r6; box1\n", "  #r6; box1\n      - {name: box3, namespace: ns3}\n"),
        ("      #r9; containers\n", "      #r9; containers\n      - {name: box3, namespace: ns3}\n"),
        ("ns1}  #r6", "ns1}, {name: box3, namespace: ns3}  #r6"),
        ("      #r5; box1\n", "      #r5; box1\n      - {name: box3, namespace: ns3}\n"),
        ("  #r4; containers\n", "\n      #r4; containers\n"),
        ("old  #r10; description", "old"),
    ],
)
def test_the_check_detects_lost_and_moved_comments(old: str, new: str) -> None:
    after = TEXT.replace(old, new)
    assert after != TEXT
    assert list(complaints(TEXT, after, PUT))


def test_the_same_seed_generates_the_same_files() -> None:
    one, other = seeded(SEED), seeded(SEED)
    assert [make(one).text for _ in range(50)] == [make(other).text for _ in range(50)]


def test_generated_files_have_comments_in_every_position() -> None:
    rng = seeded(SEED)
    kinds = {how for _ in range(300) for how, _ in make(rng).remarks.values()}
    assert kinds == {how for how, _ in PUT.values()} | {"dash", "opening"}
