"""Bounces, complaints, absence notes and proofs of who wrote, over real SMTP and through the running gateway."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest

from channels.email.authentication import TxtResolver
from gateway import runtime
from tests.channels.email.authentication.test_resolving import RECORDS, open_server
from tests.channels.email.authentication.test_signed import NAME, make_key, show_record, sign
from tests.journeys.gateway import Journey, eventually, open_journey
from tests.journeys.post import OURS, Post, open_post

ANA = "ana@client.example"
BOUNCE = """From: Mail Delivery System <MAILER-DAEMON@mx.example>
To: {ours}
Subject: Undelivered Mail Returned to Sender
Message-ID: <bounce-1@mx.example>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type={kind}; boundary="b"

--b
Content-Type: text/plain

This is the mail system at host mx.example.
--b
Content-Type: message/{part}

{fields}

--b
Content-Type: text/rfc822-headers

To: {ana}
Message-ID: <{original}>

--b--
"""
FAILED = """Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; ana@client.example
Action: failed
Status: 5.2.2
Diagnostic-Code: smtp; 552 5.2.2 Mailbox full"""
ABUSE = "Feedback-Type: abuse\nVersion: 1\nOriginal-Rcpt-To: <ana@client.example>"
NOTE = """From: {ana}
To: {ours}
Subject: Your order
In-Reply-To: <{original}>
Auto-Submitted: auto-replied

Away
"""


async def hand_in(post: Post, content: bytes | str, *, sender: str = "") -> None:
    """Some server hands a mail in, with an empty return path where it gives none."""
    async with aiosmtplib.SMTP(hostname=post.office.host, port=post.office.port, start_tls=False) as server:
        await server.sendmail(sender, [OURS], content.encode() if isinstance(content, str) else content)


def report(original: str, *, kind: str, part: str, fields: str) -> str:
    """A report about a mail of ours."""
    return BOUNCE.format(ours=OURS, ana=ANA, original=original, kind=kind, part=part, fields=fields)


async def write_back(journey: Journey, post: Post) -> tuple[str, str, str]:
    """Ana writes and is answered: the conversation, our message, and the Message-ID she got."""
    await post.write(ANA, "Where is my order?")
    conversation = (await journey.conversation_with(ANA))["id"]
    parts = [{"type": "text", "text": "On its way"}]
    sent = await journey.post(f"/v1/conversations/{conversation}/messages", {"parts": parts})
    await journey.delivery(sent["id"], "sent")
    [received] = await post.received(ANA)
    return conversation, sent["id"], received.message_id


def test_what_comes_back_is_about_our_message(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """A bounce or delay is its message's, and opens no conversation (T41); a complaint ends consent; a note is told."""

    async def body() -> None:
        async with open_journey(database_url, redis_url, tmp_path) as journey, open_post(journey) as post:
            conversation, message, original = await write_back(journey, post)
            late = FAILED.replace("failed", "delayed").replace("5.2.2", "4.2.2")
            for fields in (late, FAILED):
                await hand_in(post, report(original, kind="delivery-status", part="delivery-status", fields=fields))
            delivery = await journey.delivery(message, "undelivered")
            assert delivery["error"]["code"] == "mailbox_full"
            assert (delivery["error"]["provider_code"], delivery["error"]["retryable"]) == ("5.2.2", True)
            await hand_in(post, NOTE.format(ana=ANA, ours=OURS, original=original), sender=ANA)
            entries = await journey.entries(conversation, at_least=3)
            notes = [entry for entry in entries if entry.get("text") == "Away"]
            assert [note["letter"]["nature"] for note in notes] == ["auto_reply"]
            bare = NOTE.replace("Auto-Submitted: auto-replied\n", "").replace("Away", "Still away")
            await hand_in(post, bare.format(ana=ANA, ours=OURS, original=original))
            entries = await journey.entries(conversation, at_least=4)
            assert entries[-1]["letter"]["nature"] == "auto_reply", "an empty return path is a program's"
            await hand_in(post, report(original, kind="feedback-report", part="feedback-report", fields=ABUSE))

            async def revoked() -> Any:
                [contact] = (await journey.get("/v1/contacts", identity=ANA))["data"]
                consents = [each for identity in contact["identities"] for each in identity["consents"]]
                return [each["source"] for each in consents if each["state"] == "revoked"]

            assert await eventually(revoked) == ["provider"]
            assert len((await journey.get("/v1/conversations"))["data"]) == 1

    asyncio.run(body())


def test_who_wrote_is_proven_by_a_signature_or_a_trusted_host(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """A signed mail verifies its sender by a key in the DNS; a spoofed one does not (T36, T37)."""
    signed = sign()
    spoofed = (
        f"Authentication-Results: mx.shop.example; dmarc=fail header.from=client.example\nFrom: sue@client.example\n"
        f"To: {OURS}\nAuthentication-Results: mx.shop.example; dmarc=pass header.from=client.example\n"
        "Message-ID: <s@c>\nSubject: Hi\n\nI am Sue\n"
    )

    record = show_record(make_key())

    async def body(patch: pytest.MonkeyPatch) -> None:
        async with open_server() as (_, resolver):
            patch.setattr(runtime, "TxtResolver", lambda: TxtResolver(resolver=resolver))
            patch.setitem(RECORDS, f"{NAME}.", [f'"{record[:200]}" "{record[200:]}"'])
            async with (
                open_journey(database_url, redis_url, tmp_path) as journey,
                open_post(journey, verify_dkim=True, trusted_authserv_id="mx.shop.example") as post,
            ):
                await hand_in(post, signed, sender="ann@client.example")
                await hand_in(post, spoofed, sender="evil@evil.example")
                assert await verdict(journey, "ann@client.example") == ("us", True, True)
                assert await verdict(journey, "sue@client.example") == ("mx.shop.example", False, False)

    with pytest.MonkeyPatch.context() as patch:
        asyncio.run(body(patch))


async def verdict(journey: Journey, sender: str) -> tuple[str, bool, bool]:
    """Whose word it is on a sender's first mail, whether it is proven, and whether its author is verified."""
    conversation = await journey.conversation_with(sender)
    [entry] = await journey.entries(conversation["id"])
    said = entry["letter"]["authentication"]
    return said["by"], said["aligned"], entry["author"]["verified"]
