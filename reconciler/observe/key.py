"""One key by its address: its kind and scope, its declaration, its live value."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import ConfigurationError, NoSuchMethodError, NotFoundError
from reconciler.kinds.ids import clear_key, named_kind, names_by_id
from reconciler.model.addresses import advice_near, ending_in
from reconciler.model.desired import DesiredKey, DesiredScope, DesiredState
from reconciler.model.live import LiveScope
from reconciler.model.phrases import closest, listed
from reconciler.observe.items import key_in
from reconciler.observe.listing import observe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from reconciler.api.reader import Reader
    from reconciler.kinds.kind import Kind
    from reconciler.model.scope import Scope
    from reconciler.model.source import Position

_MOST: Final = 3
"""The largest number of forms of addresses that a message has."""


def whole_address(kinds: Mapping[str, Kind], text: str, state: DesiredState) -> str:
    """Return the address that equals ``text`` or ends with it, if exactly one declared key matches.

    Otherwise return ``text``. Raises ConfigurationError with all of them where several match.
    """
    return text if _is_whole(kinds, text) else _only(text, addresses_of(state))


def whole_live_address(
    kinds: Mapping[str, Kind], text: str, state: DesiredState, reader_of: Callable[[Kind], Reader]
) -> str:
    """Return the address that equals ``text`` or ends with it, if exactly one live key matches.

    For an incomplete address the declared scopes are listed. Raises ConfigurationError with all addresses if
    several live keys match, and with a suggestion if none does; for a scope whose names could not be looked
    up, that error; and any ApiError of a listing unchanged.
    """
    if _is_whole(kinds, text):
        return text
    for error in state.unresolved.values():
        raise error
    live: list[str] = []
    for scope in dict.fromkeys(part.scope for part in state.scopes):
        kind = kinds[scope.kind]
        live += map(scope.address, observe(reader_of(kind), kind, scope, names=()).keys)
    address = _only(text, live)
    if address == text and live:
        near = advice_near(text, live)
        raise ConfigurationError(
            f"no live key of the scopes in these files has an address that ends in {text}{near}"
        )
    return address


def _is_whole(kinds: Mapping[str, Kind], text: str) -> bool:
    """Return whether a text is a complete address of a kind."""
    kind = named_kind(kinds, text.partition("/")[0])
    return kind is not None and kind.parse_address(f"{kind.name}/{text.partition('/')[2]}") is not None


def _only(text: str, addresses: Iterable[str]) -> str:
    """Return the one address that ends in ``text``, or ``text`` if none does.

    Raises ConfigurationError if several do.
    """
    found = ending_in(text, addresses)
    if len(found) > 1:
        raise ConfigurationError(f"{text} is the end of several addresses; write one of {listed(found)}")
    return found[0] if found else text


def addresses_of(state: DesiredState) -> Iterator[str]:
    """Yield the address of each declared key."""
    return (part.scope.address(key.name) for part in state.scopes for key in part.keys)


def parsed_address(
    kinds: Mapping[str, Kind], address: str, state: DesiredState | None = None
) -> tuple[Kind, Scope, str]:
    """Return the kind, the scope and the name of an address.

    Raises ConfigurationError for any other text, with a suggestion from ``state``.
    """
    name, slash, rest = address.partition("/")
    kind = named_kind(kinds, name)
    found = None if kind is None else kind.parse_address(f"{kind.name}{slash}{rest}")
    if kind is None or found is None:
        meant = [one for one in kinds.values() if one.name == name or one.name.endswith(f".{name}")]
        usable = [one for one in kinds.values() if not one.api_fault]
        forms = [_form(one) for one in meant or usable or kinds.values()]
        meant_key = "" if state is None else advice_near(address, addresses_of(state))
        raise ConfigurationError(
            f"{address} is not an address such as {' or '.join(forms[:_MOST])}{meant_key}"
        )
    if kind.api_fault:
        raise ConfigurationError(f"{address}: {kind.api_fault}")
    return kind, *found


def _form(kind: Kind) -> str:
    """Return the pattern of addresses of a kind: its scope by the names of its path parameters."""
    return "/".join([kind.name, *(f"{{{name}}}" for name in kind.scope), f"{{{kind.identity}}}"])


def known_field(kind: Kind, field: str | None) -> str | None:
    """Return a field of the kind, or None for all. Raises ConfigurationError if the kind does not have it."""
    if field is not None and field not in kind.fields:
        known, near = ", ".join(kind.fields), closest(field, kind.fields)
        advice = "" if near is None else f"; did you mean {near}?"
        raise ConfigurationError(f"{field} is not a field of a {kind.name} key; it has {known}{advice}")
    return field


def declared_key(state: DesiredState, scope: Scope, name: str) -> DesiredKey:
    """Return the declaration of a key. Raises ConfigurationError if there is none."""
    for part in state.scopes:
        for key in part.keys if part.scope == scope else ():
            if key.name == name:
                return key
    address = scope.address(name)
    raise ConfigurationError(
        f"{address} is not declared in these files{advice_near(address, addresses_of(state))}"
    )


def declaration_of(state: DesiredState, scope: Scope, name: str) -> tuple[DesiredScope, Position]:
    """Return the declaration of one key, and its position: its own, or that of its exclusive scope.

    Raises ConfigurationError if there is none, and the error of a failed lookup of names.
    """
    if (error := state.doubt(scope.address(name))) is not None:
        raise error
    part = next((part for part in state.scopes if part.scope == scope), None)
    if part is not None and part.exclusive is not None and all(key.name != name for key in part.keys):
        return DesiredScope(scope, (), part.exclusive), part.exclusive
    key = declared_key(state, scope, name)
    return DesiredScope(scope, (key,)), key.position


def observed_key(reader: Reader, kind: Kind, scope: Scope, name: str) -> tuple[LiveScope, Mapping[str, str]]:
    """Read the live objects of one name; return them, and the names of all live objects by id.

    The scope is listed for that where the service makes ids, or cannot return a single key. Raises
    InvalidResponseError if the response is not about the key.
    """
    if not kind.has_ids:
        with suppress(NoSuchMethodError):
            live = _item(reader, kind, scope, name)
            return LiveScope(scope, {} if live is None else {name: live}), {}
    found = observe(reader, kind, scope, lambda live: live.holds([name]), [name])
    return found.only(name), names_by_id(kind, found)


def live_key(kind: Kind, observed: LiveScope, name: str, known_id: str | None = None) -> Mapping[str, Any]:
    """Return the live key of a declared name; ``known_id`` is as for ``clear_key``.

    Raises ConfigurationError if it is not live, AmbiguousNameError if its name does not identify one key.
    """
    scope, live = observed.scope, clear_key(kind, observed, name, known_id)
    if live is None:
        creates = "" if kind.create_requires is None else "; apply creates it"
        message = f"{scope.address(name)} is declared, but not on the server{creates}"
        raise ConfigurationError(message)
    return live


def _item(reader: Reader, kind: Kind, scope: Scope, name: str) -> Mapping[str, Any] | None:
    path = kind.item_path(scope, name)
    try:
        return key_in(kind, path, name, reader.get(path, kind.query, kind.headers))
    except NotFoundError:
        return None
