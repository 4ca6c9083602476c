"""The files of a new repository of keys, each written once without overwriting another."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.adopt.export import declaring_file, export_document
from reconciler.adopt.modeline import schema_beginning
from reconciler.errors import ConfigurationError, InputError, os_reason
from reconciler.kinds.bundle import editor_schema
from reconciler.kinds.packaged import resource
from reconciler.load.links import work_tree
from reconciler.load.sources import CONFIGURATION, read_file
from reconciler.load.write import create_new
from reconciler.model.configuration import BUILT_IN_API
from reconciler.model.frozen import dataclass
from reconciler.model.phrases import counted, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconciler.adopt.export import Export, Live

FOLDER: Final = "keys"
"""Where keys are declared; the workflows look at this folder."""
IGNORED: Final = ".gitignore"
_GITHUB: Final = ".github/workflows/keys.yml"
_GITLAB: Final = ".gitlab/reconciler.yml"
_INCLUDING: Final = ".gitlab-ci.yml"
_LARGEST: Final = 2**20
"""So many bytes of a file are read to see what it lacks."""
FORGES: Final = ("github", "gitlab")
"""What a repository is reviewed on, for which there is a workflow."""


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to write: its path, its text, and what it is for."""

    path: str
    text: str
    about: str


@dataclass(frozen=True, slots=True)
class Beginning:
    """The files of a new repository; that at ``place`` declares the live keys of ``export``."""

    place: str
    export: Export
    files: Sequence[NewFile]


def beginning(live: Live, forge: str) -> Beginning:
    """Return the files of a repository that declares live keys; with the workflows of ``forge``."""
    place = declaring_file(live, FOLDER) or f"{FOLDER}/{str(live.scope).replace('/', '-')}.yaml"
    reference, schema = schema_beginning(place)
    export = export_document(live, reference)
    count = counted(len(export.adoption.keys), "key")
    files = [
        NewFile(place, export.text, f"declares {count} of {live.scope}"),
        schema_file(schema, editor_schema(live.rules.kinds.values())),
        ignored_file(),
        *(workflow_files(forge) if forge in FORGES else ()),
    ]
    return Beginning(place, export, files)


def configuration_file(kinds: str | None = None) -> NewFile:
    """Return the configuration file: the default paths of commands, and a folder of ``kinds``."""
    text = f"# What every command needs; docs/configuration.md describes it.\npaths: [{FOLDER}/]\n"
    if kinds is not None:
        text += f"apis:\n  {BUILT_IN_API}:\n    kinds: {json.dumps(kinds)}\n"
    return NewFile(CONFIGURATION, text, "which files the commands read")


def schema_file(path: str, text: str) -> NewFile:
    """Return the schema file that the first lines of files refer to."""
    return NewFile(path, text, "completion and checks in editors")


def ignored_file() -> NewFile:
    """Return the .gitignore file."""
    text = (resource("deploy") / "gitignore").read_text(encoding="utf-8")
    return NewFile(IGNORED, text, "keeps plans, histories and secrets out of Git")


def workflow_fault() -> str:
    """Return why no workflow can be written here, empty if one can: it must be at the top of a repository."""
    top, here = work_tree("."), os.path.realpath(os.curdir)
    if top in {None, here}:
        return ""
    return f"workflows count only at the top of the repository, {top}, and name paths from there"


def workflow_files(forge: str) -> list[NewFile]:
    """Return the workflows that plan on a pull request and apply on merge."""
    about = "plans before a merge, applies after it; fill in YOUR-ORG and YOUR-COMMIT"
    templates = resource("deploy") / forge
    if forge == "github":
        text = (templates / "keys.yml").read_text(encoding="utf-8")
        return [NewFile(_GITHUB, text, about)]
    text = (templates / "plan.yml").read_text(encoding="utf-8")
    include = NewFile(_INCLUDING, f"include: [{{local: {_GITLAB}}}]\n", "includes the jobs")
    return [NewFile(_GITLAB, text, about.replace("ORG", "HOST, YOUR-ORG")), include]


def written(files: Iterable[NewFile]) -> tuple[list[NewFile], list[NewFile]]:
    """Write the files that do not exist; return those, and the existing files.

    Raises ConfigurationError if one cannot be written.
    """
    made, kept = [], []
    for file in files:
        place = Path(file.path)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.is_symlink() or place.exists():
                kept.append(file)
                continue
            create_new(place, file.text)
        except OSError as error:
            raise ConfigurationError(f"{file.path} cannot be written: {os_reason(error)}") from error
        made.append(file)
    return made, kept


def lacking(file: NewFile) -> str:
    """Return what an existing file lacks of the one that would have been written."""
    name = Path(file.path).name
    if name not in {IGNORED, _INCLUDING}:
        return ""
    try:
        text = read_file(file.path, _LARGEST, "too large").decode("utf-8", "replace")
    except InputError:  # a folder, or a link to nothing: who made it knows
        return ""
    if name == _INCLUDING:
        return "" if _GITLAB in text else f"an item of include that it lacks: {{local: {_GITLAB}}}"
    present = text.splitlines()
    lines = [line for line in file.text.splitlines() if not line.startswith("#") and line not in present]
    return f"lines that it lacks: {listed(lines)}" if lines else ""


def to_fill_in(forge: str) -> list[str]:
    """Return what a user must do before the workflow of a forge runs."""
    if forge == "github":
        path, places = _GITHUB, "YOUR-ORG and YOUR-COMMIT"
        secrets = "environments keys-plan and keys, each with a secret GCORE_API_KEY: keys-plan only reads"
        sink = "env of the step that applies"
    else:
        path, places = _GITLAB, "YOUR-HOST, YOUR-ORG and YOUR-COMMIT"
        secrets = "variables GCORE_API_KEY, one for reconciler-plan that only reads, one for reconciler"
        sink = "variables of reconciler-apply"
    return [
        f"{path}: fill in {places}",
        f"{secrets}; the comment in the file says more",
        f"to create keys, say in {sink} where secrets go: RECONCILER_APPLY_SECRET_SINK (--secret-sink)",
    ]
