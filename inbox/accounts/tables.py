"""Channels as stored."""

from piccolo.columns import UUID, Array, Bytea, Integer, Text, Timestamptz
from piccolo.table import Table

from inbox.kit.db import DB
from inbox.kit.ids import new_id


class Channel(Table, db=DB, tablename="channel"):
    """A number, mailbox or widget we hold. `settings` are sealed for this id; deleted channels stay for old entries."""

    id = UUID(primary_key=True, default=new_id)
    adapter = Text()
    medium = Text()
    provider = Text()
    name = Text()
    realm = Text()
    addresses = Array(base_column=Text())
    settings = Bytea()
    status = Text(default="active")
    version = Integer(default=1)
    created_at = Timestamptz()
    updated_at = Timestamptz()
    deleted_at = Timestamptz(null=True, default=None)
