"""Single messages over HTTP: how far they got, and what came in."""

from __future__ import annotations

from base64 import b64encode

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from inbox.audit.actions import record_audit
from inbox.conversations.actions.reply import retry_message
from inbox.conversations.api.entries import EntryObject, show_entry
from inbox.conversations.api.expansion import IN_ENTRIES, ExpandEntries, expand_entries
from inbox.conversations.api.records import AttemptObject, RawObject, show_attempt
from inbox.conversations.queries import find_entry, find_raw_event, list_attempts
from inbox.kit.callers import Caller
from inbox.kit.clock import show_time, utc_now
from inbox.kit.db import Row
from inbox.kit.errors import Problem
from inbox.kit.expand import read_expand
from inbox.kit.ids import read_id
from inbox.kit.pages import Page

READ = {"scope": "conversations:read"}
SEND = {"scope": "messages:send", "problems": ["contact_opted_out", "state_conflict"]}
ADMIN = {"scope": "admin", "problems": ["gone_redacted"]}

_headers = msgspec.json.Decoder(dict[str, str]).decode


class MessageController(Controller):
    """Entries that are messages."""

    path = "/messages"
    tags = ("Messages",)

    @get("/{message_id:str}", opt=READ, operation_id="getMessage", summary="Get a message")
    async def get_message(
        self, *, caller: NamedDependency[Caller], message_id: FromPath[str], expand: ExpandEntries = None
    ) -> EntryObject:
        """One message of a timeline."""
        wanted, row = read_expand(expand, IN_ENTRIES, caller=caller), await _message(message_id)
        return (await expand_entries([show_entry(row)], [row], wanted))[0]

    @post("/{message_id:str}/retry", opt=SEND, operation_id="retryMessage", summary="Send a message again",
          status_code=200)  # fmt: skip
    async def retry_message(self, *, caller: NamedDependency[Caller], message_id: FromPath[str]) -> EntryObject:
        """For one that failed, expired or was not delivered; for one whose outcome is unknown, it may arrive twice."""
        await _message(message_id)
        await retry_message(read_id("ent", message_id), actor=caller.actor, now=utc_now())
        return show_entry(await _message(message_id))

    @get("/{message_id:str}/deliveries", opt=READ, operation_id="listDeliveries", summary="See how a message fared")
    async def list_deliveries(self, *, message_id: FromPath[str]) -> Page[AttemptObject]:
        """Every try to hand it over and every report of it, oldest first."""
        await _message(message_id)
        return Page(data=[show_attempt(row) for row in await list_attempts([read_id("ent", message_id)])])

    @get("/{message_id:str}/raw", opt=ADMIN, operation_id="getRawMessage", summary="Get the provider's own request")
    async def get_raw_message(self, *, caller: NamedDependency[Caller], message_id: FromPath[str]) -> RawObject:
        """What the provider sent us, byte by byte, for as long as the journal keeps it. The audit log tells of it."""
        message = await _message(message_id)
        row = await find_raw_event(read_id("ent", message_id))
        if row is None:
            raise Problem("not_found", "Nothing was journaled for this message")
        if row["redacted_at"] or message["redacted_at"]:
            raise Problem("gone_redacted", "What the provider sent has been redacted")
        await record_audit(caller.actor, "message.raw_read", target=message_id)
        return _raw(row)


async def _message(message_id: str) -> Row:
    row = await find_entry(read_id("ent", message_id))
    if row is None or row["type"] != "message":
        raise Problem("not_found", f"There is no message {message_id}")
    return row


def _raw(row: Row) -> RawObject:
    try:
        body, is_text = row["body"].decode("utf-8"), True
    except UnicodeDecodeError:
        body, is_text = b64encode(row["body"]).decode(), False
    return RawObject(
        id=row["id"],
        kind=row["kind"],
        method=row["method"],
        url=row["url"],
        headers=_headers(row["headers"]),
        body=body,
        encoding="text" if is_text else "base64",
        received_at=show_time(row["received_at"]),
    )
