"""What comes in: facts from a provider, in the past tense, normalised. The raw request stays in the journal.

Every event has a `key` that is unique on its channel: the same fact told twice has the same key and happens once.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from channels.errors import FailureCode
from channels.parts import AnyPart

AddressKind = Literal["phone", "email", "whatsapp", "visitor"]
DeliveryState = Literal["sent", "delivered", "read", "failed", "undelivered", "expired", "canceled"]


class Address(msgspec.Struct, kw_only=True, frozen=True):
    """Where somebody can be reached: E.164 for phones, an addr-spec for mail, else the provider's id.

    `verified` says that the provider vouches for it: nobody else could have written from there.
    """

    kind: AddressKind
    value: str
    name: str | None = None
    verified: bool = False


class Addressee(msgspec.Struct, kw_only=True, frozen=True):
    """Somebody a message was addressed to."""

    role: Literal["to", "cc", "bcc"]
    address: Address


Verdict: TypeAlias = Literal["pass", "fail", "softfail", "neutral", "none", "temperror", "permerror"]


class Authentication(msgspec.Struct, kw_only=True, frozen=True):
    """What SPF, DKIM and DMARC said of a mail (RFC 7208, 6376, 7489), and whose word that is.

    `by` is the authserv-id of the trusted host whose header told it (RFC 8601), or "us" where we verified it. `aligned`
    says that one of them passed for the very domain of the From address: then nobody else can have written it.
    """

    by: str
    aligned: bool = False
    spf: Verdict | None = None
    dkim: Verdict | None = None
    dmarc: Verdict | None = None


class Letter(msgspec.Struct, kw_only=True, frozen=True):
    """What only mail says. Ids are Message-IDs without their angle brackets, `references` the oldest first.

    `reply_tags` are the tags (RFC 5233) of those of our addresses it was sent to; `nature` tells people from machines;
    `flags` are stable words for what is odd or notable: "invite", "forwarded", "bad_charset", "truncated", ...
    """

    subject: str | None = None
    message_id: str | None = None
    in_reply_to: list[str] = []
    references: list[str] = []
    reply_tags: list[str] = []
    reply_to: list[Address] = []
    nature: Literal["person", "auto_reply", "list", "bulk"] = "person"
    authentication: Authentication | None = None
    flags: list[str] = []


class DeliveryError(msgspec.Struct, kw_only=True, frozen=True):
    """Why a message did not arrive: our code, the provider's own, and what helps."""

    code: FailureCode
    provider_code: str | None = None
    message: str
    retryable: bool = False
    fix: str | None = None


class Event(msgspec.Struct, kw_only=True, frozen=True, tag_field="type"):
    """The root of all events. `to` is our own address it concerns, where the provider says."""

    key: str
    to: str | None = None
    occurred_at: datetime | None = None


class MessageReceived(Event, kw_only=True, frozen=True, tag="message_received"):
    """Somebody wrote to us. `letter` is there where it came as mail.

    With `anew` they begin a conversation of its own, where their last one is closed.
    """

    sender: Address
    parts: list[AnyPart]
    provider_message_id: str
    in_reply_to: str | None = None
    thread_ref: str | None = None
    recipients: list[Addressee] = []
    letter: Letter | None = None
    anew: bool = False


class DeliveryReported(Event, kw_only=True, frozen=True, tag="delivery_reported"):
    """How far a message of ours got. `reference` is our own id for it, where the provider carries it back.

    `recipient` is whose copy of it that is, where it went to several and the report says.
    """

    provider_message_id: str
    state: DeliveryState
    reference: str | None = None
    recipient: str | None = None
    error: DeliveryError | None = None


class ConsentChanged(Event, kw_only=True, frozen=True, tag="consent_changed"):
    """Somebody allowed or forbade messages from this channel, in `words` or by the provider's report."""

    sender: Address
    state: Literal["granted", "revoked"]
    source: Literal["keyword", "provider"]
    words: str | None = None


class CallChanged(Event, kw_only=True, frozen=True, tag="call_changed"):
    """A call reached its next step. `call` is the provider's id of the whole call."""

    sender: Address
    call: str
    direction: Literal["inbound", "outbound"]
    step: Literal["ringing", "answered", "held", "resumed", "transferred", "ended"]
    outcome: Literal["answered", "missed", "voicemail", "busy", "failed"] | None = None


class TypingStarted(Event, kw_only=True, frozen=True, tag="typing_started"):
    """Somebody is writing."""

    sender: Address


AnyEvent: TypeAlias = MessageReceived | DeliveryReported | ConsentChanged | CallChanged | TypingStarted
