"""Notifications in the documented form of each receiver: a webhook, Slack, Microsoft Teams, e-mail. Pure.

Untrusted text cannot become markup, a link or a mention: it is escaped, or in a place without markup. A
message is bounded: omitted lines are counted.
"""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any, Final, TypeVar

from reconciler.model.canonical import format_instant
from reconciler.model.escape import escape_control
from reconciler.model.expressions import expression
from reconciler.model.notification import Part, Style
from reconciler.model.phrases import and_more, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.model.notification import Line, Notification

Written = TypeVar("Written", str, list[dict[str, Any]])
_LENGTHS: Final = (500, 200, 80, 20)
"""Longest parts of a line: the first that makes it fit."""
_MARKUP: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "`": "'", "*": "\u2217"})
_EDGE_MARKUP: Final = expression(r"~|(?<![^\W_])_|_(?![^\W_])")
"""What Slack takes for markup around words: an underscore inside one is none."""
_LOOKALIKES: Final = {"~": "\u223c", "_": "\u02cd"}
_MARKS: Final = {Style.PLAIN: "", Style.CODE: "`", Style.BOLD: "*"}
_MOST_SHOWN: Final = 20
"""Lines of a chat message: who wants more reads the history."""
_LONGEST_TEXT: Final = 30_000
"""Slack cuts texts of 40,000 characters."""
_LONGEST_SECTION: Final = 2_900
"""Slack refuses a section of more than 3,000 characters."""
_LARGEST_CARD: Final = 20_000
"""Teams refuses a message of more than 28 KB."""
_LONGEST_SUBJECT: Final = 150


def webhook_body(notification: Notification) -> dict[str, Any]:
    """Return the body for a webhook, which schemas/notification.schema.json describes."""
    lines = _fitting(notification, _slack_item, _LONGEST_TEXT, len(notification.items), _LONGEST_TEXT)
    return {
        "type": notification.type,
        "timestamp": format_instant(notification.at),
        "text": "\n".join([_slack(_head(notification)), *lines]),
        "data": notification.data,
    }


def slack_body(notification: Notification, page: str = "") -> dict[str, Any]:
    """Return the body for an incoming webhook of Slack; ``page`` is the URL of the status page.

    ``verbatim`` prevents Slack from turning words into links, channels and mentions.
    """
    head = _slack(_placed_head(notification), _LENGTHS[1])
    lines = [*_fitting(notification, _slack_item, _LONGEST_SECTION, _MOST_SHOWN, 4 * _LONGEST_SECTION)]
    if page:
        lines.append(f"<{page}|Status page>")
    sections = [head, *_joined(lines)]
    return {
        "text": head,
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}
            for text in sections
        ],
    }


def teams_body(notification: Notification, page: str = "") -> dict[str, Any]:
    """Return the body for a workflow of Teams that posts a card; ``page`` is the URL of the status page.

    All text is in runs, which are not parsed as Markdown.
    """
    head = _runs(_placed_head(notification), _LENGTHS[1])
    lines = [head, *_fitting(notification, _runs_item, _LONGEST_SECTION, _MOST_SHOWN, _LARGEST_CARD)]
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [{"type": "RichTextBlock", "inlines": line} for line in lines],
    }
    if page:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Status page", "url": page}]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None}
    return {"type": "message", "attachments": [attachment | {"content": card}]}


def mail_text(notification: Notification, page: str = "") -> tuple[str, str]:
    """Return subject and text of an e-mail; ``page`` is the URL of the status page."""
    subject = _plain(_placed_head(notification), _LENGTHS[1])
    lines = _fitting(notification, _plain_item, _LONGEST_TEXT, len(notification.items), _LONGEST_TEXT)
    end = ["", f"Status page: {page}"] if page else []
    return shortened(subject, _LONGEST_SUBJECT), "\n".join([subject, "", *lines, *end, ""])


def _head(notification: Notification) -> Line:
    return (Part("reconciler", Style.BOLD), Part(": "), *notification.head)


def _placed_head(notification: Notification) -> Line:
    place = (Part(" at "), Part(notification.place)) if notification.place else ()
    return (*_head(notification), *place)


def _fitting(
    notification: Notification, write: Callable[[Line, int], Written], longest: int, most: int, room: int
) -> Iterator[Written]:
    """Yield the lines that fit into ``room``, shortened to ``longest``, and one that counts the others."""
    shown = 0
    for item in notification.items[:most]:
        written = (write(item, length) for length in _LENGTHS)
        line = next((text for text in written if _size(text) <= longest), None)
        room -= longest if line is None else _size(line) + 1
        if line is None or room < 0:
            break
        yield line
        shown += 1
    if shown < notification.count:
        yield write((Part(and_more(notification.count - shown)), *notification.advice), 0)


def _size(written: str | list[dict[str, Any]]) -> int:
    return len(written) if isinstance(written, str) else len(json.dumps(written))


def _joined(lines: list[str]) -> Iterator[str]:
    """Yield the lines in sections of Slack, as few as possible."""
    section: list[str] = []
    for line in lines:
        if section and len("\n".join([*section, line])) > _LONGEST_SECTION:
            yield "\n".join(section)
            section = []
        section.append(line)
    if section:
        yield "\n".join(section)


def _slack_item(line: Line, longest: int) -> str:
    return f"• {_slack(line, longest)}" if longest else _slack(line)


def _slack(line: Line, longest: int = _LENGTHS[0]) -> str:
    """Return a line in the markup of Slack, which has no escape for a backtick, an asterisk and others."""
    return "".join(f"{_MARKS[part.style]}{_slack_text(part, longest)}{_MARKS[part.style]}" for part in line)


def _slack_text(part: Part, longest: int) -> str:
    text = _safe(part, longest).translate(_MARKUP)
    if part.style is Style.CODE:
        return text
    return _EDGE_MARKUP.sub(lambda found: _LOOKALIKES[found.group()], text)


def _plain_item(line: Line, longest: int) -> str:
    return f"- {_plain(line, longest)}" if longest else _plain(line, _LENGTHS[0])


def _plain(line: Line, longest: int) -> str:
    return "".join(_safe(part, longest) for part in line)


def _runs_item(line: Line, longest: int) -> list[dict[str, Any]]:
    return _runs((Part("• "), *line), longest) if longest else _runs(line, _LENGTHS[0])


def _runs(line: Line, longest: int) -> list[dict[str, Any]]:
    """Return a line as runs of an adaptive card; a function such as ``{{DATE(…)}}`` is not evaluated."""
    looks: dict[Style, dict[str, Any]] = {
        Style.PLAIN: {},
        Style.CODE: {"fontType": "Monospace"},
        Style.BOLD: {"weight": "Bolder"},
    }
    return [
        {
            "type": "TextRun",
            "text": "".join(_safe(part, longest) for part in parts).replace("{{", "{ {"),
            **looks[style],
        }
        for style, parts in itertools.groupby(line, lambda part: part.style)
    ]


def _safe(part: Part, longest: int) -> str:
    return escape_control(shortened(part.text, longest))
