"""What a visitor may see of a conversation, and how (security.md T31, T53). Pure.

Shown is what was said with them in public, once it has been handed over; never notes, what happens among ourselves,
other people's words or addresses. Words are text: HTML is made into words here, Markdown is left to be read as such.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from channels.contract import Medium
from channels.parts import (
    MEDIA_PARTS,
    AnyPart,
    Audio,
    ChoiceReply,
    Choices,
    File,
    Form,
    FormReply,
    Image,
    LinkPreview,
    Location,
    Text,
    Video,
    plain_text,
)
from inbox.conversations.entry import Author, TimelineEvent
from inbox.conversations.ladder import State
from inbox.kit.ids import show_id
from inbox.visitors.visitor import View

ShownState: TypeAlias = Literal["received", "sent", "delivered", "read"]
AuthorType: TypeAlias = Literal["visitor", "agent", "bot", "system"]
EventName: TypeAlias = Literal["ended", "reopened", "agent_joined", "csat_requested", "csat_received", "moved_to_email"]

Row: TypeAlias = Mapping[str, Any]
"""An entry as `find_entries` reads it."""
HANDED_OVER: tuple[State, ...] = ("sent", "delivered", "read")
"""From here on a message of ours is shown: what is held, paused or taken back is not."""
AUTHORS: dict[str, AuthorType] = {"contact": "visitor", "agent": "agent", "bot": "bot", "integration": "agent"}
NAMED: frozenset[AuthorType] = frozenset({"visitor", "agent", "bot"})
AS_THEY_ARE = (Text, Choices, ChoiceReply, Form, FormReply, Location, Image, Audio, Video, File)
WEB = ("https://", "http://")
FILES = "/widget/v1/attachments/"


class VisitorAuthor(msgspec.Struct, kw_only=True, frozen=True):
    """Who wrote it, by the name that visitors may read."""

    type: AuthorType
    name: str | None


class VisitorEvent(msgspec.Struct, kw_only=True, frozen=True):
    """Something that happened to the conversation and concerns the visitor; `by` is whose doing it was."""

    name: EventName
    by: VisitorAuthor | None = None
    facts: dict[str, Any] = {}


class VisitorEntry(msgspec.Struct, kw_only=True, frozen=True):
    """One item of the conversation as its visitor sees it: upsert it by its id; `seq` grows and may have holes.

    `client_message_id` is there on what the visitor wrote in the chat. `text` is all parts as words.
    """

    object: Literal["visitor_entry"] = "visitor_entry"
    id: str
    conversation_id: str
    seq: int
    direction: Literal["inbound", "outbound"]
    kind: Literal["message", "event"]
    author: VisitorAuthor
    parts: list[AnyPart]
    text: str
    client_message_id: Annotated[str | None, msgspec.Meta(examples=["c0a8-1"])]
    in_reply_to: Annotated[str | None, msgspec.Meta(examples=[None])]
    state: ShownState
    channel: Medium
    event: Annotated[VisitorEvent | None, msgspec.Meta(examples=[None])]
    edited_at: Annotated[str | None, msgspec.Meta(examples=[None])]
    redacted_at: Annotated[str | None, msgspec.Meta(examples=[None])]
    occurred_at: str


_author = msgspec.json.Decoder(Author).decode
_parts = msgspec.json.Decoder(list[AnyPart]).decode
_event = msgspec.json.Decoder(TimelineEvent).decode


def show_visitor_entry(row: Row, view: View) -> VisitorEntry | None:
    """An entry of the visitor's conversation as they see it; None where they may not."""
    if row["type"] == "event":
        asked_another = row["medium"] == "webchat" and row["identity_id"] not in {None, *view.identity_ids}
        return None if asked_another else _show_event(row)
    if row["type"] != "message" or row["visibility"] != "public" or row["identity_id"] not in view.identity_ids:
        return None
    if view.channel_id is not None and row["channel_id"] != view.channel_id:
        return None
    inbound = row["direction"] == "inbound"
    if not inbound and (row["direction"] != "outbound" or row["delivery_state"] not in HANDED_OVER):
        return None
    return _show_message(row, inbound=inbound)


def show_parts(parts: Sequence[AnyPart]) -> list[AnyPart]:
    """The parts of a message as a visitor gets them: what the chat has no form for is words."""
    return [shown for part in parts if (shown := _show_part(part)) is not None]


def _show_message(row: Row, *, inbound: bool) -> VisitorEntry:
    parts = [] if row["redacted_at"] else show_parts(_parts(row["parts"]))
    theirs = inbound and row["medium"] == "webchat"
    return VisitorEntry(
        id=show_id("ent", row["id"]),
        conversation_id=show_id("cnv", row["conversation_id"]),
        seq=row["seq"],
        direction="inbound" if inbound else "outbound",
        kind="message",
        author=show_author(_author(row["author"])),
        parts=parts,
        text=plain_text(parts),
        client_message_id=row["provider_message_id"] if theirs else None,
        in_reply_to=show_id("ent", row["in_reply_to"]) if row["in_reply_to"] else None,
        state="received" if inbound else row["delivery_state"],
        channel=row["medium"],
        event=None,
        edited_at=row["edited_at"],
        redacted_at=row["redacted_at"],
        occurred_at=row["occurred_at"],
    )


def _show_event(row: Row) -> VisitorEntry | None:
    happened = _event(row["event"])
    told = EVENTS[happened.name](happened) if happened.name in EVENTS else None
    if told is None:
        return None
    return VisitorEntry(
        id=show_id("ent", row["id"]),
        conversation_id=show_id("cnv", row["conversation_id"]),
        seq=row["seq"],
        direction="outbound",
        kind="event",
        author=VisitorAuthor(type="system", name=None),
        parts=[],
        text="",
        client_message_id=None,
        in_reply_to=None,
        state="sent",
        channel="webchat",
        event=told,
        edited_at=None,
        redacted_at=row["redacted_at"],
        occurred_at=row["occurred_at"],
    )


def show_author(author: Author) -> VisitorAuthor:
    """Who wrote it; names of programs and of our own doings are nobody's business."""
    kind = AUTHORS.get(author.type, "system")
    named = kind in NAMED and author.type != "integration"
    return VisitorAuthor(type=kind, name=author.name if named else None)


def _by(happened: TimelineEvent) -> VisitorAuthor:
    actor = happened.actor
    return show_author(Author(type=actor.type, id=actor.id, name=actor.name))


def _ended(happened: TimelineEvent) -> VisitorEvent | None:
    return VisitorEvent(name="ended", by=_by(happened)) if happened.to == "closed" else None


def _joined(happened: TimelineEvent) -> VisitorEvent | None:
    name = happened.to.get("name") if isinstance(happened.to, dict) else None
    return VisitorEvent(name="agent_joined", by=VisitorAuthor(type="agent", name=name)) if name else None


def _plain(name: EventName) -> Callable[[TimelineEvent], VisitorEvent | None]:
    return lambda happened: VisitorEvent(name=name, by=_by(happened))


def _rated(happened: TimelineEvent) -> VisitorEvent:
    return VisitorEvent(name="csat_received", by=_by(happened), facts={"rating": happened.to})


EVENTS: dict[str, Callable[[TimelineEvent], VisitorEvent | None]] = {
    "status_changed": _ended,
    "reopened": _plain("reopened"),
    "assigned": _joined,
    "csat_requested": _plain("csat_requested"),
    "csat_received": _rated,
    "moved_to_email": _plain("moved_to_email"),
}
"""The events of a timeline that are told to the visitor, and how."""


def _show_part(part: AnyPart) -> AnyPart | None:
    if isinstance(part, Text):
        return Text(text=part.text, format=part.format)
    if isinstance(part, MEDIA_PARTS) and isinstance(part, AS_THEY_ARE):
        return _show_file(part)
    if isinstance(part, AS_THEY_ARE) or (isinstance(part, LinkPreview) and part.url.lower().startswith(WEB)):
        return part
    words = plain_text([part])
    return Text(text=words) if words else None


def _show_file(part: Any) -> AnyPart:
    """The file by our own path, which asks whether the visitor may have it."""
    file = part.attachment
    url = f"{FILES}{file.id}" if file.id else None
    shown: AnyPart = msgspec.structs.replace(part, attachment=msgspec.structs.replace(file, url=url, sha256=None))
    return shown
