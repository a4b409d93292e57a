"""The mails with links to set a password, and where the links lead. Pure."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

from channels.contract import LetterOut, OutboundMessage
from channels.events import Address
from channels.parts import Text
from inbox.kit.ids import INVITATION, show_id
from inbox.staff.invitations.actions import Purpose

SUBJECTS: dict[Purpose, str] = {
    "invitation": "Your account at {host}",
    "reset": "A new password for {host}",
}
WORDS: dict[Purpose, str] = {
    "invitation": "You have been invited to {host}. Choose your password here:\n\n{url}\n\n"
    "The link is good once, and for {hours}.",
    "reset": "Somebody asked for a new password for your account at {host}. If it was you, choose it here:\n\n{url}\n\n"
    "The link is good once, and for {hours}. If it was not you, nothing has changed and there is nothing to do.",
}


def write_link(email: str, purpose: Purpose, *, link_id: UUID, url: str, lasts: timedelta) -> OutboundMessage:
    """The mail with a link in it. Pure."""
    words = {"host": urlsplit(url).hostname, "url": url, "hours": _show_hours(lasts)}
    return OutboundMessage(
        reference=show_id(INVITATION, link_id),
        to=Address(kind="email", value=email),
        parts=[Text(text=WORDS[purpose].format(**words))],
        letter=LetterOut(subject=SUBJECTS[purpose].format(**words), automatic=True),
    )


def link_url(public_url: str, purpose: Purpose, *, token: str) -> str:
    """The page that asks for a password."""
    return f"{public_url.rstrip('/')}/console/{purpose}/{token}"


def _show_hours(lasts: timedelta) -> str:
    minutes = round(lasts.total_seconds() / 60)
    if minutes < 120:
        return f"{minutes} minutes"
    return f"{minutes // 60} hours"
