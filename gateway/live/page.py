"""The page docs/reference/realtime.md, made from the frames themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

import msgspec

from gateway.live.bus import TYPING_SECONDS
from gateway.live.frames import CLOSE_CODES, SUBSCRIPTIONS, AnyClientFrame, AnyServerFrame, Event
from gateway.live.realtime import AUTHENTICATE_SECONDS, SESSION_SOCKETS
from gateway.live.socket import SLOW_SECONDS
from gateway.openapi.examples import make_example
from gateway.sockets import FRAMES_A_MINUTE, MESSAGE_BYTES
from inbox.staff.tickets.actions import TICKET_SECONDS

CONVERSATION = "cnv_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b"
SHORT_EVENT = {
    "object": "event", "id": "evt_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b", "cursor": "00000000002b",
    "type": "message.created", "conversation_id": CONVERSATION,
}  # fmt: skip
"""An envelope with what the page needs of it; the whole is described by `GET /v1/events`."""

HEAD = f"""# The live socket: `/v1/realtime`

A WebSocket (RFC 6455) that tells what happens as it happens: the events of `GET /v1/events`, and what is of the moment
only: who types, is there, or has a conversation open. Frames are JSON text, told apart by `type`. A client that only
listens can read `GET /v1/events/stream` (server-sent events) instead: the same events, cursors and filters. For
programs, each message of both sides stands with its schema in the AsyncAPI 3.0 document `/asyncapi.json`
(`switchboard asyncapi`).

## Being let in

- A program sends its key: `Authorization: Bearer sk_...`. It needs the scope `events:read`.
- A page of ours, or of `SWITCHBOARD_ALLOWED_ORIGINS`, is let in by the session's cookie.
- Any other page asks its own server for a ticket, made by `POST /v1/stream-tickets`, and shows it in the first frame.
  A ticket opens one socket, once, within {TICKET_SECONDS} seconds. No secret ever stands in a URL.

A handshake is refused with an HTTP status and a problem document (RFC 9457) where the key is wrong, where too much is
going on, and wherever a page of another origin asks: `Origin` has to be ours or an allowed one if it is sent at all,
and has to be sent with a cookie. A socket without key and cookie has {AUTHENTICATE_SECONDS:.0f} seconds to show its
ticket. Keys, sessions and roles are looked at again all the time: what is revoked is closed within five seconds.

## A session, frame by frame

`>` is what the client says, `<` what it hears.

```text
"""

SESSION: tuple[tuple[str, dict[str, Any]], ...] = (
    (">", {"type": "authenticate", "ticket": "tkt_Zk3vQ8yT1mWc5nXr7pLd9fHg2jKb4sVaE6uIo0CqYtA"}),
    ("<", {"type": "ready", "cursor": "00000000002a", "heartbeat_seconds": 15.0}),
    (">", {"type": "subscribe", "id": "mine", "q": "is:open assignee:me"}),
    ("<", {"type": "subscribed", "id": "mine"}),
    ("<", {"type": "event", "event": SHORT_EVENT, "subscriptions": ["mine"]}),
    (">", {"type": "viewing", "conversation_id": CONVERSATION}),
    (">", {"type": "typing", "conversation_id": CONVERSATION, "typing": True}),
    ("<", {"type": "live", "event": {
        "type": "conversation.viewing", "conversation_id": CONVERSATION, "actor": {"type": "agent", "id": "agt_07",
        "name": "Bo"}, "timestamp": "2026-11-22T09:00:00.000Z",
        "viewers": [{"id": "agt_07", "name": "Bo", "state": "composing"}]}}),
    ("<", {"type": "cursor", "cursor": "00000000002f"}),
)  # fmt: skip
"""The example; a test reads each line as the frame it is."""

REST = f"""```

## Resuming without a gap

Every event has a cursor, and the client remembers the last it saw: of `event`, `cursor` or `ready`. After a cut it
opens a new socket, says `resume` with it before its first `subscribe`, and is told all that came since, once, and then
what comes. Events come in the order of their cursors, whichever process tells them. Where the cursor is older than the
feed (`SWITCHBOARD_FEED_RETENTION_DAYS`), `reset` says so and the socket is closed with 4409: list anew, and resume
after the cursor that `reset` gave, or the `Event-Cursor` of the list.

To begin, list first: the answer's `Event-Cursor` is where to resume, so nothing is missed between list and socket.

Come back after a wait that grows and is not the same for all: a few hundred milliseconds at first, doubled each time up
to half a minute, each at random between half and all of that. After 1012 at once, but at random within two seconds.

## What is of the moment

`live` frames are for subscriptions without `types`, or whose `types` name them; with `q` or `conversation_id`, only
those of conversations that match. They are not in the feed, have no cursor, and are lost with a cut.

- `typing.started` and `typing.stopped`: somebody writes; it ends by itself {TYPING_SECONDS:.0f} seconds after it
  was said last. A client says `typing` every three seconds or so while keys are pressed. The contact sees it where the
  channel can show it, unless it is said to be `internal`.
- `conversation.viewing`: `viewers` are all agents who have it open, `composing` where they write: so two need not
  answer.
- `presence.changed`: an agent is `online` while any of their sockets says so, `away` where those that are open all say
  that, and `offline` some seconds after the last one has closed. Whether they take on work they say with
  `PUT /v1/agents/me/availability`; that stays, and is an event of the feed: `agent.availability_changed`.

The same over HTTP: `POST /v1/conversations/{{id}}/typing`, `GET /v1/conversations/{{id}}/viewers`,
`GET /v1/agents/presence`.

## Limits

| what | how much | otherwise |
| --- | --- | --- |
| a frame | {MESSAGE_BYTES // 1024} KB, uncompressed | 1009 |
| frames of the client in a minute | {FRAMES_A_MINUTE} | 4429 |
| sockets of one session | {SESSION_SOCKETS} | 4429 |
| sockets of one key | its share of `SWITCHBOARD_STREAM_LIMIT` | 4429 |
| subscriptions of one socket | {SUBSCRIPTIONS} | `problem` |
| reading what was told | {SLOW_SECONDS:.0f} seconds | 4408 |
| answering a ping | `heartbeat_seconds` | 1011 |

"""


def realtime_page() -> str:
    """The page."""
    lines = [f"{side} {msgspec.json.encode(frame).decode()}" for side, frame in SESSION]
    return (
        HEAD
        + "\n".join(lines)
        + "\n"
        + REST
        + _frames("What the client says", get_args(AnyClientFrame))
        + _frames("What the client hears", get_args(AnyServerFrame))
        + _codes()
    )


def _frames(title: str, kinds: Iterable[type[msgspec.Struct]]) -> str:
    return f"## {title}\n\n" + "".join(_frame(kind) for kind in kinds)


def _frame(kind: type[msgspec.Struct]) -> str:
    example = make_example(kind)
    if kind is Event:
        example["event"] = {**SHORT_EVENT, "…": "as in GET /v1/events"}
    text = " ".join((kind.__doc__ or "").split())
    return f"### `{example['type']}`\n\n{text}\n\n```json\n{msgspec.json.encode(example).decode()}\n```\n\n"


def _codes() -> str:
    rows = "".join(f"| {code} | {text} |\n" for code, text in sorted(CLOSE_CODES.items()))
    return f"## Close codes\n\n| code | why, and what to do |\n| --- | --- |\n{rows}"
