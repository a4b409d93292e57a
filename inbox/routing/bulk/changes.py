"""What can be done to many conversations at once, as it is asked for. Plain data."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

import msgspec

from inbox.conversations.api.requests import Line, Tag
from inbox.conversations.thread import Level


class Change(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """The root of all changes."""


class Close(Change, kw_only=True, frozen=True, tag="close"):
    """They are done."""

    reason: Line | None = None


class Reopen(Change, kw_only=True, frozen=True, tag="reopen"):
    """From closed, pending or snoozed."""

    reason: Line | None = None


class Snooze(Change, kw_only=True, frozen=True, tag="snooze"):
    """Until a moment, or until the contact writes."""

    until: datetime


class AddTag(Change, kw_only=True, frozen=True, tag="tag"):
    """One tag more."""

    tag: Tag


class RemoveTag(Change, kw_only=True, frozen=True, tag="untag"):
    """One tag less."""

    tag: Tag


class Assign(Change, kw_only=True, frozen=True, tag="assign"):
    """To an agent, or to nobody; with `if_unassigned` only those nobody holds."""

    agent_id: str | None
    if_unassigned: bool = False


class SetPriority(Change, kw_only=True, frozen=True, tag="priority"):
    """Pinned to a level; null unpins it."""

    priority: Level | None


class MarkRead(Change, kw_only=True, frozen=True, tag="read"):
    """Everything has been seen."""


class MarkUnread(Change, kw_only=True, frozen=True, tag="unread"):
    """The contact's last message has not been seen after all."""


AnyChange: TypeAlias = (
    Close | Reopen | Snooze | AddTag | RemoveTag | Assign | SetPriority | MarkRead | MarkUnread
)  # fmt: skip
