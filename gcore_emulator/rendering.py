"""Stored keys as the API shows them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gcore_emulator.families import FAMILIES
from gcore_emulator.responses import Document, json_bytes
from gcore_emulator.timestamps import format_instant

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

    from gcore_emulator.keys import StoredKey
    from gcore_emulator.rules import Reference, Value
    from gcore_emulator.switches import Switches, TimestampForm


def _json_value(value: Value, form: TimestampForm) -> object:
    if isinstance(value, dt.datetime):
        return format_instant(value, form)
    if isinstance(value, tuple):
        return [_json_item(item) for item in value]
    return value


def _json_item(item: Reference | str) -> object:
    return item if isinstance(item, str) else {"name": item.name, "namespace": item.namespace}


def canonical_document(key: StoredKey, form: TimestampForm = "z") -> Document:
    """Return a key as a seed file writes it: all members except the computed status."""
    document: Document = {"name": key.name}
    document |= {name: _json_value(value, form) for name, value in key.values.items()}
    return document | {"created_at": format_instant(key.created_at, form)}


def default_document(key: StoredKey, now: dt.datetime) -> Document:
    """Return a key as the API shows it at ``now`` when every switch has its default."""
    return canonical_document(key) | _status_member(key, _status(key, now))


def _status(key: StoredKey, now: dt.datetime) -> str:
    """Return the status of the key at ``now``: ``Active``, or ``Expired`` from its expiry on."""
    expire = key.values[FAMILIES[key.scope.family].expiry]
    return "Expired" if isinstance(expire, dt.datetime) and expire <= now else "Active"


def _status_member(key: StoredKey, status: str) -> Document:
    return {"status": status} if FAMILIES[key.scope.family].has_status else {}


@dataclass(frozen=True, slots=True)
class Renderer:
    """Renders keys as the switches require; ``shuffle`` puts references in random order."""

    switches: Switches
    shuffle: random.Random

    def document(self, key: StoredKey, now: dt.datetime) -> Document:
        """Return a key as the API shows it at ``now``, without its secret."""
        return self._document(key, self._status(key, now))

    def fragment(self, key: StoredKey, now: dt.datetime) -> bytes:
        """Return a key as the API shows it at ``now`` as JSON, cached while the key is unchanged."""
        status = self._status(key, now)
        if self.switches.container_order == "shuffled":
            return json_bytes(self._document(key, status))
        fragment = key.memo.get(status)
        if fragment is None:
            fragment = key.memo[status] = json_bytes(self._document(key, status))
        return fragment

    def page(self, count: int, keys: Iterable[StoredKey], now: dt.datetime) -> bytes:
        """Return a page of a list as JSON."""
        return b'{"count":%d,"results":[%s]}' % (count, b",".join([self.fragment(key, now) for key in keys]))

    def _status(self, key: StoredKey, now: dt.datetime) -> str:
        if self.switches.disabled_status == "disabled" and key.values.get("is_disabled"):
            return "Disabled"
        return _status(key, now)

    def _document(self, key: StoredKey, status: str) -> Document:
        family = FAMILIES[key.scope.family]
        document = canonical_document(key, self.switches.timestamps) | _status_member(key, status)
        if family.references and self.switches.container_order == "shuffled":
            self.shuffle.shuffle(document[family.references])
        if self.switches.absent_nulls == "left-out":
            for field in family.fields:
                if field.may_be_absent and document[field.name] is None:
                    del document[field.name]
        return document
