"""Problems of files, without the secrets of this run: a user may have pasted one into a file."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from reconciler.api.redaction import MASK, Redactor
from reconciler.cli.system import ENVIRONMENT
from reconciler.cli.variables import FILE_VARIABLE
from reconciler.errors import InputError
from reconciler.load.process import BOUND_VARIABLE, OWN_VARIABLES, secrets_in
from reconciler.load.sources import read_file
from reconciler.model.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.model.source import Problem, SourceLine

SECRET_FILES: Final = ("token_file", "webhook_secret_file", "smtp_password_file")
"""Options that name the file of a secret."""
_LARGEST: Final = 65_536
_SHORTEST: Final = 8
"""What is shorter is in every other word, and no secret."""


def without_secrets(error: InputError, files: Iterable[str]) -> InputError:
    """Return an error of files without the secrets of the environment or in ``files``."""
    return InputError(redacted(error.problems, files))


def redacted(problems: Iterable[Problem], files: Iterable[str] = ()) -> list[Problem]:
    """Return problems with every secret masked; a line with a secret, or a part of one, is not shown.

    In messages only full secrets are masked, since most words are the program's own.
    """
    secrets = sorted({text for text in _secrets(files) if len(text) >= _SHORTEST}, key=len, reverse=True)
    redactor = Redactor(*map(Secret, secrets))

    def masked(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, MASK)
        return text

    def is_safe(line: SourceLine) -> bool:
        return redactor.text(line.text) == line.text

    return [
        replace(
            problem,
            address=masked(problem.address),
            message=masked(problem.message),
            line=problem.line if problem.line is not None and is_safe(problem.line) else None,
        )
        for problem in problems
    ]


def _secrets(named: Iterable[str]) -> Iterator[str]:
    """Yield the secrets in the environment or the files it refers to, and those in named files."""
    files = [*named]
    for name, value in ENVIRONMENT.items():
        if name == "GCORE_API_KEY_FILE" or FILE_VARIABLE.fullmatch(name):
            files.append(value)
        elif name in OWN_VARIABLES or BOUND_VARIABLE.fullmatch(name):
            yield from map(str.strip, secrets_in(value))
    for file in filter(None, files):
        with suppress(InputError, UnicodeDecodeError):
            yield read_file(file, _LARGEST, "too large").decode().strip()
