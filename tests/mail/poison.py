"""Mails made to break whoever reads them (security.md T45): small enough to be sent, dear to parse."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

HEAD = b"From: mallory@evil.example\r\nTo: help@shop.example\r\nMessage-ID: <%s@evil.example>\r\n"
HTML = b"MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
MIXED = b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
PLAIN = b"\r\n"


def poison_mails() -> dict[str, bytes]:
    """Each by its name."""
    return {name: HEAD % name.encode() + make() for name, make in MAKERS.items()}


def _nested(levels: int, kind: bytes) -> bytes:
    opened = b"".join(
        b'Content-Type: %s; boundary="n%d"\r\n\r\n--n%d\r\n' % (kind, level, level) for level in range(levels)
    )
    return b"MIME-Version: 1.0\r\n" + opened + b"\r\nend\r\n"


def _forwards(levels: int) -> bytes:
    return b"MIME-Version: 1.0\r\n" + b"Content-Type: message/rfc822\r\n\r\nFrom: a@b.example\r\n" * levels + b"\r\nend"


def _calendar(events: int) -> bytes:
    event = b"BEGIN:VEVENT\r\nRRULE:FREQ=SECONDLY;COUNT=999999999\r\nDTSTART:20260101T000000Z\r\nEND:VEVENT\r\n"
    body = b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\n" + event * events + b"END:VCALENDAR\r\n"
    return b"MIME-Version: 1.0\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\n" + body


def _report(lines: int) -> bytes:
    status = b"Final-Recipient: rfc822; a@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n" * lines
    return (
        b"Subject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\n" + status + b"--b--\r\n"
    )


MAKERS: dict[str, Callable[[], bytes]] = {
    "parts": lambda: MIXED + b"--b\r\n\r\nx\r\n" * 100_000 + b"--b--\r\n",
    "references": lambda: b"References: " + b"<a@b.example> " * 75_000 + b"\r\n" + PLAIN + b"x",
    "recipients": lambda: b"Cc: " + b", ".join(b"p%d@c.example" % n for n in range(20_000)) + b"\r\n" + PLAIN + b"x",
    "comments": lambda: b"Cc: " + b"(" * 5_000 + b"\r\n" + PLAIN + b"x",
    "one-header": lambda: b"Subject: " + b"a" * 1_000_000 + b"\r\n" + PLAIN + b"x",
    "headers": lambda: b"".join(b"X-%d: y\r\n" % n for n in range(50_000)) + PLAIN + b"x",
    "folds": lambda: b"Subject: a\r\n" + b" b\r\n" * 200_000 + PLAIN + b"x",
    "encoded-words": lambda: b"Subject: " + b"=?utf-8?q?a?= " * 70_000 + b"\r\n" + PLAIN + b"x",
    "open-words": lambda: b"Subject: " + b"=?utf-8?q?" * 100_000 + b"\r\n" + PLAIN + b"x",
    "parameters": lambda: (
        b"MIME-Version: 1.0\r\nContent-Type: text/plain; "
        + b"; ".join(b"name*%d*=utf-8''a" % n for n in range(40_000)) + b"\r\n" + PLAIN + b"x"
    ),
    "depth": lambda: _nested(5_000, b"multipart/mixed"),
    "forwards": lambda: _forwards(5_000),
    "boundaries": lambda: MIXED + b"--" * 500_000 + b"\r\n" + b"--b \r\n" * 50_000,
    "divs": lambda: HTML + b"<div>" * 200_000,
    "quotes": lambda: HTML + b"<blockquote type=cite><b>" * 50_000 + b"x",
    "angles": lambda: HTML + b"<" * 1_000_000,
    "attributes": lambda: HTML + b"<a " + b"x='y' " * 150_000 + b">",
    "entities": lambda: HTML + b"&amp" * 250_000,
    "style": lambda: HTML + b"<p style='" + b"a:b;" * 250_000 + b"'>x</p>",
    "marks": lambda: PLAIN + b">" * 1_000_000,
    "attribution": lambda: PLAIN + b"On " + b"a, " * 300_000 + b"\r\nwrote",
    "attributions": lambda: PLAIN + b"On Mon, Ana <a@b.example>\r\n" * 40_000,
    "dashes": lambda: PLAIN + b"-" * 1_000_000,
    "spaces": lambda: PLAIN + b" " * 1_000_000 + b"x",
    "uuencoded": lambda: PLAIN + b"begin 644 a\r\nM" * 70_000,
    "calendar": lambda: _calendar(12_000),
    "bounces": lambda: _report(12_000),
    "signatures": lambda: b"".join(
        b"DKIM-Signature: v=1; a=rsa-sha256; d=e%d.example; s=x; h=from; bh=YQ==; b=YQ==\r\n" % n for n in range(9_000)
    ) + PLAIN + b"x",
    "noise": lambda: Random(7).randbytes(1_000_000),
}  # fmt: skip
