"""Chat on a website: our own channel. Its provider is our own door (gateway/widget), where visitors hold a session.

The door settles who writes and journals what they do; here it is read. What we send needs no handing over: the
visitor's stream shows a message as soon as it counts as sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal, TypeVar

import msgspec

from channels.contract import (
    Account,
    ChannelSettings,
    Medium,
    OutboundMessage,
    ProvenVisitor,
    RawEvent,
    Sent,
    SetupStep,
    VisitorClaim,
)
from channels.errors import Malformed, Misconfigured
from channels.events import Address, AnyEvent, DeliveryReported, MessageReceived
from channels.http import Http
from channels.limits import Limits
from channels.webchat.actions import MESSAGE, RECEIPT, VisitorMessage, VisitorReceipt
from channels.webchat.hash_examples import HASH_EXAMPLES
from channels.webchat.identity import prove_visitor
from channels.webchat.settings import WebchatSettings

Action = TypeVar("Action", VisitorMessage, VisitorReceipt)

NAME = "webchat-widget"
LIMITS = Limits(
    parts=frozenset({"text", "image", "audio", "video", "file", "choices", "form", "location", "link_preview"}),
    text_chars=20_000,
    media_types=("image/", "audio/", "video/", "text/", "application/"),
    media_count=10,
    media_bytes=25_000_000,
    delivery_reports=True,
    read_reports=True,
    typing=True,
    whole=True,
)


class WebchatWidget:
    """The adapter. It asks nobody, so it needs no client."""

    name = NAME
    medium: Medium = "webchat"
    provider = "widget"
    limits = LIMITS
    settings: type[ChannelSettings] = WebchatSettings
    takes_visitors: Literal[True] = True
    repeatable: Literal[True] = True

    def __init__(self, http: Http) -> None:
        """Like every adapter, made with the one client."""

    async def send(self, account: Account, message: OutboundMessage) -> Sent:
        """Handed over at once, any number of times: it is in our own database already."""
        settings_of(account)
        return Sent(provider_message_id=message.reference)

    def parse(self, account: Account, raw: RawEvent) -> list[AnyEvent]:
        """What a visitor did."""
        if raw.kind == MESSAGE:
            return [_message(_read(raw, VisitorMessage))]
        if raw.kind == RECEIPT:
            return list(_receipts(_read(raw, VisitorReceipt)))
        raise Malformed(f"our own door journals no {raw.kind[:40]!r}")

    def setup_steps(self, account: Account) -> list[SetupStep]:
        """What to put into the site's pages, and what its server hands a page whose user is logged in."""
        base = account.hook_url.removesuffix(f"/hooks/{self.name}/{account.channel_id}")
        snippet = f'<script src="{base}/widget/loader.js" data-channel="{account.channel_id}" async></script>'
        steps = [
            SetupStep(
                title="Show the chat",
                detail="Put this before </body> on every page that is to have it.",
                value=snippet,
            )
        ]
        if not settings_of(account).origins:
            detail = "No site may show it yet: add yours to `origins`, such as https://shop.example."
            steps.append(SetupStep(title="Name your site", detail=detail))
        steps += [
            SetupStep(
                title=f"Prove who is logged in: {language}",
                detail=(
                    "On your server make the hash of the user's id with the identity secret, and hand it to the page: "
                    "switchboard('identify', {user_id, hash}). The secret must never reach a browser."
                ),
                value=code,
            )
            for language, code in HASH_EXAMPLES.items()
        ]
        return steps

    def prove_visitor(self, account: Account, claim: VisitorClaim, *, now: datetime) -> ProvenVisitor:
        """Who the claim proves a visitor to be, by the channel's keys; else Forged."""
        return prove_visitor(settings_of(account), claim, audience=account.channel_id, now=now)


def settings_of(account: Account) -> WebchatSettings:
    """The settings of a web chat, as such."""
    if not isinstance(account.settings, WebchatSettings):
        raise Misconfigured("the settings are not those of a web chat", code="provider_auth")
    return account.settings


def _read(raw: RawEvent, kind: type[Action]) -> Action:
    try:
        return msgspec.json.decode(raw.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"this is no {kind.__name__}") from error


def _message(said: VisitorMessage) -> MessageReceived:
    """A client says which message of theirs it is, so that one told twice is one; ids are each visitor's own.

    An id has no blanks, so no two pairs of id and address make the same key.
    """
    sender = said.sender
    if not said.parts or not sender.address or not said.message_id or " " in said.message_id:
        raise Malformed("a message has a sender, an id without blanks and at least one part")
    return MessageReceived(
        key=f"message:{said.message_id} {sender.address}",
        sender=Address(kind="visitor", value=sender.address, name=sender.name, verified=sender.verified),
        parts=list(said.parts),
        provider_message_id=said.message_id,
        in_reply_to=said.in_reply_to,
        anew=said.anew,
    )


def _receipts(told: VisitorReceipt) -> Iterator[DeliveryReported]:
    for reference in dict.fromkeys(told.references):
        yield DeliveryReported(
            key=f"receipt:{reference}:{told.state}",
            provider_message_id=reference,
            reference=reference,
            state=told.state,
        )
