"""Complaints by providers (ARF), and whose consent they end."""

from __future__ import annotations

import msgspec
import pytest

from channels.email.kinds import bounce_events, read_complaint
from channels.email.mail import Mail, ReportPart
from channels.events import Address, ConsentChanged
from tests.channels.email.kinds.mails import ORIGINAL, REFERENCE, RETURNED, make_mail, make_report

FIELDS = """Feedback-Type: abuse
User-Agent: SomeProvider-FBL/1.0
Version: 1
Original-Mail-From: <bounces@shop.example>
Original-Rcpt-To: <joe@client.example>
Arrival-Date: Mon, 2 Mar 2026 10:00:00 +0000
"""


def complain(fields: str = FIELDS, returned: str = RETURNED) -> Mail:
    """A feedback report."""
    return make_report(fields, returned=returned, report="feedback-report")


def test_a_complaint_is_read() -> None:
    """Kind, who complained, and which mail of ours it was about."""
    complaint = read_complaint(complain())
    assert complaint is not None
    assert (complaint.kind, complaint.recipient) == ("abuse", "joe@client.example")
    assert (complaint.message_id, complaint.reference) == (ORIGINAL, REFERENCE)


def test_a_complaint_ends_consent() -> None:
    """Whoever called us spam gets nothing more: the provider's word revokes, once a mail."""
    [event] = bounce_events(complain(), key="mail:1")
    assert isinstance(event, ConsentChanged)
    assert event.sender == Address(kind="email", value="joe@client.example")
    assert (event.state, event.source, event.words) == ("revoked", "provider", "complaint")
    assert event.key.startswith("mail:1:")


def test_a_redacted_recipient_is_who_the_mail_was_for() -> None:
    """Providers take the address out of their report; the one recipient of our mail is left."""
    redacted = FIELDS.replace("Original-Rcpt-To: <joe@client.example>\n", "")
    found = read_complaint(complain(redacted))
    assert found is not None
    assert found.recipient == "joe@client.example"
    several = read_complaint(complain(redacted, RETURNED.replace("To: joe@", "To: sue@client.example, joe@")))
    assert several is not None
    assert several.recipient is None


def test_outlook_complains_without_a_report() -> None:
    """Outlook.com sends our mail back with the recipient in a header of its own."""
    returned = f"X-HmXmrOriginalRecipient: joe@client.example\n{RETURNED}"
    part = ReportPart(media_type="message/rfc822", parameters={}, content=returned.encode())
    found = read_complaint(msgspec.structs.replace(make_mail("staff@hotmail.example"), reports=[part]))
    assert found is not None
    assert (found.kind, found.recipient, found.reference) == ("abuse", "joe@client.example", REFERENCE)


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure", "dmarc", "virus"])
def test_other_feedback_ends_nothing(kind: str) -> None:
    """ "Not spam" says the opposite, and a failed check of our domain says nothing of a person."""
    assert bounce_events(complain(FIELDS.replace("abuse", kind)), key="mail:1") == []


def test_a_complaint_that_names_no_mail_of_ours_ends_nothing() -> None:
    """Anybody can write such a report about anybody: only who has our mail knows its id."""
    assert bounce_events(complain(returned=RETURNED.replace(ORIGINAL, "made-up@evil.example")), key="mail:1") == []
    assert bounce_events(complain(returned=""), key="mail:1") == []


def test_other_mail_is_no_complaint() -> None:
    """A person's mail, and one with our mail attached, complain of nothing."""
    part = ReportPart(media_type="message/rfc822", parameters={}, content=RETURNED.encode())
    assert read_complaint(make_mail()) is None
    assert read_complaint(msgspec.structs.replace(make_mail(), reports=[part])) is None
