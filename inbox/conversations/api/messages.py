"""Single messages over HTTP: how far they got, and what came in."""

from __future__ import annotations

from base64 import b64encode
from typing import Annotated, Literal

import msgspec
from litestar import Controller, MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from inbox.attachments.names import content_disposition
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
MAIL, UNTYPED = "message/rfc822", "application/octet-stream"
RAW = {
    "scope": "messages:raw",
    "problems": ["gone_redacted", "not_found"],
    "forms": {"application/json": RawObject, MAIL: bytes, UNTYPED: bytes},
}
RAW_MAIL = "mail"
"""The kind of a journaled request whose body is a mail as it came (RFC 5322)."""
SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""It is strangers' work: saved, not opened, and sandboxed should a browser open it all the same (security T25)."""

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

    @get("/{message_id:str}/raw", opt=RAW, operation_id="getRawMessage", summary="Get the provider's own request")
    async def get_raw_message(
        self,
        *,
        caller: NamedDependency[Caller],
        message_id: FromPath[str],
        form: Annotated[
            Literal["json", "file"],
            QueryParameter(name="format", description="With what the request said beside it, or its body as a file."),
        ] = "json",
    ) -> Response[bytes]:
        """What the provider sent us, byte by byte, for as long as the journal keeps it. The audit log tells of it.

        As a file it is the mail itself (`.eml`) where it came as one, and the provider's own form elsewhere.
        """
        message = await _message(message_id)
        row = await find_raw_event(read_id("ent", message_id))
        if row is None:
            raise Problem("not_found", "Nothing was journaled for this message")
        if row["redacted_at"] or message["redacted_at"]:
            raise Problem("gone_redacted", "What the provider sent has been redacted")
        await record_audit(caller.actor, "message.raw_read", target=message_id)
        if form == "file":
            return _as_file(row, message_id)
        return Response(msgspec.json.encode(_raw(row)), media_type=MediaType.JSON)


async def _message(message_id: str) -> Row:
    row = await find_entry(read_id("ent", message_id))
    if row is None or row["type"] != "message":
        raise Problem("not_found", f"There is no message {message_id}")
    return row


def _as_file(row: Row, message_id: str) -> Response[bytes]:
    is_mail = row["kind"] == RAW_MAIL
    name = f"{message_id}.{'eml' if is_mail else 'bin'}"
    headers = {**SAFE_HEADERS, "Content-Disposition": content_disposition(name)}
    return Response(bytes(row["body"]), media_type=MAIL if is_mail else UNTYPED, headers=headers)


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
