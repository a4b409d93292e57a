"""Where files lie: a folder or a bucket, each file whole or not there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from gateway.settings import Settings
from gateway.storage import open_storage
from inbox.attachments.actions import store_file
from inbox.kit.errors import Problem
from tests.inbox.attachments import pictures
from tests.inbox.attachments.test_attachments import chunks, kept_files, make_storage


def test_what_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    """A file that stops coming, or grows too large, is not kept in part."""

    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 1000
        raise ConnectionError("the sender went away")

    async def body() -> None:
        storage = make_storage(tmp_path)
        with pytest.raises(ConnectionError):
            await store_file(storage, broken(), claimed=None)
        with pytest.raises(Problem) as refused:
            await store_file(storage, chunks(*[b"x" * 1000] * 6), claimed=None)
        assert refused.value.code == "attachment_too_large"

    asyncio.run(body())
    assert kept_files(tmp_path) == []


def test_large_files_pass_in_pieces(tmp_path: Path) -> None:
    """A file far larger than one piece is kept and read back piece by piece, and its size seen behind its EXIF."""
    content = pictures.jpeg(640, 480, exif_bytes=60_000) + b"y" * 12_000_000

    async def body() -> None:
        storage = make_storage(tmp_path, limit=20_000_000)
        pieces = [content[at : at + 50_000] for at in range(0, len(content), 50_000)]
        stored = await store_file(storage, chunks(*pieces), claimed=None)
        assert (stored.size, stored.width, stored.height) == (len(content), 640, 480)
        got = [piece async for piece in await storage.open_file(stored.storage_key)]
        assert len(got) > 1
        assert b"".join(got) == content
        await storage.delete_file(stored.storage_key)
        await storage.delete_file(stored.storage_key)
        with pytest.raises(FileNotFoundError):
            await storage.open_file(stored.storage_key)

    asyncio.run(body())
    assert kept_files(tmp_path) == []


def test_a_url_names_another_storage(tmp_path: Path) -> None:
    """SWITCHBOARD_STORAGE_URL replaces the folder, and nothing else changes."""
    other = tmp_path / "elsewhere"
    other.mkdir()
    settings = msgspec.structs.replace(Settings(), data_dir=tmp_path, storage_url=other.as_uri())

    async def body() -> None:
        await open_storage(settings).put_file("ab/cd", chunks(b"x"))

    asyncio.run(body())
    assert (other / "ab" / "cd").read_bytes() == b"x"
    assert not (tmp_path / "attachments").exists()
