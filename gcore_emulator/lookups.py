"""Projects and regions: lists that translate names into the numbers of paths.

Sources: the published schemas of both; their times have no time zone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gcore_emulator.errors import SeedError
from gcore_emulator.listing import Filter, Listing, Setting, Test
from gcore_emulator.rules import (
    REQUIRED,
    InvalidValueError,
    NameRule,
    nullable,
    one_of,
    parse_flag,
    parse_flag_text,
    parse_iso_instant,
    parse_number,
    parse_text,
    text_up_to,
    texts,
)
from gcore_emulator.timestamps import format_instant

if TYPE_CHECKING:
    from gcore_emulator.responses import Document

Entry = Mapping[str, Any]
"""A project or region with each of its members checked; times and lists are values of Python."""

Members = Mapping[str, Callable[[object], Any]]

PRODUCTS = ("containers", "inference")
_HIDDEN = "products"  # what a region offers: a filter asks for it, and no response shows it
_VOLUME_TYPES = ("standard", "ssd_hiiops", "cold")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """One list of objects with an ``id``.

    ``members`` are the parsers of all members, ``complete`` returns a new entry's members from the given ones
    and the present instant, ``needed`` are the required ones.
    """

    name: str
    path: str
    needed: tuple[str, ...]
    members: Members
    complete: Callable[[Entry, dt.datetime], Entry]
    listing: Listing


class Catalogue:
    """The projects and regions. Hold the lock of the key store around every use."""

    def __init__(self) -> None:
        """Start empty."""
        self._entries: dict[str, dict[int, Entry]] = {name: {} for name in LOOKUPS}

    def put(self, lookup: Lookup, *entries: Entry) -> None:
        """Add entries, each replacing one with the same id."""
        self._entries[lookup.name] |= {entry["id"]: entry for entry in entries}

    def all(self, lookup: Lookup) -> tuple[Entry, ...]:
        """Return every entry, in undefined order."""
        return tuple(self._entries[lookup.name].values())


def read_entry(lookup: Lookup, written: object, *, where: str, now: dt.datetime) -> Entry:
    """Check one entry written as the API shows it; missing members get likely values.

    Raises `SeedError` with each bad member after ``where``.
    """
    if not isinstance(written, Mapping):
        raise SeedError([f"{where}: must be an object"])
    problems = [f"{where}.{name}: {REQUIRED}" for name in lookup.needed if name not in written]
    entry: dict[str, Any] = {}
    for name, value in written.items():
        try:
            if name not in lookup.members:
                raise InvalidValueError("unknown member")  # noqa: TRY301 - reported with the others
            entry[name] = lookup.members[name](value)
        except InvalidValueError as error:
            problems += [f"{where}.{name}: {complaint}" for complaint in error.complaints]
    if problems:
        raise SeedError(problems)
    return {**lookup.complete(entry, now), **entry}


def shown_entry(entry: Entry, query: Mapping[str, str]) -> Document:
    """Return an entry as the API shows it in a list with these parameters."""
    document = {name: _json_value(value) for name, value in entry.items() if name != _HIDDEN}
    if document.get("available_volume_types", "") is None and _asks_for_volume_types(query):
        document["available_volume_types"] = list(_VOLUME_TYPES)
    return document


def _asks_for_volume_types(query: Mapping[str, str]) -> bool:
    return query.get("show_volume_types", "").lower() == "true"


def _json_value(value: object) -> object:
    if isinstance(value, dt.datetime):
        return format_instant(value, "naive")
    return list(value) if isinstance(value, tuple) else value


def _named(text: str, setting: Setting) -> Test:
    if setting.switches.project_names == "partial":
        return lambda entry: text in entry["name"]
    return lambda entry: bool(entry["name"] == text)


def _with_deleted(text: str, setting: Setting) -> Test:
    del setting
    deleted_too = parse_flag_text(text)
    return lambda entry: deleted_too or entry["deleted_at"] is None


def _displayed_as(text: str, setting: Setting) -> Test:
    del setting
    return lambda entry: bool(entry["display_name"].casefold() == text.casefold())


def _offering(text: str, setting: Setting) -> Test:
    del setting
    product = one_of(*PRODUCTS)(text)
    return lambda entry: product in entry[_HIDDEN]


def _with_volume_types(text: str, setting: Setting) -> Test:
    """Check the parameter only: it affects the shown members, not the selected regions."""
    del setting
    parse_flag_text(text)
    return lambda _entry: True


def _created(entry: Entry) -> tuple[dt.datetime, int]:
    return entry["created_at"], entry["id"]


def _listed_words(*words: str) -> Callable[[object], tuple[str, ...]]:
    return lambda value: tuple(one_of(*words)(item) for item in texts(value))


def _coordinates(value: object) -> Mapping[str, str | float]:
    """Accept latitude and longitude, each a text or a number."""
    if (
        not isinstance(value, dict)
        or value.keys() != {"latitude", "longitude"}
        or not all(isinstance(part, str | int | float) for part in value.values())
    ):
        raise InvalidValueError("must be an object with latitude and longitude")
    return dict(value)


def _complete_project(entry: Entry, now: dt.datetime) -> Entry:
    del entry
    return {
        "client_id": 1,
        "description": None,
        "state": "ACTIVE",
        "is_default": False,
        "created_at": now,
        "deleted_at": None,
        "task_id": None,
    }


_ABILITIES = ("ai", "ai_gpu", "baremetal", "basic_vm", "dbaas", "ddos", "k8s", "kvm", "sfs")


def _complete_region(entry: Entry, now: dt.datetime) -> Entry:
    return {
        "slug": entry["display_name"].lower().replace(" ", "-"),
        "keystone_name": f"ED-{entry['id']}",
        "keystone_id": entry["id"],
        "state": "ACTIVE",
        "country": "LU",
        "zone": "EMEA",
        "access_level": "core",
        "endpoint_type": "public",
        "created_at": now,
        "created_on": entry.get("created_at", now),
        "coordinates": None,
        "available_volume_types": None,
        "file_share_types": None,
        "external_network_id": None,
        "metrics_database_id": None,
        "vlan_physical_network": "br-ex",
        "ddos_endpoint_id": None,
        "task_id": None,
        _HIDDEN: PRODUCTS,
        **{f"has_{ability}": True for ability in _ABILITIES},
    }


PROJECTS = Lookup(
    name="projects",
    path="/cloud/v1/projects",
    needed=("id", "name"),
    members={
        "id": parse_number,
        "client_id": parse_number,
        "name": parse_text,
        "description": nullable(text_up_to(255)),
        "state": parse_text,
        "is_default": parse_flag,
        "created_at": parse_iso_instant,
        "deleted_at": nullable(parse_iso_instant),
        "task_id": nullable(parse_text),
    },
    complete=_complete_project,
    listing=Listing(
        limit=100,
        filters={"name": Filter(_named), "include_deleted": Filter(_with_deleted, absent="false")},
        orders={"created_at": _created, "name": lambda entry: (entry["name"], entry["id"])},
    ),
)

REGIONS = Lookup(
    name="regions",
    path="/cloud/v1/regions",
    needed=("id", "display_name"),
    members={
        "id": parse_number,
        "display_name": parse_text,
        "slug": parse_text,
        "keystone_name": parse_text,
        "keystone_id": parse_number,
        "state": one_of("ACTIVE", "DELETED", "DELETING", "DELETION_FAILED", "INACTIVE", "MAINTENANCE", "NEW"),
        "country": NameRule(r"\w{2}"),
        "zone": nullable(one_of("AMERICAS", "APAC", "EMEA", "RUSSIA_AND_CIS")),
        "access_level": one_of("core", "edge"),
        "endpoint_type": one_of("admin", "internal", "public"),
        "created_at": parse_iso_instant,
        "created_on": parse_iso_instant,
        "coordinates": nullable(_coordinates),
        "available_volume_types": nullable(texts),
        "file_share_types": nullable(_listed_words("ddn", "standard", "vast")),
        "external_network_id": nullable(parse_text),
        "metrics_database_id": nullable(parse_number),
        "vlan_physical_network": parse_text,
        "ddos_endpoint_id": nullable(parse_number),
        "task_id": nullable(parse_text),
        _HIDDEN: _listed_words(*PRODUCTS),
        **{f"has_{ability}": parse_flag for ability in _ABILITIES},
    },
    complete=_complete_region,
    listing=Listing(
        limit=100,
        filters={
            "display_name": Filter(_displayed_as),
            "product": Filter(_offering),
            "show_volume_types": Filter(_with_volume_types),
        },
        orders={
            "created_at": _created,
            "display_name": lambda entry: (entry["display_name"], entry["id"]),
        },
    ),
)

LOOKUPS: Mapping[str, Lookup] = {lookup.name: lookup for lookup in (PROJECTS, REGIONS)}
