"""The pipeline: load and validate files, observe and plan, check, apply.

Each public function is a step, in the order of the pipeline; the library and the command line call the
same ones. ``kinds`` are the packaged ones unless others are given.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from reconciler import errors
from reconciler.api.workers import cancel, go_on, settled
from reconciler.apply.executor import Freshness, apply_in
from reconciler.kinds import packaged
from reconciler.load.files import InputsDigest
from reconciler.load.links import special_refusal
from reconciler.load.write import write_whole
from reconciler.model.clock import SystemClock
from reconciler.model.collector import paused_collector
from reconciler.model.phrases import first_texts
from reconciler.model.plan import Provenance
from reconciler.model.scope import ScopeDefaults
from reconciler.observe.listing import observe
from reconciler.observe.names import Directory
from reconciler.plan.limits import Limits, with_limit_violations
from reconciler.plan.planning import assemble, plan_scope, select, with_unread
from reconciler.plan.report import report_of
from reconciler.plan.saved import read_saved, render_saved
from reconciler.render.formats import RENDERERS, Style
from reconciler.validate.files import desired_state
from reconciler.validate.known_kinds import tree_kinds
from reconciler.validate.validator import EXPIRY_WARNING, Validator

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from concurrent.futures import Future

    from reconciler.api.client import Session
    from reconciler.api.reader import Reader
    from reconciler.api.workers import Workers
    from reconciler.apply.observer import Observer, SecretStore
    from reconciler.kinds.kind import Kind
    from reconciler.model.desired import DesiredScope, DesiredState
    from reconciler.model.outcome import Outcome
    from reconciler.model.plan import Plan
    from reconciler.model.scope import Scope
    from reconciler.plan.planning import Selection
    from reconciler.plan.report import DriftReport

    Kinds = Mapping[str, Kind]

DEFAULT_LIMITS: Final = Limits()
_PLAIN: Final = Style()


def load_kinds(*folders: str) -> Kinds:
    """Return the packaged kinds and those of ``folders``, ``NAME.schema.json`` each.

    Raises InputError with every problem of these files.
    """
    return tree_kinds(folders)


def load(  # noqa: PLR0913 - what a document may leave out, and what its checks depend on
    *paths: str | os.PathLike[str],
    project_id: int | None = None,
    region_id: int | None = None,
    kinds: Kinds | None = None,
    now: dt.datetime | None = None,
    expiry_warning: dt.timedelta = EXPIRY_WARNING,
    standard_input: BinaryIO | None = None,
) -> DesiredState:
    """Load and validate files and directories. Raises InputError with every problem found.

    ``project_id`` and ``region_id`` are those of documents that name none. A key that expires within
    ``expiry_warning`` from ``now`` is warned about. The path ``-`` is ``standard_input``.
    """
    if not paths:
        raise errors.ConfigurationError("no path is given; name the files or folders of the desired state")
    defaults = ScopeDefaults(project_id, region_id)
    at = now or SystemClock().now()
    validator = Validator(packaged.document_schema(), kinds or load_kinds(), defaults, at, expiry_warning)
    digest = InputsDigest()
    names = [os.fspath(path) for path in paths]
    state = desired_state(names, standard_input or io.BytesIO(), validator, digest.parse)
    return replace(state, inputs_digest=str(digest))


def plan(  # noqa: PLR0913 - what a plan depends on
    state: DesiredState,
    client: Session,
    *,
    kinds: Kinds | None = None,
    targets: Sequence[str] = (),
    limits: Limits = DEFAULT_LIMITS,
    now: dt.datetime | None = None,
) -> Plan:
    """Read the live keys and compare: return what an apply would change, sorted, with a fingerprint.

    ``targets`` are globs over addresses, such as ``caas/1/76/web-*``. The plan holds a problem for each key
    that cannot be planned, and a refusal where it exceeds ``limits``. Raises UnreadableError if a scope
    cannot be read, InputError for the name of a project or region that is not found.
    """
    planner, narrowed, selected = _planner(state, client, kinds, targets, now)
    found = planner.plan(narrowed, selected)
    made_from = Provenance(planner.now.replace(microsecond=0), client.base_url, state.inputs_digest)
    return with_limit_violations(replace(found, provenance=made_from), limits)


def check(plan: Plan, limits: Limits = DEFAULT_LIMITS) -> Plan:
    """Return ``plan`` if it may be applied within ``limits``. Raises RefusedError with every reason."""
    checked = with_limit_violations(plan, limits)
    if checked.objections:
        raise errors.RefusedError("\n".join(first_texts(checked.objections)))
    return checked


def apply(  # noqa: PLR0913 - what an apply depends on
    plan: Plan,
    client: Session,
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
    if plan.objections:
        raise errors.RefusedError("\n".join(first_texts(plan.objections)))
    if plan.base_url != client.base_url:
        raise errors.RefusedError(f"the plan was made for {plan.base_url}, not for {client.base_url}")
    if plan.new_secrets and secrets is None:
        raise errors.ConfigurationError("the plan creates keys; name a store for their secrets")
    known = _known(kinds, (change.scope for change in plan.changes))
    try:
        return apply_in(client, known, plan, freshness, observers, secrets)
    except (KeyboardInterrupt, SystemExit):
        client.stop.set()
        raise


def drift(
    state: DesiredState,
    client: Session,
    *,
    kinds: Kinds | None = None,
    targets: Sequence[str] = (),
    now: dt.datetime | None = None,
) -> DriftReport:
    """Return which live keys are not as desired, of the scopes that can be read.

    Raises UnreadableError if no scope can be read, and otherwise as :func:`plan` does.
    """
    planner, narrowed, selected = _planner(state, client, kinds, targets, now)
    found, unread = planner.plan_readable(narrowed, selected)
    return report_of(planner.kinds, found, unread)


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


def _known(kinds: Kinds | None, scopes: Iterable[Scope]) -> Kinds:
    """Return ``kinds``, or the packaged ones. Raises ConfigurationError if a scope has another kind."""
    known = kinds or load_kinds()
    for scope in scopes:
        if scope.kind not in known:
            raise errors.ConfigurationError(f"the kind {scope.kind} is not known; give it with kinds=")
    return known


def _planner(
    state: DesiredState, client: Session, kinds: Kinds | None, targets: Sequence[str], now: dt.datetime | None
) -> tuple[Planner, DesiredState, Selection]:
    """Return what plans, and the state with numbers for names, narrowed to ``targets``."""
    resolved = Directory(client.reader).resolved(state)
    narrowed, selected = select(resolved, targets)
    return (
        Planner(
            client.reader,
            _known(kinds, (part.scope for part in state.scopes)),
            client.workers,
            now or client.clock.now(),
        ),
        replace(narrowed, inputs_digest=state.inputs_digest),
        selected,
    )


@dataclass(frozen=True, slots=True)
class Planner:
    """Reads scopes, as many at a time as there are workers, and plans them as of ``now``."""

    reader: Reader
    kinds: Mapping[str, Kind]
    workers: Workers
    now: dt.datetime

    @paused_collector()
    def plan(self, state: DesiredState, selected: Selection, on_scope: Callable[[], object] = tuple) -> Plan:
        """Plan the selected keys of ``state``; ``on_scope`` is called after each scope.

        Raises UnreadableError naming each scope that could not be read; after the first such scope
        no further one is begun.
        """
        parts, failures = self._examined(state, selected, on_scope, cancel)
        if failures:
            raise errors.UnreadableError({str(scope): error for scope, error in failures.items()})
        return assemble(parts, state.warnings, self.reader.base_url)

    @paused_collector()
    def plan_readable(
        self, state: DesiredState, selected: Selection, on_scope: Callable[[], object] = tuple
    ) -> tuple[Plan, Mapping[Scope, errors.ReconcilerError]]:
        """Plan like :meth:`plan` what can be read, and give the other scopes with the reasons.

        Each of those is a problem of the plan. Raises UnreadableError if nothing could be read, or if the run
        was interrupted meanwhile: that says nothing of the scopes that were not read any more.
        """
        parts, failures = self._examined(state, selected, on_scope, go_on)
        was_stopped = any(isinstance(error, errors.StoppedError) for error in failures.values())
        if failures and (was_stopped or not parts):
            raise errors.UnreadableError({str(scope): error for scope, error in failures.items()})
        return with_unread(assemble(parts, state.warnings, self.reader.base_url), failures), failures

    def _examined(
        self,
        state: DesiredState,
        selected: Selection,
        on_scope: Callable[[], object],
        on_failure: Callable[[Iterable[Future[Plan]]], None],
    ) -> tuple[list[Plan], dict[Scope, errors.ReconcilerError]]:
        """Examine every scope; ``on_failure`` is given all that was begun when one could not be read."""
        self.workers.start(len(state.scopes))
        futures = {self.workers.submit(self._examine, part, selected): part.scope for part in state.scopes}
        return settled(futures, on_scope, on_failure)

    def _examine(self, part: DesiredScope, selected: Selection) -> Plan:
        kind = self.kinds[part.scope.kind]
        return plan_scope(kind, part, observe(self.reader, kind, part.scope), self.now, selected)
