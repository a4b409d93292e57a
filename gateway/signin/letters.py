"""The mails with links to set a password, and where the links lead. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit
from uuid import UUID

from channels.contract import LetterOut, OutboundMessage
from channels.events import Address
from channels.parts import Text
from gateway.signin.words import ASKED, ENDS, SUBJECTS, Locale
from inbox.kit.ids import INVITATION, show_id
from inbox.staff.invitations.actions import Purpose


def write_link(
    email: str, purpose: Purpose, *, link_id: UUID, url: str, ends_at: datetime, locale: Locale
) -> OutboundMessage:
    """The mail with a link in it, in a language of the console."""
    words = {"host": urlsplit(url).hostname, "until": f"{ends_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"}
    text = "\n\n".join([ASKED[locale][purpose].format(**words), url, ENDS[locale][purpose].format(**words)])
    return OutboundMessage(
        reference=show_id(INVITATION, link_id),
        to=Address(kind="email", value=email),
        parts=[Text(text=text)],
        letter=LetterOut(subject=SUBJECTS[locale][purpose].format(**words), automatic=True),
    )


def link_url(public_url: str, purpose: Purpose, *, token: str) -> str:
    """The page that asks for a password. The token stands behind #, where no server and no log hears of it."""
    return f"{public_url.rstrip('/')}/console/{purpose}#{token}"
