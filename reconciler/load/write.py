"""Write a file whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path


def write_whole(file: Path, text: str) -> None:
    """Store ``text`` in ``file`` in one step: a reader finds the old content or the new.

    An existing file keeps its permissions. A special file, such as /dev/stdout, is written directly.
    Raises OSError.
    """
    if file.exists() and not file.is_file():
        file.write_text(text, encoding="utf-8")
        return
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
