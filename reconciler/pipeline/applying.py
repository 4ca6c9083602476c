"""The last step of the pipeline: send the changes of a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler import errors
from reconciler.apply.executor import apply_in
from reconciler.model.endpoint import place_text
from reconciler.model.phrases import first_texts
from reconciler.model.plan import Freshness
from reconciler.pipeline import read_plan
from reconciler.pipeline.reading import apis_of, known_kinds
from reconciler.plan.limits import with_limit_violations

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.api.client import Sessions
    from reconciler.apply.observer import Observer, SecretStore
    from reconciler.model.endpoint import BaseUrl
    from reconciler.model.outcome import Outcome
    from reconciler.model.plan import Plan
    from reconciler.pipeline.reading import Kinds
    from reconciler.plan.identity import KnownIds
    from reconciler.plan.limits import Limits


def opened_plan(file: str, kinds: Kinds, base_urls: Mapping[str, BaseUrl], limits: Limits) -> Plan:
    """Read a saved plan that is to be applied within ``limits``; ``base_urls`` are those of the APIs.

    Raises RefusedError if it cannot be used, or was made for another API.
    """
    plan = read_plan(file, kinds=kinds)
    used = apis_of(kinds, plan) & base_urls.keys()
    place = place_text({name: base_urls[name] for name in used or base_urls})
    if plan.base_url != place:
        message = f"the plan {file} is refused: it was made for {plan.base_url}, not for {place}"
        raise errors.RefusedError(message)
    return with_limit_violations(plan, limits)


def apply(  # noqa: PLR0913 - what an apply depends on
    plan: Plan,
    client: Sessions,
    *,
    kinds: Kinds | None = None,
    secrets: SecretStore | None = None,
    observers: Sequence[Observer] = (),
    freshness: Freshness = Freshness.WAITED,
    known_ids: KnownIds | None = None,
) -> tuple[Outcome, ...]:
    """Send the changes of ``plan`` and return the outcome of each, sorted by address.

    A live key that changed since the plan is not changed; only a plan that was ``JUST_MADE`` is sent without
    that check. An object that was renamed, by its id in ``known_ids`` that the plan did not have, is not
    changed either. ``secrets`` stores the secrets of new keys and of aliases; ``observers`` follow each
    change. Raises RefusedError before the first write for a plan that must not be applied, or is for another
    API, and ConfigurationError if it creates keys and there is no store. After an interrupt no further write
    starts.
    """
    if plan.objections:
        raise errors.RefusedError("\n".join(first_texts(plan.objections)))
    known = known_kinds(kinds, plan.changes)
    place = client.place(apis_of(known, plan))
    if plan.base_url != place:
        raise errors.RefusedError(f"the plan was made for {plan.base_url}, not for {place}")
    if plan.new_secrets and secrets is None:
        raise errors.ConfigurationError("the plan creates keys; pass a store for their secrets")
    try:
        return apply_in(client, known, plan, freshness, observers, secrets, known_ids)
    except (KeyboardInterrupt, SystemExit):
        client.stop.set()
        raise
