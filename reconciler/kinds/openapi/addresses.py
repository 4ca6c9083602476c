"""The paths of a description: collections, and items of collections."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import DescriptionError
from reconciler.kinds.openapi.schemas import mapping
from reconciler.kinds.openapi.words import last_segment
from reconciler.kinds.paths import without_slash
from reconciler.model.expressions import expression
from reconciler.model.lookalikes import meant
from reconciler.model.phrases import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

UPDATES: Final = ("patch", "put", "post")
"""Methods that change an item, the most exact one first."""
NOT_CHANGED: Final = (
    "no PATCH, PUT or POST with a body, and the collection has no POST with a body together with a DELETE of"
    " the item; a kind needs an update, or a creation and a deletion"
)
"""What an item lacks that no kind can be written for."""
_LAST: Final = expression(r"(?P<list>.*)/\{(?P<name>[^{}/]+)\}(?P<format>\.(?:json|xml))?/?")


def paths_of(content: Any) -> dict[str, Any]:
    """Return the paths of a description. Raises DescriptionError for another version of OpenAPI."""
    version = content.get("openapi") if isinstance(content, dict) else None
    if not isinstance(version, str) or not version.startswith(("3.0", "3.1")):
        old = isinstance(content, dict) and "swagger" in content
        advice = "convert it from Swagger 2.0 to OpenAPI 3" if old else "`openapi: 3.1.0` is missing"
        raise DescriptionError(f"the file is not an OpenAPI 3.0 or 3.1 description: {advice}")
    return mapping(content.get("paths"))


def collections_of(content: Any) -> Iterator[tuple[str, str]]:
    """Yield the path of each collection that GET lists, and the path of its items.

    The items can be updated, or else created and deleted. Raises DescriptionError for another version of
    OpenAPI.
    """
    paths = paths_of(content)
    for collection, operations in paths.items():
        above = _parent(collection)
        is_item = "get" in mapping(paths.get(above) or paths.get(f"{above}/")) if above else False
        if is_item or "get" not in mapping(operations):
            continue
        found = item_paths(paths, collection)
        if found:
            yield collection, found[0]


def item_paths(paths: Mapping[str, Any], collection: str) -> list[str]:
    """Return the possible paths of a collection's items that can be changed, the likeliest first.

    Preferred are paths below the collection. Otherwise they are paths that PATCH or PUT changes, that end in
    the same word, have no other word or parameter than the collection except the last, and are not below
    another list. If no path can be changed, they are those below that can be deleted, if the collection
    creates items.
    """
    return changed_paths(paths, collection) or _deleted_paths(paths, collection)


def _deleted_paths(paths: Mapping[str, Any], collection: str) -> list[str]:
    """Return the paths of items below a collection, if it creates them and they can be deleted."""
    if "requestBody" not in mapping(mapping(paths[collection]).get("post")):
        return []
    below = [path for path in paths if _LAST.fullmatch(path) and _parent(path) == without_slash(collection)]
    return [path for path in below if "delete" in mapping(paths[path])]


def changed_paths(paths: Mapping[str, Any], collection: str) -> list[str]:
    """Return the paths of items that can be changed, by the rules of :func:`item_paths`."""
    whole = without_slash(collection)
    candidates = [path for path in paths if _LAST.fullmatch(path) and _methods(paths[path])]
    below = [path for path in candidates if _parent(path) == whole]
    if below or _LAST.fullmatch(collection):
        return sorted(below, key=lambda path: UPDATES.index(_methods(paths[path])[0]))
    word, known = whole.rpartition("/")[2], set(whole.split("/"))
    return [
        path
        for path in candidates
        if _parent(path).rpartition("/")[2] == word
        and known.issuperset(_parent(path).split("/"))
        and last_segment(path) not in known
        and _methods(paths[path])[0] != "post"
        and "get" not in mapping(paths.get(_parent(path)) or paths.get(f"{_parent(path)}/"))
    ]


def placeholders_of(path: str) -> list[str]:
    """Return the parameters of a path as a description names them, which may have hyphens and dots."""
    return re.findall(r"\{([^{}/]+)\}", path)


def known_path(paths: Iterable[str], collection: str) -> str:
    """Return a path in the spelling of the description.

    Raises DescriptionError if it does not have the path.
    """
    paths = list(paths)
    plain = without_slash(collection)
    for path in (collection, plain, f"{plain}/"):
        if path in paths:
            return path
    close = meant(collection, paths) or _nearest(paths, collection)
    advice = f"did you mean {close}?" if close else f"the paths are {listed(paths, 20)}"
    raise DescriptionError(f"the description has no path {collection}; {advice}")


def _nearest(paths: Sequence[str], collection: str) -> str:
    """Return the path that is most like another, ignoring parameters; collections are preferred."""
    around = {_parent(path) for path in paths}
    lists = [path for path in paths if without_slash(path) in around]
    for some in (lists, paths):
        by_words = {_words(path): path for path in sorted(some, key=len, reverse=True)}
        found = difflib.get_close_matches(_words(collection), by_words, n=1)
        if found:
            return by_words[found[0]]
    return ""


def _words(path: str) -> str:
    return "/".join(part for part in path.split("/") if part and not part.startswith("{"))


def found_item_path(paths: Mapping[str, Any], collection: str) -> str:
    """Return the path of the items of a collection.

    Raises DescriptionError if none or several are possible.
    """
    found = item_paths(paths, collection)
    whole = without_slash(collection)
    is_below = bool(found) and _parent(found[0]) == whole
    if is_below or len(found) == 1:
        return found[0]
    if found:
        raise DescriptionError(
            f"several paths may be that of one item: {' or '.join(found)}; choose one with --item"
        )
    below = next((path for path in paths if _LAST.fullmatch(path) and _parent(path) == whole), None)
    if below is not None:
        raise DescriptionError(f"{below} has {NOT_CHANGED}")
    raise DescriptionError(
        f"the description has no path {whole}/{{name}}, so its items have no address; set it with --item"
    )


def _parent(path: str) -> str:
    found = _LAST.fullmatch(path)
    return f"{found['list']}{found['format'] or ''}" if found else ""


def _methods(operations: Any) -> list[str]:
    """Return the methods that change an item and have a body, which holds the fields."""
    found = mapping(operations)
    return [method for method in UPDATES if "requestBody" in mapping(found.get(method)) or "$ref" in found]
