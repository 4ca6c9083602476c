"""Frozen, slotted dataclasses that are cheap to define.

The standard decorator takes a quarter of the time of a short command: it compiles six methods for each of a
hundred classes. These classes share all methods except ``__init__``, which is compiled on first use and
shared by classes with the same fields. Type checkers see the standard decorator, and the functions of
:mod:`dataclasses` work.
"""

from __future__ import annotations

import dataclasses
from functools import cache
from operator import attrgetter, ge, gt, le, lt
from reprlib import recursive_repr
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from dataclasses import dataclass

__all__ = ["dataclass"]

_NOT_COPIED: Final = frozenset({"__dict__", "__weakref__"})
"""What each class has of its own."""
_STANDARD: Final = ("__dataclass_fields__", "__dataclass_params__", "__match_args__")


class _Unset:
    """A field, with the properties that matter for creating and comparing instances."""

    def __repr__(self) -> str:
        return "<factory>"


_UNSET: Final = _Unset()


class _Part:
    """A field, as far as it takes part in making and comparing instances."""

    __slots__ = ("default", "hint", "in_comparison", "is_named", "make")

    def __init__(self, declared: Any, hint: Any) -> None:
        self.hint = hint
        is_field = declared.__class__ is dataclasses.Field
        self.default = declared.default if is_field else declared
        self.make = declared.default_factory if is_field else dataclasses.MISSING
        self.in_comparison = not is_field or declared.compare
        self.is_named: Any = declared.kw_only if is_field else dataclasses.MISSING


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
    return [getattr(self, name) for name in self._parts]


def _set_state(self: Any, state: list[Any]) -> None:
    for name, value in zip(self._parts, state, strict=True):
        object.__setattr__(self, name, value)


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
    """An attribute of a class that is computed on first access, and then replaced by its value."""

    def __init__(self, make: Callable[[type[Any]], Any]) -> None:
        self._make = make

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self._owner, self._name = owner, name

    def __get__(self, one: object, kind: type[Any]) -> Any:
        made = self._make(self._owner)
        setattr(self._owner, self._name, made)
        return made.__get__(one, kind) if hasattr(made, "__get__") else made


def _parts_of(kind: Any) -> Mapping[str, _Part]:
    parts: Mapping[str, _Part] = kind._parts  # noqa: SLF001 - what this module gives to its classes
    return parts


def _comparison(kind: type[Any]) -> Callable[[Any], Any]:
    """Return a function that returns the compared values of an instance."""
    names = [name for name, part in _parts_of(kind).items() if part.in_comparison]
    return attrgetter(*names or ["__slots__"])  # without fields, what all instances have in common


@cache
def _code(positional: int, named: int, made: tuple[int, ...], last: str) -> CodeType:
    """Compile an ``__init__`` for this many parameters, some of them with default factories."""
    names = [f"_{i}" for i in range(positional + named)]
    values = [f"make_{i}() if _{i} is unset else _{i}" if i in made else name for i, name in enumerate(names)]
    parameters = ["self", *names[:positional], *(["*"] if named else []), *names[positional:]]
    body = [f"set_{i}(self, {value})" for i, value in enumerate(values)]
    space: dict[str, Any] = {}
    exec("\n ".join([f"def __init__({', '.join(parameters)}):", *body, last]), space)  # noqa: S102 - as the standard decorator does
    code: CodeType = space["__init__"].__code__
    return code


def _initializer(kind: type[Any]) -> FunctionType:
    """Return the ``__init__`` of a class."""
    parts = sorted(_parts_of(kind).items(), key=lambda one: one[1].is_named)
    names = tuple(name for name, _ in parts)
    named = sum(part.is_named for _, part in parts)
    space: dict[str, Any] = {"unset": _UNSET}
    defaults: dict[str, Any] = {}
    made = list[int]()
    for i, (name, part) in enumerate(parts):
        space[f"set_{i}"] = getattr(kind, name).__set__
        if part.make is not dataclasses.MISSING:
            space[f"make_{i}"], defaults[name] = part.make, _UNSET
            made.append(i)
        elif part.default is not dataclasses.MISSING:
            defaults[name] = part.default
    positional = len(names) - named
    last = "self.__post_init__()" if hasattr(kind, "__post_init__") else "return"
    code = _code(positional, named, tuple(made), last)
    code = code.replace(co_varnames=("self", *names))
    given = tuple(defaults[name] for name in names[:positional] if name in defaults)
    function = FunctionType(code, space, "__init__", given)
    function.__kwdefaults__ = {name: defaults[name] for name in names[positional:] if name in defaults}
    function.__qualname__ = f"{kind.__qualname__}.__init__"
    function.__annotations__ = {name: part.hint for name, part in parts} | {"return": None}
    return function


def _standard(kind: type[Any], name: str, decorate: Callable[[type[Any]], type[Any]]) -> _Later:
    """Return an attribute, computed on demand, that the standard decorator would add to the class."""
    body = {member: value for member, value in kind.__dict__.items() if member not in _NOT_COPIED}

    def make(_made: type[Any]) -> Any:
        same: type[Any] = type(kind)(kind.__name__, kind.__bases__, body)  # type: ignore[misc]  # a metaclass
        return getattr(decorate(same), name)

    return _Later(make)


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
        known: dict[str, _Part] = {}
        for base in reversed(kind.__mro__[1:]):
            known |= base.__dict__.get("_parts", {})
        own = {
            name: _Part(kind.__dict__.get(name, dataclasses.MISSING), hint)
            for name, hint in kind.__annotations__.items()
            if "ClassVar" not in hint
        }
        for part in own.values():
            part.is_named = kw_only if part.is_named is dataclasses.MISSING else part.is_named
        standard = dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=kw_only)
        body = {
            name: one for name, one in kind.__dict__.items() if name not in own | dict.fromkeys(_NOT_COPIED)
        }
        body |= {"__slots__": tuple(name for name in own if name not in known), "_parts": known | own}
        if eq and body.get("__hash__") is None:
            body["__hash__"] = _hash
        members = {
            **_METHODS,
            **{name: _standard(kind, name, standard) for name in _STANDARD},
            **({"__init__": _Later(_initializer)} if init else {}),
            **({"__eq__": _equals, "_compared": _Later(_comparison)} if eq else {}),
            **(_ORDER if order else {}),
            **body,
        }
        made: type[Any] = type(kind)(kind.__name__, kind.__bases__, members)  # type: ignore[misc]  # a metaclass
        made.__qualname__ = kind.__qualname__
        return made

    return decorate


if not TYPE_CHECKING:
    dataclass = _decorator
