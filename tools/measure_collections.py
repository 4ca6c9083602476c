"""Measure how many collections of OpenAPI descriptions can be kinds: ``make collections OPENAPI=DIR``.

A collection is a path that GET lists, and a path of one item that PATCH, PUT or POST changes by a body. Per
file, which is called a vendor here, the tables count how many there are, how many are drafted, how many of
these drafts load as they are, and how many have the right identity; then what the kinds need, why drafts
are refused, and why no kind with names can be written. A table of its own counts collections whose items
nothing changes, but POST creates and DELETE deletes.

Whether the identity is right is judged apart from the code that drafts, by the last parameter of an item's
path: the last word of its name, such as ``id`` in ``{petId}`` or ``name`` in ``{pet-name}``, has to be the
last word of the drafted property that the path takes. ``id``, ``uuid``, ``uid``, ``guid`` and
``identifier`` are one word, and so are ``name``, ``username``, ``hostname`` and ``login``. A property with
all words of the parameter but this one, such as ``feature`` of ``{feature_name}``, is right too. A
parameter without such a word, such as ``{pet}``, says nothing by its name: then its description has to have
the drafted word. Where that says nothing either, a parameter that repeats what is listed, as in
``/pets/{pet}``, is taken for the ``id``: these are counted as right, and again in a column of their own,
because only a convention says so. The rest is unclear, and not right.

A collection is "drafted with names" if its draft loads and people write a name in it, and no id that a
service makes. It is "expressible with names" if such a kind can be written, from the draft or with another
name, as ``expressible.py`` says; those that are not are listed with the reason.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from expressible import UPDATED, Group, is_named, reason_of, verdict_of
from reconciler.errors import DescriptionError, ReconcilerError
from reconciler.kinds.kind import EXTENSION
from reconciler.kinds.openapi.addresses import changed_paths, collections_of, paths_of
from reconciler.kinds.openapi.draft import draft
from reconciler.kinds.openapi.operations import operations_of
from reconciler.kinds.openapi.words import singular
from reconciler.load.files import read_description
from reconciler.validate.custom_kinds import complaints

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_IDS: Final = frozenset({"id", "uuid", "uid", "guid", "gid", "identifier"})
_KNOWN: Final = _IDS | {
    *("name", "slug", "key", "number", "email", "alias", "tag", "code", "address"),
    *("fingerprint", "token", "domain"),
}
"""Words that say what a parameter means."""


@dataclass(slots=True)
class Figures:
    """What was counted of one description."""

    collections: int = 0
    drafted: int = 0
    loading: int = 0
    right: int = 0
    conventional: int = 0
    unclear: int = 0
    named: int = 0
    groups: Counter[Group] = field(default_factory=Counter)
    lacking: dict[str, str] = field(default_factory=dict)
    needs: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    remarks: list[str] = field(default_factory=list)


def words(name: str) -> list[str]:
    """Return the words of a name in small letters."""
    return re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name.replace("_", " ").replace("-", " ")).lower().split()


def meaning(text: str) -> str | None:
    """Return what the last word of a name means, None if that is not one of the known words."""
    last = (words(text) or [""])[-1]
    found = "id" if last.endswith("id") and last not in _KNOWN else last
    found = "name" if found.endswith("name") or found == "login" else found
    return "id" if found in _IDS else found if found in _KNOWN else None


def judge(item: str, parameter: str, text: str, taken: str) -> str:
    """Return ``right``, ``conventional``, ``wrong`` or ``unclear``, as the description of the module says."""
    segment = words(item.replace(f"{{{parameter}}}", "").strip("/").rpartition("/")[2])
    repeats = words(parameter)[-1:] == [singular(word) for word in segment[-1:]]
    meant = {None if repeats else meaning(parameter)}
    if parameter == taken or words(taken) in (words(parameter), words(parameter)[:-1]):
        return "right"
    if "or" in words(parameter):  # as in id_or_slug
        meant |= {meaning(word) for word in words(parameter)}
    if meant == {None}:
        said = {meaning(word) for word in re.findall(r"[A-Za-z]+", text)} - {None}
        if meaning(taken) in said:
            return "right"
        if said:
            return "wrong"
        return "conventional" if meaning(taken) == "id" else "unclear"
    return "right" if meaning(taken) in meant else "wrong"


def needs_of(extension: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a kind needs besides names in the path, PATCH, and pages."""
    is_updated, listing = extension.get("update", {}) is not None, extension.get("list", {})
    update = extension.get("update") or {}
    style, method = listing.get("style", "offset"), update.get("method", "PATCH")
    needs = {
        "an id in the path, which people never write": "path" in extension,
        "no update": not is_updated,
        f"{method} as the update": method != "PATCH",
        "the whole item in an update": update.get("body") == "whole",
        f"bodies as {update.get('encoding')}": "encoding" in update,
        f"a listing by {style}": True,
        "pages from 0": listing.get("first") == 0,
        "offset without a count": style == "offset" and listing.get("count", "count") is None,
        "JSON:API": "style" in extension,
        "a slash at the end": extension["collection"].endswith("/"),
        "a list deeper than one member": "." in (listing.get("results") or ""),
        **{name: name in extension for name in ("item", "envelope", "send", "as", "shown", "wait", "create")},
    }
    yield from (need for need, is_needed in needs.items() if is_needed)


def measured(content: Any, *, is_changed: bool = True) -> Figures:
    """Draft every collection of a description whose items are changed, or every other one, and count."""
    figures, paths = Figures(), paths_of(content)
    for collection, item in collections_of(content):
        if bool(changed_paths(paths, collection)) is not is_changed:
            continue
        figures.collections += 1
        possible = verdict_of(content, collection, item)
        figures.groups[possible.group] += 1
        figures.lacking |= {} if possible.name else {collection: possible.reason}
        try:
            made = draft(content, collection, item=item)
            schema = made.schema
            found = operations_of(content, collection, item)
        except DescriptionError as error:
            figures.refusals[reason_of(str(error))] += 1
            figures.remarks.append(f"refused {collection}: {error}")
            continue
        figures.drafted += 1
        faults = complaints("draft", schema)
        if faults:
            figures.remarks += [f"does not load {collection}: {message}" for _, message in faults[:2]]
            continue
        figures.loading += 1
        extension = schema[EXTENSION]
        taken = extension.get("path", extension["identity"])
        taken = extension.get("as", {}).get(taken, taken)
        verdict = judge(item, found.last, "" if found.named is None else found.named.text, taken)
        figures.right += verdict in {"right", "conventional"}
        figures.conventional += verdict == "conventional"
        figures.unclear += verdict == "unclear"
        if verdict in {"wrong", "unclear"}:
            figures.remarks.append(f"{verdict} {item}: {taken}")
        figures.named += is_named(made)
        if not is_named(made):
            figures.remarks.append(f"no name {collection}: {taken}")
        figures.needs.update(needs_of(extension))
    return figures


def tables(found: Mapping[str, Figures], alone: Mapping[str, Figures]) -> Iterator[str]:
    """Yield the lines of the tables, in Markdown; ``alone`` is of items that nothing changes."""
    yield from _counts(found)
    yield from _expressible(found)
    yield from _counted("needs", "need", [(vendor, one.needs) for vendor, one in found.items()])
    yield from _counted("refusals", "reason", [(vendor, one.refusals) for vendor, one in found.items()])
    if any(one.collections for one in alone.values()):
        yield "\nCollections whose items nothing changes, but POST creates and DELETE deletes:\n"
        yield from _counts(alone)
        named = sum(one.groups[Group.FIXED] for one in alone.values())
        yield f"\nexpressible with names: {named}"
        lacking = [(vendor, Counter(one.lacking.values())) for vendor, one in alone.items()]
        yield from _counted("not expressible of these", "reason", lacking)


def _counts(found: Mapping[str, Figures]) -> Iterator[str]:
    heads = "collections | drafted | load | right identity | by convention | unclear | drafted with names"
    yield f"| vendor | {heads} |"
    yield "|---|--:|--:|--:|--:|--:|--:|--:|"
    total = [0] * 7
    for vendor, one in found.items():
        row = [one.collections, one.drafted, one.loading, one.right]
        row += [one.conventional, one.unclear, one.named]
        total = [so_far + value for so_far, value in zip(total, row, strict=True)]
        yield f"| {vendor} | {' | '.join(map(str, row))} |"
    yield f"| **all** | {' | '.join(map(str, total))} |"
    if total[0]:
        shares = (f"{value / total[0]:.0%}" for value in total)
        yield f"| | {' | '.join(shares)} |"


def _expressible(found: Mapping[str, Figures]) -> Iterator[str]:
    """Yield how many collections can be kinds with names, by vendor and by what they are a share of."""
    yield "\nExpressible with names:\n"
    yield f"| vendor | collections | expressible | {' | '.join(Group)} |"
    yield f"|---{'|--:' * (len(Group) + 2)}|"
    total: Counter[Group] = Counter()
    for vendor, one in found.items():
        total += one.groups
        yield f"| {vendor} | {' | '.join(map(str, _row(one.groups)))} |"
    row = _row(total)
    yield f"| **all** | {' | '.join(map(str, row))} |"
    if row[0]:
        yield f"| | {' | '.join(f'{value / row[0]:.1%}' for value in row)} |"
        yield "\nShares of what updates set, and with what is created and deleted alone:\n"
    rest = row[0]
    for group, text in (
        (None, "all collections"),
        (Group.UNDESCRIBED, "those with described rows and updates"),
        (Group.NAMELESS, "those of them whose rows show a name"),
    ):
        rest -= 0 if group is None else total[group]
        if rest:
            yield f"- of {text} ({rest}): {(row[1] - total[Group.FIXED]) / rest:.1%}, {row[1] / rest:.1%}"
    lacking = [(vendor, Counter(one.lacking.values())) for vendor, one in found.items()]
    yield from _counted("not expressible with names", "reason", lacking)
    yield ""
    for vendor, one in found.items():
        for collection, reason in one.lacking.items():
            yield f"- {vendor} {collection}: {reason}"


def _row(groups: Counter[Group]) -> list[int]:
    """Return how many collections there are, how many are expressible, and how many are in each group."""
    found = sum(groups[one] for one in (*UPDATED, Group.FIXED))
    return [groups.total(), found, *(groups[one] for one in Group)]


def _counted(title: str, head: str, counters: Iterable[tuple[str, Counter[str]]]) -> Iterator[str]:
    collections: Counter[str] = Counter()
    vendors: Counter[str] = Counter()
    for _, counter in counters:
        collections.update(counter)
        vendors.update(counter.keys())
    yield f"\n{title.capitalize()}:\n\n| {head} | collections | vendors |\n|---|--:|--:|"
    for name, count in sorted(collections.items(), key=lambda one: (-one[1], one[0])):
        yield f"| {name.replace('|', chr(92) + '|')} | {count} | {vendors[name]} |"


def main(words: Sequence[str]) -> None:
    """Print the tables for the arguments ``words``."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("folder", type=Path, help="folder of descriptions, in JSON or YAML")
    parser.add_argument("-v", "--verbose", action="store_true", help="name what is refused, wrong or unclear")
    options = parser.parse_args(words)
    found: dict[str, Figures] = {}
    alone: dict[str, Figures] = {}
    for file in sorted(options.folder.iterdir()):
        if file.suffix not in {".json", ".yaml", ".yml"}:
            continue
        try:
            content = read_description(str(file))
            found[file.stem], alone[file.stem] = measured(content), measured(content, is_changed=False)
        except ReconcilerError as error:
            print(f"{file.name}: {error}")
    for line in tables(found, alone):
        print(line)
    if options.verbose:
        for vendor, one in found.items():
            print("\n".join([f"\n## {vendor}", *one.remarks, *alone[vendor].remarks]))


if __name__ == "__main__":
    main(sys.argv[1:])
