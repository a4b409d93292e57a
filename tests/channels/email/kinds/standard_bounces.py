"""Bounces with the standard's fields (RFC 3464), as servers of many makers fill them in; the words are ours."""

from __future__ import annotations

from typing import NamedTuple

PERMANENT, PASSING = True, False


class Standard(NamedTuple):
    """The fields of one report, and what is to be read of it."""

    mta: str
    fields: str
    recipient: str
    action: str
    status: str | None
    code: str
    permanent: bool


def told(mta: str, lines: str, *, of: tuple[str, str, str | None, str, bool]) -> Standard:
    """A report of one recipient, its lines under those every server begins with."""
    return Standard(mta, f"Reporting-MTA: dns; mx.example\nArrival-Date: Mon, 2 Mar 2026 10:00:00 GMT\n\n{lines}", *of)


JOE = "joe@client.example"
STANDARD: list[Standard] = [
    told(
        "postfix",
        """Final-Recipient: rfc822; joe@client.example
Original-Recipient: rfc822;joe@client.example
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.client.example
Diagnostic-Code: smtp; 550 5.1.1 <joe@client.example>: Recipient address
    rejected: User unknown in virtual mailbox table""",
        of=(JOE, "failed", "5.1.1", "hard_bounce", PERMANENT),
    ),
    told(
        "postfix, domain",
        """Final-Recipient: rfc822; joe@client.example
Action: failed
Status: 5.4.4
Diagnostic-Code: X-Postfix; Host or domain name not found. Name service error
    for name=client.example type=AAAA: Host not found""",
        of=(JOE, "failed", "5.4.4", "unreachable", PASSING),
    ),
    told(
        "postfix, late",
        """Final-Recipient: rfc822; joe@client.example
Action: delayed
Status: 4.4.1
Diagnostic-Code: X-Postfix; connect to mx.client.example[192.0.2.1]:25: Connection timed out
Will-Retry-Until: Sat, 7 Mar 2026 10:00:00 +0000""",
        of=(JOE, "delayed", "4.4.1", "unreachable", PASSING),
    ),
    told(
        "postfix, given up",
        """Final-Recipient: rfc822; joe@client.example
Action: failed
Status: 4.4.1
Diagnostic-Code: X-Postfix; connect to mx.client.example[192.0.2.1]:25: Connection refused""",
        of=(JOE, "failed", "4.4.1", "unreachable", PASSING),
    ),
    told(
        "exim",
        """Action: failed
Final-Recipient: rfc822;joe@client.example
Status: 5.0.0
Remote-MTA: dns; mx.client.example
Diagnostic-Code: smtp; 550 No such user here""",
        of=(JOE, "failed", "5.0.0", "hard_bounce", PERMANENT),
    ),
    told(
        "exim, retry timeout",
        """Action: failed
Final-Recipient: rfc822;joe@client.example
Status: 5.0.0
Diagnostic-Code: X-str; retry timeout exceeded""",
        of=(JOE, "failed", "5.0.0", "timeout", PASSING),
    ),
    told(
        "sendmail",
        """Final-Recipient: RFC822; joe@client.example
Action: failed
Status: 5.2.2
Remote-MTA: DNS; mx.client.example
Diagnostic-Code: SMTP; 552 5.2.2 Over quota
Last-Attempt-Date: Mon, 2 Mar 2026 10:00:03 GMT""",
        of=(JOE, "failed", "5.2.2", "mailbox_full", PASSING),
    ),
    told(
        "gmail",
        """Final-Recipient: rfc822; joe@client.example
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.client.example. (192.0.2.1, the server for the domain client.example.)
Diagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not exist.
 550 5.1.1 double-check the address""",
        of=(JOE, "failed", "5.1.1", "hard_bounce", PERMANENT),
    ),
    told(
        "gmail, unsigned",
        """Final-Recipient: rfc822; joe@client.example
Action: failed
Status: 5.7.26
Diagnostic-Code: smtp; 550-5.7.26 Your email has been blocked because the sender is unauthenticated.""",
        of=(JOE, "failed", "5.7.26", "sender_unverified", PERMANENT),
    ),
    told(
        "office 365",
        """Final-Recipient: rfc822;joe@client.example
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup
X-Display-Name: Joe""",
        of=(JOE, "failed", "5.1.10", "invalid_address", PERMANENT),
    ),
    told(
        "office 365, restricted",
        """Final-Recipient: rfc822;joe@client.example
Action: failed
Status: 5.7.133
Diagnostic-Code: smtp;550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required""",
        of=(JOE, "failed", "5.7.133", "contact_blocked", PERMANENT),
    ),
    told(
        "office 365, listed",
        """Final-Recipient: rfc822;joe@client.example
Action: failed
Status: 5.7.606
Remote-MTA: dns;client-example.mail.protection.outlook.com
Diagnostic-Code: smtp;550 5.7.606 Access denied, banned sending IP [192.0.2.9]""",
        of=(JOE, "failed", "5.7.606", "spam_suspected", PERMANENT),
    ),
    told(
        "ses",
        """Final-Recipient: rfc822; joe@client.example
Diagnostic-Code: smtp; 554 5.7.1 Spam message rejected
Action: failed
Status: 5.7.1""",
        of=(JOE, "failed", "5.7.1", "spam_suspected", PERMANENT),
    ),
    told(
        "ses, status in the words alone",
        """Action: failed
Final-Recipient: rfc822; joe@client.example
Diagnostic-Code: smtp; 550 5.4.4 Invalid domain
Status: 5.0.0""",
        of=(JOE, "failed", "5.4.4", "unreachable", PASSING),
    ),
    told(
        "exchange on its own server",
        """Original-Recipient: rfc822;joe+40client@client.example
Final-recipient: RFC822;joe@client.example
Action: failed
Status: 5.2.3
X-Supplementary-Info: < #5.2.3 smtp;550 5.2.3 RESOLVER.RST.RecipSizeLimit; message too large>""",
        of=("joe+40client@client.example", "failed", "5.2.3", "content_too_large", PERMANENT),
    ),
    told(
        "domino",
        """Final-Recipient: rfc822;joe@client.example
Action: failed
Status: 5.1.1
Diagnostic-Code: X-Notes; User joe (joe@client.example) not listed in Domino Directory""",
        of=(JOE, "failed", "5.1.1", "hard_bounce", PERMANENT),
    ),
    told(
        "zimbra, greylisted",
        """Final-Recipient: rfc822; joe@client.example
Action: delayed
Status: 4.7.1
Diagnostic-Code: smtp; 450 4.7.1 Greylisted, try again later""",
        of=(JOE, "delayed", "4.7.1", "soft_bounce", PASSING),
    ),
    told(
        "yahoo",
        """Final-Recipient: rfc822; joe@client.example
Action: failed
Status: 5.0.0
Diagnostic-Code: smtp; 554 delivery error: dd This user doesn't have a client.example account (joe) [0]""",
        of=(JOE, "failed", "5.0.0", "hard_bounce", PERMANENT),
    ),
    told(
        "another alphabet (RFC 6533)",
        """Final-Recipient: utf-8; j\\x{F6}rg@b\\x{FC}cher.example
Action: failed
Status: 5.6.7
Diagnostic-Code: smtp; 553 5.6.7 SMTPUTF8 required""",
        of=("jörg@bücher.example", "failed", "5.6.7", "unsupported_content", PERMANENT),
    ),
    told(
        "no action",
        """Final-Recipient: rfc822; <joe@client.example>
Status: 5.2.1 (disabled)""",
        of=(JOE, "failed", "5.2.1", "hard_bounce", PERMANENT),
    ),
    told(
        "delivered",
        """Final-Recipient: rfc822; joe@client.example
Action: delivered (to mailbox)
Status: 2.0.0
Diagnostic-Code: smtp; 250 2.0.0 OK""",
        of=(JOE, "delivered", "2.0.0", "unknown", PASSING),
    ),
    told(
        "relayed",
        """Final-Recipient: rfc822; joe@client.example
Action: relayed
Status: 2.1.9""",
        of=(JOE, "relayed", "2.1.9", "unknown", PASSING),
    ),
]
