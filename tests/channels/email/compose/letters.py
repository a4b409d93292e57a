"""Messages to compose in tests, and the account they go from."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from channels.contract import LetterOut, OutboundMessage
from channels.email.compose import Composed, compose_mail
from channels.email.settings import EmailSettings
from channels.events import Address
from channels.parts import AnyPart, Text

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SETTINGS = EmailSettings(address="help@shop.example", name="The Shop")


def mail_to(value: str, name: str | None = None) -> Address:
    """Somebody's address."""
    return Address(kind="email", value=value, name=name)


def outgoing(
    *parts: AnyPart, to: Address | None = None, files: dict[str, bytes] | None = None, **letter: Any
) -> OutboundMessage:
    """A message with these parts; what else is given is said by its letter."""
    return OutboundMessage(
        reference="msg_01jd",
        to=to or mail_to("ann@example.org", "Ann Lee"),
        parts=list(parts) or [Text(text="Hello")],
        files=files or {},
        letter=LetterOut(**{"subject": "Your order", **letter}),
    )


def composed(*parts: AnyPart, settings: EmailSettings = SETTINGS, language: str = "en", **said: Any) -> Composed:
    """The same, as a mail."""
    return compose_mail(settings, outgoing(*parts, **said), now=NOW, language=language)


def named(name: str) -> EmailSettings:
    """The account with another name."""
    return msgspec.structs.replace(SETTINGS, name=name)
