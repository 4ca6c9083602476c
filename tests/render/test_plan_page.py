"""The page of a plan as a document: what it says, what it allows, and how it is filtered and read."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import itertools
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.plan import Change, Effect, FieldChange, Origin
from reconciler.model.scope import Scope
from reconciler.model.source import Position, Problem
from reconciler.model.version import __version__
from reconciler.plan.planning import assemble
from reconciler.render.plan_page import render_plan_page
from tests.render.example_plan import FRAGMENTS, example_plan, plan_of, plan_with_origins
from tests.render.test_page import HOSTILE, Document, Element, contrast, skeleton
from tests.values import API, LATER, NOW, SCOPE, WEB, declared, items, kind_with, live, make_plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.model.plan import Plan

DISABLES = ({"is_disabled": True}, {"is_disabled": False})
ENABLES = ({"is_disabled": False}, {"is_disabled": True})
DESCRIBES = ({"description": "new"}, {"description": "old"})
BINDS_AND_UNBINDS = ({"containers": [WEB]}, {"containers": [API]})
FACTS = (("API", "https://api.example"), ("Commit", "9f1c2ab"))


def page(plan: Plan, facts: Sequence[tuple[str, str]] = ()) -> str:
    return render_plan_page(plan, NOW, facts)


def read(plan: Plan, facts: Sequence[tuple[str, str]] = ()) -> Document:
    return Document(page(plan, facts))


def shown(want: Any, have: Any, schema: Mapping[str, Any] | None = None) -> str:
    """Return the text of a change of one field between its name and its effect."""
    kind = kind_with({"field": schema or {"type": ["string", "array", "null"]}})
    text = read(make_plan([declared(field=want)], [live(field=have)], kind=kind)).text
    return text.partition("fieldneutral field ")[2].partition(" neutral Declared")[0]


def patches(plan: Plan) -> list[Any]:
    """Return the patches that a page shows."""
    written = re.findall("<pre>\n(.*?)</pre>", page(plan), re.DOTALL)
    return [json.loads(Document(text).text) for text in written]


def folds(plan: Plan) -> list[bool]:
    """Return for each change whether it is unfolded."""
    changes = [details for details in read(plan).all("details") if details.attributes["class"] == "change"]
    return ["open" in details.attributes for details in changes]


def hostile(text: str) -> Plan:
    """Make a plan with every text that others can write: all of it is ``text``."""
    fields = (
        FieldChange(text, text, ["y" * 100], Effect.BOTH, text, origin=Origin.CONFLICT),
        FieldChange("set", [text], [{text: text}], Effect.REVOKES, text, items([{text: text}], [text])),
        FieldChange("text", f"{text * 200}old", f"{text * 200}new", Effect.NEUTRAL, text),
    )
    change = Change(
        scope=SCOPE,
        name=text,
        path=text,
        fields=fields,
        before={},
        after=dict.fromkeys("abcd"),
        patch={text: text},
        position=Position(text, 1, 1),
    )
    problems = (
        Problem(text, Position(text, 1, 1), change.address),
        *(Problem(text, Position(text, 1, 1), text) for _ in "ab"),
    )
    return replace(
        assemble([]),
        changes=(change, replace(change, scope=Scope("caas", 2))),
        problems=problems,
        warnings=problems,
        unmanaged=(text, text),
        fingerprint=text,
    )


def pages_of_everything() -> str:
    """Render a page with an example of everything, for a test that does so under several hash seeds."""
    return page(plan_with_origins(), FACTS) + page(hostile("x"))


# What it says


@pytest.mark.parametrize(
    ("plan", "title", "tone"),
    [
        (plan_of([DISABLES, ENABLES]), "2 keys to change", "warning"),
        (plan_of([ENABLES]), "1 key to change", "warning"),
        (plan_of([DESCRIBES]), "1 key to change", "waiting"),
        (example_plan(), "2 keys to change, 1 error", "bad"),
        (make_plan([declared()], [live()]), "No changes", "good"),
        (make_plan([declared()], []), "No changes can be planned, 1 error", "bad"),
    ],
)
def test_the_head_summarises_the_plan_and_has_its_severity(plan: Plan, title: str, tone: str) -> None:
    assert f"<title>{title} | reconciler</title>" in page(plan)
    assert f"banner {tone}" in read(plan).values("class")


def test_errors_and_conflicts_are_shown_first() -> None:
    text = read(plan_with_origins()).text
    head, _, _ = text.partition("Made 2026-06-01")
    assert "1 error: the plan must not be applied as it is." in head
    assert "1 key in conflict: Git and the live API changed a field differently." in head
    places = [text.index(heading) for heading in (" Errors ", " Warnings ", " Summary ", " Changes ")]
    assert places == sorted(places)


def test_an_error_and_a_warning_show_their_position_and_key() -> None:
    text = read(example_plan()).text
    assert "Errors keys.yaml:15:1 caas/1/76/gone-key declared, but not on the server, and a new key" in text
    assert "Warnings more.yaml:2:3 two files declare keys of this project" in text


def test_a_problem_without_a_position_is_shown_without_one() -> None:
    plan = replace(assemble([]), problems=(Problem("could not be read: no response", address="caas/1/9"),))
    assert "Errors caas/1/9 could not be read: no response" in read(plan).text


def test_line_breaks_of_an_error_are_preserved() -> None:
    plan = replace(assemble([]), problems=(Problem("first\nsecond"),))
    assert "<li>first<br>second</li>" in page(plan)


def test_many_errors_are_all_listed_and_the_later_ones_folded() -> None:
    plan = replace(assemble([]), problems=tuple(Problem(f"error-{number}.") for number in range(25)))
    assert re.findall(r"error-\d+\.|15 more errors", read(plan).text) == [
        *(f"error-{number}." for number in range(10)),
        "15 more errors",
        *(f"error-{number}." for number in range(10, 25)),
    ]


def test_an_error_of_a_change_is_shown_with_the_change_and_linked_from_the_errors() -> None:
    plan = make_plan([declared(expire="2020-01-01T00:00:00Z")], [live()])
    shown = read(plan)
    assert shown.text.count("expire 2020-01-01T00:00:00Z is in the past") == 1
    assert " Errors keys.yaml:1:1 caas/1/76/web-key Summary " in shown.text
    (link,) = shown.all("a")
    (change,) = (element for element in shown.all("details") if "id" in element.attributes)
    assert link.attributes["href"] == f"#{change.attributes['id']}"
    assert change.attributes["class"] == "change"


def test_a_warning_is_shown_with_the_warnings_even_if_its_change_has_an_error() -> None:
    error, warning = (Problem(words, address="caas/1/76/key-00001") for words in ("wrong", "doubtful"))
    text = read(replace(plan_of([DESCRIBES]), problems=(error,), warnings=(warning,))).text
    assert " Errors caas/1/76/key-00001 Warnings caas/1/76/key-00001 doubtful Summary " in text
    assert text.count("wrong") == 1


def test_a_change_shows_its_key_position_fields_effects_and_request() -> None:
    text = read(example_plan()).text
    assert "caas/1/76/web-key description, expire, is_disabledgrantsrevokes" in text
    assert 'description "old" → "new" neutral expire' in text
    assert f'expire null → "{LATER}" revokes: expires, and did not before' in text
    assert "is_disabled true → false grants: enables the key" in text
    assert "Declared at keys.yaml:3:5; 1 unchanged attribute hidden" in text
    assert "Request: PATCH /cloud/v1/caas/keys/1/76/web-key" in text


def test_a_set_lists_removed_and_added_items() -> None:
    text = read(example_plan()).text
    gone, new = '- {name: "old", namespace: "shop"}', '+ {name: "api", namespace: "shop"}'
    assert f"containers {gone} {new} 1 unchanged element hidden grants+revokes: binds 1, unbinds 1" in text


def test_the_patch_of_each_change_is_shown_as_json() -> None:
    plan = example_plan()
    assert patches(plan) == [dict(change.patch) for change in plan.changes]


@pytest.mark.parametrize("text", ["\u202e\u200b", "\u2028\n\t", "é漢\\", '"</pre>', "##[error]"])
def test_a_patch_with_unusual_characters_is_shown_as_the_json_that_is_sent(text: str) -> None:
    assert patches(plan_of([({"description": text}, {})])) == [{"description": text}]


def test_keys_to_destroy_are_counted_in_a_row_of_their_own_in_red() -> None:
    plan = make_plan([declared()._replace(is_absent=True), declared("new-key", containers=[])], [live()])
    found = read(plan)
    assert "to add 1 created to change 0" in found.text
    assert "to destroy 1 destroyed" in found.text
    assert Element("div", {"class": "destroys"}) in found.elements
    assert Element("div", {"class": "destroys"}) not in read(plan_of([DISABLES])).elements


def test_a_date_stays_on_one_line() -> None:
    text = page(plan_of([({"expire": LATER}, {"description": "2036-not-a-date"})]))
    assert f"<ins class=date>&#34;{LATER}&#34;</ins>" in text
    assert text.count("s class=date") == 1
    assert text.count(f"<span class=date>{LATER}</span>") == 1


def test_a_date_in_an_error_stays_on_one_line() -> None:
    plan = replace(assemble([]), problems=(Problem("expire 2020-01-02T03:04:05Z is past, 2036-no-date"),))
    assert ">expire <span class=date>2020-01-02T03:04:05Z</span> is past, 2036-no-date<" in page(plan)


def test_keys_are_counted_by_action_and_by_effect() -> None:
    text = read(plan_of([DISABLES, DISABLES, ENABLES, BINDS_AND_UNBINDS, DESCRIBES, ({}, {})])).text
    assert (
        "Keys to add 0 created to change 5 updated in place "
        "to destroy 0 destroyed unchanged 1 match the configuration unmanaged 0"
    ) in text
    assert (
        "Keys by effect on access grants 2 access is gained "
        "revokes 3 access is lost neutral 1 access stays as it is"
    ) in text


def test_a_plan_with_origins_shows_them_per_field_and_counts_the_keys() -> None:
    plan = plan_with_origins()
    text = read(plan).text
    counts = [plan.of_origin(origin) for origin in Origin]
    assert (
        f"Keys by label since the base commit config {counts[0]} Git changed it "
        f"drift {counts[1]} the live API changed it conflict {counts[2]} both changed it differently"
    ) in text
    assert counts == [1, 1, 1]
    assert "neutralconfig: Git changed it" in text
    assert "revokes: expires, and did not beforedrift: the live API changed it" in text
    assert "binds 1, unbinds 1conflict: both changed it differently" in text


def test_a_plan_without_a_base_shows_no_origins() -> None:
    text = read(example_plan()).text
    assert "base" not in text
    assert "conflict" not in text


def test_unmanaged_keys_are_listed_in_a_fold() -> None:
    text = read(make_plan([], [live("key-b"), live("key-a")])).text
    assert "Never changed: show their addresses caas/1/76/key-a caas/1/76/key-b" in text


def test_the_header_has_the_fingerprint_the_time_and_the_facts_in_order() -> None:
    plan = example_plan()
    text = Document(render_plan_page(plan, NOW.astimezone(dt.timezone(dt.timedelta(hours=2))), FACTS)).text
    assert (
        f"Made 2026-06-01 12:00 UTC API https://api.example Commit 9f1c2ab Fingerprint {plan.fingerprint}"
        in text
    )
    assert f"All times are in UTC. Made by reconciler {__version__}." in text


def test_a_plan_without_changes_states_that_everything_matches() -> None:
    text = read(make_plan([declared()], [live()])).text
    assert "No changes Your infrastructure matches the configuration." in text
    assert "Changes" not in text


def test_a_plan_of_errors_alone_claims_no_match_for_them() -> None:
    text = read(make_plan([declared()], [])).text
    assert "The keys with errors cannot be planned; the others match the configuration." in text


# How values are shown


@pytest.mark.parametrize(
    ("want", "have", "change"),
    [
        ("", None, 'null → ""'),
        (None, "a", '"a" → null'),
        ("b", "a", '"a" → "b"'),
        (["b", "a"], ["a", "b"], '["a", "b"] → ["b", "a"]'),
    ],
)
def test_both_values_are_shown_as_json(want: Any, have: Any, change: str) -> None:
    assert shown(want, have) == change


def test_a_set_that_was_null_is_shown_as_null() -> None:
    assert shown(["a"], None, {"type": ["array", "null"], "uniqueItems": True}) == 'null → ["a"]'


def test_items_that_are_not_mappings_are_shown_as_json() -> None:
    assert shown(["a", 1], ["b"], {"type": "array", "uniqueItems": True}) == '- "b" + "a" + 1'


def test_the_difference_of_two_long_texts_is_marked_and_common_parts_are_omitted() -> None:
    start, end = "s" * 500, "e" * 500
    plan = plan_of([({"description": f"{start}new{end}"}, {"description": f"{start}old{end}"})])
    left_out = '<span class="skip">380 characters alike</span>'
    begin, rest = f"{'s' * 60}{left_out}{'s' * 60}", f"{'e' * 60}{left_out}{'e' * 60}"
    assert f"<del>&#34;{begin}<mark>old</mark>{rest}&#34;</del>" in page(plan)
    assert f"<ins>&#34;{begin}<mark>new</mark>{rest}&#34;</ins>" in page(plan)


def test_unrelated_long_texts_are_shown_completely_without_marks() -> None:
    plan = plan_of([({"description": "a" * 900}, {"description": "b" * 900})])
    assert f"<del>&#34;{'b' * 900}&#34;</del> → <ins>&#34;{'a' * 900}&#34;</ins>" in page(plan)


@given(st.text("ab#[", max_size=9), st.text("ab#[", max_size=9), st.integers(0, 300), st.integers(0, 300))
def test_the_difference_of_two_texts_is_never_omitted(old: str, new: str, start: int, end: int) -> None:
    before, after = ("<" * start + middle + ">" * end for middle in (old, new))
    if before == after:
        return
    text = page(plan_of([({"description": after}, {"description": before})]))
    for tag, value in (("del", before), ("ins", after)):
        (written,) = re.findall(f"<{tag}>(.*)</{tag}>", text)
        left_out = re.compile(r'<span class="skip">(\d+) characters? alike</span>')
        restored = json.loads(Document(left_out.sub(lambda cut: "?" * int(cut[1]), written)).text)
        assert all(a == b or (a == "?" and b in "<>") for a, b in zip(restored, value, strict=True))


# How it is folded and filtered


def test_a_few_changes_are_all_unfolded() -> None:
    assert folds(plan_of([DESCRIBES] * 19)) == [True] * 19


def test_among_many_changes_revocations_are_unfolded() -> None:
    changes: list[Any] = [DESCRIBES, ENABLES, DISABLES, BINDS_AND_UNBINDS]
    assert folds(plan_of(changes * 5)) == [False, False, True, True] * 5


def test_among_many_changes_conflicts_and_errors_are_unfolded() -> None:
    plan = plan_of([DESCRIBES] * 20)
    first, second, *others = plan.changes
    fought = replace(first, fields=tuple(replace(field, origin=Origin.CONFLICT) for field in first.fields))
    plan = replace(
        plan, changes=(fought, second, *others), problems=(Problem("wrong", address=second.address),)
    )
    assert folds(plan) == [True, True] + [False] * 18


def test_each_change_is_marked_with_its_scope_effects_and_labels() -> None:
    plan = plan_with_origins()
    marks = re.findall('<li class="(s[^"]*)">', page(plan))
    assert marks == [
        " ".join(["s0", "grants", "revokes", *sorted({str(field.origin) for field in change.fields})])
        for change in plan.changes
    ]


def test_each_scope_effect_and_origin_has_a_filter_and_its_rule() -> None:
    changes = [
        replace(change, scope=Scope("caas", number, 76))
        for number, change in enumerate(plan_with_origins().changes * 50)
    ]
    found = read(replace(plan_with_origins(), changes=tuple(changes)))
    names = {value for value in found.values("id") if value.startswith(("scope-", "effect-", "label-"))}
    assert len(names) == 100 + 4 + 4
    rules = re.findall(r"\.filters:has\(#([\w-]+):checked\)~\.list>li:not\(\.(\w+)\)", found.style)
    assert dict(rules).keys() == names - {"effect-all", "label-all"}
    assert all(mark in {name.partition("-")[2], name.replace("scope-", "s")} for name, mark in rules)


def test_every_filter_has_a_name_and_starts_with_everything_shown() -> None:
    found = read(plan_with_origins())
    assert "Name Shows the changes whose address has all these words in it." in found.text
    assert "Scope all scopes caas/1/76 Effect all grants revokes neutral Label all config drift" in found.text
    assert [element.attributes["for"] for element in found.all("label") if "for" in element.attributes] == [
        "name",
        "scope",
    ]
    assert len(found.all("fieldset")) == len(found.all("legend")) == 2
    checked = [element.attributes["id"] for element in found.all("input") if "checked" in element.attributes]
    assert checked == ["effect-all", "label-all"]


def test_filters_are_shown_only_if_they_can_narrow_the_plan() -> None:
    assert read(plan_of([DISABLES])).all("form", "select", "input") == []
    assert "label-all" not in read(plan_of([DISABLES, ENABLES])).values("id")


def test_filters_are_hidden_in_browsers_without_has() -> None:
    style = read(plan_with_origins()).style
    assert style.index(".filters{display:none}") < style.index("@supports selector(:has(a))")


# What it allows


def test_the_policy_allows_the_style_and_the_script_by_their_hashes_and_nothing_else() -> None:
    for plan in (plan_with_origins(), hostile("x"), assemble([])):
        found = read(plan)
        digest = base64.b64encode(hashlib.sha256(found.style.encode()).digest()).decode()
        script = base64.b64encode(hashlib.sha256(found.script.encode()).digest()).decode()
        allowed = (
            f" script-src 'sha256-{script}'; require-trusted-types-for 'script'; trusted-types 'none';"
            if len(plan.changes) > 1
            else ""
        )
        policy = (
            f"default-src 'none'; style-src 'sha256-{digest}';{allowed} base-uri 'none'; form-action 'none'"
        )
        assert found.elements[3] == Element(
            "meta", {"http-equiv": "Content-Security-Policy", "content": policy}
        )
        assert found.elements[4] == Element("meta", {"name": "referrer", "content": "no-referrer"})
        assert len(found.all("style")) == 1
        assert len(found.all("script")) == int(len(plan.changes) > 1)


def test_the_script_is_the_same_whatever_the_plan_says() -> None:
    assert read(hostile("x")).script == read(plan_with_origins()).script


def test_the_page_has_no_handler_no_style_attribute_and_loads_nothing() -> None:
    found = read(hostile("x"))
    assert found.all("img", "iframe", "link", "object", "embed", "base") == []
    assert all(re.fullmatch(r"#change-\d+", link.attributes["href"]) for link in found.all("a"))
    names = {name for element in found.elements for name in element.attributes}
    assert not {name for name in names if name.startswith("on")}
    assert not names & {"style", "src", "action", "srcset"}
    assert {value[0] for value in found.values("href")} == {"#"}
    assert "@import" not in found.style
    assert "url(" not in found.style


@pytest.mark.parametrize("text", HOSTILE + [fragment.replace("\n", "") for fragment in FRAGMENTS])
def test_hostile_text_is_text(text: str) -> None:
    facts = ((text, text),)
    assert skeleton(page(hostile(text), facts)) == skeleton(page(hostile("usual text"), (("a", "b"),)))


@given(st.text())
def test_no_text_changes_the_structure_of_the_page(text: str) -> None:
    text = text.replace("\n", "") or "x"
    assert skeleton(page(hostile(text), ((text, text),))) == skeleton(page(hostile("usual"), (("a", "b"),)))


@pytest.mark.parametrize("hidden", ["\u202e", "\u200b", "\x1b", "\ufe0f", "\x00", "\ud800", "\xad"])
def test_invisible_characters_are_shown_everywhere(hidden: str) -> None:
    text = page(hostile(f"a{hidden}b"), ((hidden, hidden),))
    assert hidden not in text
    assert f"a\\u{ord(hidden):04x}b" in text
    assert text.encode()


# How it can be read


def test_every_picture_is_hidden_from_screen_readers() -> None:
    pictures = read(plan_with_origins()).all("svg")
    assert pictures
    assert {element.attributes["aria-hidden"] for element in pictures} == {"true"}


def test_names_are_unique_and_every_reference_has_its_target() -> None:
    found = read(hostile("x"))
    names = found.values("id")
    assert len(names) == len(set(names))
    used = {
        *found.values("aria-labelledby"),
        *found.values("for"),
        *(value[1:] for value in found.values("href")),
    }
    assert used <= set(names)


def test_headings_skip_no_level_and_the_first_is_the_state() -> None:
    found = read(plan_with_origins())
    levels = [int(element.tag[1]) for element in found.all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert found.all("html")[0].attributes["lang"] == "en"
    assert [element.tag for element in found.all("header", "main", "footer")] == ["header", "main", "footer"]


def palettes() -> list[dict[str, str]]:
    """Return the colours of the light and of the dark scheme by name."""
    blocks = [
        dict(re.findall(r"--(\w+):(#\w{6})", block))
        for block in re.findall(r":root\{(.*?)\}", read(assemble([])).style)
    ]
    light, dark, light_too, dark_too = blocks
    return [light | light_too, dark | dark_too]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_texts_and_controls_have_the_contrast_that_wcag_asks_for(scheme: int) -> None:
    palette = palettes()[scheme]
    for ground in ("page", "panel", "code"):
        for text in ("ink", "quiet", "good", "warning", "bad", "done"):
            assert contrast(palette[text], palette[ground]) >= 4.5, (text, ground)
    for ground in ("gone", "goner", "new", "newer"):
        assert contrast(palette["ink"], palette[ground]) >= 4.5, ground
    for ground in ("gone", "new"):
        assert contrast(palette["quiet"], palette[ground]) >= 4.5, ground
    assert contrast(palette["quiet"], palette["page"]) >= 3


# How little it takes


def test_two_hundred_changes_of_four_fields_take_less_than_half_a_megabyte() -> None:
    want = {"description": "new", "expire": None, "is_disabled": True, "containers": [WEB, API]}
    have = {"description": "old", "expire": LATER, "is_disabled": False, "containers": []}
    assert len(page(plan_of([(want, have)] * 200)).encode()) < 500_000
