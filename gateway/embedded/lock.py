"""A lock on a file that one process holds and its server inherits."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from pathlib import Path


class OwnerLock:
    """Held by the process that owns a server, and by the server itself, which gets the open file passed on.

    The kernel lets go of a flock when the last process that has the file open is gone. So whoever takes the lock knows
    that neither an owner nor its server is alive: no guessing from process ids, which are used again.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds it."""
        return self.descriptor is not None

    def take(self) -> bool:
        """Take it if it is free, without waiting. The file is never removed: a second one would be a second lock."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.descriptor = descriptor
            return True
        os.close(descriptor)
        return False

    def release(self) -> None:
        """Let go of our share of it."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None
