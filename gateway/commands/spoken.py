"""The parts of the API's objects that our own clients read; what else is in them is passed over. Plain contracts."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

Item = TypeVar("Item")


class SpokenName(msgspec.Struct, kw_only=True):
    """Somebody, by id and name, or by the address they wrote from."""

    id: str | None = None
    name: str | None = None
    type: str | None = None
    address: str | None = None


class SpokenDelivery(msgspec.Struct, kw_only=True):
    """How far a message got, and why no further."""

    state: str
    updated_at: str | None = None
    error: dict[str, Any] | None = None


class SpokenProvider(msgspec.Struct, kw_only=True):
    """What the provider calls a message."""

    message_id: str | None = None


class SpokenRecipient(msgspec.Struct, kw_only=True):
    """Where a message went."""

    address: str


class SpokenChannel(msgspec.Struct, kw_only=True):
    """By which medium."""

    type: str


class SpokenChange(msgspec.Struct, kw_only=True):
    """What an event entry tells."""

    name: str
    actor: SpokenName | None = None
    to: Any = None


class SpokenEntry(msgspec.Struct, kw_only=True):
    """An item of a timeline."""

    id: str
    type: str
    conversation_id: str
    seq: int
    direction: str
    text: str
    author: SpokenName
    created_at: str
    channel: SpokenChannel | None = None
    recipients: list[SpokenRecipient] = []
    event: SpokenChange | None = None
    delivery: SpokenDelivery | None = None
    provider: SpokenProvider | None = None


class SpokenConversation(msgspec.Struct, kw_only=True):
    """A conversation, in a list or in an envelope."""

    id: str
    number: int
    status: str
    contact: SpokenName
    last_seq: int
    updated_at: str


class SpokenContact(msgspec.Struct, kw_only=True):
    """A person."""

    id: str
    name: str | None = None


class SpokenData(msgspec.Struct, kw_only=True):
    """The objects an envelope carries."""

    entry: SpokenEntry | None = None
    conversation: SpokenConversation | None = None
    contact_id: str | None = None
    facts: dict[str, Any] | None = None


class SpokenEnvelope(msgspec.Struct, kw_only=True):
    """What happened."""

    cursor: str
    type: str
    timestamp: str
    data: SpokenData
    conversation_id: str | None = None
    actor: SpokenName | None = None


class StreamHead(msgspec.Struct, kw_only=True):
    """Where the feed ends: the data of a stream's `ready` and `reset`."""

    cursor: str


class SpokenPageInfo(msgspec.Struct, kw_only=True, frozen=True):
    """Where a list goes on."""

    next_cursor: str | None = None
    has_more: bool = False


class SpokenPage(msgspec.Struct, Generic[Item], kw_only=True):
    """One page of a list."""

    data: list[Item]
    page: SpokenPageInfo = SpokenPageInfo()


class SpokenProblem(msgspec.Struct, kw_only=True):
    """A refusal (RFC 9457)."""

    title: str = ""
    detail: str = ""
    code: str = ""
    hint: str | None = None
    retryable: bool = False


class SpokenWebhook(msgspec.Struct, kw_only=True):
    """An endpoint that gets events; its secret only when it was just given one."""

    id: str
    url: str
    types: list[str]
    enabled: bool
    disabled_reason: str | None = None
    failing_since: str | None = None
    last_success_at: str | None = None
    secret: str | None = None

    @property
    def state(self) -> str:
        """How it is, in a word."""
        if not self.enabled:
            return f"disabled ({self.disabled_reason})"
        return "failing" if self.failing_since else "enabled"


class SpokenAttempt(msgspec.Struct, kw_only=True):
    """One try of a webhook delivery."""

    at: str
    duration_ms: int
    status: int | None = None
    error: str | None = None
    response: str | None = None


class SpokenDeliveryLog(msgspec.Struct, kw_only=True):
    """One event on its way to an endpoint."""

    id: str
    event_id: str
    type: str
    state: str
    attempts: list[SpokenAttempt] = []
    next_attempt_at: str | None = None

    @property
    def last(self) -> str:
        """What came of the last try."""
        if not self.attempts:
            return "not tried yet"
        one = self.attempts[-1]
        answered = str(one.status) if one.status is not None else str(one.error)
        return f"{answered} after {one.duration_ms} ms"


class SpokenProgress(msgspec.Struct, kw_only=True):
    """How far something is."""

    done: int
    total: int | None = None


class SpokenTransfer(msgspec.Struct, kw_only=True):
    """An import or export."""

    id: str
    kind: str
    state: str
    progress: SpokenProgress
    counts: dict[str, int] = {}
    error: str | None = None


class SpokenRowError(msgspec.Struct, kw_only=True):
    """A row that an import refused."""

    line: int
    code: str
    detail: str
    pointer: str | None = None
