"""What an adapter is: the one page every channel, ours or anybody's, is written against.

An adapter has three methods: `send`, `parse`, and `verify` for a webhook channel or `poll` for a mailbox; one that
takes mail over SMTP has `takes_mail` in place of the third, and one whose senders come to our own door has
`takes_visitors`. Anything more is an ability it declares by having the method (`answer`, `once`, `fetch_media`,
`list_messages`, `check_account`). `verify` and `parse` are plain functions over plain data, so any journaled request
can be replayed in a test or after an incident.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Literal, Protocol, TypeAlias, runtime_checkable

import msgspec

from channels.events import Address, AnyEvent, DeliveryError, DeliveryState
from channels.limits import Limits
from channels.parts import AnyPart, Attachment

Medium: TypeAlias = Literal["sms", "voice", "email", "whatsapp", "webchat"]
Secret: TypeAlias = Annotated[str, msgspec.Meta(extra_json_schema={"writeOnly": True, "format": "password"})]


class ChannelSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What one channel of an adapter needs. Fields typed `Secret` are encrypted at rest and never shown."""

    @property
    def realm(self) -> str:
        """Whose credentials these are: channels of one realm share a vendor URL and may hand each other events."""
        return ""

    @property
    def addresses(self) -> tuple[str, ...]:
        """Our own addresses on this channel, the first being the one we write from; () where it needs none."""
        return ()

    @property
    def endpoints(self) -> dict[str, tuple[str, int]]:
        """The hosts we connect to, with their ports, by the setting that names them: all but URLs, which are known."""
        return {}


class Account(msgspec.Struct, kw_only=True, frozen=True):
    """A channel as its adapter sees it. `hook_url` is the public base of its webhooks; a kind is appended to it."""

    channel_id: str
    settings: ChannelSettings
    hook_url: str


class WebhookRequest(msgspec.Struct, kw_only=True, frozen=True):
    """One HTTP request as it reached us.

    `url` is the public URL from our configuration, never from the client's headers; header names are in lower case,
    repeated headers are joined by ", " (RFC 9110 5.3); `body` is raw. `kind` is the last step of the hook's path.
    """

    kind: str
    method: str
    url: str
    headers: dict[str, str]
    body: bytes


class RawEvent(WebhookRequest, kw_only=True, frozen=True):
    """One journaled request, or one mail fetched by polling (its MIME in `body`).

    `dns` has the TXT records that an adapter which is `Vouching` asked for, as far as they were found, by their names.
    """

    received_at: datetime
    dns: dict[str, str] = {}


class WebhookReply(msgspec.Struct, kw_only=True, frozen=True):
    """What we answer a provider."""

    status: int = 200
    media_type: str = "text/plain"
    body: bytes = b""


class Quotation(msgspec.Struct, kw_only=True, frozen=True):
    """The message that is answered, to be quoted under the answer."""

    text: str
    html: str | None
    author: str
    written_at: datetime


class LetterOut(msgspec.Struct, kw_only=True, frozen=True):
    """What only mail says, on its way out. Message-IDs are without angle brackets, `references` the oldest first.

    `reply_to` is the address by which the answer finds its conversation. `automatic` is what nobody wrote: an
    acknowledgement, an absence note (RFC 3834). `signature` is plain text.
    """

    subject: str
    cc: list[Address] = []
    bcc: list[Address] = []
    reply_to: str | None = None
    in_reply_to: str | None = None
    references: list[str] = []
    automatic: bool = False
    signature: str | None = None
    quotation: Quotation | None = None


class OutboundMessage(msgspec.Struct, kw_only=True, frozen=True):
    """One message that already fits the limits.

    `reference` is our id for it: constant over retries, new for another message. Where the provider can carry a
    reference back in its reports the adapter passes it on. `files` holds the bytes of attachments by their ids, for an
    adapter that is `Carrying`; `letter` is there where it goes as mail.
    """

    reference: str
    to: Address
    parts: list[AnyPart]
    sender: str | None = None
    thread_ref: str | None = None
    in_reply_to: str | None = None
    files: dict[str, bytes] = {}
    letter: LetterOut | None = None


class Sent(msgspec.Struct, kw_only=True, frozen=True):
    """The provider has taken the message over."""

    provider_message_id: str
    detail: str | None = None


class Media(msgspec.Struct, kw_only=True, frozen=True):
    """A fetched file: its bytes, and the type and name the provider claims."""

    content: bytes
    media_type: str | None = None
    name: str | None = None


class CallState(msgspec.Struct, kw_only=True, frozen=True):
    """Where a call stands, for an adapter that must answer at once with the next step of a script."""

    call: str
    step: str
    facts: dict[str, str] = {}


class SetupStep(msgspec.Struct, kw_only=True, frozen=True):
    """One step of connecting a channel: what to do, and the value to copy there."""

    title: str
    detail: str
    value: str | None = None


class Adapter(Protocol):
    """Speaks one provider's language. Keeps no state of ours, stores nothing, decides nothing.

    It is made once a process, with the one HTTP client: `TwilioSms(http)`.
    """

    name: str
    medium: Medium
    provider: str
    limits: Limits
    settings: type[ChannelSettings]

    async def send(self, account: Account, message: OutboundMessage) -> Sent:
        """Hand it over, or raise a SendFailed. The message already fits the limits."""
        ...

    def parse(self, account: Account, raw: RawEvent) -> list[AnyEvent]:
        """Events of one request or mail, oldest first; [] for what we know and ignore; else Malformed."""
        ...

    def setup_steps(self, account: Account) -> list[SetupStep]:
        """What the operator has to enter where, with the exact URLs."""
        ...


@runtime_checkable
class Hooked(Protocol):
    """A channel whose provider calls us. `kinds` are the webhooks it has; `retries` whether a 503 loses nothing."""

    kinds: frozenset[str]
    retries: bool
    body_limit: int
    accepted: WebhookReply

    def verify(self, account: Account, request: WebhookRequest) -> None:
        """Raise Forged unless the provider sent this. There is no default."""
        ...


HOOK_KEY = "key"
"""The parameter of a hook's URL that may hold a secret we gave the provider: the door keeps it out of the journal."""


@runtime_checkable
class Unforgiving(Protocol):
    """A channel whose provider drops for ever what is refused: in place of any 4xx it hears a 503, and tries again."""

    refused_is_lost: Literal[True]


@runtime_checkable
class Polled(Protocol):
    """A mailbox we have to ask."""

    def poll(self, account: Account, cursor: str | None) -> AsyncIterator[tuple[RawEvent | None, str]]:
        """Mails as they come, oldest first, each with the cursor to store in the transaction that journals it.

        Endless: it waits for the next. To ask for the next is to say that the one before is stored. None in place of a
        mail says that all is read and well, and that this is where to go on. A SendFailed ends it: Unreachable and
        Throttled are tried again soon with the last cursor, Misconfigured at long intervals and when the settings
        change.
        """
        ...


@runtime_checkable
class Backfilling(Polled, Protocol):
    """A mailbox that can be read once more from a day on, beside its polling."""

    def read_since(self, account: Account, since: datetime) -> AsyncIterator[RawEvent]:
        """The mails that arrived since then, oldest first, and its end; a SendFailed as of `poll`."""
        ...


@runtime_checkable
class MailTaking(Protocol):
    """A channel whose mail may be handed to us over SMTP or LMTP, where its journaled request is the MIME itself."""

    takes_mail: Literal[True]


class VisitorClaim(msgspec.Struct, kw_only=True, frozen=True):
    """Who a visitor is said to be: by a signed token, or by a user's id with its keyed hash, where there is one."""

    jwt: str | None = None
    user_id: str | None = None
    hash: str | None = None


class ProvenVisitor(msgspec.Struct, kw_only=True, frozen=True):
    """Who a visitor was proven to be; a name and a mail address are there where they were signed as well."""

    user_id: str
    name: str | None = None
    email: str | None = None


@runtime_checkable
class VisitorTaking(Protocol):
    """A channel whose senders come to our own door, where they hold a session: nobody stands between them and us.

    The door journals what they do as raw events that `parse` reads; whose they are, it has settled.
    """

    takes_visitors: Literal[True]

    def prove_visitor(self, account: Account, claim: VisitorClaim, *, now: datetime) -> ProvenVisitor:
        """Who the claim proves somebody to be; Forged for anything that proves nothing."""
        ...


@runtime_checkable
class Repeatable(Protocol):
    """A channel that may be handed the same message twice and shows it once: no outcome of it is ever unknown."""

    repeatable: Literal[True]


@runtime_checkable
class Answering(Hooked, Protocol):
    """A channel that must be answered in the same call: voice scripts, handshakes."""

    def answer(self, account: Account, request: WebhookRequest, state: CallState | None) -> WebhookReply:
        """The reply to this request, worked out from it and from where the call stands."""
        ...


@runtime_checkable
class OneTime(Protocol):
    """A channel whose requests carry a token that may be used once (Mailgun)."""

    def once(self, request: WebhookRequest) -> str | None:
        """The token, kept in a unique column of the journal's INSERT."""
        ...


@runtime_checkable
class MediaFetching(Protocol):
    """A channel whose media lie at the provider and need the account's credentials."""

    async def fetch_media(self, account: Account, attachment: Attachment) -> Media:
        """The file; Unreachable or Throttled to try again, Rejected when it is gone or not the provider's."""
        ...


@runtime_checkable
class Unpacking(Protocol):
    """A channel whose files lie in the journaled request itself: the parts of a mail, named by the attachment's URL.

    What strangers send may be made to break a parser, so `parse` and this run in a process that can be killed.
    """

    def unpack_file(self, account: Account, raw: RawEvent, attachment: Attachment) -> Media:
        """The file; Malformed where it is not in there."""
        ...


@runtime_checkable
class Vouching(Protocol):
    """A channel that verifies signatures itself, whose keys lie in the DNS (RFC 6376 3.6.2)."""

    def list_txt_names(self, account: Account, raw: RawEvent) -> list[str]:
        """The TXT records `parse` will want, at most a few; cheap, and safe on anything."""
        ...


@runtime_checkable
class Carrying(Protocol):
    """A channel that needs the bytes of the files it sends, since nobody fetches them from us."""

    carries_files: Literal[True]


@runtime_checkable
class Closing(Protocol):
    """A channel that keeps connections of its own from one message to the next."""

    async def aclose(self) -> None:
        """Close them; called when the process ends."""
        ...


RECONCILED = "reconciled"
"""The kind of a raw event that was found in the provider's own list, and not posted to us."""


class Listing(msgspec.Struct, kw_only=True, frozen=True):
    """What is asked of a provider's own list: its messages of a span of time, all or those to one recipient of ours."""

    since: datetime
    until: datetime
    recipient: str | None = None


class ListedMessage(msgspec.Struct, kw_only=True, frozen=True):
    """One message in the provider's own list.

    `key` is that of the event which `parse` makes of its raw event, and for an inbound one that of its webhook too.
    `state` is how far an outbound one got; None where the list does not say. `content` is the provider's own record.
    """

    direction: Literal["inbound", "outbound"]
    key: str
    provider_message_id: str
    sender: str | None
    recipient: str
    text: str
    files: int
    created_at: datetime
    content: bytes
    status: str
    state: DeliveryState | None = None
    error: DeliveryError | None = None


class ListedPage(msgspec.Struct, kw_only=True, frozen=True):
    """A part of a provider's list; `cursor` is where it goes on, None at its end."""

    messages: list[ListedMessage]
    cursor: str | None


@runtime_checkable
class Reconciling(Protocol):
    """A channel whose provider keeps a list of its messages: what was lost on the way can be looked up there."""

    async def list_messages(self, account: Account, listing: Listing, *, cursor: str | None) -> ListedPage:
        """The next part of the list, the newest first; Unreachable or Throttled to try again."""
        ...

    async def recall_message(self, account: Account, listed: ListedMessage) -> RawEvent:
        """A listed message as a raw event of the kind RECONCILED, which `parse` reads; fails as `list_messages`."""
        ...


class AccountCheck(msgspec.Struct, kw_only=True, frozen=True):
    """One thing a provider was asked about an account; `fix` says what helps where it is not `ok`."""

    title: str
    ok: bool
    detail: str
    fix: str | None = None


class AccountReport(msgspec.Struct, kw_only=True, frozen=True):
    """What a provider says of an account, and what time it has (to the second), where it tells."""

    checks: list[AccountCheck]
    clock: datetime | None = None


@runtime_checkable
class Checking(Protocol):
    """A channel whose provider can be asked whether all is set up: credentials, and where it posts what comes in."""

    async def check_account(self, account: Account) -> AccountReport:
        """Ask it, changing nothing; what it does not answer is a check that is not ok."""
        ...
