"""What a chat on a website offers besides messages, as its channel is set up. Plain data."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

PRE_CHAT_ID = "pre_chat"
"""The `form_id` under which the form before a conversation is answered, whatever its own id."""

HoursLong: TypeAlias = Annotated[float, msgspec.Meta(ge=0.1, le=720)]


class RatingRules(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Whether visitors are asked, when their conversation is closed, how it was; and how long they may change it."""

    enabled: bool = False
    change_hours: HoursLong = 24


class MailContinuation(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Whether answers that nobody saw in the chat go on by mail, to visitors who left an address, and how soon.

    `channel_id` is the mail channel they go by; without it the oldest that runs.
    """

    enabled: bool = True
    after_minutes: Annotated[float, msgspec.Meta(ge=0, le=10_080)] = 10
    channel_id: Annotated[str, msgspec.Meta(pattern=r"^cha_[0-9a-f]{32}(?![\s\S])")] | None = None
