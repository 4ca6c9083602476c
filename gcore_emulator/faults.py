"""Settings for injected faults; by default there are none.

One field is one setting, with its help and its bounds beside it. The options of the command line and the JSON
of the control endpoint are derived from these fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from typing import Any, Literal

from gcore_emulator.families import FAMILIES

Kind = Literal["rate", "number", "seconds", "names"]
"""How a setting is written: a share of requests, an integer, a duration, a list of words."""

_FIELD_NAMES = tuple(dict.fromkeys(name for family in FAMILIES.values() for name in family.patchable))
_MOST = 1_000_000_000  # seconds from now are still a date
_METHODS = ("GET", "POST", "PATCH", "DELETE")


def _rate(text: str) -> Any:
    """Declare the field of a response fault: each request meets at most one of these."""
    return field(default=0.0, metadata={"help": text, "kind": "rate", "spoils_response": True})


def _number(text: str, *, default: int | None, least: int) -> Any:
    return field(default=default, metadata={"help": text, "kind": "number", "least": least})


def _names(text: str, choices: tuple[str, ...]) -> Any:
    return field(default=(), metadata={"help": text, "kind": "names", "choices": choices})


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """How often each fault occurs. Rates are from 0 to 1.

    The faults up to ``empty_after`` exclude each other, so their rates add up to at most 1. Raises
    ValueError, with every reason, for invalid values.
    """

    status_429: float = _rate("429 without Retry-After; nothing is executed.")
    status_429_seconds: float = _rate("429 with Retry-After in seconds; nothing is executed.")
    status_429_date: float = _rate("429 with Retry-After as an HTTP date; nothing is executed.")
    status_500: float = _rate("500 in the API's own shape; nothing is executed.")
    status_502: float = _rate("502 with a gateway's HTML; nothing is executed.")
    status_503: float = _rate("503 with a gateway's HTML; nothing is executed.")
    reset_before: float = _rate("Connection reset before the request takes effect.")
    reset_after: float = _rate("Connection reset after the request took effect: the response is lost.")
    slow_answer: float = _rate("The request takes effect at once, its response comes late.")
    half_body: float = _rate("Half of the announced body, then the connection closes.")
    html_page: float = _rate("200 with a page of HTML; nothing is executed.")
    wrong_content_type: float = _rate("The right JSON, called text/plain.")
    redirect_after: float = _rate("A write takes effect and is answered by a redirect to another host.")
    accepted_after: float = _rate("A write takes effect and is answered by 202, with the usual body.")
    accepted_later: float = _rate(
        "A write is answered by 202 and takes effect before the second request after it."
    )
    refused_after: float = _rate("A write takes effect and is answered by 400 all the same.")
    empty_after: float = _rate("A write takes effect and is answered by 204, without a body.")

    page_change: float = field(
        default=0.0,
        metadata={
            "help": "Between two pages of a list a key is added, or an added one removed.",
            "kind": "rate",
        },
    )
    concurrent_write: float = field(
        default=0.0,
        metadata={
            "help": "After a PATCH request another writer changes some field of some key.",
            "kind": "rate",
        },
    )
    concurrent_write_every: int | None = _number(
        "The other writer comes after every Nth PATCH request.", default=None, least=1
    )
    unstored: tuple[str, ...] = _names(
        "A field that PATCH accepts and does not store; 200 shows the old value.", _FIELD_NAMES
    )
    unauthorized_from: int | None = _number("401 from the Nth request on.", default=None, least=1)

    retry_after: int = _number("Seconds that Retry-After asks for.", default=1, least=0)
    slow_seconds: float = field(
        default=30.0, metadata={"help": "How late a slow response comes.", "kind": "seconds"}
    )
    max_in_a_row: int = _number(
        "Most faults in a row for one method and path; 0 means no limit.", default=3, least=0
    )
    methods: tuple[str, ...] = _names(
        "A method whose responses are spoilt at the rates above; none named is all.", _METHODS
    )
    seed: int = _number("Starts every choice of a fault.", default=0, least=0)

    def __post_init__(self) -> None:
        """Raise ValueError with all invalid values."""
        problems = [
            f"{spec.name}: {complaint}"
            for spec in fault_specs()
            if (complaint := spec.complaint(getattr(self, spec.name)))
        ]
        if not problems and sum(self.response_rates().values()) > 1 + 1e-9:  # ten times 0.1 is allowed
            problems.append(f"the rates of {', '.join(self.response_rates())} add up to more than 1")
        if problems:
            raise ValueError("; ".join(problems))

    def response_rates(self) -> dict[str, float]:
        """Return the rates, above 0, of the faults that exclude each other."""
        return {
            spec.name: rate
            for spec in fault_specs()
            if spec.spoils_response and (rate := getattr(self, spec.name))
        }

    def harmless(self) -> bool:
        """Return whether there are no faults."""
        return not (
            self.response_rates()
            or self.page_change
            or self.concurrent_write
            or self.concurrent_write_every
            or self.unstored
            or self.unauthorized_from
        )

    def document(self) -> dict[str, Any]:
        """Return the settings as a JSON object; `read_faults` reads it back."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class FaultSpec:
    """One setting as data.

    ``choices`` are the words that a list accepts, ``least`` is the minimum of a number.

    ``spoils_response`` marks the rates that exclude each other.
    """

    name: str
    kind: Kind
    default: Any
    help: str
    choices: tuple[str, ...]
    least: int
    spoils_response: bool

    def complaint(self, value: object) -> str | None:
        """Return what a value should have been, or None if it is valid."""
        if value is None and self.default is None:
            return None
        if self.kind == "names":
            good = isinstance(value, tuple) and all(word in self.choices for word in value)
            return None if good else f"must be a list of words from {', '.join(self.choices)}"
        if self.kind == "number":
            good = type(value) is int and self.least <= value <= _MOST
            return None if good else f"must be a whole number from {self.least} to {_MOST}"
        most = 1 if self.kind == "rate" else _MOST
        # True is 1 for Python, and not a rate. NaN fails every comparison.
        good = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most
        return None if good else f"must be a number from 0 to {most}"


@cache
def fault_specs() -> tuple[FaultSpec, ...]:
    """Return every setting, in the order of its definition."""
    return tuple(
        FaultSpec(
            name=entry.name,
            kind=entry.metadata["kind"],
            default=entry.default,
            help=entry.metadata["help"],
            choices=entry.metadata.get("choices", ()),
            least=entry.metadata.get("least", 0),
            spoils_response=entry.metadata.get("spoils_response", False),
        )
        for entry in fields(Faults)
    )


def read_faults(document: object) -> Faults:
    """Read settings from parsed JSON; missing ones have their defaults. Raises ValueError with the reason."""
    if not isinstance(document, Mapping):
        raise ValueError("the faults must be an object")  # noqa: TRY004 - a bad document, not a bad call
    known = {spec.name for spec in fault_specs()}
    unknown = [name for name in document if name not in known]
    if unknown:
        raise ValueError(f"unknown: {', '.join(map(repr, unknown))}; known are {', '.join(sorted(known))}")
    settings: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
    }
    return Faults(**settings)


NO_FAULTS = Faults()
"""No faults."""
