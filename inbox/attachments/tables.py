"""Files as stored: what is known about them; the bytes lie in the storage under `storage_key`."""

from piccolo.columns import UUID, BigInt, Integer, Text, Timestamptz
from piccolo.table import Table

from inbox.kit.db import DB
from inbox.kit.ids import new_id


class AttachmentTable(Table, db=DB, tablename="attachment"):
    """A file that somebody uploaded, or that came with a message (`source_url` is where the provider keeps it)."""

    id = UUID(primary_key=True, default=new_id)
    entry_id = UUID(null=True, default=None)
    channel_id = UUID(null=True, default=None)
    name = Text(null=True, default=None)
    media_type = Text()
    size = BigInt(null=True, default=None)
    width = Integer(null=True, default=None)
    height = Integer(null=True, default=None)
    sha256 = Text(null=True, default=None)
    scan = Text(default="unscanned")
    state = Text(default="pending")
    storage_key = Text(null=True, default=None)
    source_url = Text(null=True, default=None)
    error = Text(null=True, default=None)
    redacted_at = Timestamptz(null=True, default=None)
    created_at = Timestamptz()
