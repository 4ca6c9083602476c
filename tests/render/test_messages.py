"""The form of each receiver: texts of others add no markup or link, and what does not fit is counted."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.notification import Notification, Part, Style
from reconciler.render.messages import mail_text, slack_body, teams_body
from reconciler.render.notification import drift_message, sample_message
from tests.render.test_notification import ACME, BASE_URL, HOSTILE, NOON, episode, hostile_episodes

PAGE = "https://reconciler.example.com/?name=a"
LINE = "is_disabled: true -> false (grants: enables the key), since 2026-06-01T09:00:00Z"
HEAD = "1 field differs from the files, access granted on 1 key"


def message(*facts: Any) -> Notification:
    return drift_message(facts or [episode()], NOON, BASE_URL, "run")


def slack_texts(body: dict[str, Any]) -> list[str]:
    for block in body["blocks"]:
        assert block["type"] == "section"
        assert block["text"]["type"] == "mrkdwn"
        assert block["text"]["verbatim"] is True
    return [block["text"]["text"] for block in body["blocks"]]


def teams_lines(body: dict[str, Any]) -> list[str]:
    (attachment,) = body["attachments"]
    assert body["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attachment["content"]["type"] == "AdaptiveCard"
    assert {block["type"] for block in attachment["content"]["body"]} == {"RichTextBlock"}
    inlines = [block["inlines"] for block in attachment["content"]["body"]]
    assert {run["type"] for line in inlines for run in line} == {"TextRun"}
    return ["".join(run["text"] for run in line) for line in inlines]


def test_slack_is_sent_what_and_where_first_and_then_a_line_for_each_item() -> None:
    head = (
        "*reconciler*: 1 field differs from the files, *access granted on 1 key* at https://api.example.com"
    )
    escaped = LINE.replace(">", "&gt;")
    body = slack_body(message(), PAGE)
    assert body["text"] == head
    assert slack_texts(body) == [
        head,
        f"• `{ACME}` {escaped}: *left to a person*\n<{PAGE}|Status page>",
    ]
    assert (body["unfurl_links"], body["unfurl_media"]) == (False, False)


def test_teams_is_sent_a_card_of_runs_with_a_link_to_the_status_page() -> None:
    body = teams_body(message(), PAGE)
    assert teams_lines(body) == [
        f"reconciler: {HEAD} at https://api.example.com",
        f"• {ACME} {LINE}: left to a person",
    ]
    card = body["attachments"][0]["content"]
    assert card["actions"] == [{"type": "Action.OpenUrl", "title": "Status page", "url": PAGE}]
    assert "actions" not in teams_body(message())["attachments"][0]["content"]


def test_a_mail_has_what_and_where_as_its_subject() -> None:
    subject, text = mail_text(message(), PAGE)
    assert subject == f"reconciler: {HEAD} at https://api.example.com"
    assert text.splitlines() == [
        *(subject, ""),
        *(f"- {ACME} {LINE}: left to a person", "", f"Status page: {PAGE}"),
    ]


@pytest.mark.parametrize("count", [20, 21, 50, 999])
def test_a_chat_message_shows_twenty_items_and_counts_the_others(count: int) -> None:
    found = message(*[episode(address=f"caas/1/76/{number}") for number in range(count)])
    end = [f"and {count - 20} more: see `reconciler history`"] if count > 20 else []
    slack = "\n".join(slack_texts(slack_body(found))).split("\n")[1:]
    assert slack[20:] == end
    assert [line.split()[1] for line in slack[:20]] == [f"`caas/1/76/{number}`" for number in range(20)]
    assert teams_lines(teams_body(found))[21:] == [line.replace("`", "") for line in end]


def test_an_item_is_never_cut_within_an_escape_but_its_parts_are_shorter() -> None:
    found = message(episode(desired="&" * 500, live="<" * 500))
    (_, line) = slack_texts(slack_body(found))
    assert re.findall(r"&(?!amp;|lt;|gt;)", line) == []
    assert "…" in line
    assert line.endswith(": *left to a person*")


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_inert_and_bounded_everywhere(text: str) -> None:
    assert_inert(text)


@given(st.text(alphabet=st.characters() | st.sampled_from("<>&`*_~|!@#{}\n\r\u202e\ud800")))
def test_any_text_is_inert_everywhere(text: str) -> None:
    assert_inert(text)


def assert_inert(text: str) -> None:
    found = message(*hostile_episodes(text) * 10)
    sections = slack_texts(slack_body(found))
    assert len(sections) <= 50
    for section in sections:
        assert len(section) <= 3000
        assert not set("<>") & set(section)
        assert re.findall(r"&(?!amp;|lt;|gt;)", section) == []
        assert all(line.isprintable() for line in section.split("\n"))
        assert not re.search(r"~|(?<![^\W_])_|_(?![^\W_])", re.sub("`[^`]*`", "", section))
    body = teams_body(found)
    assert len(json.dumps(body)) < 28_000
    for line in teams_lines(body):
        assert line.isprintable()
        assert "{{" not in line
    subject, mail = mail_text(found)
    assert subject.isprintable()
    assert len(subject) <= 151
    assert all(line.isprintable() for line in mail.split("\n"))
    assert len(mail) < 40_000


def test_a_name_with_an_underscore_is_written_to_slack_as_it_is_and_no_text_is_italic_or_struck() -> None:
    (_, line) = slack_texts(slack_body(message(episode(desired="_a_b_", live="~c~"))))
    assert 'is_disabled: "\u02cda_b\u02cd" -&gt; "\u223cc\u223c" ' in line


def test_a_place_with_markup_is_inert_too() -> None:
    found = Notification("test", NOON, "<!channel> {{DATE()}}", (Part("a\nb", Style.BOLD),), (), 0, {})
    assert slack_body(found)["text"] == "*reconciler*: *a\\u000ab* at &lt;!channel&gt; {{DATE()}}"
    assert teams_lines(teams_body(found)) == ["reconciler: a\\u000ab at <!channel> { {DATE()}}"]


def test_a_sample_says_that_nothing_has_changed() -> None:
    subject, text = mail_text(sample_message(NOON))
    assert subject == "reconciler: this is a test, nothing has changed"
    assert text.splitlines()[2:] == ["- notifications of reconciler drift arrive here"]
