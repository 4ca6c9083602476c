"""The key families as data: another family is another row, with its parsers.

Sources of every rule: the published schemas of the three families, and their list parameters.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gcore_emulator.listing import LIMIT_MAX, Filter, Listing, Setting, Test
from gcore_emulator.rules import (
    REFERENCE_MEMBERS,
    SOURCES,
    InvalidValueError,
    NameRule,
    Parser,
    ReferenceListRule,
    Value,
    one_of,
    parse_date_time,
    parse_flag,
    parse_integer,
    parse_iso_instant,
    parse_text,
    text_up_to,
    texts,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from gcore_emulator.keys import StoredKey

Presence = Literal["required", "optional", "never"]
"""Whether a body has a member; one that is never in it is unknown there."""

NullMeaning = Literal["refused", "clears", "null_expire", "null_other"]
"""What a null in a PATCH does: get 400, clear the field, or what the switch of that name says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One member of a key besides its name and computed values.

    ``default`` is the value stored by a create without the member. ``nullable`` is true if the stored value
    may be null, ``create_null`` if a create may set null; ``patch_null`` is the meaning of null in a PATCH.
    ``item_members`` are the members of its items, if it is a list of objects. ``may_be_absent`` is true if a
    response may omit the member when it is null.
    """

    name: str
    parse: Parser
    create: Presence = "optional"
    patch: Presence = "optional"
    default: Value = None
    nullable: bool = False
    create_null: bool = False
    patch_null: NullMeaning = "refused"
    may_be_absent: bool = False
    item_members: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One family of keys.

    ``parameters`` are the numbers of ``collection`` (a path template) in order, ``name_parameter`` what
    follows it on the path of one key. ``path_name`` is the published rule for that, ``lenient_path_name``
    also accepts every name that a create accepts. ``references`` is the field with the workloads a key opens,
    each of them a ``workload``; ``held_by`` is the field with the objects a key is bound to, and
    ``delete_held`` determines whether a DELETE of a bound key always gets 409, or as the switch is set.
    ``has_status`` is true if responses have a status, computed from the field ``expiry``.
    """

    name: str
    title: str
    collection: str
    parameters: tuple[str, ...]
    name_parameter: str
    body_name: Callable[[object], str]
    path_name: Callable[[object], str]
    lenient_path_name: Callable[[object], str]
    fields: tuple[Field, ...]
    expiry: str
    has_status: bool
    held_by: str
    delete_held: Literal["409", "delete_bound"]
    listing: Listing
    references: str | None = None
    workload: str = ""

    @property
    def item(self) -> str:
        """The path template of one key."""
        return f"{self.collection}/{{{self.name_parameter}}}"

    @property
    def patchable(self) -> tuple[str, ...]:
        """The names of the fields that a PATCH can change."""
        return tuple(field.name for field in self.fields if field.patch != "never")


def _expires_in(text: str, setting: Setting) -> Test:
    """Choose the keys that expire within the given number of days."""
    days = parse_integer(text)
    if days < 1:
        raise InvalidValueError("must not be below 1")
    try:
        last = setting.now + dt.timedelta(days=days)
    except OverflowError:
        last = dt.datetime.max.replace(tzinfo=dt.UTC)

    def expires(key: StoredKey) -> bool:
        expire = key.values["expire"]
        return isinstance(expire, dt.datetime) and setting.now < expire <= last

    return expires


_SEARCHED = NameRule(r"[-a-z0-9]{0,25}[-a-z0-9]")


def _name_contains(text: str, setting: Setting) -> Test:
    del setting
    part = _SEARCHED(text)
    return lambda key: part in key.name


def _expiry_order(key: StoredKey) -> tuple[dt.datetime, int]:
    """Sort keys without expiry after all others, as databases do."""
    expire = key.values["expire"]
    never = dt.datetime.max.replace(tzinfo=dt.UTC)
    return (expire if isinstance(expire, dt.datetime) else never), key.sequence


_CAAS_NAME = NameRule(r"[a-z][-a-z0-9]{0,62}[a-z0-9]")
_FAAS_NAME = NameRule(r"[a-z][-a-z0-9]{0,24}[a-z0-9]")
_INFERENCE_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"

CAAS = Family(
    name="caas",
    title="CaaS API key",
    collection="/cloud/v1/caas/keys/{project_id}/{region_id}",
    parameters=("project_id", "region_id"),
    name_parameter="key_name",
    body_name=_CAAS_NAME,
    path_name=NameRule(r"[a-zA-Z0-9][a-zA-Z0-9.-]+[a-zA-Z0-9]"),
    lenient_path_name=NameRule(r"[a-zA-Z0-9][a-zA-Z0-9.-]*[a-zA-Z0-9]"),
    fields=(
        Field(name="description", parse=parse_text, default="", patch_null="null_other"),
        Field(
            name="expire", parse=parse_date_time, nullable=True, create_null=True, patch_null="null_expire"
        ),
        Field(name="is_disabled", parse=parse_flag, default=False, patch_null="null_other"),
        Field(
            name="containers",
            parse=ReferenceListRule(_CAAS_NAME),
            create="required",
            patch_null="null_other",
            item_members=REFERENCE_MEMBERS,
        ),
        Field(name="source", parse=one_of(*SOURCES), create="never", patch="never", default=SOURCES[0]),
    ),
    expiry="expire",
    has_status=True,
    references="containers",
    workload="container",
    held_by="containers",
    delete_held="delete_bound",
    listing=Listing(limit=LIMIT_MAX),
)

FAAS = Family(
    name="faas",
    title="FaaS API key",
    collection="/cloud/v1/faas/keys/{project_id}/{region_id}",
    parameters=("project_id", "region_id"),
    name_parameter="key_name",
    body_name=_FAAS_NAME,
    path_name=_FAAS_NAME,
    lenient_path_name=_FAAS_NAME,
    fields=(
        Field(
            name="description",
            parse=parse_text,
            nullable=True,
            create_null=True,
            patch_null="null_expire",
            may_be_absent=True,
        ),
        Field(
            name="expire",
            parse=parse_date_time,
            nullable=True,
            create_null=True,
            patch_null="null_expire",
            may_be_absent=True,
        ),
        Field(
            name="functions",
            parse=ReferenceListRule(_FAAS_NAME, _FAAS_NAME),
            create="required",
            patch="required",
            item_members=REFERENCE_MEMBERS,
        ),
    ),
    expiry="expire",
    has_status=True,
    references="functions",
    workload="function",
    held_by="functions",
    delete_held="delete_bound",
    listing=Listing(
        limit=LIMIT_MAX,
        filters={"expire_in": Filter(_expires_in), "search": Filter(_name_contains)},
        orders={
            "created_at": lambda key: (key.created_at, key.sequence),
            "expire": _expiry_order,
            "name": lambda key: key.name,
        },
    ),
)

INFERENCE = Family(
    name="inference",
    title="Inference API key",
    collection="/cloud/v3/inference/{project_id}/api_keys",
    parameters=("project_id",),
    name_parameter="api_key_name",
    body_name=NameRule(rf"{_INFERENCE_LABEL}(\.{_INFERENCE_LABEL})*", least=4, most=63),
    path_name=NameRule(_INFERENCE_LABEL, least=4),
    lenient_path_name=NameRule(rf"{_INFERENCE_LABEL}(\.{_INFERENCE_LABEL})*", least=4),
    fields=(
        Field(name="description", parse=text_up_to(300), nullable=True, patch_null="clears"),
        Field(name="expires_at", parse=parse_iso_instant, nullable=True, patch="never"),
        Field(name="deployment_names", parse=texts, create="never", patch="never", default=()),
    ),
    expiry="expires_at",
    has_status=False,
    held_by="deployment_names",
    delete_held="409",
    listing=Listing(limit=100),
)

FAMILIES = {family.name: family for family in (CAAS, FAAS, INFERENCE)}
