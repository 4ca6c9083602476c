"""Consumers of secrets, and what has to hold for each at every time."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from year_runs.keys import OLDEST, First

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from random import Random

    from gcore_emulator import Emulator
    from year_runs.place import Place

_LONGEST_UNREAD: Final = dt.timedelta(days=3)
_DAY: Final = dt.timedelta(days=1)


def instant(text: str) -> dt.datetime:
    """Return a time that the service shows."""
    return dt.datetime.fromisoformat(text)


@dataclass(slots=True)
class Consumer:
    """A program that reads the secret under the alias of a key now and then, and uses it."""

    first: First
    held: str
    read_at: dt.datetime

    def read(self, place: Place, rng: Random) -> None:
        """Read the secret again: by chance, and at the latest after three days."""
        now = place.clock.now()
        if rng.random() < 0.5 or now - self.read_at >= _LONGEST_UNREAD:  # noqa: PLR2004 - a coin
            self.held, self.read_at = place.secret(self.first.address) or self.held, now


@dataclass(slots=True)
class World:
    """The service as it is, and the consumers."""

    emulator: Emulator
    place: Place
    consumers: list[Consumer]
    broken: dict[str, list[str]] = field(default_factory=dict)
    checks: int = 0

    def live(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the live keys by address."""
        found = {f"caas/1/76/{n}": key for n, key in self.emulator.keys(1, 76).items()}
        found |= {f"faas/1/76/{n}": key for n, key in self.emulator.keys(1, 76, family="faas").items()}
        found |= {f"inference/1/{n}": key for n, key in self.emulator.keys(1, family="inference").items()}
        return found

    def check(self) -> None:
        """Check all that has to hold now, and until tomorrow."""
        self.checks += 1
        live, now = self.live(), self.place.clock.now()
        for promise, complaint in self._complaints(live, now):
            self.broken.setdefault(promise, []).append(f"{now:%Y-%m-%d %H:%M}: {complaint}")

    def _complaints(
        self, live: Mapping[str, Mapping[str, Any]], now: dt.datetime
    ) -> Iterator[tuple[str, str]]:
        chains: dict[str, list[str]] = {}
        for address in live:
            chains.setdefault(address.removesuffix(_number(address)), []).append(address)
        for consumer in self.consumers:
            first = consumer.first
            chain = chains.get(first.address, [])
            stored = {one: self._secrets(one, first.address) for one in chain}
            if not any(stored[one] for one in chain if _works(live[one], now + _DAY)):
                yield "at every time a valid key whose secret is stored", first.address
            usable = set[str]().union(*(stored[one] for one in chain if _works(live[one], now)))
            if consumer.held not in usable:
                yield "what a consumer holds works", first.address
            for one in chain:
                age = now - instant(live[one]["created_at"])
                if _works(live[one], now) and age > dt.timedelta(days=OLDEST):
                    yield "no valid key is older than its policy", f"{one}: {age.days} days"

    def _secrets(self, address: str, alias: str) -> set[str]:
        """Return the secret of a key; that of the first is an older version of what the alias holds."""
        place = self.place
        if address != alias:
            found = place.secret(address)
        else:
            found = place.secret(address, "@1") or place.secret(address)
        return set() if found is None else {found}

    def leaks(self) -> Iterator[str]:
        """Yield each secret that some command has printed."""
        text = "\n".join(self.place.printed)
        for file in self.place.secrets.iterdir():
            if (secret := file.read_text(encoding="utf-8")) and secret in text:
                yield file.name


def _number(address: str) -> str:
    """Return what a rotation has put behind a name."""
    name = address.rpartition("/")[2]
    parts = name.split("-")
    return f"-{parts[-1]}" if len(parts) > 3 else ""  # noqa: PLR2004 - kind, key, number


def _ends(key: Mapping[str, Any]) -> dt.datetime:
    value = key.get("expire", key.get("expires_at"))
    return dt.datetime.max.replace(tzinfo=dt.UTC) if value is None else instant(value)


def _works(key: Mapping[str, Any], now: dt.datetime) -> bool:
    return _ends(key) > now and not key.get("is_disabled")
