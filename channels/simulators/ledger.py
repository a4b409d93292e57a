"""What a simulated provider took, delivered and told: the record a checker compares with ours. Provider-neutral."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

LEDGER_MESSAGES = 500_000  # messages kept, the oldest are forgotten first


class Attempt(msgspec.Struct, kw_only=True, frozen=True):
    """One try at a webhook: Unix time, seconds it took, and the HTTP status answered or what went wrong instead."""

    at: float
    seconds: float
    status: int | None = None
    error: Literal["unreachable", "broken_off", "timeout"] | None = None


class Post(msgspec.Struct, kw_only=True):
    """One webhook the provider owes: `kind` is "message" or the status told; acknowledged by any answer of 2xx."""

    kind: str
    url: str
    attempts: list[Attempt] = []
    acknowledged: bool = False


class MediaFile(msgspec.Struct, kw_only=True, frozen=True):
    """A file a handset sent; `ticket` opens it at an address that asks for no credentials."""

    sid: str
    content_type: str
    size: int
    ticket: str


class Message(msgspec.Struct, kw_only=True):
    """One message, either way, as the provider knows it.

    `order` counts all messages from 1 as they were taken. `sender` is None until a messaging service has picked one
    of its numbers. `answered` says whether the call that created it got its answer. `posts` are the incoming-message
    webhook or the status callbacks, `acknowledged` whether any of them was answered 2xx, `attempts` the requests made.
    """

    sid: str
    account_sid: str
    direction: Literal["inbound", "outbound-api"]
    sender: str | None
    to: str
    body: str
    status: str
    created: datetime
    updated: datetime
    order: int = 0
    sent: datetime | None = None
    service: str | None = None
    segments: int = 1
    media: list[MediaFile] = []
    media_urls: list[str] = []
    callback: str | None = None
    error_code: int | None = None
    answered: bool = False
    posts: list[Post] = []
    acknowledged: bool = False
    attempts: int = 0


class LedgerReport(msgspec.Struct, kw_only=True, frozen=True):
    """The ledger as it goes over the wire.

    `under_way` counts deliveries and webhooks not yet over, `forgotten` messages too old to be in the ledger.
    """

    accepted: list[Message]
    inbound: list[Message]
    under_way: int
    forgotten: int


class Ledger:
    """All messages in the order they were taken, either way, with the bytes of their files."""

    def __init__(self, *, keep: int = LEDGER_MESSAGES) -> None:
        self.messages: dict[str, Message] = {}
        self.files: dict[str, tuple[str, bytes]] = {}  # ticket -> content type, bytes
        self.keep = keep
        self.forgotten = 0
        self._orders = 0

    def record_message(self, message: Message) -> Message:
        """Enter it and give it its order."""
        self._orders += 1
        message.order = self._orders
        self.messages[message.sid] = message
        if len(self.messages) > self.keep:
            self._forget_oldest()
        return message

    @property
    def accepted(self) -> list[Message]:
        """What was taken over the REST side, in order."""
        return [message for message in self.messages.values() if message.direction == "outbound-api"]

    @property
    def inbound(self) -> list[Message]:
        """What handsets sent, in order; each knows whether its webhook was acknowledged."""
        return [message for message in self.messages.values() if message.direction == "inbound"]

    def report_since(self, order: int, *, under_way: int) -> LedgerReport:
        """Everything taken after this order."""
        return LedgerReport(
            accepted=[message for message in self.accepted if message.order > order],
            inbound=[message for message in self.inbound if message.order > order],
            under_way=under_way,
            forgotten=self.forgotten,
        )

    def _forget_oldest(self) -> None:
        oldest = self.messages.pop(next(iter(self.messages)))
        for file in oldest.media:
            self.files.pop(file.ticket, None)
        self.forgotten += 1
