"""Whose a mail is, and writing it down: each channel it is for has it once, with its envelope, before we answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import msgspec
import structlog

from channels.contract import Adapter, MailTaking, Polled
from channels.email.settings import fold_address
from gateway.directory import LiveChannel
from gateway.journal import Journal, JournalDown
from gateway.metrics import INBOUND_RECEIVED
from inbox.intake.actions.journal import JournalEntry
from inbox.kit.clock import utc_now
from inbox.kit.tracing import traceparent

log = structlog.get_logger()

KIND = "mail"
TAG = "+"

_UNFIT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class Delivery(msgspec.Struct, kw_only=True, frozen=True):
    """A mail with its envelope: `protocol` is SMTP or LMTP, `helo` the name the peer gave itself."""

    protocol: str
    host: str
    peer: str
    helo: str
    sender: str
    content: bytes


def takes_mail(adapter: Adapter | None) -> bool:
    """Whether a journaled request of this adapter may be the MIME of a mail."""
    return adapter is not None and adapter.medium == "email" and isinstance(adapter, MailTaking | Polled)


def find_takers(
    address: str, channels: Iterable[LiveChannel], adapters: Mapping[str, Adapter]
) -> Sequence[LiveChannel]:
    """The channels that an address is of: as it is written, else without its tag (RFC 5233)."""
    whole = fold_address(address)
    local, _, domain = whole.rpartition("@")
    plain = f"{local.partition(TAG)[0]}@{domain}"
    mine = [live for live in channels if takes_mail(adapters.get(live.adapter))]
    return next(
        (found for wanted in (whole, plain) if (found := [live for live in mine if wanted in live.addresses])), []
    )


async def keep_mail(
    journal: Journal, delivery: Delivery, takers: Mapping[UUID, tuple[LiveChannel, list[str]]]
) -> dict[UUID, bool]:
    """Write the mail down for each channel with its recipients there; whether that was done, by channel.

    What was written for one and not for another comes again for both, and is known by its key where it is known.
    """
    writing = [_keep(journal, delivery, live, recipients) for live, recipients in takers.values()]
    return dict(zip(takers, await asyncio.gather(*writing), strict=True))


async def _keep(journal: Journal, delivery: Delivery, live: LiveChannel, recipients: list[str]) -> bool:
    try:
        await journal.write(_entry(delivery, live, recipients), spoolable=False)
    except JournalDown:
        result = "away"
    except Exception:
        log.exception("mail_not_journaled", channel=str(live.id))
        result = "broken"
    else:
        result = "accepted"
    INBOUND_RECEIVED.labels(live.account.channel_id, live.provider, result).inc()
    return result == "accepted"


def _entry(delivery: Delivery, live: LiveChannel, recipients: list[str]) -> JournalEntry:
    headers = {
        "content-type": "message/rfc822",
        "x-envelope-from": delivery.sender,
        "x-envelope-to": ", ".join(recipients),
        "x-peer": delivery.peer,
        "x-helo": delivery.helo,
    }
    kept = {name: _UNFIT.sub("\ufffd", value) for name, value in headers.items()}
    return JournalEntry(
        channel_id=live.id,
        kind=KIND,
        method=delivery.protocol,
        url=f"{delivery.protocol.lower()}://{delivery.host}/",
        headers=msgspec.json.encode(kept).decode(),
        body=delivery.content,
        received_at=utc_now(),
        traceparent=traceparent(),
    )
