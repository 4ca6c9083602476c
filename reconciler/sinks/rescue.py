"""The last resort: a secret that its sink did not take goes into a file, wherever one can be made."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.errors import SinkError
from reconciler.sinks.names import file_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.secret import Secret

_PREFIX: Final = "rescued-secret-"
_LAST: Final = ("/var/tmp", "/dev/shm")  # noqa: S108 - a fresh folder is made there, for its owner only


def synced(file: Path) -> None:
    """Have a file, its folder and its name in the one above on disk. Raises OSError."""
    for path in (file, file.parent, file.parent.parent):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def rescue(address: str, secret: Secret, folder: Path, sync: Callable[[Path], None] = synced) -> str:
    """Put a secret into a new file for its owner only and give its path.

    The file lies in a fresh folder below ``folder``; where that cannot be, below the system's temporary
    folder, ``/var/tmp`` or, in memory, ``/dev/shm``. Git ignores the folder. One that cannot be synced to its
    disk is used only if there is no better. Raises SinkError if nothing at all can be written.
    """
    reasons: list[str] = []
    doubtful: list[Path] = []
    for above in _candidates(folder):
        try:
            file = _written(above, file_name(address.split("/")), secret)
        except (OSError, ValueError) as error:
            reasons.append(f"{above}: {(error.strerror if isinstance(error, OSError) else None) or error}")
            continue
        try:
            sync(file)
        except OSError:
            doubtful.append(file)
            continue
        for other in doubtful:
            shutil.rmtree(other.parent, ignore_errors=True)
        return str(file)
    if doubtful:
        return str(doubtful[0])
    message = f"the secret of {address} could not be written anywhere, and is lost: {'; '.join(reasons)}"
    raise SinkError(message)


def _candidates(folder: Path) -> Iterator[Path]:
    yield folder
    with contextlib.suppress(OSError):  # none can be written to
        yield Path(tempfile.gettempdir())
    yield from map(Path, _LAST)


def _written(above: Path, name: str, secret: Secret) -> Path:
    fresh = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=above)).absolute()
    try:
        fresh.chmod(0o700)  # whatever the umask has taken away
        with contextlib.suppress(OSError):
            (fresh / ".gitignore").write_bytes(b"*\n")
        file = fresh / name
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(descriptor, 0o600)
            stream.write(secret.reveal().encode("utf-8", "surrogatepass"))
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return file
