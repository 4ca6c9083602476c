"""The pipeline: load and validate files, observe and plan, check, apply.

Each public function is a step, in the order of the pipeline; the library and the command line call the
same ones. ``kinds`` are the packaged ones unless others are given.
"""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from reconciler import errors
from reconciler.kinds import packaged
from reconciler.load.files import InputsDigest
from reconciler.load.links import special_refusal
from reconciler.load.write import write_whole
from reconciler.model.clock import SystemClock
from reconciler.model.collector import paused_collector
from reconciler.model.phrases import first_texts
from reconciler.model.plan import Freshness, Provenance
from reconciler.model.scope import ScopeDefaults
from reconciler.pipeline.execution import IN_PROCESS
from reconciler.pipeline.reading import (
    apis_of,
    directory_of,
    follow_nothing,
    is_stopped,
    unreadable,
)
from reconciler.plan.limits import Limits, with_limit_violations
from reconciler.plan.origins import with_origins, with_origins_since
from reconciler.plan.planning import assemble, select, with_unread
from reconciler.plan.saved import read_saved, render_saved
from reconciler.render.formats import RENDERERS, Style
from reconciler.validate.known_kinds import tree_kinds
from reconciler.validate.state import desired_state
from reconciler.validate.validator import EXPIRY_WARNING, Rules

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from reconciler.api.client import Sessions
    from reconciler.apply.observer import Observer, SecretStore
    from reconciler.kinds.kind import Kind
    from reconciler.model.desired import DesiredScope, DesiredState
    from reconciler.model.outcome import Outcome
    from reconciler.model.plan import Change, Plan
    from reconciler.observe.base import Base
    from reconciler.pipeline.execution import Executor
    from reconciler.pipeline.reading import Reading
    from reconciler.plan.origins import KeyAtBase
    from reconciler.plan.report import DriftReport

    Kinds = Mapping[str, Kind]

DEFAULT_LIMITS: Final = Limits()
_PLAIN: Final = Style()


def load_kinds(*folders: str, **apis: str) -> Kinds:
    """Return the packaged kinds and those of ``folders``, ``NAME.schema.json`` each.

    ``apis`` are folders too, each by the name of the API that its kinds belong to. Raises InputError with
    every problem of these files.
    """
    return tree_kinds((*folders, *apis.values()), apis={folder: name for name, folder in apis.items()})


def load(  # noqa: PLR0913 - what a document may leave out, and what its checks depend on
    *paths: str | os.PathLike[str],
    project_id: int | None = None,
    region_id: int | None = None,
    kinds: Kinds | None = None,
    now: dt.datetime | None = None,
    expiry_warning: dt.timedelta = EXPIRY_WARNING,
    standard_input: BinaryIO | None = None,
    digest: InputsDigest | None = None,
    executor: Executor = IN_PROCESS,
) -> DesiredState:
    """Load and validate files and directories. Raises InputError with every problem found.

    ``project_id`` and ``region_id`` are those of documents that name none. A key that expires within
    ``expiry_warning`` from ``now`` is warned about. The path ``-`` is ``standard_input``. ``digest`` goes on
    from what else was read, such as files of kinds. ``executor`` checks the files, here or in other
    processes: the result is the same.
    """
    if not paths:
        raise errors.ConfigurationError("no path is given; name the files or folders of the desired state")
    defaults = ScopeDefaults(project_id, region_id)
    rules = Rules(
        document_schema=packaged.document_schema(),
        kinds=kinds or load_kinds(),
        defaults=defaults,
        now=now or SystemClock().now(),
        expiry_warning=expiry_warning,
    )
    digest = digest or InputsDigest()
    names = [os.fspath(path) for path in paths]
    state = desired_state(names, standard_input or io.BytesIO(), rules, digest.add, executor.check)
    return replace(state, inputs_digest=str(digest))


@paused_collector()
def plan(  # noqa: PLR0913 - what a plan depends on
    state: DesiredState,
    client: Sessions,
    *,
    kinds: Kinds | None = None,
    targets: Sequence[str] = (),
    limits: Limits = DEFAULT_LIMITS,
    now: dt.datetime | None = None,
    base: Base | None = None,
    reading: Reading = follow_nothing,
    executor: Executor = IN_PROCESS,
) -> Plan:
    """Read the live keys and compare: return what an apply would change, sorted, with a fingerprint.

    ``targets`` are globs over addresses, such as ``caas/1/76/web-*``. The plan holds a problem for each key
    that cannot be planned, and a refusal where it exceeds ``limits``. With ``base``, each field has an
    origin. ``reading`` is called with what is read, and returns a context whose value is called after each
    scope. An API of which a scope cannot be read is a problem of all its scopes, and of no other API's.
    Raises UnreadableError if that leaves none, and InputError for the name of a project or region that is not
    found.
    """
    whole, at = directory_of(client).resolved(state), now or client.clock.now()
    targeted, selected = select(whole, targets)
    known = _known(kinds, whole.scopes)
    parts, failures = executor.examine(client, known, targeted, targets, at, reading, stops_api=True)
    down: dict[str, errors.ReconcilerError] = {}
    for scope in sorted(failures, key=lambda scope: scope.sort_key):
        down.setdefault(known[scope.kind].api, failures[scope])
    parts = [part for part in parts if apis_of(known, part).isdisjoint(down)]
    if failures and (not parts or is_stopped(failures)):
        raise unreadable(failures)
    place = client.place(known[part.scope.kind].api for part in targeted.scopes)
    found = assemble(parts, targeted.warnings, place)
    if down:
        place = client.place(apis_of(known, found))
        unread = {part.scope: down.get(known[part.scope.kind].api) for part in targeted.scopes}
        errors_of = {scope: error for scope, error in unread.items() if error is not None}
        found = with_unread(replace(found, base_url=place), errors_of, stops_apply=False)
    made_from = Provenance(at.replace(microsecond=0), place, state.inputs_digest)
    if base is not None:
        made_from = replace(made_from, base_commit=base.commit)
        found = replace(found, warnings=(*found.warnings, *base.warnings))
        if base.state is not None:
            found = with_origins_since(known, found, base.state, whole, selected)
    return with_limit_violations(replace(found, provenance=made_from), limits)


def check(plan: Plan, limits: Limits = DEFAULT_LIMITS) -> Plan:
    """Return ``plan`` if it may be applied within ``limits``. Raises RefusedError with every reason."""
    checked = with_limit_violations(plan, limits)
    if checked.objections:
        raise errors.RefusedError("\n".join(first_texts(checked.objections)))
    return checked


def apply(  # noqa: PLR0913 - what an apply depends on
    plan: Plan,
    client: Sessions,
    *,
    kinds: Kinds | None = None,
    secrets: SecretStore | None = None,
    observers: Sequence[Observer] = (),
    freshness: Freshness = Freshness.WAITED,
) -> tuple[Outcome, ...]:
    """Send the changes of ``plan`` and return the outcome of each, sorted by address.

    A live key that changed since the plan is not changed; only a plan that was ``JUST_MADE`` is sent without
    that check. ``secrets`` stores the secrets of new keys, ``observers`` follow each change. Raises
    RefusedError before the first write for a plan that must not be applied, or is for another API, and
    ConfigurationError if it creates keys and there is no store. After an interrupt no further write starts.
    """
    from reconciler.apply.executor import apply_in  # noqa: PLC0415 - a plan does without what sends changes

    if plan.objections:
        raise errors.RefusedError("\n".join(first_texts(plan.objections)))
    known = _known(kinds, plan.changes)
    place = client.place(apis_of(known, plan))
    if plan.base_url != place:
        raise errors.RefusedError(f"the plan was made for {plan.base_url}, not for {place}")
    if plan.new_secrets and secrets is None:
        raise errors.ConfigurationError("the plan creates keys; name a store for their secrets")
    try:
        return apply_in(client, known, plan, freshness, observers, secrets)
    except (KeyboardInterrupt, SystemExit):
        client.stop.set()
        raise


@paused_collector()
def drift(  # noqa: PLR0913 - what a comparison depends on
    state: DesiredState,
    client: Sessions,
    *,
    kinds: Kinds | None = None,
    targets: Sequence[str] = (),
    now: dt.datetime | None = None,
    origins: Callable[[Plan], KeyAtBase] | None = None,
    reading: Reading = follow_nothing,
    executor: Executor = IN_PROCESS,
) -> DriftReport:
    """Return which live keys are not as desired, of the scopes that can be read.

    ``origins`` returns what was desired of the keys of a plan before, which says which side changed. Raises
    UnreadableError if no scope can be read, or if the run was interrupted meanwhile: that says nothing of
    the scopes that were not read any more. Otherwise as :func:`plan`.
    """
    from reconciler.plan.report import report_of  # noqa: PLC0415 - a plan does without what drift says

    whole, at = directory_of(client).resolved(state), now or client.clock.now()
    targeted, _ = select(whole, targets)
    known = _known(kinds, whole.scopes)
    parts, failures = executor.examine(client, known, targeted, targets, at, reading, stops_api=False)
    if failures and (not parts or is_stopped(failures)):
        raise unreadable(failures)
    place = client.place({api for part in parts for api in apis_of(known, part)})
    found = with_unread(assemble(parts, targeted.warnings, place), failures, stops_apply=True)
    if origins is not None:
        found = with_origins(known, found, origins(found))
    return report_of(known, found, failures)


def render(plan: Plan, output_format: str = "text", style: Style = _PLAIN) -> str:
    """Return ``plan`` as text, json, markdown, html, diff, github or gitlab.

    Raises ConfigurationError for another format, ImportError if the extra ``report`` is missing for html.
    """
    if output_format not in RENDERERS:
        raise errors.ConfigurationError(f"unknown format {output_format!r}; use {', '.join(RENDERERS)}")
    return RENDERERS[output_format](plan, style)


def write_plan(plan: Plan, file: str | os.PathLike[str]) -> None:
    """Save ``plan`` in a file, in one step. Raises ConfigurationError if it cannot be written."""
    try:
        write_whole(Path(file), render_saved(plan))
    except OSError as error:
        reason = errors.os_reason(error)
        raise errors.ConfigurationError(f"the plan file {file} cannot be written: {reason}") from error


def read_plan(file: str | os.PathLike[str], *, kinds: Kinds | None = None) -> Plan:
    """Read a plan from a file that :func:`write_plan` or ``plan --out`` wrote.

    Raises ConfigurationError if it cannot be read, RefusedError if it was edited, or made by another version.
    """
    refusal = special_refusal(os.fspath(file))  # a pipe might never end
    if refusal:
        raise errors.ConfigurationError(f"the plan {file} {refusal}")
    try:
        content = Path(file).read_bytes()
    except (OSError, ValueError) as error:
        reason = errors.os_reason(error)
        raise errors.ConfigurationError(f"the plan {file} cannot be read: {reason}") from error
    try:
        return read_saved(content, kinds or load_kinds(), packaged.plan_schema())
    except errors.RefusedError as error:
        raise errors.RefusedError(f"the plan {file} is refused: {error}") from error


def _known(kinds: Kinds | None, parts: Iterable[DesiredScope | Change]) -> Kinds:
    """Return ``kinds``, or the packaged ones. Raises ConfigurationError if a scope has another kind."""
    known = kinds or load_kinds()
    for part in parts:
        if part.scope.kind not in known:
            raise errors.ConfigurationError(f"the kind {part.scope.kind} is not known; give it with kinds=")
    return known
