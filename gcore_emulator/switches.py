"""The behaviours that the API description leaves open, as settings; each default is the likelier reading.

One field is one switch: its annotation lists the choices, its default and help are beside it. The options of
the command line are derived from these fields.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cache
from typing import Literal, get_args, get_origin, get_type_hints

TimestampForm = Literal["z", "naive", "offset", "compact", "fraction"]
"""How responses write times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """How the emulator behaves where the API description is silent.

    Raises ValueError for a value that is not one of the choices.
    """

    null_expire: Literal["clears", "ignored"] = field(
        default="clears",
        metadata={"help": "PATCH with an explicit null for expire, or for the description of a FaaS key."},
    )
    null_other: Literal["ignored", "400"] = field(
        default="ignored", metadata={"help": "PATCH with null for any other field of a CaaS key."}
    )
    omitted_functions: Literal["400", "accepted"] = field(
        default="400", metadata={"help": "PATCH of a FaaS key without its functions."}
    )
    short_names: Literal["400", "served"] = field(
        default="400",
        metadata={
            "help": "Names on the path of one key that only a create takes: of two characters (caas), "
            "with dots (inference)."
        },
    )
    order: Literal["created_at-desc", "random"] = field(
        default="created_at-desc",
        metadata={
            "help": "Order of lists without order_by (caas, inference); random: a new one each time the "
            "first page is asked for."
        },
    )
    container_order: Literal["as-sent", "shuffled"] = field(
        default="as-sent", metadata={"help": "Order of containers and functions in responses."}
    )
    limit_range: Literal["400", "clamp"] = field(
        default="400", metadata={"help": "A page size below 1 or above 1000."}
    )
    delete_bound: Literal["204", "409"] = field(
        default="204", metadata={"help": "DELETE of a key that has containers or functions."}
    )
    delete_missing: Literal["404", "204"] = field(
        default="404", metadata={"help": "DELETE of a key that does not exist."}
    )
    disabled_status: Literal["unchanged", "disabled"] = field(
        default="unchanged",
        metadata={"help": "Status of a switched-off key: by its expiry as ever, or Disabled."},
    )
    past_expire: Literal["accepted", "400"] = field(
        default="accepted", metadata={"help": "Create with an expiry that has passed."}
    )
    unknown_members: Literal["ignored", "400"] = field(
        default="ignored", metadata={"help": "Unknown or read-only members in a body."}
    )
    missing_container: Literal["accepted", "400", "404"] = field(
        default="accepted",
        metadata={"help": "Reference to a container or function that the seed does not list."},
    )
    absent_nulls: Literal["shown", "left-out"] = field(
        default="shown", metadata={"help": "Null description and expire in responses about FaaS keys."}
    )
    project_names: Literal["exact", "partial"] = field(
        default="exact", metadata={"help": "What the name parameter of the list of projects finds."}
    )
    timestamps: TimestampForm = field(
        default="z", metadata={"help": "Form of the times in responses about keys, always in UTC."}
    )
    unauthorized_body: Literal["documented", "detail"] = field(
        default="documented", metadata={"help": "Body of a 401: the usual error body, or detail and code."}
    )
    description_limit: int | None = field(
        default=None, metadata={"help": "Longest description, in characters; longer ones get 400."}
    )
    random_seed: int = field(
        default=0, metadata={"help": "Starts every random choice: the same number gives the same responses."}
    )

    def __post_init__(self) -> None:
        """Raise ValueError for a misspelt choice, instead of behaving like some default."""
        for spec in switch_specs():
            value = getattr(self, spec.name)
            if spec.choices and value not in spec.choices:
                raise ValueError(f"{spec.name}: {value!r} is not one of {', '.join(spec.choices)}")


@dataclass(frozen=True, slots=True)
class SwitchSpec:
    """One switch as data; ``choices`` is empty for a switch that takes a number."""

    name: str
    choices: tuple[str, ...]
    default: object
    help: str


@cache
def switch_specs() -> tuple[SwitchSpec, ...]:
    """Return every switch, in the order of its definition."""
    hints = get_type_hints(Switches)
    return tuple(
        SwitchSpec(
            name=entry.name,
            choices=get_args(hints[entry.name]) if get_origin(hints[entry.name]) is Literal else (),
            default=entry.default,
            help=entry.metadata["help"],
        )
        for entry in fields(Switches)
    )
