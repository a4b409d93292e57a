"""Mail by Mailgun: in by routes, out by its API, reports by webhooks.

What its webhooks mean is in `mailgun_webhooks`; signatures and the API are in `vendors.mailgun`.
"""

from __future__ import annotations

from asyncio import to_thread
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import quote

from channels.contract import (
    Account,
    AccountReport,
    ChannelSettings,
    Media,
    Medium,
    OutboundMessage,
    RawEvent,
    Secret,
    Sent,
    SetupStep,
    WebhookReply,
    WebhookRequest,
)
from channels.email.arrival import list_mail_keys, read_mail_events, unpack_mail_file
from channels.email.compose import compose_mail, sign_composed
from channels.email.limits import EMAIL_LIMITS
from channels.email.mailgun_webhooks import read_mailgun_report, read_routed_mail
from channels.email.settings import EmailSettings, ascii_domain, check_api_url, check_host
from channels.errors import Malformed
from channels.events import AnyEvent
from channels.http import Http
from channels.parts import Attachment
from channels.vendors.mail_accounts import examine_mailgun
from channels.vendors.mailgun import API_URL, read_signature, send_by_mailgun, verify_token

MAX_BODY_BYTES = 50_000_000
"""Mailgun takes mails of 25 MB; a form without files escapes some of it."""
MAILS = frozenset({"inbound", "inbound_mime"})
"""Mailgun sends the raw mail where a URL ends with "mime", and else one taken apart."""


class MailgunSettings(EmailSettings, kw_only=True, frozen=True):
    """An address whose mail Mailgun receives and sends.

    `signing_key` is the HTTP webhook signing key, which is not the API key. `domain` is the sending domain at Mailgun,
    where it is not that of the address.
    """

    api_key: Secret
    signing_key: Secret
    domain: str | None = None
    api_url: str = API_URL

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.api_key:
            raise ValueError("api_key is required: mail is sent with it")
        if not self.signing_key:
            raise ValueError("signing_key is required: without it anybody could post mail here")
        if self.domain is not None:
            check_host("domain", self.domain)
        check_api_url("api_url", self.api_url)

    @property
    def sending_domain(self) -> str:
        """The domain mail is sent through."""
        return self.domain or ascii_domain(self.address.rpartition("@")[2])


class EmailMailgun:
    """Mail over Mailgun's API and webhooks."""

    name = "email-mailgun"
    medium: Medium = "email"
    provider = "mailgun"
    limits = EMAIL_LIMITS
    settings: type[ChannelSettings] = MailgunSettings
    kinds = MAILS | {"event"}
    retries = True  # after anything but 200 and 406, for nearly eight hours
    carries_files: Literal[True] = True
    body_limit = MAX_BODY_BYTES
    accepted = WebhookReply()

    def __init__(self, http: Http) -> None:
        self._http = http

    async def send(self, account: Account, message: OutboundMessage) -> Sent:
        """Hand the whole mail over, with its Message-ID; our reference comes back with every report."""
        settings = _settings(account)
        composed = await to_thread(compose_mail, settings, message, now=datetime.now(UTC))
        return await send_by_mailgun(
            self._http,
            await to_thread(sign_composed, settings, composed.content),
            recipients=composed.recipients,
            reference=message.reference,
            url=f"{settings.api_url.rstrip('/')}/v3/{quote(settings.sending_domain, safe='')}/messages.mime",
            api_key=settings.api_key,
        )

    def verify(self, account: Account, request: WebhookRequest) -> None:
        """Raise Forged unless Mailgun made its token with the account's signing key, lately."""
        verify_token(_settings(account).signing_key, request)

    def once(self, request: WebhookRequest) -> str | None:
        """The token: the signature covers nothing else, so it is good for one request."""
        signed = read_signature(request)
        return signed.token if signed else None

    def parse(self, account: Account, raw: RawEvent) -> list[AnyEvent]:
        """The mail of a route, or what became of one we sent."""
        if raw.kind == "event":
            return read_mailgun_report(raw)
        if raw.kind not in MAILS:
            raise Malformed(f"there is no webhook of the kind {raw.kind[:32]!r}")
        return read_mail_events(account, read_routed_mail(raw), raw)

    def unpack_file(self, account: Account, raw: RawEvent, attachment: Attachment) -> Media:
        """A file of the mail in a request."""
        return unpack_mail_file(read_routed_mail(raw), attachment)

    def list_txt_names(self, account: Account, raw: RawEvent) -> list[str]:
        """The DNS names of the keys that signed the mail."""
        return list_mail_keys(account, read_routed_mail(raw)) if raw.kind in MAILS else []

    async def check_account(self, account: Account) -> AccountReport:
        """The credentials, and whether Mailgun posts what arrives to us."""
        settings = _settings(account)
        return await examine_mailgun(
            self._http, api_url=settings.api_url, api_key=settings.api_key, hook=f"{account.hook_url}/inbound"
        )

    def setup_steps(self, account: Account) -> list[SetupStep]:
        """What to enter at Mailgun."""
        settings = _settings(account)
        domain = settings.sending_domain
        return [
            SetupStep(
                title="Let Mailgun receive and sign the mail of the domain",
                detail=f"Send > Domains > {domain} > DNS records: enter the MX, SPF and DKIM records it shows.",
            ),
            SetupStep(
                title="Send us what arrives",
                detail=f"Receive > Routes > Create route: Match recipient {settings.address} (with reply tags: "
                "a custom expression that also matches what follows a plus sign), Forward to this URL. It ends with "
                "“mime”, so the whole mail comes and nothing is lost on the way.",
                value=f"{account.hook_url}/inbound_mime",
            ),
            SetupStep(
                title="Let us know what becomes of what we send",
                detail="Send > Webhooks: this URL for delivered messages, permanent and temporary failures, spam "
                "complaints and unsubscribes.",
                value=f"{account.hook_url}/event",
            ),
            SetupStep(
                title="Check the signing key",
                detail="Account > API security > HTTP webhook signing key is what belongs into signing_key; "
                "after it was changed there, webhooks are put off until it is changed here.",
            ),
        ]


def _settings(account: Account) -> MailgunSettings:
    if not isinstance(account.settings, MailgunSettings):
        raise TypeError(f"the channel {account.channel_id} has the settings of another adapter")
    return account.settings
