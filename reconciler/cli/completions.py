"""Completion of values: offline, from files that are named or configured; errors are ignored."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from click.shell_completion import CompletionItem

from reconciler.cli.system import clock_of
from reconciler.errors import ReconcilerError
from reconciler.kinds.ids import named_kind
from reconciler.kinds.packaged import document_schema
from reconciler.load.configuration import found_configuration, named_configuration
from reconciler.model.scope import ScopeDefaults
from reconciler.validate.configuration import read_configuration
from reconciler.validate.known_kinds import tree_kinds
from reconciler.validate.state import declared_addresses
from reconciler.validate.validator import Rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import click

    from reconciler.kinds.kind import Kind
    from reconciler.load.configuration import ConfigurationFile
    from reconciler.model.configuration import Configuration

_MOST_BYTES: Final = 2**21
"""So much is read for one completion: a person waits for it."""
_INPUTS: Final = (".yaml", ".yml", ".json")


def addresses(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the addresses of declared keys that begin with the text; if none does, the matching names."""
    every = sorted(set(_addresses(context)))
    found = [address for address in every if address.startswith(incomplete)]
    names = {address.rpartition("/")[2] for address in every}
    return found or sorted(name for name in names if name.startswith(incomplete))


def field_names(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the fields of the kind of the preceding address."""
    address = str(context.params.get("address") or "")
    with suppress(ReconcilerError):
        if "/" not in address:
            address = next((one for one in _addresses(context) if one.endswith(f"/{address}")), address)
        kind = named_kind(_kinds(context, _configured(context)), address.partition("/")[0])
        return [] if kind is None else [name for name in kind.fields if name.startswith(incomplete)]
    return []


def kind_names(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of the kinds that are known here."""
    with suppress(ReconcilerError):
        return [name for name in _kinds(context, _configured(context)) if name.startswith(incomplete)]
    return []


def environments(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the environments of the configuration."""
    with suppress(ReconcilerError):
        found = _file(context)
        data = None if found is None else found.document().data
        known = data.get("environments") if isinstance(data, dict) else None
        return [name for name in known or () if str(name).startswith(incomplete)]
    return []


def inputs(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """Return folders and files that can be read; for a single folder, its content too."""
    found = list(_entries(incomplete))
    if len(found) == 1 and found[0].endswith(os.sep):
        found += _entries(found[0])
    return [CompletionItem(path) for path in found]


def _entries(incomplete: str) -> Iterator[str]:
    folder, slash, begun = incomplete.rpartition(os.sep)
    with suppress(OSError, ValueError):
        for entry in sorted(Path(folder + slash or os.curdir).expanduser().iterdir()):
            name, is_folder = entry.name, entry.is_dir()
            if name.startswith(begun) and not name.startswith(".") and (is_folder or name.endswith(_INPUTS)):
                yield f"{folder}{slash}{name}{os.sep if is_folder else ''}"


def _file(context: click.Context) -> ConfigurationFile | None:
    """Return the configuration file that is named or found. Raises ReconcilerError."""
    file = context.params.get("config")
    return found_configuration() if file is None else named_configuration(file)


def _configured(context: click.Context) -> Configuration | None:
    """Return the configuration. Raises ReconcilerError."""
    found = _file(context)
    return None if found is None else read_configuration(found, context.params.get("env"))


def _kinds(context: click.Context, said: Configuration | None) -> Mapping[str, Kind]:
    folders = (*(context.params.get("kinds") or ()), *(() if said is None else said.kinds))
    return tree_kinds(folders, _paths(context, said))


def _paths(context: click.Context, said: Configuration | None) -> Sequence[str]:
    # click reads no arguments where the value of an option is missing, as it is while it is completed.
    given: Any = context.params.get("paths") or [word for word in context.args if Path(word).exists()]
    return given or (said.paths if said is not None and said.paths else (os.curdir,))


def _addresses(context: click.Context) -> Iterable[str]:
    """Yield the addresses of keys in the files; an invalid file has none."""
    with suppress(ReconcilerError):
        said = _configured(context)
        defaults = ScopeDefaults(context.params.get("project_id"), context.params.get("region_id"))
        rules = Rules(
            document_schema=document_schema(),
            kinds=_kinds(context, said),
            defaults=defaults,
            now=clock_of(context).now(),
        )
        paths = [path for path in _paths(context, said) if path != "-"]
        yield from declared_addresses(paths, rules, _MOST_BYTES)
