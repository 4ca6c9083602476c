"""Inputs with much of one thing, which find work that grows faster than the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fuzz.corpus import TOKENS

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable

_HEAD: Final = "project_id: 1\nregion_id: 76\n"
_SIZES: Final = (10, 63, 64, 65, 100, 300, 1000, 2000)


def crowd(chance: random.Random) -> bytes:
    """Return an input with much of one thing."""
    text = chance.choice(CROWDS)(chance.choice(_SIZES))
    return text.encode() + chance.choice((b"", b"", b"broken: [", b"other: 1\n", chance.choice(TOKENS)))


def _keys(lines: Iterable[str]) -> str:
    return _HEAD + "keys:\n" + "\n".join(lines) + "\n"


def many_keys(size: int) -> str:
    """Return valid keys."""
    return _keys(f"- name: key-{number}" for number in range(size))


def many_broken_keys(size: int) -> str:
    """Return keys each of which breaks a rule."""
    return _keys(f"- nmae: key-{number}" for number in range(size))


def many_equal_keys(size: int) -> str:
    """Return one key over and over."""
    return _keys("- name: key" for _ in range(size))


def many_expired_keys(size: int) -> str:
    """Return keys each of which earns a warning."""
    return _keys(f"- {{name: key-{number}, expire: 2020-01-01T00:00:00Z}}" for number in range(size))


def many_unknown_members(size: int) -> str:
    """Return a document with unknown members."""
    return _HEAD + "keys: []\n" + "".join(f"m{number}: 1\n" for number in range(size))


def many_unknown_fields(size: int) -> str:
    """Return a key with unknown fields."""
    return _keys(["- name: key", *(f"  m{number}: 1" for number in range(size))])


def many_containers(size: int) -> str:
    """Return a valid key with a long list."""
    return _keys(["- name: key", "  containers:", *_boxes(size)])


def many_containers_and_a_mistake(size: int) -> str:
    """Return a key with a long list, and a mistake elsewhere."""
    return _keys(["- name: key", "  containers:", *_boxes(size), "- name: X"])


def many_equal_containers(size: int) -> str:
    """Return a key with a long list whose last item occurs before."""
    return _keys(["- name: key", "  containers:", *_boxes(size), *_boxes(1)])


def many_broken_containers(size: int) -> str:
    """Return a key with a long list whose items all break a rule."""
    return _keys(["- name: key", "  containers:", *(f"  - {{name: B{number}}}" for number in range(size))])


def many_documents(size: int) -> str:
    """Return short valid documents."""
    return f"---\n{_HEAD}keys: []\n" * size


def many_broken_documents(size: int) -> str:
    """Return documents each of which breaks a rule."""
    return "---\nkeys: 1\n" * size


def many_aliases(size: int) -> str:
    """Return keys that share one list."""
    first = ["- name: key", "  containers: &boxes", *_boxes(20)]
    return _keys([*first, *(f"- {{name: key-{number}, containers: *boxes}}" for number in range(size))])


def many_aliases_and_a_mistake(size: int) -> str:
    """Return keys that share one list, and a mistake elsewhere."""
    return many_aliases(size) + "- name: X\n"


def laughing_aliases(size: int) -> str:
    """Return lists of aliases of lists of aliases, in an unknown member."""
    levels = min(size, 30)
    lists = [f"m{number}: &a{number} [{_repeated(number)}]\n" for number in range(levels)]
    return _HEAD + "".join(lists) + "keys: []\n"


def long_merges(size: int) -> str:
    """Return keys each of which merges the one before."""
    first = "- &k0 {name: key-0, description: x}"
    return _keys([first, *(f"- &k{n} {{<<: *k{n - 1}, name: key-{n}}}" for n in range(1, size))])


def wide_merges(size: int) -> str:
    """Return a key that merges one mapping over and over."""
    return _keys(["- &k {name: key, description: x}", f"- {{<<: [{', '.join(['*k'] * size)}], name: key-2}}"])


def many_anchors(size: int) -> str:
    """Return an anchor for each key."""
    return _keys(f"- &k{number} {{name: key-{number}}}" for number in range(size))


def deep_lists(size: int) -> str:
    """Return lists in lists."""
    return _HEAD + "keys: " + "[" * size + "]" * size + "\n"


def deep_mappings(size: int) -> str:
    """Return mappings in mappings."""
    return _HEAD + "keys: " + "{a: " * size + "1" + "}" * size + "\n"


def deep_questions(size: int) -> str:
    """Return keys of mappings in keys of mappings."""
    return "? " * size + "a\n"


def deep_indentation(size: int) -> str:
    """Return block lists in block lists."""
    return "- " * size + "a\n"


def long_text(size: int) -> str:
    """Return one long text."""
    return _keys([f"- {{name: key, description: {'word ' * size}}}"])


def long_escapes(size: int) -> str:
    """Return one long text of escapes, where none belongs."""
    return _keys([f'- {{name: "{chr(92)}u202e{chr(92)}x1b{"x" * size}"}}'] * 3)


def long_name(size: int) -> str:
    """Return a long name, nearly valid, in a member that is unknown."""
    return _keys([f"- {{name: {'a-' * size}}}", f"- {{? {'b' * size}\n : 1}}"])


def many_comments(size: int) -> str:
    """Return comments and empty lines."""
    return "# nothing\n\n" * size + _HEAD + "keys: []\n" + "#" * size


def many_directives(size: int) -> str:
    """Return tag handles."""
    return (
        "".join(f"%TAG !t{number}! tag:x,{number}:\n" for number in range(size)) + f"---\n{_HEAD}keys: []\n"
    )


def many_digits(size: int) -> str:
    """Return a number with many digits."""
    return f"project_id: {'9' * size}\nregion_id: 1e{'9' * size}\nkeys: [-{'0' * size}, 0.{'0' * size}1]\n"


def _boxes(size: int) -> list[str]:
    return [f"  - {{name: box-{number}, namespace: shop}}" for number in range(size)]


def _repeated(number: int) -> str:
    return "x" if number == 0 else ", ".join([f"*a{number - 1}"] * 10)


CROWDS: Final[tuple[Callable[[int], str], ...]] = (
    *(many_keys, many_broken_keys, many_equal_keys, many_expired_keys, many_unknown_members),
    *(many_unknown_fields, many_containers, many_containers_and_a_mistake, many_equal_containers),
    *(many_broken_containers, many_documents, many_broken_documents, many_aliases, laughing_aliases),
    *(many_aliases_and_a_mistake, long_merges, wide_merges, many_anchors, deep_lists, deep_mappings),
    *(deep_questions, deep_indentation, long_text, long_escapes, long_name, many_comments),
    *(many_directives, many_digits),
)
