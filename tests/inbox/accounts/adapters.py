"""An adapter for the tests of channels: no provider, but settings of every kind."""

from __future__ import annotations

from typing import Any

import msgspec

from channels.contract import (
    Account,
    ChannelSettings,
    Medium,
    OutboundMessage,
    RawEvent,
    Secret,
    Sent,
    SetupStep,
    WebhookReply,
    WebhookRequest,
)
from channels.errors import Misconfigured
from channels.events import AnyEvent
from channels.limits import Limits
from inbox.accounts.catalogue import Catalogue
from inbox.kit.secrets import SecretBox

KEY = "0123456789abcdef0123456789abcdef"
PUBLIC_URL = "https://gateway.example"


class PigeonSettings(ChannelSettings, kw_only=True, frozen=True):
    """A loft of pigeons."""

    loft: str
    token: Secret
    spare_token: Secret | None = None
    old_tokens: list[Secret] = msgspec.field(default_factory=list)
    numbers: list[str] = msgspec.field(default_factory=list)
    api_url: str = "https://pigeons.example"

    def __post_init__(self) -> None:
        if self.loft == "burnt":
            raise ValueError("loft must stand")

    @property
    def realm(self) -> str:
        """The loft."""
        return self.loft

    @property
    def addresses(self) -> tuple[str, ...]:
        """The rings of its pigeons."""
        return tuple(self.numbers)


class Pigeons:
    """Post by pigeon."""

    name = "sms-pigeon"
    medium: Medium = "sms"
    provider = "pigeon"
    limits = Limits(parts=frozenset({"text", "image"}), text_chars=20, media_types=("image/",), media_count=1)
    settings: type[ChannelSettings] = PigeonSettings
    kinds = frozenset({"message"})
    retries = True
    body_limit = 1000
    accepted = WebhookReply()

    async def send(self, account: Account, message: OutboundMessage) -> Sent:
        """It flies."""
        return Sent(provider_message_id=message.reference)

    def parse(self, account: Account, raw: RawEvent) -> list[AnyEvent]:
        """Nothing came."""
        return []

    def verify(self, account: Account, request: WebhookRequest) -> None:
        """Pigeons do not lie."""

    def setup_steps(self, account: Account) -> list[SetupStep]:
        """Tell them the way."""
        return [SetupStep(title="Teach the way home", detail="Show them", value=f"{account.hook_url}/message")]


async def check_url(url: str) -> None:
    """Refuse what lies inside."""
    if "//127." in url:
        raise Misconfigured("the URL leads to an address that is not public", fix="use a public address")


def make_catalogue(*, key: str = KEY, adapters: dict[str, Any] | None = None) -> Catalogue:
    """The catalogue with that one adapter."""
    return Catalogue(
        adapters={"sms-pigeon": Pigeons()} if adapters is None else adapters,
        box=SecretBox([key]),
        public_url=PUBLIC_URL,
        check_url=check_url,
    )
