"""The bytes of files for channels that carry them: right, bounded, and never a second message for a file's sake."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Literal

import pytest

from channels.email.limits import EMAIL_LIMITS
from channels.errors import Paced, Rejected, Unreachable
from channels.limits import Limits
from channels.parts import Attachment, File, MediaPart, Text
from gateway import carrying
from gateway.carrying import Hold, carried_files
from gateway.runtime import Runtime
from inbox.attachments.actions import upload_attachment
from inbox.kit.db import execute
from inbox.kit.ids import new_id, read_id, show_id
from tests.gateway.runtimes import ScriptedAdapter, open_test_runtime
from tests.inbox.builders import committed


class Carrier(ScriptedAdapter):
    """A provider that does not fetch files from us."""

    carries_files: Literal[True] = True
    limits = EMAIL_LIMITS


class Small(Carrier):
    """One that takes little."""

    limits = Limits(parts=EMAIL_LIMITS.parts, text_chars=100, media_bytes=10)


def with_runtime(url: str, folder: Path, body: Callable[[Runtime], Awaitable[None]]) -> None:
    """Run a test's body with a storage of its own."""

    async def run() -> None:
        async with open_test_runtime(url, folder, adapter=Carrier()) as runtime:
            await body(runtime)

    asyncio.run(run())


async def keep(runtime: Runtime, content: bytes) -> MediaPart:
    """A file of ours, as a message has it."""

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    row = await committed(upload_attachment(runtime.storage, chunks(), name="a.pdf", claimed="application/pdf"))
    return File(attachment=Attachment(id=show_id("att", row.id), size=len(content)))


async def carried(runtime: Runtime, parts: Sequence[MediaPart | Text], adapter: ScriptedAdapter) -> dict[str, bytes]:
    """What the adapter would be handed."""
    async with carried_files(runtime, adapter, parts) as files:
        return files


def test_an_adapter_that_carries_files_is_handed_their_bytes(database_url: str, tmp_path: Path) -> None:
    """Each once, by its id; an adapter whose provider fetches them gets none."""

    async def body(runtime: Runtime) -> None:
        one, two = await keep(runtime, b"first"), await keep(runtime, b"x" * 300_000)
        parts = [Text(text="both"), one, two, one]
        assert await carried(runtime, parts, Carrier()) == {
            one.attachment.id: b"first",
            two.attachment.id: b"x" * 300_000,
        }
        assert await carried(runtime, parts, ScriptedAdapter()) == {}
        assert await carried(runtime, [Text(text="none")], Carrier()) == {}

    with_runtime(database_url, tmp_path, body)


def test_a_file_that_is_gone_or_damaged_is_said_so(database_url: str, tmp_path: Path) -> None:
    """It will not come back: the message fails with the reason, and the bytes of another file never go in its name."""

    async def body(runtime: Runtime) -> None:
        part = await keep(runtime, b"first")
        [stored] = [path for path in (tmp_path / "attachments").rglob("*") if path.is_file()]
        for content in (b"FIRST", b"first and more", b"fir"):
            stored.write_bytes(content)
            with pytest.raises(Rejected, match="not what was stored"):
                await carried(runtime, [part], Carrier())
        stored.unlink()
        with pytest.raises(Rejected, match="no longer there"):
            await carried(runtime, [part], Carrier())
        gone = File(attachment=Attachment(id=show_id("att", new_id())))
        with pytest.raises(Rejected, match="no longer there"):
            await carried(runtime, [gone], Carrier())

    with_runtime(database_url, tmp_path, body)


def test_too_much_is_refused_before_it_is_read(database_url: str, tmp_path: Path) -> None:
    """An adapter is never handed more than it carries."""

    async def body(runtime: Runtime) -> None:
        with pytest.raises(Rejected) as refused:
            await carried(runtime, [await keep(runtime, b"x" * 11)], Small())
        assert refused.value.code == "content_too_large"

    with_runtime(database_url, tmp_path, body)


def test_without_the_database_or_the_storage_it_is_for_later(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was sent, so it is tried again; it is no bug that leaves the outcome open."""

    async def away(*_: object) -> None:
        raise ConnectionRefusedError

    async def body(runtime: Runtime) -> None:
        part = await keep(runtime, b"first")
        monkeypatch.setattr(runtime.storage, "open_file", away)
        with pytest.raises(Unreachable):
            await carried(runtime, [part], Carrier())
        monkeypatch.setattr(carrying, "find_attachments", away)
        with pytest.raises(Unreachable):
            await carried(runtime, [part], Carrier())

    with_runtime(database_url, tmp_path, body)


def test_what_is_held_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next waits for room, and goes back to its queue where there is none soon; one alone is always let in."""
    monkeypatch.setattr(carrying, "WAIT_SECONDS", 0.05)

    async def body() -> None:
        hold = Hold()
        async with hold.of(100, limit=10):
            with pytest.raises(Paced) as paced:
                async with hold.of(1, limit=10):
                    pass
            assert paced.value.after
        async with hold.of(6, limit=10), hold.of(4, limit=10):
            pass
        async with hold.of(10, limit=10):
            pass

    asyncio.run(body())


def test_the_checksum_is_of_all_bytes(database_url: str, tmp_path: Path) -> None:
    """What the row says is believed over what lies there."""

    async def body(runtime: Runtime) -> None:
        part = await keep(runtime, b"first")
        other = sha256(b"other").hexdigest()
        await execute(
            "UPDATE attachment SET sha256 = $1 WHERE id = $2", other, read_id("att", part.attachment.id or "")
        )
        with pytest.raises(Rejected):
            await carried(runtime, [part], Carrier())

    with_runtime(database_url, tmp_path, body)
