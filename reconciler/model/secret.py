"""A type for secret values."""

from __future__ import annotations

from typing import NoReturn


class Secret:
    """A text that cannot be printed, formatted, pickled or serialised by accident.

    Only :meth:`reveal` returns it.
    """

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        """Store the text."""
        self.__value = value

    def reveal(self) -> str:
        """Return the text itself."""
        return self.__value

    def __repr__(self) -> str:
        """Return a placeholder in place of the text."""
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, _spec: str, /) -> str:
        """Return a placeholder in format strings too."""
        return repr(self)

    def __reduce__(self) -> NoReturn:
        """Raise TypeError: a secret cannot be pickled or copied."""
        raise TypeError("a secret cannot be pickled")
