"""A small system to be backed up, and empty places to restore it into."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from gateway.backup.create import Source, create_backup
from gateway.backup.manifest import Manifest
from gateway.backup.restore import Restored, Target, restore_backup
from gateway.runtime import Runtime
from gateway.settings import Settings
from gateway.storage import Storage, open_storage
from inbox.kit.db import execute
from inbox.kit.ids import new_id
from inbox.kit.secrets import SecretBox
from tests.gateway.runtimes import SECRET, connect, open_test_runtime
from tests.inbox.builders import receive, reply, text_message

BOX = SecretBox([SECRET])
PHOTO = b"\x89PNG\r\n\x1a\n" + b"photo" * 40_000


@asynccontextmanager
async def open_source(database_url: str, folder: Path) -> AsyncIterator[tuple[Runtime, UUID]]:
    """A runtime whose database holds a conversation, a queued answer and a file; the file's id."""
    async with open_test_runtime(database_url, folder) as runtime:
        conversation = await receive(await connect(runtime), text_message("hello"))
        await reply(conversation, "an answer")
        yield runtime, await keep_photo(runtime.storage)


async def keep_photo(storage: Storage, content: bytes = PHOTO) -> UUID:
    """A stored file, as the database and the storage know it."""
    attachment_id = new_id()
    key = f"{attachment_id.hex[:2]}/{attachment_id.hex}"

    async def pieces() -> AsyncIterator[bytes]:
        yield content

    await storage.put_file(key, pieces())
    await execute(
        "INSERT INTO attachment (id, media_type, size, sha256, state, storage_key) "
        "VALUES ($1, 'image/png', $2, $3, 'stored', $4)",
        attachment_id, len(content), sha256(content).hexdigest(), key,
    )  # fmt: skip
    return attachment_id


async def back_up(runtime: Runtime, target: Path) -> Manifest:
    """A backup of the runtime's system."""
    source = Source(
        url=runtime.database_url, key_id=BOX.key_ids[0], storage=runtime.storage, spool=runtime.spool.folder
    )
    return await create_backup(source, target)


async def restore_into(backup: Path, url: str, folder: Path, *, box: SecretBox = BOX) -> Restored:
    """The backup restored into this database and this data directory."""
    return await restore_backup(backup, empty_target(url, folder), box=box)


def empty_target(url: str, folder: Path) -> Target:
    """A database and a data directory to restore into."""
    settings = Settings(secret_key=SECRET, data_dir=folder)
    return Target(url=url, storage=open_storage(settings), spool=folder / "spool")
