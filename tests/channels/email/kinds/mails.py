"""Mails as the reader gives them, made by hand: only what the kinds of mail are told by."""

from __future__ import annotations

from typing import Any

from channels.email.mail import Mail, Mailbox, ReportPart

OURS = "help@shop.example"
REFERENCE = "msg_0193a5c1d2e37f4f8a6b9c0d1e2f3a4b"
ORIGINAL = f"{REFERENCE}@shop.example"
RETURNED = f"""\
Received: from shop.example by mx.shop.example; Mon, 2 Mar 2026 10:00:00 +0000
From: Shop <{OURS}>
To: joe@client.example
Subject: Your order
References: <msg_ffffffffffffffffffffffffffffffff@shop.example>
Message-ID: <{ORIGINAL}>
"""


def make_mail(sender: str = "ann@client.example", subject: str | None = "Hello", **headers: str) -> Mail:
    """A mail to us; headers are given with _ for -, as `auto_submitted="auto-replied"`."""
    fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Mail(
        headers=fields,
        media_type="text/plain",
        senders=[Mailbox(address=sender)],
        clean_from=True,
        to=[Mailbox(address=OURS)],
        subject=subject,
        text="Hello",
    )


def make_report(fields: str, *, returned: str = RETURNED, report: str = "delivery-status", **more: Any) -> Mail:
    """A multipart/report with its fields and the returned headers."""
    kind = "message/delivery-status" if report == "delivery-status" else f"message/{report}"
    parts = [ReportPart(media_type=kind, parameters={}, content=fields.encode())]
    if returned:
        parts.append(ReportPart(media_type="text/rfc822-headers", parameters={}, content=returned.encode()))
    told: dict[str, Any] = {
        "headers": [("return-path", "<>")],
        "media_type": "multipart/report",
        "parameters": {"report-type": report},
        "senders": [Mailbox(address="MAILER-DAEMON@mx.example")],
        "to": [Mailbox(address=OURS)],
        "subject": "Undelivered Mail Returned to Sender",
        "reports": parts,
    }
    return Mail(**(told | more))


def make_notice(words: str, *, sender: str = "MAILER-DAEMON@mx.example", **more: Any) -> Mail:
    """A notice in words alone."""
    told: dict[str, Any] = {
        "headers": [],
        "media_type": "text/plain",
        "senders": [Mailbox(address=sender)],
        "to": [Mailbox(address=OURS)],
        "subject": "failure notice",
        "text": words,
    }
    return Mail(**(told | more))
