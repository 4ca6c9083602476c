"""The plan as a comment on a pull request, read by a Markdown parser."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reconciler.kinds.paths import is_segment
from reconciler.model.plan import Action
from reconciler.model.source import Position, Problem
from reconciler.plan.planning import assemble
from reconciler.render.markdown import render_markdown
from reconciler.render.values import short_commit
from tests.properties import examples
from tests.render.example_plan import FRAGMENTS, example_plan, plan_of, plan_with_origins, since
from tests.render.screens import every_change
from tests.values import API, WEB, declared, kind_with, live, make_plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.plan import Plan

    Pair = tuple[Mapping[str, Any], Mapping[str, Any]]

WHOLE = """\
<!-- reconciler-plan production -->

### Plan for `production`: 2 keys to change

- Access: grants on 2 keys, revokes on 2 keys, neutral on 0 keys.
- Origin: config on 1 key, drift on 1 key, conflict on 1 key. \
(config: Git changed it; drift: the live API changed it; conflict: both did, differently)
- Unmanaged: 1 key live but not declared.
- In the plan below, `!` marks what revokes access or is in conflict.

**1 error: the plan must not be applied as it is**

- `keys.yaml:15:1`: `caas/1/76/gone-key`: `declared, but not on the server, and a new key needs \
containers; declare it`

**1 warning**

- `more.yaml:2:3`: `two files declare keys of this project`

<details><summary>Show the plan: 2 keys</summary>

```diff
! caas/1/76/api-key (keys.yaml:9)
!   containers: [conflict] grants+revokes: binds 1, unbinds 1
-   {name: "old", namespace: "shop"}
+   {name: "api", namespace: "shop"}
#   (1 unchanged element hidden)

! caas/1/76/web-key (keys.yaml:3)
#   description: [config]
-   description = "old"
+   description = "new"
!   expire: [drift] revokes: expires, and did not before
-   expire = null
+   expire = "2027-01-01T00:00:00Z"
#   is_disabled: [config] grants: enables the key
-   is_disabled = true
+   is_disabled = false
```

</details>
"""
PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
ROOM = 65_536 - 1_000
HOSTILE = st.lists(st.sampled_from(FRAGMENTS) | st.text(), max_size=3).map("".join)
NAMES = st.lists(st.sampled_from(FRAGMENTS) | st.text(st.characters(codec="utf-8")), max_size=3).map("".join)
NEUTRAL: Pair = ({"description": "new"}, {"description": "old"})
GRANTS: Pair = ({"is_disabled": False}, {"is_disabled": True})
REVOKES: Pair = ({"is_disabled": True}, {})
MANY: list[Pair] = [NEUTRAL] * 1997 + [GRANTS, REVOKES, ({"description": "mine"}, {"description": "theirs"})]


@dataclass(frozen=True, slots=True)
class Comment:
    """What a reader sees: the words before the fold, and the lines inside."""

    words: str
    codes: tuple[str, ...]
    lines: tuple[str, ...]

    @property
    def keys(self) -> list[str]:
        return [line[2:].partition(" ")[0] for line in self.lines if re.match(r"[-#!] \S", line)]


def read(text: str, marker: str = "<!-- reconciler-plan -->") -> Comment:
    """Read a comment, whose structure is the same whatever it shows."""
    tokens = PARSER.parse(text)
    assert {token.type for token in tokens} <= {
        *(
            "html_block",
            "fence",
            "inline",
            "heading_open",
            "heading_close",
            "paragraph_open",
            "paragraph_close",
        ),
        *("bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close"),
    }
    markup = [token.content.strip() for token in tokens if token.type == "html_block"]
    fences = [token for token in tokens if token.type == "fence"]
    assert markup[0] == marker
    assert text.startswith(f"{marker}\n")
    if fences:
        opened, closed = markup[1:]
        assert re.fullmatch(r"<details><summary>Show the plan: (\d+ of )?\d+ keys?</summary>", opened)
        assert closed == "</details>"
        assert [token.type for token in tokens[-3:]] == ["html_block", "fence", "html_block"]
    assert len(fences) == len(markup[1:]) // 2 <= 1
    spans = [span for token in tokens if token.type == "inline" for span in token.children or ()]
    assert {span.type for span in spans} <= {"text", "code_inline", "strong_open", "strong_close"}
    return Comment(
        " ".join(span.content for span in spans if span.type == "text"),
        tuple(span.content for span in spans if span.type == "code_inline"),
        tuple(line for fence in fences for line in fence.content.removesuffix("\n").split("\n")),
    )


def sizes(text: str) -> tuple[int, int, int]:
    return len(text), len(text.encode()), len(text.encode("utf-16-le")) // 2


@functools.cache
def many() -> Plan:
    """Return 2,000 changes, the last of which is in conflict."""
    plan = plan_of(MANY)
    base = [declared(change.name, **change.before) for change in plan.changes[:-1]]
    return since(plan, *base, declared("key-02000", description="base"))


@functools.cache
def many_rendered() -> str:
    return render_markdown(many())


def test_a_plan_is_one_comment_with_the_counts_before_the_fold() -> None:
    assert render_markdown(plan_with_origins(), "production") == WHOLE


def test_a_comment_has_the_expected_structure() -> None:
    comment = read(render_markdown(plan_with_origins(), "production"), "<!-- reconciler-plan production -->")
    assert comment.keys == ["caas/1/76/api-key", "caas/1/76/web-key"]


def test_destroys_come_first_with_a_row_of_their_own_and_a_red_line_for_each_key() -> None:
    text = render_markdown(every_change())
    counts = "2 keys to destroy, 1 key to replace, 1 key to create, 4 keys to change"
    assert f"\n### Plan: {counts}\n\n- **Destroys** " in text
    red = [line.split(" ")[1] for line in read(text).lines if re.match(r"- \S", line)]
    assert red == [f"caas/1/76/{name}" for name in ("rotated", "stray", "unwanted")]


def test_a_plan_of_destroys_alone_counts_them_once() -> None:
    plan = every_change()
    destroys = tuple(change for change in plan.changes if change.action is Action.DELETE)
    text = render_markdown(replace(plan, changes=destroys))
    assert text.count("to destroy") == 1
    assert "\n### Plan: 2 keys to destroy\n\n- **Destroys** " in text


@pytest.mark.parametrize("fact", ["revokes on", "conflict on", "1 error"])
def test_no_fact_before_the_fold_is_said_twice(fact: str) -> None:
    head, _, _ = render_markdown(plan_with_origins()).partition("<details>")
    assert head.count(fact) == 1


def test_a_plan_without_a_base_names_no_origins() -> None:
    comment = read(render_markdown(example_plan()))
    assert "Origin" not in comment.words
    assert not any("[" in line for line in comment.lines)


def test_that_access_stays_as_it_is_is_counted_and_not_repeated_for_each_field() -> None:
    text = render_markdown(plan_of([NEUTRAL]))
    assert "- Access: grants on 0 keys, revokes on 0 keys, neutral on 1 key." in text
    assert read(text).lines == (
        "# caas/1/76/key-00001 (keys.yaml:1)",
        '-   description = "old"',
        '+   description = "new"',
    )


def test_a_set_whose_change_is_neutral_is_named() -> None:
    kind = kind_with({"tags": {"type": "array", "uniqueItems": True}})
    comment = read(render_markdown(make_plan([declared(tags=["a"])], [live(tags=["b"])], kind=kind)))
    assert comment.lines[1:] == ("#   tags", '-   "b"', '+   "a"')


@pytest.mark.parametrize(
    ("commit", "shown"),
    [
        ("0123456789abcdef0123456789abcdef01234567", "0123456789"),
        ("0123456789abcdef0123456789abcdef01234567-dirty", "0123456789-dirty"),
        ("0123456789abcdef" * 4, "0123456789"),
        ("main", "main"),
        ("0123456789abcdef0123456789abcdef0123456g", "0123456789abcdef0123456789abcdef0123456g"),
    ],
)
def test_a_commit_is_shown_by_its_first_digits(commit: str, shown: str) -> None:
    assert short_commit(commit) == shown


def test_an_empty_plan_has_no_fold() -> None:
    assert render_markdown(assemble([])) == (
        "<!-- reconciler-plan -->\n\n### Plan: no changes\n\n"
        "- Your infrastructure matches the configuration.\n"
    )


def test_a_plan_of_errors_alone_shows_them_unfolded() -> None:
    text = render_markdown(make_plan([declared()], []))
    comment = read(text)
    assert comment.words.startswith("Plan: no changes No changes can be planned for the keys with errors")
    assert comment.codes[:2] == ("keys.yaml:1:1", "caas/1/76/web-key")
    assert "<details>" not in text


def test_a_plan_without_revocations_has_no_marks() -> None:
    comment = read(render_markdown(plan_of([NEUTRAL, GRANTS])))
    assert "marks" not in comment.words
    assert not any(line.startswith("!") for line in comment.lines)


def test_an_ordered_list_is_shown_completely_on_both_sides() -> None:
    kind = kind_with({"list": {"type": "array"}})
    comment = read(render_markdown(make_plan([declared(list=[1, 2])], [live(list=[2, 1])], kind=kind)))
    assert comment.lines[-2:] == ("-   list = [2, 1]", "+   list = [1, 2]")


@pytest.mark.parametrize(
    ("key", "marker"),
    [
        ("eu west/prod_1.a-b", "<!-- reconciler-plan eu west/prod_1.a-b -->"),
        ("a-->b", "<!-- reconciler-plan a-%2D%3Eb -->"),
        ("a---b", "<!-- reconciler-plan a-%2D-b -->"),
        ("a\n`b`", "<!-- reconciler-plan a%0A%60b%60 -->"),
        ("é\ud800", "<!-- reconciler-plan %C3%A9%3F -->"),
    ],
)
def test_no_key_name_can_end_the_marker(key: str, marker: str) -> None:
    read(render_markdown(plan_with_origins(), key), marker)


def test_2000_changes_fit_and_omitted_ones_are_counted_before_the_fold() -> None:
    text = many_rendered()
    comment = read(text)
    left_out = 2000 - len(comment.keys)
    assert 60_000 < max(sizes(text)) < ROOM
    assert len(set(comment.keys)) == len(comment.keys) > 400
    assert f"{left_out} of 2000 keys left out below" in comment.words
    assert f"Left out: grants on 0 keys, revokes on 0 keys, neutral on {left_out} keys." in comment.words


def test_changes_of_high_priority_are_shown_first_and_omitted_last() -> None:
    comment = read(many_rendered())
    assert comment.keys[:5] == [f"caas/1/76/key-{number:05}" for number in (2000, 1999, 1998, 1, 2)]
    assert "those in conflict come first, then those that lose access, then those that gain" in comment.words


def test_each_key_is_shown_completely_or_not_at_all() -> None:
    comment = read(many_rendered())
    lines = [line for line in comment.lines[15:] if line]
    assert len(lines) % 4 == 0
    for start in range(0, len(lines), 4):
        assert lines[start].startswith("# caas/1/76/key-")
        assert lines[start + 1 : start + 4] == [
            "#   description: [config]",
            '-   description = "old"',
            '+   description = "new"',
        ]


@pytest.mark.parametrize("char", ["a", "é", "日", "😀", "`", "\x1b", '"'])
def test_text_is_measured_by_its_encoded_size(char: str) -> None:
    text = render_markdown(plan_of([({"description": char * 300}, {})] * 400))
    assert max(sizes(text)) < ROOM
    assert len(read(text).keys) > 30


def test_a_small_change_of_a_long_text_is_shown_by_the_difference() -> None:
    before, after = ("s" * 100_000 + word + "e" * 100_000 for word in ("old", "new"))
    comment = read(render_markdown(plan_of([({"description": after}, {"description": before})])))
    old, new = comment.lines[-2:]
    assert f"sssold{'e' * 10}" in old
    assert f"sssnew{'e' * 10}" in new
    assert "cut" not in comment.words


def test_the_start_of_the_difference_of_two_long_texts_is_shown() -> None:
    before, after = ("s" * 100_000 + letter * 100_000 for letter in "ab")
    text = render_markdown(plan_of([({"description": after}, {"description": before}), NEUTRAL]))
    comment = read(text)
    old, new = (line for line in comment.lines if "…" in line)
    assert "a" * 300 in old
    assert "b" * 300 in new
    assert re.search(r"…\(\d+ more characters left out\)$", old)
    assert "Long values cut below on 1 key" in comment.words
    assert len(comment.keys) == 2
    assert max(sizes(text)) < 5_000


def test_the_difference_of_long_ordered_lists_is_shown() -> None:
    kind = kind_with({"list": {"type": "array"}})
    want, have = ([*range(20_000), word, *range(20_000)] for word in ("new", "old"))
    comment = read(render_markdown(make_plan([declared(list=want)], [live(list=have)], kind=kind)))
    old, new = comment.lines[-2:]
    assert '19999, "old", 0, 1' in old
    assert '19999, "new", 0, 1' in new


def test_some_items_of_a_large_set_are_shown_and_the_others_counted() -> None:
    boxes = [{"name": f"box-{number:05}", "namespace": "shop"} for number in range(5000)]
    comment = read(render_markdown(plan_of([({"containers": [*boxes, WEB]}, {"containers": [API, WEB]})])))
    assert comment.lines[1] == "!   containers: grants+revokes: binds 5000, unbinds 1"
    assert sum(line.startswith("+") for line in comment.lines) == 20
    assert comment.lines[-2:] == (
        "#   (1 unchanged element hidden)",
        "!   (left out: 4980 more items that differ)",
    )


def test_a_key_too_large_for_a_comment_is_omitted_without_hiding_others() -> None:
    old, new = (
        [{"name": f"{letter}{number}", "namespace": "😀" * 600} for number in range(20)] for letter in "ab"
    )
    text = render_markdown(plan_of([({"containers": new}, {"containers": old}), NEUTRAL, GRANTS]))
    comment = read(text)
    assert comment.keys == ["caas/1/76/key-00003", "caas/1/76/key-00002"]
    assert "1 of 3 keys left out below" in comment.words
    assert "Left out: grants on 1 key, revokes on 1 key, neutral on 0 keys." in comment.words


def test_errors_and_warnings_that_do_not_fit_are_counted() -> None:
    problem = Problem("x" * 1000, Position("keys.yaml", 1, 1), "caas/1/76/key")
    plan = replace(many(), problems=(problem,) * 5000, warnings=(problem,) * 5000)
    text = render_markdown(plan)
    comment = read(text)
    assert max(sizes(text)) < ROOM
    assert "5000 errors: the plan must not be applied as it is" in comment.words
    assert re.findall(r"(\d+) more, which do not fit", comment.words) == ["4965", "4986"]
    assert len(comment.keys) > 100


@given(HOSTILE, HOSTILE, NAMES.filter(is_segment), HOSTILE)
def test_no_text_changes_the_structure_or_leaves_its_code_span(
    before: str, after: str, name: str, key: str
) -> None:
    want = declared(name, description=after, containers=[WEB])._replace(source=name)
    have = live(name, description=before, containers=[{"name": before, "namespace": name}])
    problem = Problem(before, Position(name, 1, 1), name)
    plan = replace(make_plan([want], [have]), problems=(problem,), warnings=(problem,))
    text = render_markdown(plan, key)
    comment = read(text, text.split("\n")[0])
    assert re.fullmatch(r"<!-- reconciler-plan( ([\w./ %~]|-(?!-))+)? -->", text.split("\n")[0], re.ASCII)
    assert "forged" not in comment.words
    assert "@" not in comment.words
    assert len(comment.lines) == 4 + 2 * (before != after)
    assert all(line.isprintable() and re.match(r"[-+!#] ", line) for line in comment.lines)
    assert all(line.isprintable() for line in text.split("\n"))


@examples(5)
@given(st.lists(HOSTILE, min_size=1, max_size=3), st.integers(50, 300))
def test_a_comment_of_any_texts_stays_short_and_valid(texts: list[str], times: int) -> None:
    pairs: list[Pair] = [({"description": text * times}, {}) for text in texts]
    text = render_markdown(plan_of(pairs * 8))
    read(text)
    assert max(sizes(text)) < ROOM
