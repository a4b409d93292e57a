"""Agents and API keys as stored."""

from piccolo.columns import UUID, Array, Bytea, ForeignKey, Integer, Text, Timestamptz
from piccolo.table import Table

from inbox.kit.db import DB
from inbox.kit.ids import new_id


class Agent(Table, db=DB, tablename="agent"):
    """Somebody who answers. Deleted agents stay, so that old entries keep their author."""

    id = UUID(primary_key=True, default=new_id)
    name = Text()
    email = Text()
    role = Text(default="agent")
    version = Integer(default=1)
    created_at = Timestamptz()
    updated_at = Timestamptz()
    deleted_at = Timestamptz(null=True, default=None)


class ApiKey(Table, db=DB, tablename="api_key"):
    """What a program shows to be let in. The secret is not kept, only its SHA-256 and the characters it begins with."""

    id = UUID(primary_key=True, default=new_id)
    name = Text()
    prefix = Text()
    hash = Bytea()
    scopes = Array(base_column=Text())
    agent_id = ForeignKey(references=Agent, null=True, default=None)
    expires_at = Timestamptz(null=True, default=None)
    revoked_at = Timestamptz(null=True, default=None)
    last_used_at = Timestamptz(null=True, default=None)
    requests_per_minute = Integer(null=True, default=None)
    created_at = Timestamptz()
