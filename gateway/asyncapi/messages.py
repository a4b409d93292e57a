"""Each message that is told live or taken on the live socket: its struct, its words and its examples. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias, get_args

import msgspec

from gateway.live.frames import AnyClientFrame, AnyServerFrame
from gateway.openapi.events import event_sample
from gateway.openapi.examples import make_example
from gateway.stream import StreamReady, StreamReset
from inbox.conversations.api.envelopes import Envelope
from inbox.webhooks.catalogue import EVENT_TYPES
from inbox.webhooks.payload import ThinEnvelope

USUAL = "message.created"
"""The type of the example where one will do: the event stream has one of each."""

Channel: TypeAlias = Literal["realtime", "stream", "webhook"]


class Example(msgspec.Struct, frozen=True):
    """A payload as it may be, under a name."""

    name: str
    payload: Any


class Message(msgspec.Struct, frozen=True):
    """One message of a channel; `taken` where it comes from the client. `name` is what tells it from the others."""

    channel: Channel
    name: str
    kind: type[msgspec.Struct]
    examples: tuple[Example, ...]
    taken: bool = False

    @property
    def key(self) -> str:
        """Its name in the document."""
        return f"{self.channel}.{self.name}"


def list_messages() -> list[Message]:
    """All there are."""
    return [
        *_frames(get_args(AnyClientFrame), taken=True),
        *_frames(get_args(AnyServerFrame)),
        *(_stream_message(name, kind) for name, kind in (("ready", StreamReady), ("reset", StreamReset))),
        Message("stream", "event", Envelope, tuple(Example(name, event_sample(name)) for name in EVENT_TYPES)),
        Message("webhook", "full", Envelope, (Example(USUAL, event_sample(USUAL)),)),
        Message("webhook", "thin", ThinEnvelope, (Example(USUAL, make_example(ThinEnvelope) | {"type": USUAL}),)),
    ]


def _frames(kinds: Iterable[type[msgspec.Struct]], *, taken: bool = False) -> list[Message]:
    found = []
    for kind in kinds:
        example = make_example(kind)
        name = example["type"]
        found.append(Message("realtime", name, kind, (Example(name, example),), taken))
    return found


def _stream_message(name: str, kind: type[msgspec.Struct]) -> Message:
    return Message("stream", name, kind, (Example(name, make_example(kind)),))
