"""Complaints about our mails, as providers report them back (ARF, RFC 5965). Pure."""

from __future__ import annotations

from channels.email.kinds.bounce import Complaint, find_address, read_reference
from channels.email.kinds.notices import notice_text
from channels.email.kinds.originals import MAX_HEADER_BYTES, find_original, read_header_block, read_returned_headers
from channels.email.mail import Mail

FEEDBACK = "message/feedback-report"
COMPLAINTS = frozenset({"abuse", "fraud", "other", "opt-out", "opt-out-list", "complaint"})
"""Feedback types that say "no more of this". "not-spam" says the opposite, "auth-failure" is about DNS (RFC 6591)."""
RECIPIENT_FIELDS = ("original-rcpt-to", "removal-recipient", "original-recipient", "x-original-to")
OUTLOOK_RECIPIENT = "x-hmxmroriginalrecipient"
"""Outlook.com sends the mail itself, with the recipient in this header of it, and no report (its JMRP)."""
MAX_KIND_CHARS = 40


def read_complaint(mail: Mail) -> Complaint | None:
    """The complaint a mail reports; None for other mail."""
    returned = read_returned_headers(mail)
    fields = next((_read_part(each.content) for each in mail.reports if each.media_type == FEEDBACK), None)
    if fields is None and OUTLOOK_RECIPIENT not in returned:
        return None
    original = find_original(mail, notice_text(mail))
    return Complaint(
        kind=((fields or {}).get("feedback-type") or "abuse").lower()[:MAX_KIND_CHARS],
        recipient=_find_complainer(fields or {}, returned),
        message_id=original,
        reference=read_reference(original),
    )


def _read_part(content: bytes) -> dict[str, str]:
    return read_header_block(content[:MAX_HEADER_BYTES].decode("utf-8", "replace"))


def _find_complainer(fields: dict[str, str], returned: dict[str, str]) -> str | None:
    """Who complained: as the report says, as Outlook.com says, or the one recipient of the mail."""
    told = [fields.get(name, "") for name in RECIPIENT_FIELDS] + [returned.get(OUTLOOK_RECIPIENT, "")]
    named = next((address for value in told if (address := find_address(value))), None)
    to = returned.get("to", "")
    return named or (find_address(to) if to.count("@") == 1 else None)
