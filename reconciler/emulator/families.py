"""The key families as data: a further family is one more row, and its parsers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.emulator import rules

if TYPE_CHECKING:
    import re


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One member that a client may set.

    ``item_members`` are the members of its items, if it is a list of objects. ``required`` and
    ``default`` hold for create. ``nullable`` says that null is a value of the stored
    field: create takes it, and PATCH asks the switch for expiries instead of the one for other nulls.
    """

    name: str
    parse: rules.Parser
    required: bool = False
    nullable: bool = False
    default: rules.Value = None
    item_members: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One family of keys.

    ``references`` names the field with the workloads a key opens; ``parameters`` are the numbers of
    ``collection`` (a path template) in order.
    """

    name: str
    title: str
    collection: str
    parameters: tuple[str, ...]
    body_name: re.Pattern[str]
    path_name: re.Pattern[str]
    short_path_name: re.Pattern[str]
    fields: tuple[Field, ...]
    references: str


CAAS = Family(
    name="caas",
    title="CaaS API key",
    collection="/cloud/v1/caas/keys/{project_id}/{region_id}",
    parameters=("project_id", "region_id"),
    body_name=rules.NAME,
    path_name=rules.PATH_NAME,
    short_path_name=rules.SHORT_PATH_NAME,
    fields=(
        Field(name="description", parse=rules.parse_text, default=""),
        Field(name="expire", parse=rules.parse_expiry, nullable=True),
        Field(name="is_disabled", parse=rules.parse_flag, default=False),
        Field(
            name="containers",
            parse=rules.parse_containers,
            required=True,
            item_members=rules.CONTAINER_MEMBERS,
        ),
    ),
    references="containers",
)

FAMILIES = {CAAS.name: CAAS}
