"""Secrets as files: one per key, readable by its owner only, written atomically; older ones are retained."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import stat
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.apply.sinks.sink import file_name
from reconciler.errors import SinkError, os_reason
from reconciler.load.write import PRIVATE, create_private, sync_folder, unsynced
from reconciler.model.frozen import dataclass
from reconciler.model.randomness import unique
from reconciler.model.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.apply.sinks.sink import Held, Place
    from reconciler.model.randomness import Randomness

_OWNER_ONLY: Final = 0o700
_OTHERS: Final = 0o077
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_LARGEST: Final = 2**20
_TRIAL: Final = "probe"
_TRIAL_SIZE: Final = 4096
"""The space that the smallest file takes on a disk."""


@dataclass(frozen=True, slots=True)
class FileSink:
    """A folder with one file for each key, which holds only the secret, without a line break.

    The secret of a replaced key gets the name; the older file is renamed to ``NAME@1``, ``NAME@2``…
    """

    folder: Path
    randomness: Randomness = field(repr=False)

    def where(self, place: Place) -> str:
        """Return ``file:`` and the path of the key's file."""
        return f"file:{self._path(place)}"

    def probe(self, places: Sequence[Place]) -> dict[Place, Held]:
        """Create and remove a file for each key, and the folder too if it was missing.

        Returns the existing file of each key. Raises SinkError.
        """
        created = self._make()
        try:
            with self._opened() as folder:
                held: dict[Place, Held] = {place: self._held(folder, place) for place in places}
                _try(
                    folder,
                    {file_name(place.parts): bool(version) for place, version in held.items()},
                    self.randomness,
                )
                return held
        except OSError as error:
            raise SinkError(f"no file can be created in {self.folder}: {_reason(error)}") from error
        finally:
            _remove(created)

    def store(self, place: Place, secret: Secret, held: Held = None) -> str:
        """Write the secret into a new file and rename it to the key's name. Raises SinkError."""
        path = self._path(place)
        self._make()
        try:
            with self._opened() as folder:
                aside = _temporary(path.name, self.randomness)
                create_private(aside, secret.reveal().encode("utf-8", "surrogatepass"), folder)
                try:
                    self._name(folder, aside, place, held)
                finally:
                    with contextlib.suppress(FileNotFoundError):  # it has its name
                        os.unlink(aside, dir_fd=folder)
                sync_folder(folder)
        except (OSError, ValueError) as error:
            raise SinkError(f"{path} cannot be written: {_reason(error)}") from None
        return f"file:{path}"

    def read(self, place: Place) -> Secret | None:
        """Return the content of the key's file, None if there is no such file. Raises SinkError."""
        path = self._path(place)
        if not os.path.lexists(self.folder):
            return None
        try:
            with self._opened() as folder:
                if not self._held(folder, place):
                    return None
                descriptor = os.open(path.name, _FILE, dir_fd=folder)
                with open(descriptor, "rb") as opened:  # noqa: PTH123 - a descriptor
                    return Secret(opened.read(_LARGEST).decode("utf-8", "surrogatepass"))
        except (OSError, ValueError) as error:
            raise SinkError(f"{path} cannot be read: {_reason(error)}") from None

    @property
    def has_versions(self) -> bool:
        """Return True: the previous file is retained under a number."""
        return True

    def hurry(self) -> None:
        """Do nothing: no operation is retried here."""

    def _path(self, place: Place) -> Path:
        folder = os.path.abspath(self.folder)  # noqa: PTH100 - links are refused, not followed
        return Path(folder) / file_name(place.parts)

    def _held(self, folder: int, place: Place) -> str:
        """Return the file of a key, empty if none. Raises SinkError if this tool did not write it."""
        path = self._path(place)
        try:
            about = os.stat(path.name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return ""
        is_file = stat.S_ISREG(about.st_mode)
        if not is_file or about.st_uid != os.geteuid():
            what = "belongs to another user" if is_file else "is not a regular file"
            raise SinkError(f"{path} {what}, and is not changed: move it away, or store elsewhere")
        return f"{about.st_ino}-{about.st_mtime_ns}"

    def _name(self, folder: int, aside: str, place: Place, held: Held) -> None:
        """Rename a new file to the key's name in one step, and the previous file to a name with a number."""
        path = self._path(place)
        name = path.name
        try:
            _link(folder, aside, name)
        except FileExistsError as error:
            with _locked(folder):
                if held is not None and self._held(folder, place) != held:
                    raise SinkError(
                        f"{path} was created by another program meanwhile, and is not overwritten; move"
                        " it away"
                    ) from error
                if self._held(folder, place):
                    _number(folder, name)
                os.rename(aside, name, src_dir_fd=folder, dst_dir_fd=folder)

    def _make(self) -> list[Path]:
        """Create the folder and its parents, where they are missing; return those that were created."""
        created: list[Path] = []
        try:
            for path in reversed([self.folder, *self.folder.parents]):
                if not os.path.lexists(path) and _made(path):
                    created.append(path)  # noqa: PERF401 - those made before a failure are removed
        except (OSError, ValueError) as error:
            _remove(created)
            raise SinkError(f"the folder {self.folder} cannot be created: {_reason(error)}") from error
        for path in created:
            with contextlib.suppress(OSError):
                sync_folder(path.parent)
        return created

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int]:
        """Yield a descriptor of the folder, which refers to the same folder even if it is renamed.

        Raises SinkError if it is accessible to others than its owner.
        """
        try:
            descriptor = os.open(self.folder, _FOLDER)
        except (OSError, ValueError) as error:
            what = f"the folder {self.folder} cannot be opened: {_reason(error)}"
            if self.folder.is_symlink():
                what = f"{self.folder} is a symbolic link, which could lead anywhere: name the folder itself"
            raise SinkError(what) from error
        try:
            about = os.fstat(descriptor)
            if about.st_uid != os.geteuid():
                what = f"belongs to user {about.st_uid}, not to you: use another one"
                raise SinkError(f"the folder {self.folder} {what}")
            if about.st_mode & _OTHERS:
                what = f"is accessible to others (mode {stat.S_IMODE(about.st_mode):04o}): use another one"
                raise SinkError(f"the folder {self.folder} {what}; a missing one is created for you only")
            yield descriptor
        finally:
            os.close(descriptor)


def _made(folder: Path) -> bool:
    """Create a folder for its owner only; return False if another run created it first."""
    try:
        folder.mkdir(mode=_OWNER_ONLY)
    except FileExistsError:
        return False
    if stat.S_IMODE(folder.lstat().st_mode) & _OWNER_ONLY != _OWNER_ONLY:
        folder.chmod(_OWNER_ONLY)  # a umask has taken away what the owner needs
    return True


def _temporary(name: str, source: Randomness) -> str:
    return f".{name}.{unique(source)}.new"


def _remove(folders: Sequence[Path]) -> None:
    for path in reversed(folders):
        with contextlib.suppress(OSError):  # another run may use it by now
            path.rmdir()


def _link(folder: int, name: str, other: str) -> None:
    os.link(name, other, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)


def _try(folder: int, names: Mapping[str, bool], source: Randomness) -> None:
    """Write a small file for each name, as for a secret, and remove them all.

    If the name exists already, rename that file too, as a replacement does.
    """
    created: list[str] = []
    try:
        for name in names:
            created.append(_temporary(name, source))
            create_private(created[-1], b"\n" * _TRIAL_SIZE, folder, unsynced)
        created.append(_temporary(_TRIAL, source))
        create_private(created[-1], b"\n" * _TRIAL_SIZE, folder)
        _link(folder, created[-1], f"{created[-1]}.link")
        created.append(f"{created[-1]}.link")
        if any(names.values()):
            with _locked(folder):
                for name in (name for name, exists in names.items() if exists):
                    created.append(_temporary(name, source))
                    _link(folder, name, created[-1])
    finally:
        for name in created:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)


@contextlib.contextmanager
def _locked(folder: int) -> Iterator[None]:
    """Lock a folder: otherwise two concurrent replacements of a file could lose one of the new secrets."""
    fcntl.flock(folder, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(folder, fcntl.LOCK_UN)


def _number(folder: int, name: str) -> None:
    """Rename a file to the next free name with a number, unless a run that was killed has done so."""
    numbers = itertools.count(1)
    while True:
        numbered = f"{name}@{next(numbers)}"
        try:
            _link(folder, name, numbered)
        except FileExistsError:
            first, second = (os.stat(n, dir_fd=folder, follow_symlinks=False) for n in (name, numbered))
            if not os.path.samestat(first, second):
                continue
        os.chmod(numbered, PRIVATE, dir_fd=folder)
        sync_folder(folder)
        return


def _reason(error: OSError | ValueError) -> str:
    return os_reason(error, "the name cannot be that of a file")
