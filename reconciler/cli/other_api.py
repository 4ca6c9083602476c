"""Start with an API that is not built in: a configuration file, and the commands that draft its kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from reconciler.adopt.repository import FOLDER, NewFile, configuration_file, ignored_file
from reconciler.api.address import binding, binding_fault, url_fault
from reconciler.cli.asking import ask, can_ask
from reconciler.cli.variables import PREFIX
from reconciler.load.sources import KINDS_FOLDER
from reconciler.model.configuration import BUILT_IN_API
from reconciler.model.endpoint import BaseUrl
from reconciler.model.expressions import expression

if TYPE_CHECKING:
    from reconciler.cli.console import Console

_NAME: Final = expression(r"[a-z][a-z0-9-]{0,39}")
_COMMON: Final = frozenset({"api", "www"})


def asked_api(console: Console) -> str:
    """Return what a person answers to which API it is: an address, or the built-in one."""
    question = f"Which API? {BUILT_IN_API} (the default), or the address of another, https://..."
    return (can_ask() and ask(console, question, _fault)) or BUILT_IN_API


def other_api(text: str) -> BaseUrl | None:
    """Return the address of another API than the built-in one, None for that. Raises ValueError."""
    if fault := _fault(text):
        raise ValueError(fault)
    return None if text in {"", BUILT_IN_API} else BaseUrl(text)


def _fault(text: str) -> str | None:
    if text in {"", BUILT_IN_API}:
        return None
    return url_fault(text) or binding_fault(BaseUrl(text)) or None


def other_files(url: BaseUrl) -> list[NewFile]:
    """Return the files of a repository of another API, which has no kind yet."""
    name = _name(urlsplit(url).hostname or "")
    head = configuration_file()
    apis = f"apis:\n  {name}:\n    base_url: {url}\n    kinds: {KINDS_FOLDER}/\n"
    return [
        NewFile(head.path, head.text + apis, head.about),
        NewFile(f"{KINDS_FOLDER}/.gitkeep", "", f"holds the kinds of {name}, a file each"),
        NewFile(f"{FOLDER}/.gitkeep", "", "holds the declarations"),
        ignored_file(),
    ]


def other_next(url: BaseUrl) -> str:
    """Return the next steps: the token, then a kind, then its objects."""
    return (
        "\nNext:\n"
        f"  export {PREFIX}_TOKEN_{binding(url)}=...   # the token, which goes to this host alone\n"
        f"  reconciler kind init --openapi FILE --collection PATH > {KINDS_FOLDER}/NAME.schema.json\n"
        f"  reconciler export --kind NAME --out {FOLDER}/NAME.yaml   # --scope NAME=VALUE for each path"
        " parameter\n"
    )


def _name(host: str) -> str:
    """Return a name for an API: the part of its host with the name of the company."""
    labels = [label for label in host.split(".")[:-1] if label not in _COMMON]
    name = labels[-1] if labels else ""
    return name if _NAME.fullmatch(name) and name != BUILT_IN_API else "api"
