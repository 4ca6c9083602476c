"""Writing a file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_whole(file: Path, text: str) -> None:
    """Put ``text`` into ``file`` in one step: whoever reads it finds the old content or the new.

    What is no plain file, such as /dev/stdout, is written as it is. Raises OSError.
    """
    if file.exists() and not file.is_file():
        file.write_text(text, encoding="utf-8")
        return
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as temporary:
            temporary.write(text)
            temporary.flush()
            os.fsync(temporary.fileno())
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
