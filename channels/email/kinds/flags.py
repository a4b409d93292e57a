"""What is notable about a mail, in stable words for `Letter.flags`. Pure."""

from __future__ import annotations

from channels.email.kinds.bounces import read_bounces
from channels.email.kinds.complaints import read_complaint
from channels.email.kinds.forwarded import find_forwarded
from channels.email.kinds.invites import read_invite
from channels.email.mail import Mail


def find_flags(mail: Mail) -> list[str]:
    """Of "bounce", "bounce_delayed", "complaint", "read_receipt", "invite" and "forwarded" those that hold."""
    actions = {bounce.action for bounce in read_bounces(mail)}
    receipt = mail.media_type == "multipart/report" and mail.parameters.get("report-type", "").lower()
    held = {
        "bounce": bool(actions - {"delayed"}),
        "bounce_delayed": "delayed" in actions,
        "complaint": read_complaint(mail) is not None,
        "read_receipt": receipt == "disposition-notification",
        "invite": read_invite(mail) is not None,
        "forwarded": bool(find_forwarded(mail)),
    }
    return [flag for flag, holds in held.items() if holds]
