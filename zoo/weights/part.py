"""A file that is still coming: one process writes it, and whoever goes on with it knows what it is the beginning of."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

from registry import ZooError
from zoo.files import flush_folder, write_text
from zoo.weights.kept import digest

_LOOK = 0.2
"""Seconds between two looks at whether another process has finished."""


@dataclass(frozen=True)
class Origin:
    """Where the beginning of a file came from.

    Attributes:
        url: Its address.
        validator: What the server calls this version of it (a strong ETag, else the time of its last change), "" where
            it says nothing.
        size: Bytes of the whole file, None where the server does not say.
    """

    url: str
    validator: str = ""
    size: int | None = None


class Part:
    """The part file of weights, as a context manager: held by one process, kept if it has something in it.

    The lock is on the file itself. Whoever waited for it must look whether it still is the one under that name: the
    holder before has moved or removed it.

    Args:
        target: The file that it becomes.
        waiting: Called once if another process holds it.
    """

    def __init__(self, target: Path, waiting: Callable[[], None]) -> None:
        self.target = target
        self.path = target.with_name(f".{target.name}.part")
        self._notes = target.with_name(f".{target.name}.part.json")
        self._waiting = waiting
        self._handle = -1
        self._made_folder = False

    def __enter__(self) -> Part:
        try:
            self._handle = self._open()
        except OSError as error:
            raise ZooError(f"{self.path.parent}: cannot be written to ({error.strerror or error})") from error
        self.origin = self._read_origin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_current() and not self.size:
            self.discard()
        handle, self._handle = self._handle, -1  # a thread that still writes must not reach another file
        os.close(handle)
        if self._made_folder and not self.target.exists():
            with contextlib.suppress(OSError):  # something else is in it
                self.path.parent.rmdir()

    def _open(self) -> int:
        """The locked handle of the file that has the name now."""
        import fcntl  # not on every system, and only this needs it

        said = False
        while True:
            self._make_folder()
            try:
                self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
            except FileNotFoundError:  # who had made the folder has just given up and removed it
                continue
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(self._handle)
                if not said:
                    self._waiting()
                    said = True
                # Looking again and again instead of waiting in the system: Ctrl-C is heard.
                time.sleep(_LOOK)
                continue
            if self._is_current():
                return self._handle
            os.close(self._handle)

    def _make_folder(self) -> None:
        if not self.path.parent.is_dir():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._made_folder = True

    def _is_current(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._handle), os.stat(self.path))
        except FileNotFoundError:
            return False

    @property
    def size(self) -> int:
        """Bytes that are here."""
        return os.fstat(self._handle).st_size

    def append(self, data: bytes) -> None:
        """Write the next bytes.

        Raises:
            ZooError: There is no room, or the file cannot be written.
        """
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._handle, rest) :]
        except OSError as error:
            raise ZooError(f"{self.path}: {error.strerror or error}; {self.size:,} bytes are kept") from error

    def restart(self, origin: Origin | None = None) -> None:
        """Forget what is here; what comes now is of that origin."""
        os.ftruncate(self._handle, 0)
        self.begin(origin)

    def begin(self, origin: Origin | None) -> None:
        """Note where what comes now is from."""
        self.origin = origin
        if origin is None:
            self._notes.unlink(missing_ok=True)
        else:
            write_text(self._notes, json.dumps(asdict(origin)) + "\n")

    def digest(self) -> str:
        """sha256 of what is here."""
        return digest(self.path)

    def require_room(self, size: int) -> None:
        """Refuse a file for which the disk has no room.

        Raises:
            ZooError: Fewer bytes are free than are to come.
        """
        need, free = size - self.size, shutil.disk_usage(self.path.parent).free
        if need > free:
            raise ZooError(f"{self.path.parent}: {need:,} bytes are to come and {free:,} are free")

    def finish(self) -> None:
        """Give the file its name; it was whole and on the disk before it has it."""
        os.fsync(self._handle)
        os.replace(self.path, self.target)
        self._notes.unlink(missing_ok=True)
        flush_folder(self.target.parent)

    def discard(self) -> None:
        """Remove it."""
        self.path.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)

    def _read_origin(self) -> Origin | None:
        try:
            return Origin(**json.loads(self._notes.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
