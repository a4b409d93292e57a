"""What a visitor does, as our own door journals it: whose it is was settled there, by the session. Plain data."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from channels.parts import ChoiceReply, FormReply, Location, MediaPart, Text

MESSAGE = "message"
RECEIPT = "receipt"

VisitorPart: TypeAlias = Text | MediaPart | ChoiceReply | FormReply | Location


class Sender(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The address of a visitor: their own id, or that of the user they have proven to be."""

    address: str
    name: str | None = None
    verified: bool = False


class VisitorMessage(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Something was written; files are named by the attachments we hold of them.

    `message_id` is the client's own, `in_reply_to` the id of the entry it answers; `anew` leaves closed what is closed.
    """

    sender: Sender
    message_id: str
    parts: list[VisitorPart]
    in_reply_to: str | None = None
    anew: bool = False


class VisitorReceipt(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How far our messages, by their references, got: to the browser, or to the eye."""

    references: list[str]
    state: Literal["delivered", "read"]
