"""Mail by Postmark: in by its inbound webhook, out by its API, reports by webhooks.

What its webhooks mean is in `postmark_webhooks`; the API is in `vendors.postmark`. Postmark signs nothing: it shows
itself by a secret in the URL, and a channel without one cannot be made.
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
from channels.email.postmark_webhooks import REFERENCE, read_posted_mail, read_postmark_report
from channels.email.settings import EmailSettings, check_api_url, check_one_line
from channels.errors import Forged, Malformed
from channels.events import AnyEvent
from channels.http import Http
from channels.parts import Attachment
from channels.vendors.mail_accounts import examine_postmark
from channels.vendors.postmark import API_URL, send_by_postmark

MAX_BODY_BYTES = 100_000_000
"""Postmark takes mails of 35 MB; with the raw mail its files come twice, once more in base64 and escaped."""


class PostmarkSettings(EmailSettings, kw_only=True, frozen=True):
    """An address whose mail a server at Postmark receives and sends.

    `hook_secret` is a secret of ours in the URL of its webhooks. `message_stream` is the stream mail is sent through.
    """

    server_token: Secret
    hook_secret: Secret
    message_stream: str = "outbound"
    api_url: str = API_URL

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.server_token:
            raise ValueError("server_token is required: mail is sent with it")
        check_hook_secret("hook_secret", self.hook_secret)
        check_one_line("message_stream", self.message_stream)
        check_api_url("api_url", self.api_url)


class EmailPostmark:
    """Mail over Postmark's API and webhooks."""

    name = "email-postmark"
    medium: Medium = "email"
    provider = "postmark"
    limits = EMAIL_LIMITS
    settings: type[ChannelSettings] = PostmarkSettings
    kinds = frozenset({"inbound", "event"})
    retries = True  # after anything but 200 and 403, ten times over ten hours and a half
    refused_is_lost: Literal[True] = True
    carries_files: Literal[True] = True
    body_limit = MAX_BODY_BYTES
    accepted = WebhookReply()

    def __init__(self, http: Http) -> None:
        self._http = http

    async def send(self, account: Account, message: OutboundMessage) -> Sent:
        """Hand the mail over in fields: Postmark takes no MIME. Our reference comes back with every report."""
        settings = _settings(account)
        body = await to_thread(_compose_post, settings, message, now=datetime.now(UTC))
        return await send_by_postmark(self._http, body, api_url=settings.api_url, server_token=settings.server_token)

    def verify(self, account: Account, request: WebhookRequest) -> None:
        """Raise Forged unless the request shows the secret that only Postmark was given."""
        if not shows_hook_secret(request, _settings(account).hook_secret):
            raise Forged("the secret is missing, or is not this channel's")

    def parse(self, account: Account, raw: RawEvent) -> list[AnyEvent]:
        """The mail that came, or what became of one we sent."""
        if raw.kind == "event":
            return read_postmark_report(raw)
        if raw.kind != "inbound":
            raise Malformed(f"there is no webhook of the kind {raw.kind[:32]!r}")
        return read_mail_events(account, read_posted_mail(raw), raw)

    def unpack_file(self, account: Account, raw: RawEvent, attachment: Attachment) -> Media:
        """A file of the mail in a request."""
        return unpack_mail_file(read_posted_mail(raw), attachment)

    def list_txt_names(self, account: Account, raw: RawEvent) -> list[str]:
        """The DNS names of the keys that signed the mail."""
        return list_mail_keys(account, read_posted_mail(raw)) if raw.kind == "inbound" else []

    async def check_account(self, account: Account) -> AccountReport:
        """The credentials, and whether Postmark posts what arrives to us."""
        settings = _settings(account)
        return await examine_postmark(
            self._http,
            api_url=settings.api_url,
            server_token=settings.server_token,
            hook=f"{account.hook_url}/inbound",
        )

    def setup_steps(self, account: Account) -> list[SetupStep]:
        """What to enter at Postmark."""
        settings = _settings(account)
        secret = (
            f" Put the hook_secret into the URL: https://{HOOK_USER}:SECRET@... or, where that is not taken, "
            f"?{HOOK_KEY}=SECRET behind it."
        )
        return [
            SetupStep(
                title="Send us what arrives",
                detail="Servers > the server > Default Inbound Stream > Settings: this URL as webhook. Check “Include "
                "raw email content in JSON payload”: then nothing is lost on the way." + secret,
                value=f"{account.hook_url}/inbound",
            ),
            SetupStep(
                title="Let mail to the address reach Postmark",
                detail=f"In the same place: enter the inbound domain and its MX record, or forward {settings.address} "
                "to the address Postmark shows.",
                value="inbound.postmarkapp.com",
            ),
            SetupStep(
                title="Let us know what becomes of what we send",
                detail=f"Servers > the server > the stream {settings.message_stream} > Webhooks: this URL; delivery, "
                "bounce, spam complaint and subscription change, with the message's metadata." + secret,
                value=f"{account.hook_url}/event",
            ),
            SetupStep(
                title="Prove that the address is yours",
                detail=f"Sender Signatures: verify the domain of {settings.address}, so that what we send is signed.",
            ),
        ]


def _settings(account: Account) -> PostmarkSettings:
    if not isinstance(account.settings, PostmarkSettings):
        raise TypeError(f"the channel {account.channel_id} has the settings of another adapter")
    return account.settings


def _compose_post(settings: PostmarkSettings, message: OutboundMessage, *, now: datetime) -> bytes:
    mail = take_apart(compose_mail(settings, message, now=now).content)
    return msgspec.json.encode(_post(mail, message, stream=settings.message_stream))


def _post(mail: PostedMail, message: OutboundMessage, *, stream: str) -> dict[str, Any]:
    """The body of /email. Without X-PM-KeepID Postmark would put its own Message-ID in the place of ours."""
    fields: dict[str, Any] = {
        "From": _boxes([mail.sender]),
        "To": _boxes(mail.to),
        "Cc": _boxes(mail.cc),
        "Bcc": ", ".join(one.value for one in (message.letter.bcc if message.letter else [])),
        "ReplyTo": _boxes(mail.reply_to),
        "Subject": mail.subject,
        "TextBody": mail.text,
        "HtmlBody": mail.html,
        "Attachments": [_file(file) for file in mail.files],
    }
    headers = [{"Name": name, "Value": value} for name, value in [*mail.headers, ("X-PM-KeepID", "true")]]
    return {name: value for name, value in fields.items() if value} | {
        "Headers": headers,
        "Metadata": {REFERENCE: message.reference},
        "MessageStream": stream,
        "TrackOpens": False,
        "TrackLinks": "None",
    }


def _boxes(boxes: list[Mailbox]) -> str:
    return ", ".join(_box(box) for box in boxes)


def _box(box: Mailbox) -> str:
    """A mailbox with its name as it is: it is Postmark that encodes it."""
    name = (box.name or "").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{name}" <{box.address}>' if name else box.address


def _file(file: PostedFile) -> dict[str, str]:
    where = {"ContentID": f"cid:{file.content_id}"} if file.content_id else {}
    content = b64encode(file.content).decode()
    return {"Name": file.name, "Content": content, "ContentType": file.media_type} | where
