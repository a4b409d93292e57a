"""Automatic answers: few, to people we know or who are proven, and never in a loop (security T41, T42)."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec

from channels.events import MessageReceived
from inbox.intake.actions.project import project_events
from inbox.kit.db import Row, fetch, tx
from tests.inbox.builders import (
    NOW,
    WINDOW,
    apart,
    arrived,
    consent_change,
    count_rows,
    no_sibling,
    rows_of,
    run_opened,
)
from tests.inbox.conversations.letters.post import (
    ACKNOWLEDGING,
    ANA_MAIL,
    HELP,
    SALES,
    answer,
    authenticated,
    block,
    mail,
    mail_channel,
    receive_mail,
    recipients_of,
)

FORGED = authenticated(aligned=False, dmarc="fail")
UNKNOWN = authenticated(aligned=False, dmarc="none")


async def sent() -> list[Row]:
    """What we sent, the oldest first."""
    return await fetch("SELECT * FROM entry WHERE direction = 'outbound' ORDER BY id")


def test_a_proven_sender_is_told_that_the_mail_has_come(database_url: str) -> None:
    """Once, in our own words alone, in the mail's thread; and still somebody waits."""

    async def body() -> None:
        lane = await mail_channel()
        begun = await receive_mail(lane, mail("Buy pills", message_id="1@a.example"), rules=ACKNOWLEDGING)
        [entry] = await sent()
        letter = msgspec.json.decode(entry["letter"])
        assert (entry["text"], letter["subject"], letter["automatic"]) == ("test has your mail.", "We have it", True)
        assert letter["in_reply_to"] == ["1@a.example"]
        assert "pills" not in str(dict(entry))
        assert await recipients_of(entry["id"]) == [("to", ANA_MAIL)]
        assert [row["type"] for row in await rows_of("job")] == ["deliver_message"]
        [conversation] = await rows_of("conversation")
        assert (conversation["id"], conversation["waiting_since"], conversation["last_outbound_at"]) == (
            begun,
            NOW,
            None,
        )
        assert conversation["unread"] == 1

    run_opened(database_url, body)


def test_one_address_gets_one_a_day(database_url: str) -> None:
    """Another matter the same day is not acknowledged again, also in one batch; the next day it is."""

    async def body() -> None:
        lane = await mail_channel()
        await receive_mail(lane, mail("a"), mail("b"), rules=ACKNOWLEDGING)
        await receive_mail(lane, mail("c"), rules=ACKNOWLEDGING, now=NOW + timedelta(hours=23))
        assert len(await sent()) == 1
        await receive_mail(lane, mail("d"), rules=ACKNOWLEDGING, now=NOW + timedelta(hours=25))
        assert len(await sent()) == 2

    run_opened(database_url, body)


def test_only_what_begins_a_conversation_of_a_person_is_acknowledged(database_url: str) -> None:
    """Not an answer, not a list, not a machine, not the forged, not a stranger, nobody blocked or opted out."""

    async def body() -> None:
        lane = await mail_channel()
        for nature in ("auto_reply", "list", "bulk"):
            await receive_mail(lane, mail(nature, nature=nature), rules=ACKNOWLEDGING)
        for said in (FORGED, UNKNOWN, None):
            await receive_mail(lane, mail(str(said), authentication=said), rules=ACKNOWLEDGING)
        await receive_mail(lane, mail("first"))
        await receive_mail(lane, mail("Re: first"), rules=ACKNOWLEDGING)
        await receive_mail(lane, mail("blocked", sender="bea@b.example"))
        await block("bea@b.example")
        await receive_mail(lane, mail("again", sender="bea@b.example"), rules=ACKNOWLEDGING)
        assert await sent() == []
        assert await count_rows("acknowledgement") == 0

    run_opened(database_url, body)


def test_whom_we_have_answered_is_known(database_url: str) -> None:
    """Without a proof, to have been answered by somebody of us is enough; to have written before is not."""

    async def body() -> None:
        lane = await mail_channel()
        first = await receive_mail(lane, mail("a", authentication=UNKNOWN))
        await receive_mail(lane, mail("b", authentication=UNKNOWN), rules=ACKNOWLEDGING)
        assert await sent() == []
        await answer(first)
        await receive_mail(lane, mail("c", authentication=FORGED), rules=ACKNOWLEDGING)
        assert len(await sent()) == 1
        await receive_mail(lane, mail("d", authentication=UNKNOWN), rules=ACKNOWLEDGING)
        assert len(await sent()) == 2

    run_opened(database_url, body)


def test_who_opted_out_gets_none(database_url: str) -> None:
    """Consent holds for what nobody wrote as well."""

    async def body() -> None:
        lane = await mail_channel()
        await receive_mail(lane, mail("a"))
        stop = consent_change("revoked")
        sender = msgspec.structs.replace(stop.sender, kind="email", value=ANA_MAIL)
        await receive_mail(lane, msgspec.structs.replace(stop, sender=sender))  # type: ignore[arg-type]  # any event
        await receive_mail(lane, mail("b"), rules=ACKNOWLEDGING)
        assert await sent() == []

    run_opened(database_url, body)


def test_forged_senders_make_no_cannon_of_us(database_url: str) -> None:
    """1,000 mails from as many senders in a minute: at most 20 answers, none to those whose DMARC failed (T42)."""

    async def body() -> None:
        lane = await mail_channel()
        for start in range(0, 1000, 200):
            forged = [mail(f"s{n}", sender=f"p{n}@x.example", authentication=FORGED) for n in range(start, start + 200)]
            await receive_mail(lane, *forged, rules=ACKNOWLEDGING)
        assert await sent() == []
        for start in range(0, 200, 100):
            proven = [mail(f"t{n}", sender=f"q{n}@x.example") for n in range(start, start + 100)]
            await receive_mail(lane, *proven, rules=ACKNOWLEDGING)
        assert len(await sent()) == 20
        await receive_mail(lane, mail("x", sender="z@x.example"), rules=ACKNOWLEDGING, now=NOW + timedelta(seconds=61))
        assert len(await sent()) == 21

    run_opened(database_url, body)


def test_two_processes_keep_to_one_limit(database_url: str) -> None:
    """Channels that are projected at once count together."""

    async def body() -> None:
        lanes = [await mail_channel(HELP), await mail_channel(SALES)]

        async def flood(number: int) -> None:
            mails = [mail(f"s{n}", sender=f"{number}-{n}@x.example") for n in range(30)]
            rows = [arrived(at, one) for at, one in enumerate(mails, 1)]
            async with tx():
                await project_events(
                    lanes[number], rows, find_sibling=no_sibling, now=NOW, window=WINDOW, rules=ACKNOWLEDGING
                )

        await asyncio.gather(apart(flood(0)), apart(flood(1)))
        assert len(await sent()) == 20

    run_opened(database_url, body)


def test_two_that_answer_each_other_stop(database_url: str) -> None:
    """Two desks that acknowledge each other, markers and ids lost on the way: at most one answer each (T41)."""

    async def body() -> None:
        ours = await mail_channel(HELP)
        incoming: MessageReceived = mail("Hello", sender="desk@them.example")
        for _ in range(10):
            before = len(await sent())
            await receive_mail(ours, incoming, rules=ACKNOWLEDGING)
            if len(await sent()) == before:
                break
            last = (await sent())[-1]
            subject = f"Re: {msgspec.json.decode(last['letter'])['subject']}"
            incoming = mail(subject, sender="desk@them.example", text="We have it too")
        assert len(await sent()) == 1

    run_opened(database_url, body)


def test_nothing_is_said_by_itself_unless_it_is_set(database_url: str) -> None:
    """Off by default."""

    async def body() -> None:
        await receive_mail(await mail_channel(), mail("a"))
        assert await sent() == []

    run_opened(database_url, body)
