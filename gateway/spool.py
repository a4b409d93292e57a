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
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec
import structlog

from inbox.intake.actions.journal import JournalEntry
from inbox.kit.ids import new_id
from inbox.kit.secrets import SecretBox, WrongKey

HEADER = struct.Struct(">II")
SEAL = "spool"
DRAIN_BATCH = 64

log = structlog.get_logger()
_decode = msgspec.msgpack.Decoder(JournalEntry).decode


class SpoolFull(Exception):
    """The spool cannot take more: its limit is reached, or the disk is full."""


class Spool:
    """The spool of one process. `limit` is in bytes, over all files of the folder's owner processes alike."""

    def __init__(self, folder: Path, *, box: SecretBox, limit: int) -> None:
        self.folder = folder
        self.box = box
        self.limit = limit
        self.path = folder / f"{new_id().hex}.spool"
        self._file: BinaryIO | None = None
        self._turn = asyncio.Lock()

    @property
    def holds(self) -> bool:
        """Whether this process has something waiting, so that what comes now must wait behind it."""
        return self._file is not None

    async def append(self, entries: Sequence[JournalEntry]) -> None:
        """Keep requests: when this returns they are on disk. SpoolFull when they cannot be kept."""
        records = b"".join(self._record(msgspec.structs.replace(entry, spool_id=new_id())) for entry in entries)
        async with self._turn:
            try:
                await asyncio.to_thread(self._write, records)
            except OSError as error:
                raise SpoolFull(error.strerror or "the disk refuses") from error

    async def drain(self, journal: Callable[[Sequence[JournalEntry]], Awaitable[object]]) -> int:
        """Hand everything to the journal, in order, and forget it; what was handed over before is known there by id."""
        drained = 0
        for path in sorted(self.folder.glob("*.spool")):
            if path != self.path:
                drained += await self._drain_orphan(path, journal)
        async with self._turn:
            if self._file is not None:
                drained += await self._hand_over(self.path, journal)
                self._close()
        return drained

    def check_writable(self) -> None:
        """Raise unless a file can be made, written and synced here, and there is room."""
        if self.size() >= self.limit * 0.8:
            raise SpoolFull("the spool is over 80 % of its limit")
        probe = self.folder / f".probe-{os.getpid()}"
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with probe.open("wb") as file:
            file.write(b"\0" * 4096)
            os.fsync(file.fileno())
        probe.unlink()

    def size(self) -> int:
        """How many bytes wait in all files of the folder."""
        return sum(path.stat().st_size for path in self.folder.glob("*.spool")) if self.folder.exists() else 0

    def count(self) -> int:
        """How many requests wait in all files of the folder."""
        return sum(sum(1 for _ in read_records(path)) for path in self.folder.glob("*.spool"))

    def _record(self, entry: JournalEntry) -> bytes:
        payload = self.box.seal(msgspec.msgpack.encode(entry), bound_to=SEAL)
        return HEADER.pack(len(payload), zlib.crc32(payload)) + payload

    def _write(self, records: bytes) -> None:
        file = self._file or self._create()
        good = file.tell()
        if good + len(records) > self.limit:
            raise SpoolFull(f"the spool has reached its limit of {self.limit} bytes")
        try:
            file.write(records)
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            self._cut_back(file, good)
            raise
        self._file = file

    def _create(self) -> BinaryIO:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = self.path.open("ab", buffering=0)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return file

    def _cut_back(self, file: BinaryIO, good: int) -> None:
        """Half a record must not stand before whole ones; an empty file is not kept at all."""
        if good:
            file.truncate(good)
            file.seek(good)
        else:
            self.path.unlink(missing_ok=True)
            file.close()

    async def _drain_orphan(self, path: Path, journal: Callable[[Sequence[JournalEntry]], Awaitable[object]]) -> int:
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return 0
            drained = await self._hand_over(path, journal)
            await asyncio.to_thread(path.unlink, missing_ok=True)
        return drained

    async def _hand_over(self, path: Path, journal: Callable[[Sequence[JournalEntry]], Awaitable[object]]) -> int:
        drained = 0
        batch: list[JournalEntry] = []
        for payload in read_records(path):
            batch.append(self._opened(payload))
            if len(batch) == DRAIN_BATCH:
                await journal(batch)
                drained, batch = drained + len(batch), []
        if batch:
            await journal(batch)
        return drained + len(batch)

    def _opened(self, payload: bytes) -> JournalEntry:
        try:
            return _decode(self.box.open_sealed(payload, bound_to=SEAL))
        except WrongKey:
            log.exception("spool_key_wrong")
            raise

    def _close(self) -> None:
        """The file is drained: it goes, and the next outage gets one of its own."""
        if self._file is not None:
            self.path.unlink(missing_ok=True)
            self._file.close()
            self._file = None


def read_records(path: Path) -> Iterator[bytes]:
    """The whole records of a spool file; what follows a torn one is copied aside and said aloud."""
    with path.open("rb") as file:
        while header := file.read(HEADER.size):
            length, checksum = HEADER.unpack(header) if len(header) == HEADER.size else (0, -1)
            payload = file.read(length)
            if len(payload) != length or zlib.crc32(payload) != checksum:
                _set_aside(path, header + payload + file.read())
                return
            yield payload


def _set_aside(path: Path, torn: bytes) -> None:
    path.with_suffix(".torn").write_bytes(torn)
    log.error("spool_torn")
