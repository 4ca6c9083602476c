"""Frozen, slotted dataclasses that cost little before they are used.

The standard decorator takes a quarter of the time of a short command: it compiles six methods for each of a
hundred classes. Here the classes share their methods but one, ``__init__``, which is compiled for the first
instance. Type checkers see the standard decorator, and the functions of :mod:`dataclasses` work as ever.
"""

from __future__ import annotations

import dataclasses
from operator import attrgetter, ge, gt, le, lt
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from dataclasses import dataclass

__all__ = ["dataclass"]

_NOT_COPIED: Final = frozenset({"__dict__", "__weakref__"})
"""What each class has of its own."""


class _Unset:
    """The default of what a function makes, as a signature shows it."""

    def __repr__(self) -> str:
        return "<factory>"


_UNSET: Final = _Unset()


def _equals(self: Any, other: Any) -> bool:
    if other.__class__ is not self.__class__:
        return NotImplemented  # type: ignore[no-any-return]  # as every comparison may
    return bool(self._compared(self) == self._compared(other))


def _hash(self: Any) -> int:
    return hash(self._compared(self))


@recursive_repr()
def _repr(self: Any) -> str:
    names = (part.name for part in dataclasses.fields(self) if part.repr)
    return f"{self.__class__.__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"


def _refuse_value(_self: Any, name: str, _value: Any) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_deletion(_self: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, part.name) for part in dataclasses.fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:
    for part, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, part.name, value)


def _ordering(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], bool]:
    def method(self: Any, other: Any) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented  # type: ignore[no-any-return]  # as every comparison may
        return bool(compare(self._compared(self), self._compared(other)))

    return method


_METHODS: Final[Mapping[str, Any]] = {
    "__repr__": _repr,
    "__setattr__": _refuse_value,
    "__delattr__": _refuse_deletion,
    "__getstate__": _state,
    "__setstate__": _set_state,
}
_ORDER: Final[Mapping[str, Any]] = {f"__{one.__name__}__": _ordering(one) for one in (lt, le, gt, ge)}


class _Later:
    """An attribute of a class that is made when it is first asked for, and then takes the place of this."""

    def __init__(self, make: Callable[[type[Any]], Any]) -> None:
        self._make = make

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self._owner, self._name = owner, name

    def __get__(self, one: object, kind: type[Any]) -> Any:
        made = self._make(self._owner)
        setattr(self._owner, self._name, made)
        return made.__get__(one, kind) if hasattr(made, "__get__") else made


def _comparison(kind: type[Any]) -> Callable[[Any], Any]:
    """Return what returns the values of an instance that are compared."""
    names = [part.name for part in dataclasses.fields(kind) if part.compare]
    return attrgetter(*names or ["__slots__"])  # without fields, what all instances have in common


def _initializer(kind: type[Any]) -> Any:
    """Compile the ``__init__`` of a class."""
    known: dict[str, Any] = {"__unset": _UNSET}
    positional, by_name, body = ["self"], ["*"], list[str]()
    for part in dataclasses.fields(kind):
        name, declared, value = part.name, part.name, part.name
        if part.default is not dataclasses.MISSING:
            known[f"__default_{name}"] = part.default
            declared = f"{name}=__default_{name}"
        elif part.default_factory is not dataclasses.MISSING:
            known[f"__make_{name}"] = part.default_factory
            declared, value = f"{name}=__unset", f"__make_{name}() if {name} is __unset else {name}"
        (by_name if part.kw_only else positional).append(declared)
        known[f"__set_{name}"] = getattr(kind, name).__set__
        body.append(f" __set_{name}(self, {value})")
    parameters = ", ".join(positional + (by_name if len(by_name) > 1 else []))
    last = " self.__post_init__()" if hasattr(kind, "__post_init__") else " return"
    exec("\n".join([f"def __init__({parameters}):", *body, last]), known)  # noqa: S102 - as the standard one does
    made = known["__init__"]
    made.__qualname__ = f"{kind.__qualname__}.__init__"
    made.__annotations__ = {part.name: part.type for part in dataclasses.fields(kind)} | {"return": None}
    return made


def _members(*, eq: bool, order: bool, init: bool) -> dict[str, Any]:
    """Return what the class is to have that its body does not define."""
    return {
        **_METHODS,
        **({"__init__": _Later(_initializer)} if init else {}),
        **({"__eq__": _equals, "_compared": _Later(_comparison)} if eq else {}),
        **(_ORDER if order else {}),
    }


def _decorator(  # noqa: PLR0913 - those of the standard decorator
    *,
    frozen: Literal[True],  # noqa: ARG001 - what a class says of itself
    slots: Literal[True],  # noqa: ARG001
    kw_only: bool = False,
    eq: bool = True,
    order: bool = False,
    init: bool = True,
) -> Callable[[type[Any]], type[Any]]:
    def decorate(kind: type[Any]) -> type[Any]:
        # With the names of the fields alone, the standard decorator takes a tenth of its time.
        dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=kw_only)(kind)
        names = {part.name for part in dataclasses.fields(kind)}
        inherited = {name for base in kind.__mro__[1:] for name in base.__dict__.get("__slots__", ())}
        body = {
            name: one for name, one in kind.__dict__.items() if name not in names and name not in _NOT_COPIED
        }
        body["__slots__"] = tuple(name for name in kind.__annotations__ if name in names - inherited)
        if eq and body.get("__hash__") is None:
            body["__hash__"] = _hash
        members = _members(eq=eq, order=order, init=init) | body
        made: type[Any] = type(kind)(kind.__name__, kind.__bases__, members)  # type: ignore[misc]  # a metaclass
        made.__qualname__ = kind.__qualname__
        return made

    return decorate


if not TYPE_CHECKING:
    dataclass = _decorator
