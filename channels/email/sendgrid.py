"""Mail by SendGrid: in by Inbound Parse, out by its API, reports by the Event Webhook.

What its webhooks mean is in `sendgrid_webhooks`; signatures and the API are in `vendors.sendgrid`.
"""

from __future__ import annotations

from asyncio import to_thread
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from channels.contract import (
    HOOK_KEY,
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
from channels.email.compose import compose_mail
from channels.email.hook_secrets import HOOK_USER, check_hook_secret, shows_hook_secret
from channels.email.limits import EMAIL_LIMITS
from channels.email.mail import Mailbox
from channels.email.posting import PostedFile, PostedMail, take_apart
from channels.email.sendgrid_webhooks import REFERENCE, read_parsed_mail, read_sendgrid_reports
from channels.email.settings import EmailSettings, check_api_url
from channels.errors import Forged, Malformed
from channels.events import AnyEvent
from channels.http import Http
from channels.parts import Attachment
from channels.vendors.mail_accounts import examine_sendgrid
from channels.vendors.sendgrid import API_URL, check_public_key, send_by_sendgrid, verify_signature

MAX_BODY_BYTES = 50_000_000
"""SendGrid takes mails of 30 MB; a raw one comes as it is, one taken apart without its base64."""


class SendgridSettings(EmailSettings, kw_only=True, frozen=True):
    """An address whose mail SendGrid receives and sends.

    `inbound_key` is the verification key of the security policy of Inbound Parse, `event_key` that of the Event
    Webhook: two keys. `hook_secret` is a secret of ours in the URL, in place of a key or beside it.
    """

    api_key: Secret
    inbound_key: str | None = None
    event_key: str | None = None
    hook_secret: Secret | None = None
    api_url: str = API_URL

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.api_key:
            raise ValueError("api_key is required: mail is sent with it")
        if not self.inbound_key and not self.hook_secret:
            raise ValueError(
                "give inbound_key, the verification key of a security policy of Inbound Parse, or hook_secret: "
                "without either anybody could post mail here"
            )
        for name, key in (("inbound_key", self.inbound_key), ("event_key", self.event_key)):
            if key:
                check_public_key(name, key)
        if self.hook_secret:
            check_hook_secret("hook_secret", self.hook_secret)
        check_api_url("api_url", self.api_url)


class EmailSendgrid:
    """Mail over SendGrid's API and webhooks."""

    name = "email-sendgrid"
    medium: Medium = "email"
    provider = "sendgrid"
    limits = EMAIL_LIMITS
    settings: type[ChannelSettings] = SendgridSettings
    kinds = frozenset({"inbound", "event"})
    retries = True  # for 72 hours, after a 5xx alone
    refused_is_lost: Literal[True] = True
    carries_files: Literal[True] = True
    body_limit = MAX_BODY_BYTES
    accepted = WebhookReply()

    def __init__(self, http: Http) -> None:
        self._http = http

    async def send(self, account: Account, message: OutboundMessage) -> Sent:
        """Hand the mail over in fields: SendGrid takes no MIME. Our reference comes back with every report."""
        settings = _settings(account)
        body = await to_thread(_compose_post, settings, message, now=datetime.now(UTC))
        return await send_by_sendgrid(self._http, body, api_url=settings.api_url, api_key=settings.api_key)

    def verify(self, account: Account, request: WebhookRequest) -> None:
        """Raise Forged unless all that the settings name for this kind of webhook holds."""
        settings = _settings(account)
        key = settings.event_key if request.kind == "event" else settings.inbound_key
        if not key and not settings.hook_secret:
            raise Forged("this channel has nothing to know SendGrid by for this kind of webhook")
        if settings.hook_secret and not shows_hook_secret(request, settings.hook_secret):
            raise Forged("the secret is missing, or is not this channel's")
        if key:
            verify_signature(key, request)

    def parse(self, account: Account, raw: RawEvent) -> list[AnyEvent]:
        """The mail of Inbound Parse, or what became of mails we sent."""
        if raw.kind == "event":
            return read_sendgrid_reports(raw)
        if raw.kind != "inbound":
            raise Malformed(f"there is no webhook of the kind {raw.kind[:32]!r}")
        return read_mail_events(account, read_parsed_mail(raw), raw)

    def unpack_file(self, account: Account, raw: RawEvent, attachment: Attachment) -> Media:
        """A file of the mail in a request."""
        return unpack_mail_file(read_parsed_mail(raw), attachment)

    def list_txt_names(self, account: Account, raw: RawEvent) -> list[str]:
        """The DNS names of the keys that signed the mail."""
        return list_mail_keys(account, read_parsed_mail(raw)) if raw.kind == "inbound" else []

    async def check_account(self, account: Account) -> AccountReport:
        """The credentials, and whether SendGrid posts what arrives to us."""
        settings = _settings(account)
        return await examine_sendgrid(
            self._http, api_url=settings.api_url, api_key=settings.api_key, hook=f"{account.hook_url}/inbound"
        )

    def setup_steps(self, account: Account) -> list[SetupStep]:
        """What to enter at SendGrid."""
        settings = _settings(account)
        domain = settings.address.rpartition("@")[2]
        return [
            SetupStep(
                title="Let SendGrid receive the mail of the domain",
                detail=f"In the DNS of {domain}: one MX record with priority 10. A subdomain, such as "
                f"help.{domain}, leaves the mail of the domain itself where it is.",
                value="mx.sendgrid.net",
            ),
            SetupStep(
                title="Send us what arrives",
                detail="Settings > Inbound Parse > Add Host & URL: the domain and this URL. Check “POST the raw, full "
                "MIME message”: then nothing is lost on the way." + _secret_hint(settings),
                value=f"{account.hook_url}/inbound",
            ),
            *([] if settings.inbound_key else [_policy_step()]),
            SetupStep(
                title="Let us know what becomes of what we send",
                detail="Settings > Mail Settings > Event Webhooks: this URL; processed, deferred, delivered, bounced, "
                "dropped, spam reports and unsubscribes. Enable the signature there and enter its verification key "
                "as event_key." + _secret_hint(settings),
                value=f"{account.hook_url}/event",
            ),
            SetupStep(
                title="Prove that the domain is yours",
                detail=f"Settings > Sender Authentication: authenticate {domain}, so that what we send is signed.",
            ),
        ]


def _settings(account: Account) -> SendgridSettings:
    if not isinstance(account.settings, SendgridSettings):
        raise TypeError(f"the channel {account.channel_id} has the settings of another adapter")
    return account.settings


def _secret_hint(settings: SendgridSettings) -> str:
    if not settings.hook_secret:
        return ""
    return (
        f" Put the hook_secret into the URL: https://{HOOK_USER}:SECRET@... or, where that is not taken, "
        f"?{HOOK_KEY}=SECRET behind it."
    )


def _policy_step() -> SetupStep:
    return SetupStep(
        title="Have arriving mail signed",
        detail="Create a security policy with a signature for Inbound Parse, attach it to the host, and enter the "
        "public key it returns as inbound_key: a signature is better than a secret in a URL.",
    )


def _compose_post(settings: SendgridSettings, message: OutboundMessage, *, now: datetime) -> bytes:
    return msgspec.json.encode(_post(take_apart(compose_mail(settings, message, now=now).content), message))


def _post(mail: PostedMail, message: OutboundMessage) -> dict[str, Any]:
    """The body of v3/mail/send. Links are not rewritten and opens are not watched: it is a letter, no campaign."""
    bcc = [{"email": one.value} for one in (message.letter.bcc if message.letter else [])]
    recipients = {"to": _boxes(mail.to), "cc": _boxes(mail.cc), "bcc": bcc}
    bodies = [("text/plain", mail.text), ("text/html", mail.html)]
    optional = {"attachments": [_file(file) for file in mail.files], "reply_to_list": _boxes(mail.reply_to)}
    return {
        "personalizations": [{name: boxes for name, boxes in recipients.items() if boxes}],
        "from": _boxes([mail.sender])[0],
        "subject": mail.subject or " ",
        "content": [{"type": kind, "value": value} for kind, value in bodies if value],
        "headers": dict(mail.headers),
        "custom_args": {REFERENCE: message.reference},
        "tracking_settings": {name: {"enable": False} for name in ("click_tracking", "open_tracking")},
        **{name: value for name, value in optional.items() if value},
    }


def _boxes(boxes: list[Mailbox]) -> list[dict[str, str]]:
    return [{"email": box.address} | ({"name": box.name} if box.name else {}) for box in boxes]


def _file(file: PostedFile) -> dict[str, str]:
    where = {"disposition": "inline", "content_id": file.content_id} if file.content_id else {}
    content = b64encode(file.content).decode()
    return {"content": content, "filename": file.name, "type": file.media_type} | where
