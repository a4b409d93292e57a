"""Spools, requests to keep in them, and a journal to hand them to."""

from __future__ import annotations

import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gateway.spool import Spool
from inbox.intake.actions.journal import JournalEntry
from inbox.kit.ids import new_id
from inbox.kit.secrets import SecretBox
from tests.inbox.builders import journal_row

KEY, OLD_KEY = "a test's own key: 0123456789abcdef", "another key that was rotated away 1"
BOX = SecretBox([KEY])
OTHER_BOX = SecretBox([OLD_KEY])
CHANNEL = new_id()
LIMIT = 50_000_000


class Journaled:
    """A journal that keeps what it is handed, once by `spool_id`, and breaks down when told to."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.known: set[object] = set()
        self.calls = 0
        self.breaks_at: int | None = None

    async def __call__(self, entries: Sequence[JournalEntry]) -> None:
        """Take a batch."""
        self.calls += 1
        if self.calls == self.breaks_at:
            raise ConnectionRefusedError
        for entry in entries:
            assert entry.spool_id is not None
            if entry.spool_id not in self.known:
                self.known.add(entry.spool_id)
                self.bodies.append(entry.body)


def open_spool(folder: Path, *, box: SecretBox = BOX, limit: int = LIMIT) -> Spool:
    """The spool of one process."""
    return Spool(folder, box=box, limit=limit)


async def fill(spool: Spool, *bodies: bytes) -> None:
    """Keep a request of each body."""
    for body in bodies:
        await spool.append([journal_row(CHANNEL, body)])


def bodies(count: int, start: int = 0) -> list[bytes]:
    """Requests that can be told apart."""
    return [b"%d" % number for number in range(start, start + count)]


def own_file(spool: Spool) -> Path:
    """The file this spool writes."""
    assert spool._path is not None
    return spool._path


def files(folder: Path) -> list[Path]:
    """What lies in the folder."""
    return list(folder.iterdir())


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Files of this process cannot grow beyond so many bytes, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
