"""What each comment of a text is about."""

from __future__ import annotations

import pytest

from reconciler.adopt.edit.comments import Bond, comments

HEAD = "project_id: 1\nkeys:\n"
BOX = "mapping(('name', False): ('a', False))"


def about(text: str) -> list[tuple[str, str, tuple[str | int, ...]]]:
    return [(found.text, found.bond, found.owner) for found in comments(text)]


@pytest.mark.parametrize(
    ("written", "bond", "owner"),
    [
        ("- name: web  # c\n", Bond.BEHIND, ("keys", 0, "name")),
        ("- {name: web} # c\n", Bond.BEHIND, ("keys", 0)),
        ("- name: web\n  description:  # c\n    a\n", Bond.BEHIND, ("keys", 0, "description")),
        ("- name: web\n  description: &a  # c\n    a\n", Bond.BEHIND, ("keys", 0, "description")),
        ("- name: web\n  description: |  # c\n    # no\n", Bond.BEHIND, ("keys", 0, "description")),
        ("- name: web\n  description: |+ # c\n\n", Bond.BEHIND, ("keys", 0, "description")),
        ("- name: web\n  description: 'a # no'# c\n", Bond.BEHIND, ("keys", 0, "description")),
        ('- name: web\n  description: "a\n    # no\n    "\t# c\n', Bond.BEHIND, ("keys", 0, "description")),
        ("- name: a#b # c\n", Bond.BEHIND, ("keys", 0, "name")),
        ("- &a\n  name: !!str web  # c\n", Bond.BEHIND, ("keys", 0, "name")),
        ("- # c\n  name: web\n", Bond.DASH, ("keys", 0, "name")),
        ("-\n  # c\n  name: web\n", Bond.ABOVE, ("keys", 0, "name")),
        ("# c\n- name: web\n", Bond.ABOVE, ("keys", 0, "name")),
        ("  # c\n  - name: web\n", Bond.ABOVE, ("keys", 0, "name")),
        ("- name: web\n  # c\n  expire:\n", Bond.ABOVE, ("keys", 0, "expire")),
        ("- name: web\n# c\n- name: api\n", Bond.ABOVE, ("keys", 1, "name")),
        ("- name: web\n\n  # c\n\n- name: api\n", Bond.END, ("keys", 0)),
        ("- name: web\n    # c\n- name: api\n", Bond.END, ("keys", 0, "name")),
        ("- name: web\n # c\n- name: api\n", Bond.END, ("keys", 0)),
        ("- {name: web}\n  # c\n", Bond.END, ("keys", 0)),
        ("  - name: web\n  # c\n", Bond.END, ("keys",)),
        ("  - name: web\n# c\n", Bond.END, ()),
        ("  - name: web\n# c\n...\n", Bond.END, ()),
        ("- name: web\n  boxes:\n  - {name: a}  # c\n", Bond.BEHIND, ("keys", 0, "boxes", BOX, 0)),
        ("- name: web\n  boxes: [  # c\n    {name: a}]\n", Bond.OPENING, ("keys", 0, "boxes")),
        (
            "- boxes: [{name: a},  # c\n    {name: b}]\n",
            Bond.BEHIND,
            ("keys", 0, "boxes", BOX, 0),
        ),
        (
            "- boxes: [{name: a},\n    {name: a}  # c\n    ]\n",
            Bond.BEHIND,
            ("keys", 0, "boxes", BOX, 1),
        ),
        (
            "- boxes: [\n    # c\n    {name: a}]\n",
            Bond.ABOVE,
            ("keys", 0, "boxes", BOX, 0, "name"),
        ),
        ("- name: web\n  boxes: [{name: a}\n    # c\n    ]\n", Bond.END, ("keys", 0, "boxes")),
        ("- name: web\n  boxes: [{name: a}]  # c\n", Bond.BEHIND, ("keys", 0, "boxes")),
        ("- &a {name: web}\n- *a  # c\n", Bond.BEHIND, ("keys", 1)),
    ],
)
def test_each_comment_belongs_to_one_node(written: str, bond: Bond, owner: tuple[str | int, ...]) -> None:
    for mark in ("\n", "\r\n", "\r"):
        text = (HEAD + written).replace("\n", mark)
        assert about(text) == [("# c", bond, (0, *owner))], repr(mark)
        (found,) = comments(text)
        place = found.position(text, "f")
        before = text.partition("# c")[0].split(mark)
        assert (place.line, place.column) == (len(before), len(before[-1]) + 1), repr(mark)


def test_a_comment_below_a_less_indented_one_belongs_to_the_same_node() -> None:
    text = f"{HEAD}  - name: web\n    # 1\n\n# 2\n    # 3\n"
    assert [found[2] for found in about(text)] == [(0, "keys", 0), (0,), (0,)]
    assert [found[2] for found in about(f"{text}  - name: api\n    # 4\n")] == [
        (0, "keys", 0),
        (0, "keys", 1, "name"),
        (0, "keys", 1, "name"),
        (0, "keys", 1),
    ]


def test_comments_belong_to_their_document() -> None:
    text = "%YAML 1.2  # 1\n---  # 2\n# 3\na: 1\n# 4\n---\n# 5\n---\n# 6\nb: 2\n# 7"
    assert about(text) == [
        ("# 1", Bond.DASH, (0, "a")),
        ("# 2", Bond.DASH, (0, "a")),
        ("# 3", Bond.ABOVE, (0, "a")),
        ("# 4", Bond.END, (0,)),
        ("# 5", Bond.END, (1,)),
        ("# 6", Bond.ABOVE, (2, "b")),
        ("# 7", Bond.END, (2,)),
    ]


@pytest.mark.parametrize("text", ["", "# c", "# c\n---\n", "\ufeff# c\n"])
def test_comments_are_read_from_a_text_without_documents(text: str) -> None:
    assert about(text) == ([("# c", Bond.END, (0,))] if text else [])
