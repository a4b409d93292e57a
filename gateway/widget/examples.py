"""Examples of the visitor protocol for its description: one conversation, as its visitor sees it."""

from __future__ import annotations

from typing import Any

BODY = "019aa5c1d2e37f4f8a6b9c0d1e2f3a4b"
CHANNEL, CONVERSATION, ENTRY = f"cha_{BODY}", f"cnv_{BODY}", f"ent_{BODY}"
CURSOR = "000000001a2f"

ENTRY_EXAMPLE: dict[str, Any] = {
    "object": "visitor_entry",
    "id": ENTRY,
    "conversation_id": CONVERSATION,
    "seq": 2,
    "direction": "outbound",
    "kind": "message",
    "author": {"type": "agent", "name": "Bo"},
    "parts": [{"type": "text", "text": "It left **Madrid** this morning.", "format": "markdown"}],
    "text": "It left **Madrid** this morning.",
    "client_message_id": None,
    "in_reply_to": None,
    "state": "sent",
    "channel": "webchat",
    "event": None,
    "edited_at": None,
    "redacted_at": None,
    "occurred_at": "2026-11-21T09:14:03.120Z",
}
CONVERSATION_EXAMPLE: dict[str, Any] = {
    "object": "visitor_conversation",
    "id": CONVERSATION,
    "status": "open",
    "assignee": {"name": "Bo"},
    "unread": 1,
    "last_seq": 2,
    "csat": None,
}
SESSION_EXAMPLE: dict[str, Any] = {
    "object": "visitor_session",
    "token": "vst_" + "Zm9v" * 10 + "Zm8",
    "visitor": {"object": "visitor", "id": f"vis_{BODY}", "name": "Ana Ruiz", "email": None, "verified": True},
    "conversation": CONVERSATION_EXAMPLE,
    "cursor": CURSOR,
    "expires_at": "2027-02-19T09:14:03.120Z",
}
NEW_SESSION_EXAMPLE: dict[str, Any] = {
    "channel_id": CHANNEL,
    "locale": "es",
    "page": {"url": "https://shop.example/orders/8841", "title": "Your order"},
    "identity": {"user_id": "8841", "hash": "5d5d139563c95b5967b9bd9a8c9b233a9dedb45072794cd232dc1b74832607d0"},
}
IDENTIFICATION_EXAMPLE: dict[str, Any] = {
    "identity": NEW_SESSION_EXAMPLE["identity"],
    "profile": {"name": "Ana Ruiz", "attributes": {"plan": "gold"}},
}
HISTORY_EXAMPLE: dict[str, Any] = {"data": [ENTRY_EXAMPLE], "page": {"has_more": True}, "cursor": CURSOR}
MESSAGE_EXAMPLE: dict[str, Any] = {"client_message_id": "c0a8-1", "text": "Where is my parcel?"}
STREAM_EXAMPLE = f"""retry: 2000

event: ready
data: {{"cursor":"{CURSOR}"}}

id: 000000001a31
event: typing
data: {{"name":"Bo","typing":true}}
"""
