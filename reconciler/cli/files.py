"""Writing a file whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from reconciler.errors import ConfigurationError


def write_whole(file: Path, text: str) -> None:
    """Put ``text`` into ``file`` in one step: whoever reads it finds the old content or the new.

    A file that exists keeps its permissions. What is no plain file, such as /dev/stdout, is written as it is.
    Raises OSError.
    """
    if file.exists() and not file.is_file():
        file.write_text(text, encoding="utf-8")
        return
    import tempfile  # noqa: PLC0415 - slow to load, and --help writes no file

    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as temporary:
            if file.exists():
                os.fchmod(descriptor, stat.S_IMODE(file.stat().st_mode))
            temporary.write(text)
            temporary.flush()
            os.fsync(temporary.fileno())
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def replace_text(file: str, before: bytes, text: str) -> None:
    """Put ``text`` into a file that holds ``before``; what a link names is written, not the link.

    Raises ConfigurationError if the file changed in the meantime, or cannot be written.
    """
    place = Path(file).resolve()
    try:
        if place.read_bytes() != before:
            raise ConfigurationError(f"{file} changed while it was read, so nothing was written; try again")
        write_whole(place, text)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror}") from error
