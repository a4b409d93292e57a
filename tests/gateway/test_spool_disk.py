"""The spool and its disk: torn, full, limited, sealed; a fault costs at most the request it hits."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path
from typing import BinaryIO

import pytest

from gateway.spool import HEADER, SpoolFull
from inbox.kit.secrets import SecretBox
from tests.gateway.spools import (
    CHANNEL,
    KEY,
    OLD_KEY,
    OTHER_BOX,
    Journaled,
    file_size_limit,
    files,
    fill,
    open_spool,
    own_file,
)
from tests.inbox.builders import journal_row


def test_a_torn_end_is_set_aside(tmp_path: Path) -> None:
    """Whole records before a torn one are handed over; the torn end is copied aside and holds nothing up."""

    async def body() -> None:
        for torn in (b"\0\0", HEADER.pack(500, 1) + b"short", HEADER.pack(3, 1) + b"bad", HEADER.pack(2**32 - 1, 0)):
            folder = tmp_path / torn.hex()
            before = open_spool(folder)
            await fill(before, b"a", b"b")
            path = own_file(before)
            before.close()
            with path.open("ab") as file:
                file.write(torn)
            spool, journal = open_spool(folder), Journaled()
            assert (spool.count(), list(folder.glob("*.torn"))) == (2, [])
            assert await spool.drain(journal) == 2
            assert journal.bodies == [b"a", b"b"]
            assert [found.read_bytes() for found in files(folder)] == [torn]
            assert (spool.holds, spool.count()) == (False, 0)

    asyncio.run(body())


def test_a_full_disk_is_said_and_leaves_no_half_record(tmp_path: Path) -> None:
    """When the disk takes only a part of a record, that request is refused, and those before and after it are whole."""

    async def body() -> None:
        spool, journal = open_spool(tmp_path), Journaled()
        await fill(spool, b"before")
        with file_size_limit(own_file(spool).stat().st_size + 100):
            for _ in range(3):
                with pytest.raises(SpoolFull):
                    await fill(spool, b"x" * 5000)
        await fill(spool, b"after")
        assert spool.count() == 2
        assert await spool.drain(journal) == 2
        assert journal.bodies == [b"before", b"after"]
        assert files(tmp_path) == []

    asyncio.run(body())


def test_a_disk_that_is_full_from_the_start_leaves_nothing(tmp_path: Path) -> None:
    """The first record that does not fit leaves no file behind, and the spool does not say that it holds something."""

    async def body() -> None:
        spool, journal = open_spool(tmp_path), Journaled()
        with file_size_limit(50), pytest.raises(SpoolFull):
            await fill(spool, b"x" * 5000)
        assert (spool.holds, files(tmp_path)) == (False, [])
        await fill(spool, b"later")
        assert await spool.drain(journal) == 1

    asyncio.run(body())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_really_full_disk(tmp_path: Path) -> None:
    """On a disk of 64 kB full is an error from the first request that does not fit, and nothing kept is lost."""
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", tmp_path], check=False).returncode:
        pytest.skip("this machine does not let us mount")

    async def body() -> None:
        spool, journal, kept = open_spool(tmp_path), Journaled(), []
        for number in range(40):
            try:
                await fill(spool, b"%02d" % number + os.urandom(4000))
            except SpoolFull:
                continue
            kept.append(b"%02d" % number)
        assert 5 < len(kept) < 20
        with pytest.raises((SpoolFull, OSError)):
            spool.check_writable()
        assert await spool.drain(journal) == len(kept)
        assert [found[:2] for found in journal.bodies] == kept
        spool.check_writable()

    try:
        asyncio.run(body())
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_a_file_that_cannot_be_cut_back_is_not_written_on(tmp_path: Path) -> None:
    """If half a record cannot be taken back, the next goes into another file, and order and whole records are kept."""

    class Stuck:
        """A file that fails in the middle of a write and cannot be cut."""

        def __init__(self, file: BinaryIO) -> None:
            self.file = file

        def write(self, data: bytes) -> int:
            self.file.write(bytes(data)[:20])
            raise OSError(5, "Input/output error")

        def truncate(self, size: int) -> None:
            raise OSError(5, "Input/output error")

        def close(self) -> None:
            self.file.close()

    async def body() -> None:
        spool, journal = open_spool(tmp_path), Journaled()
        await fill(spool, b"before")
        assert spool._file is not None
        spool._file = Stuck(spool._file)  # type: ignore[assignment]  # it has what is called
        with pytest.raises(SpoolFull):
            await fill(spool, b"half")
        assert spool.holds
        await fill(spool, b"after")
        assert await spool.drain(journal) == 2
        assert journal.bodies == [b"before", b"after"]
        assert not spool.holds

    asyncio.run(body())


def test_a_limit_is_a_limit_of_the_folder(tmp_path: Path) -> None:
    """Beyond its limit the spool refuses, counting what other processes hold; readiness warns before that."""

    async def body() -> None:
        other, spool = open_spool(tmp_path), open_spool(tmp_path, limit=10_000)
        spool.check_writable()
        await fill(other, b"x" * 7000)
        with pytest.raises(SpoolFull):
            await fill(spool, b"x" * 5000)
        await fill(spool, b"x" * 1500)
        with pytest.raises(SpoolFull):
            spool.check_writable()
        spool.close()
        other.close()

    asyncio.run(body())


def test_nothing_can_be_read_on_the_disk(tmp_path: Path) -> None:
    """Bodies and headers are sealed: neither words nor numbers stand in the file, and the folder is ours alone."""

    async def body() -> None:
        spool = open_spool(tmp_path / "spool")
        await spool.append([journal_row(CHANNEL, b"Body=top+secret", headers='{"x-from":"+12125550100"}')])
        content = own_file(spool).read_bytes()
        assert b"secret" not in content
        assert b"+1212" not in content
        assert (tmp_path / "spool").stat().st_mode & 0o077 == 0
        spool.close()

    asyncio.run(body())


def test_a_file_with_another_key_stays_and_stops_nobody(tmp_path: Path) -> None:
    """What was sealed with a key we do not hold is left as it is until we do; the other files are drained."""

    async def body() -> None:
        before = open_spool(tmp_path, box=OTHER_BOX)
        await fill(before, b"old key")
        path = own_file(before)
        before.close()
        spool, journal = open_spool(tmp_path), Journaled()
        await fill(spool, b"new key")
        assert await spool.drain(journal) == 1
        assert (journal.bodies, path.exists(), spool.holds) == ([b"new key"], True, False)
        both = open_spool(tmp_path, box=SecretBox([KEY, OLD_KEY]))
        assert await both.drain(journal) == 1
        assert (journal.bodies, path.exists()) == ([b"new key", b"old key"], False)

    asyncio.run(body())
