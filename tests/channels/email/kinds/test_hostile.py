"""Reports made to hurt: whatever a stranger writes is read in a time that grows with its size alone (T45)."""

from __future__ import annotations

import random
import time
from typing import Any

import msgspec
import pytest

from channels.email.kinds import bounce_events, find_flags, find_nature, read_bounces
from channels.email.mail import Mail, Mailbox
from channels.email.reading import read_mail
from tests.channels.email.kinds.mails import ORIGINAL, make_mail, make_notice, make_report

MILLION = 1_000_000
GIVEN_SECONDS = 5
"""Each takes a twentieth of it; whoever takes the square of a million takes minutes."""
START = "Final-Recipient: rfc822; joe@client.example\nAction: failed\nStatus: 5.1.1\n"


def noticed(text: str, **more: Any) -> Mail:
    """A notice with these words behind an opening."""
    return make_notice(f"This mail could not be delivered\n\n{text}", **more)


HOSTILE: dict[str, Mail] = {
    "a diagnostic of a megabyte": make_report(f"{START}Diagnostic-Code: smtp; 550 {'x' * MILLION}"),
    "a diagnostic folded for ever": make_report(f"{START}Diagnostic-Code: smtp; 550" + "\n x" * MILLION),
    "a diagnostic of blanks": make_report(f"{START}Diagnostic-Code: smtp; 550 {' ' * MILLION}5.1.1"),
    "recipients without end": make_report("\n\n".join([START] * 20_000)),
    "fields without end": make_report(START + "X: y\n" * 200_000),
    "an address of a megabyte": make_report(
        f"Final-Recipient: rfc822; {'a' * MILLION}@client.example\nAction: failed\n"
    ),
    "signs of at": make_report(f"Final-Recipient: rfc822; {'@' * MILLION}\nAction: failed\n"),
    "dots": make_report(f"Final-Recipient: rfc822; {'a' * 60}@{'a.' * 500_000}\nAction: failed\n"),
    "escapes": make_report("Final-Recipient: utf-8; " + "\\x{10FFFF}" * 100_000 + "\nAction: failed\n"),
    "escapes of no character": make_report(
        "Final-Recipient: utf-8; \\x{110000}\\x{D800}@client.example\nAction: failed\n"
    ),
    "a status of digits": make_report(f"{START.replace('5.1.1', '5.' * 300_000)}"),
    "returned headers of a megabyte": make_report(START, returned="Message-ID: " + "<" * MILLION),
    "returned folds": make_report(START, returned="Message-ID:" + "\n <" * 300_000),
    "nothing but NUL": make_report("\x00" * MILLION, returned="\x00" * MILLION),
    "a notice of a megabyte": noticed("joe@client.example " * 50_000),
    "a notice in one line": noticed("a" * MILLION),
    "a notice of almost addresses": noticed(("a" * 64 + "@" + "a.a" * 60 + " ") * 4_000),
    "a notice of lines": noticed("joe@client.example\n550\n" * 40_000),
    "a notice of marks": noticed("----- original messag" * 40_000),
    "a notice of codes": noticed("joe@client.example\n" + "550 5.1.1 " * 90_000),
    "message ids": noticed("Message-ID: " * 80_000),
    "message ids that open": noticed("joe@client.example\nMessage-ID: <" + "a" * MILLION),
    "tags": make_notice("", text=None, html="could not be delivered " + "<" * MILLION),
    "styles": make_notice("", text=None, html="could not be delivered " + "<style>" * 140_000),
    "entities": make_notice("", text=None, html="could not be delivered " + "&lt;" * 250_000),
    "a subject of a megabyte": make_mail(subject="Automatic reply" + " " * MILLION + ":"),
    "a subject of marks": make_mail(subject="\u0301" * MILLION),
    "a forward of a megabyte": msgspec.structs.replace(make_mail(subject="Fwd: x"), text="From" + " " * MILLION + ":"),
    "a forward of labels": msgspec.structs.replace(make_mail(subject="Fwd: x"), text="> * From * : * " * 60_000),
    "many headers": msgspec.structs.replace(make_mail(), headers=[("precedence", "x" * 100)] * 20_000),
    "failed recipients": noticed("", headers=[("x-failed-recipients", "joe@client.example, " * 50_000)]),
    "many recipients of the report": noticed("sue@other.example", to=[Mailbox(address="help@shop.example")] * 500),
}


@pytest.mark.parametrize("mail", HOSTILE.values(), ids=HOSTILE)
def test_hostile_mails_are_read_in_time(mail: Mail) -> None:
    """Nothing raises, nothing takes long, and what is kept of it is small."""
    started = time.process_time()
    find_nature(mail, own=["help@shop.example"])
    find_flags(mail)
    events = bounce_events(mail, key="mail:1")
    assert time.process_time() - started < GIVEN_SECONDS
    assert len(events) <= 100
    assert all(len(msgspec.json.encode(event)) < 20_000 for event in events)


def test_a_megabyte_of_diagnostic_hides_nothing() -> None:
    """The facts before it are read as of any other report, and its beginning is kept."""
    [bounce] = read_bounces(HOSTILE["a diagnostic of a megabyte"])
    assert (bounce.recipient, bounce.status, bounce.message_id) == ("joe@client.example", "5.1.1", ORIGINAL)
    assert bounce.diagnostic is not None
    assert 900 < len(bounce.diagnostic) <= 1_000


RAW = b"""Return-Path: <>
From: MAILER-DAEMON@mx.example
To: help@shop.example
Subject: Undelivered
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

This is the mail system. <joe@client.example>: host x[192.0.2.1] said: 550 5.1.1 no
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Original-Recipient: rfc822; joe@client.example
Final-Recipient: utf-8; j\\x{F6}e@client.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no

--b
Content-Type: message/rfc822

To: joe@client.example
Message-ID: <msg_0193a5c1d2e37f4f8a6b9c0d1e2f3a4b@shop.example>

Hello
--b
Content-Type: text/calendar; method=REQUEST

BEGIN:VCALENDAR
BEGIN:VEVENT
DTSTART;TZID=Europe/Berlin:20260302T100000
DURATION:PT1H
SUMMARY:Fitting
ORGANIZER;CN=Ann:mailto:ann@client.example
END:VEVENT
END:VCALENDAR
--b--
"""


def test_whatever_bytes_come_nothing_raises() -> None:
    """A report with bytes and lines changed, doubled and left out at random is read, well or not at all."""
    chance = random.Random(3464)
    assert len(bounce_events(read_mail(RAW), key="mail:1")) == 1
    for _ in range(400):
        lines = RAW.splitlines(keepends=True)
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(lines))
            lines[at : at + 1] = chance.choice([[b"\n"], [lines[at]] * 3, [_spoil(lines[at], chance)]])
        mail = read_mail(b"".join(lines))
        find_nature(mail, own=["help@shop.example"])
        find_flags(mail)
        msgspec.json.encode(bounce_events(mail, key="mail:1"))


def _spoil(line: bytes, chance: random.Random) -> bytes:
    """A line with a few of its bytes replaced by ones that mean something somewhere."""
    spoilt = bytearray(line)
    for _ in range(3):
        spoilt[chance.randrange(len(spoilt))] = chance.choice(b'\x00\xff\xed;:<>@()"\\. =\t{}0')
    return bytes(spoilt)
