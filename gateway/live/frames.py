"""What is said on `/v1/realtime`, both ways: JSON text frames told apart by `type`, and why it is closed.

docs/reference/realtime.md is made from this page by `realtime_page()`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias, get_args

import msgspec

from gateway.live.bus import LiveEventType
from inbox.conversations.api.envelopes import Envelope, EnvelopeActor
from inbox.feed.events import EventType
from inbox.kit.errors import Code, FieldError

QUERY_CHARS = 1000
SUBSCRIPTIONS = 20
"""The most subscriptions of one socket."""

SubscriptionId: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=64, examples=["s1"])]
ConversationId: TypeAlias = Annotated[
    str, msgspec.Meta(max_length=64, examples=["cnv_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b"])
]
CursorText: TypeAlias = Annotated[str, msgspec.Meta(max_length=64, examples=["00000000002a"])]


class ClientFrame(
    msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, tag_field="type", tag=str.lower
):
    """A frame of the client; its name in lower case is its `type`."""


class Authenticate(ClientFrame, kw_only=True, frozen=True):
    """Show a ticket of `POST /v1/stream-tickets`: the first frame of a socket that was opened without key or cookie."""

    ticket: Annotated[str, msgspec.Meta(max_length=100, examples=["tkt_…"])]


class Resume(ClientFrame, kw_only=True, frozen=True):
    """Go on after this cursor instead of from `ready`; before the first `subscribe`, once."""

    cursor: CursorText


class Subscribe(ClientFrame, kw_only=True, frozen=True):
    """Be told what meets all that is given here; with an `id` that is in use, instead of what that asked for.

    `types` may name events of the feed and of the moment; `q` is the language of lists, and `agent` whom its `me`
    means where the key is not bound to one.
    """

    id: SubscriptionId
    q: Annotated[str, msgspec.Meta(max_length=QUERY_CHARS, examples=["is:open assignee:me"])] | None = None
    types: list[EventType | LiveEventType] | None = None
    conversation_id: ConversationId | None = None
    agent: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class Unsubscribe(ClientFrame, kw_only=True, frozen=True):
    """Be told no more of it."""

    id: SubscriptionId


class Typing(ClientFrame, kw_only=True, frozen=True):
    """Say that one writes in a conversation, every few seconds, and that one has stopped.

    The contact is told as well, unless it is `internal`: a note.
    """

    conversation_id: ConversationId
    typing: bool
    internal: bool = False


class Viewing(ClientFrame, kw_only=True, frozen=True):
    """Say which conversation is on the screen; null is none."""

    conversation_id: ConversationId | None = None


class Presence(ClientFrame, kw_only=True, frozen=True):
    """Say that the agent is there, or has been away from the page for a while."""

    state: Literal["online", "away"]


class Ack(ClientFrame, kw_only=True, frozen=True):
    """Say up to where everything was taken in: it is written in the log where the socket is cut off."""

    cursor: CursorText


class Ping(ClientFrame, kw_only=True, frozen=True):
    """Ask for a `pong`, where the pings of the protocol itself are out of reach."""


AnyClientFrame: TypeAlias = Authenticate | Resume | Subscribe | Unsubscribe | Typing | Viewing | Presence | Ack | Ping


class ServerFrame(msgspec.Struct, kw_only=True, frozen=True, tag_field="type", tag=str.lower):
    """A frame of the server; its name in lower case is its `type`."""


class Ready(ServerFrame, kw_only=True, frozen=True):
    """The client is let in; `cursor` is where the feed ends, and where it is followed from unless resumed."""

    cursor: CursorText
    heartbeat_seconds: Annotated[float, msgspec.Meta(examples=[15.0])]


class Subscribed(ServerFrame, kw_only=True, frozen=True):
    """A subscription holds; what it asks for is told from here on."""

    id: SubscriptionId


class Event(ServerFrame, kw_only=True, frozen=True):
    """An event of the feed, once, with the subscriptions it is for; `event.cursor` is where to resume after it."""

    event: Envelope
    subscriptions: Annotated[list[SubscriptionId], msgspec.Meta(examples=[["s1"]])]


class Cursor(ServerFrame, kw_only=True, frozen=True):
    """What came since was for none of the subscriptions: resume after this one instead."""

    cursor: CursorText


class LiveViewer(msgspec.Struct, kw_only=True, frozen=True):
    """An agent who has the conversation open, and whether they write."""

    id: str
    name: str | None
    state: Literal["viewing", "composing"]


class LiveEnvelope(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Something of the moment: it is not in the feed, and not told again.

    `state` comes with `presence.changed` (online, away or offline), `viewers` with `conversation.viewing`: all of them.
    """

    type: LiveEventType
    conversation_id: ConversationId | None
    actor: EnvelopeActor
    timestamp: Annotated[str, msgspec.Meta(examples=["2026-11-22T09:00:00.000Z"])]
    state: str | None = None
    viewers: list[LiveViewer] | None = None


TYPING = {
    "type": "typing.started",
    "conversation_id": "cnv_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b",
    "actor": {"type": "agent", "id": "agt_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b", "name": "Bo"},
    "timestamp": "2026-11-22T09:00:00.000Z",
}


class Live(ServerFrame, kw_only=True, frozen=True):
    """Who types, is there, or views what."""

    event: Annotated[LiveEnvelope, msgspec.Meta(examples=[TYPING])]


class Reset(ServerFrame, kw_only=True, frozen=True):
    """The cursor is too old, or none of ours: list anew, and resume after this one. The socket is closed with 4409."""

    code: Annotated[Code, msgspec.Meta(examples=["cursor_expired"])]
    cursor: CursorText


class ProblemFrame(ServerFrame, kw_only=True, frozen=True, tag="problem"):
    """A frame was refused, with the code a request would be refused with; `id` is the subscription's, if it was one."""

    code: Annotated[Code, msgspec.Meta(examples=["not_found"])]
    detail: Annotated[str, msgspec.Meta(examples=["there is no such subscription"])]
    id: str | None = None
    errors: Annotated[list[FieldError], msgspec.Meta(examples=[[]])] = []


class Pong(ServerFrame, kw_only=True, frozen=True):
    """The answer to `ping`."""


AnyServerFrame: TypeAlias = Ready | Subscribed | Event | Cursor | Live | Reset | ProblemFrame | Pong

BAD_FRAME = 4400
UNAUTHENTICATED = 4401
SLOW = 4408
CURSOR_EXPIRED = 4409
TOO_MANY = 4429
RESTART = 1012
BROKEN = 1011

CLOSE_CODES: dict[int, str] = {
    1009: "A frame was larger than 64 KB.",
    BROKEN: "Pings were not answered in time, or something broke on our side: come back.",
    RESTART: "This process stops: come back, with the cursor; another one is there.",
    BAD_FRAME: "Frames again and again that are no frames of this protocol.",
    UNAUTHENTICATED: "No good ticket within 30 seconds, or the key, session or ticket opens nothing, or no longer.",
    SLOW: "The client did not read what was told for 10 seconds; come back with the cursor.",
    CURSOR_EXPIRED: "The cursor is older than the feed, or none of ours; `reset` came before.",
    TOO_MANY: "Too many sockets, or more than 600 frames in a minute; wait before coming back.",
}
"""With which code a socket is closed, and why."""

LIVE_TYPES: frozenset[str] = frozenset(get_args(LiveEventType))

_decoder = msgspec.json.Decoder(AnyClientFrame)
_encoder = msgspec.json.Encoder()


def read_frame(text: str) -> Any:
    """A client's frame; msgspec.DecodeError where it is none."""
    try:
        return _decoder.decode(text)
    except RecursionError as error:
        raise msgspec.DecodeError("it is too deep") from error


def write_frame(frame: ServerFrame) -> bytes:
    """A server's frame as JSON."""
    return _encoder.encode(frame)


def write_event(body: bytes, subscriptions: tuple[str, ...]) -> bytes:
    """An `event` frame around an envelope that is encoded already."""
    return b'{"type":"event","event":%s,"subscriptions":%s}' % (body, _encoder.encode(subscriptions))


def seal(payload: bytes) -> bytes:
    """A text message of the server on the wire (RFC 6455 5.2): one frame, not masked."""
    size = len(payload)
    if size < 126:
        return b"\x81%c" % size + payload
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2) + payload
    return b"\x81\x7f" + size.to_bytes(8) + payload
