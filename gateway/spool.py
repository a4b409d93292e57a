"""The fsynced file that takes over while Postgres is away: what it holds is acknowledged and must not be lost.

A record is 4 bytes of length, 4 bytes of CRC-32 of the payload (both big-endian), and the payload: a sealed
`JournalEntry`. Each process writes a file of its own under a lock; files whose owner died are adopted by whoever
drains next. A torn last record (power cut, full disk) is recognised by length and checksum and set aside.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TypeAlias

import msgspec
import structlog

from inbox.intake.actions.journal import JournalEntry
from inbox.kit.ids import new_id
from inbox.kit.secrets import SecretBox, WrongKey, sealing_key

HEADER = struct.Struct(">II")
SEAL = "spool"
DRAIN_BATCH = 64
TAIL_SECONDS = 1.0
"""How long new requests may be kept waiting for the last batch of a drain."""

log = structlog.get_logger()
_decode = msgspec.msgpack.Decoder(JournalEntry).decode

Journaling: TypeAlias = Callable[[Sequence[JournalEntry]], Awaitable[object]]


class SpoolFull(Exception):
    """The spool cannot take more: its limit is reached, or the disk is full."""


class Spool:
    """The spool of one process. `limit` is in bytes, over all files of the folder together."""

    def __init__(self, folder: Path, *, box: SecretBox, limit: int) -> None:
        self.folder = folder
        self.box = box
        self.limit = limit
        self._path: Path | None = None
        self._file: BinaryIO | None = None
        self._good = 0
        self._left_behind = any(folder.glob("*.spool"))
        self._turn = asyncio.Lock()
        self._waiting: list[bytes] = []
        self._next: asyncio.Task[None] | None = None
        self._appending = 0

    @property
    def holds(self) -> bool:
        """Whether something waits that what comes now must wait behind: ours, or left by the process before us."""
        return self._file is not None or self._left_behind or self._appending > 0

    async def append(self, entries: Sequence[JournalEntry]) -> None:
        """Keep requests: when this returns they are on disk. SpoolFull when they cannot be kept."""
        self._waiting += [self._record(msgspec.structs.replace(entry, spool_id=new_id())) for entry in entries]
        self._appending += 1
        if self._next is None:
            self._next = asyncio.create_task(self._append_waiting())
        try:
            # A request that is given up half-way must not let the next one into the file beside it.
            await asyncio.shield(self._next)
        finally:
            self._appending -= 1

    async def drain(self, journal: Journaling) -> int:
        """Hand everything to the journal, in order, and forget it; what was handed over before is known there by id."""
        drained = 0
        for path in sorted(self.folder.glob("*.spool")):
            if path != self._path:
                drained += await self._drain_orphan(path, journal)
        self._left_behind = False
        return drained + await self._drain_own(journal)

    def check_writable(self) -> None:
        """Raise unless a file can be made, written and synced here, and there is room."""
        if self.size() >= self.limit * 0.8:
            raise SpoolFull("the spool is over 80 % of its limit")
        probe = self.folder / f".probe-{os.getpid()}"
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with probe.open("wb") as file:
            file.write(b"\0" * 4096)
            os.fsync(file.fileno())
        probe.unlink(missing_ok=True)  # another request's probe may have been the same file

    def size(self) -> int:
        """How many bytes wait in all files of the folder."""
        return sum(map(_size_of, self.folder.glob("*.spool")))

    def count(self) -> int:
        """How many requests wait in all files of the folder."""
        return sum(map(_count_records, self.folder.glob("*.spool")))

    def oldest_age(self, *, now: float) -> float:
        """How many seconds ago, at this Unix time, the oldest file of the folder was begun; 0 where there is none."""
        begun = [int(path.stem[:12], 16) / 1000 for path in self.folder.glob("*.spool")]  # UUIDv7: RFC 9562 5.7
        return max(0.0, now - min(begun)) if begun else 0.0

    def close(self) -> None:
        """Let go of our file; what it holds is adopted by whoever drains next."""
        if self._file is not None:
            self._file.close()
        self._file = self._path = None

    async def _append_waiting(self) -> None:
        """All that has come while the last were being written, with one sync for them together."""
        async with self._turn:
            records, self._waiting, self._next = b"".join(self._waiting), [], None
            try:
                await asyncio.to_thread(self._write, records)
            except OSError as error:
                raise SpoolFull(error.strerror or "the disk refuses") from error

    def _record(self, entry: JournalEntry) -> bytes:
        payload = self.box.seal(msgspec.msgpack.encode(entry), bound_to=SEAL)
        return HEADER.pack(len(payload), zlib.crc32(payload)) + payload

    def _write(self, records: bytes) -> None:
        if self.size() + len(records) > self.limit:
            raise SpoolFull(f"the spool has reached its limit of {self.limit} bytes")
        file = self._file or self._create()
        try:
            _write_whole(file, records)
            os.fsync(file.fileno())
        except OSError:
            self._cut_back(file)
            raise
        self._good += len(records)

    def _create(self) -> BinaryIO:
        """A file of our own, under a name never used before and locked before anybody can see it by that name."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.folder / f"{new_id().hex}.spool"
        file = path.with_suffix(".new").open("wb", buffering=0)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.with_suffix(".new").rename(path)
            _sync_folder(self.folder)
        except OSError:
            file.close()
            raise
        self._path, self._file, self._good = path, file, 0
        return file

    def _cut_back(self, file: BinaryIO) -> None:
        """Half a record must not stand before whole ones; a file that cannot be cut, or is empty, is not written on."""
        try:
            file.truncate(self._good)
            file.seek(self._good)
        except OSError:
            self._left_behind = True
            self.close()
        if self._file is not None and not self._good:
            self._forget()

    async def _drain_orphan(self, path: Path, journal: Journaling) -> int:
        """A file whose owner died; 0 where its owner lives or its key is not ours: it stays, the others' turn comes."""
        file = _lock_orphan(path)
        if file is None:
            return 0
        with file:
            try:
                drained = await self._hand_over(read_records(file, end=_size_of(path)), journal)
            except WrongKey:
                return 0
            await asyncio.to_thread(_set_aside, path, file)
            await asyncio.to_thread(path.unlink, missing_ok=True)
        return drained

    async def _drain_own(self, journal: Journaling) -> int:
        """Most of it while requests go on being appended; only for the last batch they wait a moment."""
        path, drained = self._path, 0
        if path is None:
            return 0
        with path.open("rb") as file:
            while (some := await self._hand_over(read_records(file, end=self._good), journal)) > DRAIN_BATCH:
                drained += some
            async with self._turn:
                rest = asyncio.create_task(self._hand_over(read_records(file, end=self._good), journal))
                await asyncio.wait([rest], timeout=TAIL_SECONDS)
                if not rest.done():
                    rest.cancel()
                    raise TimeoutError("the database went away while the spool was being drained")
                drained += some + rest.result()
                await asyncio.to_thread(_set_aside, path, file)
                self._forget()
        return drained

    async def _hand_over(self, records: Iterator[bytes], journal: Journaling) -> int:
        drained = 0
        while batch := [self._opened(payload) for payload in islice(records, DRAIN_BATCH)]:
            await journal(batch)
            drained += len(batch)
        return drained

    def _opened(self, payload: bytes) -> JournalEntry:
        try:
            return _decode(self.box.open_sealed(payload, bound_to=SEAL))
        except WrongKey:
            log.exception("spool_key_wrong")
            raise

    def _forget(self) -> None:
        """Our file is drained, or empty: it goes, and the next outage gets one of its own."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        self.close()


def read_records(file: BinaryIO, *, end: int) -> Iterator[bytes]:
    """The whole records from where the file stands up to `end`; it is left standing before a torn one."""
    while (start := file.tell()) < end:
        header = file.read(HEADER.size)
        length, checksum = HEADER.unpack(header) if len(header) == HEADER.size else (0, -1)
        payload = file.read(min(length, end - start))
        if len(payload) != length or zlib.crc32(payload) != checksum:
            file.seek(start)
            return
        yield payload


def count_spool_keys(folder: Path) -> Counter[str]:
    """How many requests wait in a folder, by the name of the key that sealed them."""
    counts: Counter[str] = Counter()
    for path in folder.glob("*.spool"):
        with suppress(FileNotFoundError), path.open("rb") as file:
            counts.update(sealing_key(payload) for payload in read_records(file, end=_size_of(path)))
    return counts


def _lock_orphan(path: Path) -> BinaryIO | None:
    """The file, if it is still there and nobody else holds it."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _write_whole(file: BinaryIO, records: bytes) -> None:
    """A disk that is nearly full takes a part and says so only when asked for the rest."""
    rest = memoryview(records)
    while rest:
        rest = rest[file.write(rest) :]


def _count_records(path: Path) -> int:
    with suppress(FileNotFoundError), path.open("rb") as file:
        return sum(1 for _ in read_records(file, end=_size_of(path)))
    return 0


def _size_of(path: Path) -> int:
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def _set_aside(path: Path, file: BinaryIO) -> None:
    """Copy what follows the last whole record, if anything does, to where it can be looked into."""
    if not (torn := file.read()):
        return
    with path.with_suffix(".torn").open("wb") as aside:
        aside.write(torn)
        aside.flush()
        os.fsync(aside.fileno())
    log.error("spool_torn")
