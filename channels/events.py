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
    """Somebody wrote to us."""

    sender: Address
    parts: list[AnyPart]
    provider_message_id: str
    in_reply_to: str | None = None
    thread_ref: str | None = None
    recipients: list[Address] = []


class DeliveryReported(Event, kw_only=True, frozen=True, tag="delivery_reported"):
    """How far a message of ours got. `reference` is our own id for it, where the provider carries it back."""

    provider_message_id: str
    state: DeliveryState
    reference: str | None = None
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
