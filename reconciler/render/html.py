"""Self-contained HTML pages. The only module that imports jinja2.

Page content is untrusted: a template escapes it for HTML, and before that every text is escaped for
terminals, so that nothing is invisible or reorders the text beside it.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import jinja2

from reconciler.model.canonical import format_instant
from reconciler.model.escape import escape_control
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Severity(StrEnum):
    """The severity of a headline; the most severe comes last."""

    WAITING = "waiting"
    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class PageTemplate:
    """A template with one style element, its block ``style``, which prints its ``policy``.

    Its one script, if it has one, is its block ``script``. Forms may submit to ``forms``.
    """

    template: jinja2.Template
    forms: str = "'none'"

    def render(self, **values: Any) -> str:
        """Return the page of ``values``."""
        return self.template.render(policy=self.policy(**values), **values)

    def policy(self, **values: Any) -> str:
        """Return the policy that allows only the style, and the script, of the page of ``values``.

        It contains the hash of each element's text. A script cannot insert text into the page as markup.
        """
        sources = {
            name: "".join(block(self.template.new_context(values)))
            for name, block in self.template.blocks.items()
        }
        parts = [f"{name}-src {_hash(sources[name])}" for name in ("style", "script") if sources.get(name)]
        if sources.get("script"):
            parts.append("require-trusted-types-for 'script'; trusted-types 'none'")
        return "; ".join(("default-src 'none'", *parts, "base-uri 'none'", f"form-action {self.forms}"))


def page_template(
    name: str, filters: Mapping[str, Callable[..., Any]], names: Mapping[str, Any], forms: str = "'none'"
) -> PageTemplate:
    """Load a template with ``filters`` and ``names`` besides those that all pages share."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("reconciler.render", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=_visible,
    )
    environment.filters |= {"clock": clock, "counted": counted, "instant": format_instant, **filters}
    environment.globals |= names
    return PageTemplate(environment.get_template(name), forms)


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def clock(instant: dt.datetime, precision: str = "minutes") -> str:
    """Return an instant for people, in UTC and to the minute, or with the ``precision`` "seconds"."""
    return instant.astimezone(dt.UTC).replace(tzinfo=None).isoformat(" ", precision)


def _visible(value: Any) -> Any:
    """Escape every text that the template prints; markup from the template itself is unchanged."""
    return value if hasattr(value, "__html__") else escape_control(str(value))
