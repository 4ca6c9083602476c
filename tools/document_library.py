"""The pages of the library and of exit codes, made from signatures and docstrings."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import re
from typing import TYPE_CHECKING, Any, Final

import reconciler
from reconciler import errors
from reconciler.errors import ExitCode, ReconcilerError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LIBRARY: Final = """# Names of the library

For programmers who call [the library](library.md). Made from the code: what is listed here stays as it is
between minor versions ([releasing.md](releasing.md)).
"""
_CODES: Final = """# Exit codes and errors

For those who write pipelines and programs. Every command ends with one of these, and every error of the
library is one of the classes below, with the exit code that the command has for it.

| exit code | name | means |
|---|---|---|
"""
_STARS: Final[dict[Any, str]] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
MEANINGS: Final = {
    ExitCode.DONE: "done, or nothing to do",
    ExitCode.ERROR: "an error; nothing was changed (but `drift --correct` corrects what it can compare)",
    ExitCode.CHANGES: "there are changes (`plan --detailed-exitcode`), drift (`drift`), files in another "
    "layout (`fmt --check`), or files were edited or are to be (`renew`, `rotate --finish`, `--due`)",
    ExitCode.REFUSED: "refused: the plan goes beyond a limit, is not the expected one, or every key has "
    "changed since",
    ExitCode.PARTIAL: "partly applied, or something could not be verified",
    ExitCode.USAGE: "the command line is wrong",
    ExitCode.INTERRUPTED: "interrupted",
}


def library_page() -> str:
    """Return the page of the names in ``reconciler.__all__``: functions first, then values, then errors."""
    names = {name: getattr(reconciler, name) for name in sorted(reconciler.__all__)}
    groups: dict[str, list[str]] = {"Functions": [], "Values and protocols": [], "Errors": []}
    for name, value in names.items():
        is_error = isinstance(value, type) and issubclass(value, BaseException)
        group = "Errors" if is_error else "Values and protocols" if isinstance(value, type) else "Functions"
        groups[group].append("\n\n".join(_entry(name, value)))
    texts = ("\n\n".join([f"## {group}", *entries]) + "\n" for group, entries in groups.items())
    return "\n".join([_LIBRARY, *texts])


def _entry(name: str, value: Any) -> Iterator[str]:
    """Yield what is said of one name."""
    yield f"### {name}"
    if not isinstance(value, type):
        yield f"```python\n{_signature(name, value)}\n```"
    yield _paragraphs(value)
    rows = [*_members(value)] if isinstance(value, type) else []
    if rows:
        yield "\n".join(["| member | |", "|---|---|", *rows])


def _signature(name: str, function: Any) -> str:
    """Return the call of a function, one parameter a line."""
    signature = inspect.signature(function)
    lines: list[str] = []
    for parameter in signature.parameters.values():
        star = _STARS.get(parameter.kind, "")
        if parameter.kind is parameter.KEYWORD_ONLY and not any(line.startswith("    *") for line in lines):
            lines.append("    *,")
        default = "" if parameter.default is parameter.empty else f" = {_default(parameter.default)}"
        lines.append(f"    {star}{parameter.name}: {parameter.annotation}{default},")
    return "\n".join([f"reconciler.{name}(", *lines, f") -> {signature.return_annotation}"])


def _default(value: object) -> str:
    """Return a default as it is written; one that is a value of its own is left to the text."""
    is_plain = value is None or (isinstance(value, str | int | tuple) and not isinstance(value, enum.Enum))
    return repr(value) if is_plain else "…"


def _members(value: type) -> Iterator[str]:
    """Yield a row for each public member of a class."""
    if issubclass(value, enum.Enum):
        for member in value:
            yield f"| `{member.name}` | `{member.value}` |"
    fields = dataclasses.fields(value) if dataclasses.is_dataclass(value) else ()
    for field in fields:
        if not field.name.startswith("_"):
            yield f"| `{field.name}` | `{field.type}` |".replace(" | None`", " or None`")
    known = {field.name for field in fields}
    for name, member in vars(value).items():
        if not name.startswith("_") and name not in known and _is_documented(member):
            shown = f"{name}()" if inspect.isroutine(member) else name
            yield f"| `{shown}` | {_first(member)} |"


def _is_documented(member: object) -> bool:
    return (inspect.isroutine(member) or isinstance(member, property)) and bool(inspect.getdoc(member))


def _first(member: object) -> str:
    """Return the first sentence of a docstring."""
    text = " ".join((inspect.getdoc(member) or "").split("\n\n", maxsplit=1)[0].split())
    return _marked(re.split(r"(?<=\.) ", text)[0]).replace("|", "\\|")


def _paragraphs(value: object) -> str:
    """Return a docstring as Markdown."""
    return _marked(inspect.getdoc(value) or "")


def _marked(text: str) -> str:
    """Return the marks of a docstring as those of Markdown."""
    return re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text).replace("``", "`")


def codes_page() -> str:
    """Return the page of exit codes and of the tree of errors."""
    rows = [f"| {int(code)} | `{code.name}` | {MEANINGS[code]} |" for code in ExitCode]
    tree = (errors.__doc__ or "").split("::\n\n", maxsplit=1)[1].split("\n\n", maxsplit=1)[0]
    lines = "\n".join(line.removeprefix("    ") for line in tree.splitlines())
    classes = [error for error in vars(errors).values() if _is_error(error)]
    texts = [f"| `{error.__name__}` | {int(error.exit_code)} | {_first(error)} |" for error in classes]
    return (
        _CODES
        + "\n".join(rows)
        + "\n\n## Errors\n\n"
        + f"```text\n{lines}\n```\n\n| class | exit code | |\n|---|---|---|\n"
        + "\n".join(texts)
        + "\n"
    )


def _is_error(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, ReconcilerError)
