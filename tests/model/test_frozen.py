"""A frozen class of the engine is what the standard decorator makes of the same body."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import operator
from typing import TYPE_CHECKING, Any, ClassVar

from hypothesis import given, reject
from hypothesis import strategies as st

from reconciler.model import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SHARED = f"{ClassVar}[int]".removeprefix("typing.")
VALUES = st.integers(0, 2)
FIELD = st.fixed_dictionaries(
    {"compare": st.booleans(), "repr": st.booleans(), "kw_only": st.booleans()},
    optional={"default": VALUES, "default_factory": st.sampled_from([tuple, str])},
).filter(lambda settings: not {"default", "default_factory"} <= settings.keys())
SETTINGS = st.fixed_dictionaries(
    {}, optional={"kw_only": st.booleans(), "order": st.just(value=True), "eq": st.booleans()}
).filter(lambda settings: settings.get("eq", True) or "order" not in settings)


def _body(fields: Mapping[str, Mapping[str, Any]], bases: tuple[type[Any], ...] = ()) -> type[Any]:
    """Return a class with these fields; those without a default come first."""
    names = sorted(
        fields, key=lambda name: not fields[name].keys().isdisjoint({"default", "default_factory"})
    )
    members = {name: dataclasses.field(**fields[name]) for name in names}
    annotations = dict.fromkeys([*names, "SHARED"], "int") | {"SHARED": SHARED}
    extra = {"__annotations__": annotations, "__doc__": "A value.", "SHARED": 1, "__module__": __name__}
    return type("Thing", bases, members | extra)


def _outcome(call: Callable[[], Any]) -> Any:
    """Return what a call returns, or its error."""
    try:
        return call()
    except (TypeError, dataclasses.FrozenInstanceError) as error:
        return type(error), str(error)


def _seen(kind: Any, rows: list[tuple[tuple[int, ...], dict[str, int]]]) -> list[object]:
    """Return all that may be observed of a class and of its instances."""
    seen: list[object] = [
        [(part.name, part.default, part.compare, part.kw_only) for part in dataclasses.fields(kind)],
        *(kind.__match_args__, kind.__slots__, str(inspect.signature(kind)), kind.SHARED),
    ]
    things = []
    for given_values, named in rows:
        made = _outcome(lambda: kind(*given_values, **named))  # noqa: B023 - called at once
        if isinstance(made, tuple):
            seen.append(made)
        else:
            things.append(made)
    for one in things:
        seen += [repr(one), dataclasses.asdict(one), repr(copy.copy(one)), hasattr(one, "__dict__")]
        seen += [_outcome(lambda: repr(dataclasses.replace(one, a=7)))]  # noqa: B023 - called at once
        for part in dataclasses.fields(one):  # of other names the standard decorator makes another error
            seen += [_outcome(lambda: setattr(one, part.name, 1))]  # noqa: B023 - called at once
            seen += [_outcome(lambda: delattr(one, part.name))]  # noqa: B023 - called at once
        for other in (*things, copy.copy(one), "another"):
            seen += [one == other, hash(one) == hash(other)]
            seen += [
                _outcome(lambda: compare(one, other))  # noqa: B023 - called at once
                for compare in (operator.lt, operator.le, operator.gt, operator.ge)
            ]
    return seen


def _observed(decorator: Any, fields: list[Any], settings: Any, rows: Any) -> list[object]:
    """Return what is seen of a class with the first fields, and of one below it with the second."""
    decorate = decorator(frozen=True, slots=True, **settings)
    base = decorate(_body(fields[0]))
    return [_seen(base, rows), _seen(decorate(_body(fields[1], (base,))), rows)]


@given(
    first=st.dictionaries(st.sampled_from("ab"), FIELD, max_size=2),
    second=st.dictionaries(st.sampled_from("abcd"), FIELD, max_size=3),
    settings=SETTINGS,
    rows=st.lists(
        st.tuples(
            st.lists(VALUES, max_size=4).map(tuple),
            st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=3),
        ),
        max_size=4,
    ),
)
def test_a_class_is_what_the_standard_decorator_makes_of_it(
    first: Any, second: Any, settings: Any, rows: Any
) -> None:
    try:
        standard = _observed(dataclasses.dataclass, [first, second], settings, rows)
    except TypeError:  # a field without a default behind one that has a default
        reject()
    assert _observed(frozen.dataclass, [first, second], settings, rows) == standard
