"""The plan of a single key, with an explanation of each of its fields."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.errors import ConfigurationError
from reconciler.kinds.ids import clear_key
from reconciler.model.addresses import advice_near
from reconciler.model.frozen import dataclass
from reconciler.observe.key import (
    addresses_of,
    declaration_of,
    known_field,
    observed_key,
    parsed_address,
    whole_address,
)
from reconciler.pipeline.reading import directory_of
from reconciler.plan.explain import explanations
from reconciler.plan.identity import with_identities
from reconciler.plan.planning import plan_scope
from reconciler.render.explanation import blocking_problems

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.api.client import Sessions
    from reconciler.kinds.kind import Kind
    from reconciler.model.desired import DesiredState
    from reconciler.model.plan import Plan
    from reconciler.model.scope import Scope
    from reconciler.model.source import Position
    from reconciler.plan.explain import Explanation
    from reconciler.plan.identity import KnownIds

    IdsOf = Callable[[Sequence[Scope]], KnownIds | None]


@dataclass(frozen=True, slots=True)
class Explained:
    """The plan of one key, the place of its declaration, and the explanations of its fields."""

    scope: Scope
    address: str
    position: Position
    plan: Plan
    explanations: Sequence[Explanation]


def explained(  # noqa: PLR0913, PLR0917 - what the plan of a key depends on
    state: DesiredState,
    client: Sessions,
    kinds: Mapping[str, Kind],
    wanted: str,
    field: str | None,
    now: dt.datetime,
    ids_of: IdsOf,
) -> Explained:
    """Plan the key with the address, or the end of one, ``wanted``; with ``field`` explain only that.

    ``ids_of`` returns the known ids of scopes. Raises ReconcilerError if the key is neither declared nor
    live, or cannot be read.
    """
    state = directory_of(client).resolved(state)
    kind, scope, name = parsed_address(kinds, whole_address(kinds, wanted, state), state)
    address, field = scope.address(name), known_field(kind, field)
    part, position = declaration_of(state, scope, name)
    known_ids = ids_of([scope])
    observed, names = observed_key(client.session(kind.api).reader, kind, scope, name)
    if not observed.count and not part.keys:
        near = advice_near(address, addresses_of(state))
        raise ConfigurationError(f"{address} is neither declared in these files nor on the server{near}")
    known_id = None if known_ids is None else known_ids.get(address)
    live = clear_key(kind, observed, name, known_id)
    plan = replace(plan_scope(kind, part, observed, now), warnings=())
    if known_ids is not None:
        plan = replace(plan, names={scope: names} if kind.has_ids else {})
        plan = with_identities(kinds, plan, state, lambda known: known == address, known_ids)
    key = part.keys[0] if part.keys else None
    change = None if blocking_problems(plan) or not plan.changes else plan.changes[0]
    shown = [one for one in explanations(kind, key, live, change) if field in {None, one.field}]
    return Explained(scope, address, position, plan, shown)
