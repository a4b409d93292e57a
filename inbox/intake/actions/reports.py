"""Delivery reports beside the messages they are about."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from channels.events import Address, DeliveryReported
from inbox.contacts.matching import keep_address, match_key
from inbox.conversations.actions.deliveries import PieceReport, find_deliveries
from inbox.conversations.entry import Recipient
from inbox.conversations.letters.queries import delivery_of
from inbox.intake.batch import Fact, Missed
from inbox.kit.db import Row
from inbox.kit.ids import UnknownId, read_id

NOBODYS = "it is about a message that we did not send"


class Report(msgspec.Struct, kw_only=True, frozen=True):
    """A delivery report whose message is known; it may be about the copy of somebody else than the contact."""

    conversation_id: UUID
    piece: PieceReport
    of_copy: bool = False
    mail_address: str | None = None


_recipients_of = msgspec.json.Decoder(list[Recipient]).decode


async def match_reports(facts: Sequence[Fact]) -> tuple[list[Report], list[Missed]]:
    """The reports among these facts whose message is ours, by our reference, else by the provider's id; the others."""
    reports: list[Report] = []
    missed: list[Missed] = []
    for channel_id in {fact.route.channel_id for fact in facts}:
        own = [(fact, fact.event) for fact in facts if fact.route.channel_id == channel_id]
        told = [(fact, event, _reference(event)) for fact, event in own if isinstance(event, DeliveryReported)]
        by_reference, by_provider = await find_deliveries(
            references=[reference for _, _, reference in told if reference],
            channel_id=channel_id,
            provider_ids=[event.provider_message_id for _, event, _ in told],
        )
        for fact, event, reference in told:
            row = by_reference.get(reference) if reference else None
            row = row or by_provider.get(event.provider_message_id)
            if row is None:
                missed.append(Missed(fact=fact, code="nobodys_message", error=NOBODYS))
            else:
                reports.append(_report(row, event))
    return reports, missed


def hard_bounces(reports: Sequence[Report]) -> list[tuple[str, str]]:
    """The mail addresses that do not exist, as it turned out, each with what was said of it."""
    told = [(report.mail_address, report.piece.error) for report in reports]
    return [(address, error.message) for address, error in told if address and error and error.code == "hard_bounce"]


def _reference(event: DeliveryReported) -> UUID | None:
    """Our id of the delivery: as the provider carries it back, or out of the Message-ID of a mail."""
    try:
        named = read_id("msg", event.reference) if event.reference else None
    except UnknownId:
        named = None
    return named or delivery_of(event.provider_message_id)


def _report(row: Row, event: DeliveryReported) -> Report:
    """Of a mail that went to several, whose copy it is about: that of the contact is the message itself."""
    recipients = _recipients_of(row["recipients"]) if row["medium"] == "email" else []
    told = _mail_address(event.recipient) if event.recipient else None
    named = match_key("email", told) if told else None
    copies = {match_key("email", one.address) for one in recipients if one.role != "to"}
    to = next((one.address for one in recipients if one.role == "to"), None)
    bounced = told if told and named in copies else to if named or not copies else None
    piece = PieceReport(
        delivery_id=row["id"],
        state=event.state,
        error=event.error,
        provider_message_id=event.provider_message_id,
    )
    return Report(conversation_id=row["conversation_id"], piece=piece, of_copy=named in copies, mail_address=bounced)


def _mail_address(text: str) -> str:
    return keep_address(Address(kind="email", value=text), default_country=None)
