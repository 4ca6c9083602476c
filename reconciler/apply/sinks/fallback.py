"""The fallback: files for secrets that their sink did not store, in any folder that can be written."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.apply.sinks.sink import file_name
from reconciler.errors import SinkError, os_reason
from reconciler.load.write import create_private, unsynced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reconciler.model.secret import Secret

_PREFIX: Final = "rescued-secret-"
_LAST: Final = ("/var/tmp", "/dev/shm")  # noqa: S108 - a fresh folder is made there, for its owner only


def synced(file: Path) -> None:
    """Sync a file, its folder and its name in the one above to disk. Raises OSError."""
    for path in (file, file.parent, file.parent.parent):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class Rescuer:
    """Writes secrets into one new folder, for its owner only, which Git ignores.

    The folder is below the first of ``folders`` that can be written, else below the system's temporary
    folder, ``/var/tmp`` or, in memory, ``/dev/shm``. If it is full, another one is created below the next.
    """

    def __init__(self, folders: Sequence[Path], sync: Callable[[Path], None] = synced) -> None:
        """Store the folders to try first; nothing is created before it is needed."""
        self._folders = tuple(folders)
        self._sync = sync
        self._fresh: Path | None = None
        self._lock = threading.Lock()

    def rescue(self, address: str, secret: Secret) -> str:
        """Write a secret into a new file and return its path.

        A disk that cannot be synced is used only if there is no other. Raises SinkError if no file can be
        written.
        """
        name = file_name(address.split("/"))
        reasons: list[str] = []
        doubtful: list[Path] = []
        with self._lock:
            for above in self._candidates():
                try:
                    file = self._written(above, name, secret)
                except (OSError, ValueError) as error:
                    reasons.append(f"{above}: {os_reason(error)}")
                    continue
                try:
                    self._sync(file)
                except OSError:
                    doubtful.append(file)
                    continue
                for other in doubtful:
                    _remove(other)
                self._fresh = file.parent
                return str(file)
        if doubtful:
            for other in doubtful[1:]:
                _remove(other)
            return str(doubtful[0])
        message = f"the secret of {address} could not be written anywhere, and is lost: {'; '.join(reasons)}"
        raise SinkError(message)

    def _candidates(self) -> Iterator[Path]:
        if self._fresh is not None:
            yield self._fresh
        yield from self._folders
        with contextlib.suppress(OSError):  # none can be written to
            yield Path(tempfile.gettempdir())
        yield from map(Path, _LAST)

    def _written(self, above: Path, name: str, secret: Secret) -> Path:
        if above == self._fresh:
            return _new_file(above, name, secret)
        fresh = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=above)).absolute()
        try:
            fresh.chmod(0o700)  # whatever the umask has taken away
            with contextlib.suppress(OSError):
                (fresh / ".gitignore").write_bytes(b"*\n")
            return _new_file(fresh, name, secret)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise


def _new_file(folder: Path, name: str, secret: Secret) -> Path:
    """Write a file completely, or leave none. One address may have several: none is replaced."""
    number = 1
    file = folder / name
    while os.path.lexists(file):
        number += 1
        file = folder / f"{name}@{number}"
    create_private(file, secret.reveal().encode("utf-8", "surrogatepass"), sync=unsynced)
    return file


def _remove(file: Path) -> None:
    """Remove a file, and its folder if it holds no other secret."""
    with contextlib.suppress(OSError):
        file.unlink()
        if {path.name for path in file.parent.iterdir()} <= {".gitignore"}:
            shutil.rmtree(file.parent, ignore_errors=True)
