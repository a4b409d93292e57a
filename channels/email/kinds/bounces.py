"""Mails that tell what became of our mails: read in whatever form they come, and turned into events. Pure."""

from __future__ import annotations

from hashlib import sha256
from typing import TypeAlias

import msgspec

from channels.email.kinds.bounce import Action, Bounce, Complaint, read_reference
from channels.email.kinds.codes import explain_bounce
from channels.email.kinds.complaints import COMPLAINTS, read_complaint
from channels.email.kinds.notices import is_machine_sender, notice_text, read_notices
from channels.email.kinds.originals import find_original
from channels.email.kinds.statuses import find_smtp_code, read_statuses
from channels.email.mail import Mail
from channels.events import Address, ConsentChanged, DeliveryReported, DeliveryState

OTHER_REPORTS = frozenset({"disposition-notification", "feedback-report", "tlsrpt", "mailbox-full"})
"""Kinds of multipart/report (RFC 6522) that are no word on a delivery, whatever their text says."""
STATES: dict[Action, DeliveryState] = {
    "failed": "undelivered",
    "delivered": "delivered",
    "delayed": "sent",
    "relayed": "sent",
    "expanded": "sent",
}
"""What the actions of RFC 3464 say of a message of ours. One that waits on the way has left us: it stays sent, and why
it waits is kept with its deliveries."""
TROUBLES = frozenset({"failed", "delayed"})
WORDS = "complaint"

Report: TypeAlias = DeliveryReported | ConsentChanged


def read_bounces(mail: Mail) -> list[Bounce]:
    """What a mail tells of the delivery of one of ours, a recipient each; [] for a mail that is no such report."""
    report = mail.parameters.get("report-type", "").lower()
    if not is_machine_sender(mail) or report in OTHER_REPORTS:
        return []
    told = _fill_reasons(read_statuses(mail), mail) or read_notices(mail)
    original = find_original(mail, notice_text(mail)) if told else None
    return [msgspec.structs.replace(each, message_id=original, reference=read_reference(original)) for each in told]


def bounce_events(mail: Mail, *, key: str) -> list[Report]:
    """Bounces and complaints as events, [] for what tells nothing of a message we can name.

    `key` is the mail's own: one notice fetched twice happens once, while a message that is sent again may fail again
    under the same Message-ID. A complaint ends consent only where it names a message of ours by its own id, which
    outsiders do not know.
    """
    mail = _without_nul(mail)
    complaint = read_complaint(mail)
    if complaint:
        return _complaint_events(complaint, mail, key=key)
    return [event for bounce in read_bounces(mail) if (event := _bounce_event(bounce, mail, key=key))]


def _without_nul(mail: Mail) -> Mail:
    """Strangers may write it into any field of a report, and what becomes of it is stored, which NUL cannot be."""
    reports = [msgspec.structs.replace(each, content=each.content.replace(b"\0", b"")) for each in mail.reports]
    return msgspec.structs.replace(mail, reports=reports)


def _fill_reasons(told: list[Bounce], mail: Mail) -> list[Bounce]:
    """The reasons a server wrote only for people, put beside the fields that lack them."""
    if all(each.diagnostic for each in told):
        return told
    written = {each.recipient.lower(): each.diagnostic for each in read_notices(mail)}
    return [
        each if each.diagnostic else msgspec.structs.replace(each, diagnostic=written.get(each.recipient.lower()))
        for each in told
    ]


def _bounce_event(bounce: Bounce, mail: Mail, *, key: str) -> DeliveryReported | None:
    if bounce.message_id is None:
        return None
    state = STATES[bounce.action]
    smtp = find_smtp_code(bounce.diagnostic or "")
    return DeliveryReported(
        key=_fact_key(key, bounce.recipient, fact=bounce.action),
        occurred_at=mail.sent_at,
        provider_message_id=bounce.message_id,
        reference=bounce.reference,
        recipient=bounce.recipient or None,
        state=state,
        error=explain_bounce(bounce, smtp=smtp) if bounce.action in TROUBLES else None,
    )


def _complaint_events(complaint: Complaint, mail: Mail, *, key: str) -> list[Report]:
    if complaint.kind not in COMPLAINTS or not complaint.recipient or not complaint.reference:
        return []
    return [
        ConsentChanged(
            key=_fact_key(key, complaint.recipient, fact=WORDS),
            occurred_at=mail.sent_at,
            sender=Address(kind="email", value=complaint.recipient),
            state="revoked",
            source="provider",
            words=WORDS,
        )
    ]


def _fact_key(key: str, recipient: str, *, fact: str) -> str:
    """The mail's key with the recipient's digest, of a length that is bounded, and what happened to them."""
    return f"{key}:{sha256(recipient.lower().encode('utf-8', 'replace')).hexdigest()[:16]}:{fact}"
