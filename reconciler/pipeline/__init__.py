"""The pipeline: load and validate files, observe and plan, check; apply and drift have modules of their own.

Each public function is a step, in the order of the pipeline; the library and the command line call the same
ones. ``kinds`` are the packaged ones unless others are given.
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
from reconciler.model.collector import paused_collector
from reconciler.model.later import Later
from reconciler.model.phrases import first_texts
from reconciler.model.provenance import Provenance
from reconciler.model.scope import ScopeDefaults
from reconciler.pipeline.defaults import CLOCK
from reconciler.pipeline.execution import IN_PROCESS
from reconciler.pipeline.reading import (
    Comparison,
    Failing,
    apis_of,
    directory_of,
    follow_nothing,
    is_stopped,
    known_kinds,
    not_planned,
    unreadable,
)
from reconciler.plan.identity import with_identities
from reconciler.plan.limits import Limits, with_limit_violations
from reconciler.plan.origins import with_origins_since
from reconciler.plan.planning import assemble, select, with_problems
from reconciler.render.formats import RENDERERS, Style
from reconciler.validate.known_kinds import tree_kinds
from reconciler.validate.state import desired_state
from reconciler.validate.validator import EXPIRY_WARNING, Rules

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from reconciler.api.client import Sessions
    from reconciler.kinds.kind import Kind
    from reconciler.model.desired import DesiredState
    from reconciler.model.plan import Plan
    from reconciler.model.scope import Scope
    from reconciler.observe.base import Base
    from reconciler.pipeline.execution import Executor
    from reconciler.pipeline.reading import Reading
    from reconciler.plan import saved
    from reconciler.plan.identity import KnownIds

    Kinds = Mapping[str, Kind]
else:
    saved = Later("reconciler.plan.saved")

DEFAULT_LIMITS: Final = Limits()
_PLAIN: Final = Style()


def load_kinds(*folders: str, **apis: str) -> Kinds:
    """Return the packaged kinds and those of ``folders``, ``NAME.schema.json`` each.

    ``apis`` are folders by the name of the API of their kinds. Raises InputError with every problem of these
    files.
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

    ``project_id`` and ``region_id`` are used for documents without them. A key that expires within
    ``expiry_warning`` from ``now`` leads to a warning. The path ``-`` is ``standard_input``. ``digest`` is
    extended by the inputs; it may include others, such as kind files. ``executor`` checks the files, here or
    in other processes: the result is the same.
    """
    if not paths:
        raise errors.ConfigurationError("no path is given; pass the files or folders of the desired state")
    defaults = ScopeDefaults(project_id, region_id)
    rules = Rules(
        document_schema=packaged.document_schema(),
        kinds=kinds or load_kinds(),
        defaults=defaults,
        now=now or CLOCK.now(),
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
    known_ids: KnownIds | None = None,
    reading: Reading = follow_nothing,
    executor: Executor = IN_PROCESS,
) -> Plan:
    """Read the live keys and compare: return what an apply would change, sorted, with a fingerprint.

    ``targets`` are globs over addresses, such as ``caas/1/76/web-*``. The plan has a problem for each key
    that cannot be planned, and a refusal where it exceeds ``limits``. With ``base``, each field has an
    origin. ``known_ids`` are those of the objects that declared names stood for, by address: one that was
    renamed is not created again. ``reading`` is called with the description of what is read, and returns a
    context whose value is called after each scope. If a scope of an API cannot be read, all scopes of that
    API have a problem, and no others. Raises UnreadableError if no scope remains, and InputError for an
    unknown name of a project or region.
    """
    whole, at = directory_of(client).resolved(state), now or client.clock.now()
    targeted, selected = select(whole, targets)
    known = known_kinds(kinds, whole.scopes)
    how = Comparison(known, tuple(targets), at, Failing.STOPS_API)
    parts, failures = executor.examine(client, targeted, how, reading)
    down: dict[str, Scope] = {}
    for scope in sorted(failures, key=lambda scope: scope.sort_key):
        down.setdefault(known[scope.kind].api, scope)
    parts = [part for part in parts if apis_of(known, part).isdisjoint(down)]
    if failures and (not parts or is_stopped(failures)):
        raise unreadable(failures)
    place = client.place(known[part.scope.kind].api for part in targeted.scopes)
    found = assemble(parts, targeted.warnings, place)
    if known_ids is not None:
        found = with_identities(known, found, targeted, selected, known_ids)
    if down:
        place = client.place(apis_of(known, found))
        others = {part.scope: down.get(known[part.scope.kind].api) for part in targeted.scopes}
        found = with_problems(replace(found, base_url=place), not_planned(others, failures))
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
        write_whole(Path(file), saved.render_saved(plan))
    except OSError as error:
        reason = errors.os_reason(error)
        raise errors.ConfigurationError(f"the plan file {file} cannot be written: {reason}") from error


def read_plan(file: str | os.PathLike[str], *, kinds: Kinds | None = None) -> Plan:
    """Read a plan file that :func:`write_plan` or ``plan --out`` wrote.

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
        return saved.read_saved(content, kinds or load_kinds(), packaged.plan_schema())
    except errors.RefusedError as error:
        raise errors.RefusedError(f"the plan {file} is refused: {error}") from error
