"""Which conversation an inbound message belongs to. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from inbox.conversations.thread import Thread


class Opening(msgspec.Struct, frozen=True):
    """The conversation to join, or None to open a new one, and why."""

    thread: Thread | None
    because: str


def choose_thread(threads: Iterable[Thread], *, now: datetime, window: timedelta | None) -> Opening:
    """The contact's most recent conversation that is open, or was closed within the window; None leaves closed ones so.

    What is merged into another goes on there: that one is among the contact's own, or is somebody else's.
    """
    known = sorted((thread for thread in threads if thread.merged_into is None), key=_activity, reverse=True)
    live = next((thread for thread in known if thread.status != "closed"), None)
    if live is not None:
        return Opening(live, "the contact has an open conversation")
    if window is None:
        return Opening(None, "the contact begins a new conversation")
    recent = next((thread for thread in known if thread.closed_at and now - thread.closed_at <= window), None)
    if recent is not None:
        return Opening(recent, f"the last conversation was closed less than {_hours(window)} ago")
    return Opening(None, "no conversation of the contact is open or recently closed")


def _activity(thread: Thread) -> tuple[datetime, str]:
    return thread.updated_at, thread.id.hex


def _hours(window: timedelta) -> str:
    hours = window.total_seconds() / 3600
    return f"{hours:g} hours"
