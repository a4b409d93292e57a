"""Mail by SMTP: taken for our own addresses alone, answered 250 when it is stored and never before."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.smtpd.reception import AWAY, MAX_RECIPIENTS, TAKEN, TOO_MANY, UNKNOWN
from tests.gateway.smtpd.letters import MAIL, call, hold, journaled, open_letters
from tests.gateway.test_journal import held_up
from tests.outage import cuttable_line

OURS = "help@shop.example"


def test_a_mail_is_stored_as_it_came(database_url: str, tmp_path: Path) -> None:
    """The content stays byte for byte, with the dots of the wire undone; the envelope stands beside it."""
    mail = MAIL + b"..begins with a dot\r\nbare \n.\n line ends\r\n\r\n" + b"x" * 200_000 + b"\r\n"

    async def body() -> None:
        async with open_letters(database_url, tmp_path) as (runtime, port), call(port) as peer:
            channel = await hold(runtime, OURS)
            assert (await peer.post(mail.replace(b"\r\n.", b"\r\n.."), "Help+c1x@Shop.example"))[-1] == TAKEN
            [one] = await journaled()
            assert one.body == mail
            assert (one.channel_id, one.kind, one.method) == (channel, "mail", "SMTP")
            assert one.url.startswith("smtp://")
            assert one.headers["x-envelope-from"] == "ana@mail.example"
            assert one.headers["x-envelope-to"] == "Help+c1x@Shop.example"
            assert one.headers["x-helo"] == "mx.mail.example"

    asyncio.run(body())


@pytest.mark.parametrize(
    "recipient",
    ["eve@other.example", "help@other.example", "help%other.example@shop.example", "help@shop.example@other.example",
     "@shop.example:eve@other.example", '"help@shop.example"@other.example', "other@shop.example", "help"],
)  # fmt: skip
def test_nothing_is_relayed(database_url: str, tmp_path: Path, recipient: str) -> None:
    """Who is not one of our channels' addresses is refused for good, in every spelling that ever fooled a server."""

    async def body() -> None:
        async with open_letters(database_url, tmp_path) as (runtime, port), call(port) as peer:
            await hold(runtime, OURS)
            await peer.say("MAIL FROM:<help@shop.example>")
            assert (await peer.say(f"RCPT TO:<{recipient}>"))[:4] in {UNKNOWN[:4], "553 "}
            assert (await peer.say("DATA")).startswith("503")
            assert not await journaled()

    asyncio.run(body())


def test_two_channels_have_one_mail_each(database_url: str, tmp_path: Path) -> None:
    """Each channel has the mail once, with its own recipients, however many of its addresses were named."""

    async def body() -> None:
        async with open_letters(database_url, tmp_path) as (runtime, port), call(port) as peer:
            first, second = await hold(runtime, OURS, "info@shop.example"), await hold(runtime, "sales@shop.example")
            recipients = (OURS, "sales@shop.example", "info@shop.example", OURS)
            assert (await peer.post(MAIL, *recipients))[-1] == TAKEN
            kept = {one.channel_id: one for one in await journaled()}
            assert len(kept) == len(await journaled()) == 2
            assert kept[first].headers["x-envelope-to"] == f"{OURS}, info@shop.example"
            assert kept[second].headers["x-envelope-to"] == "sales@shop.example"

    asyncio.run(body())


def test_without_the_database_it_is_for_later(database_url: str, tmp_path: Path) -> None:
    """451 while the database is away, and 250 when it is back: its server has the mail until then."""

    async def body() -> None:
        async with cuttable_line(database_url) as line, open_letters(line.url, tmp_path) as (runtime, port):
            await hold(runtime, OURS)
            async with call(port) as peer:
                await line.cut()
                assert (await peer.post(MAIL, OURS))[-1] == AWAY
                await line.mend()
                assert (await peer.post(MAIL, OURS))[-1] == TAKEN
            assert len(await journaled()) == 1

    asyncio.run(body())


def test_nothing_is_said_before_the_commit(database_url: str, tmp_path: Path) -> None:
    """The answer waits as long as the commit does, and comes right after it."""

    async def body() -> None:
        async with open_letters(database_url, tmp_path) as (runtime, port), call(port) as peer:
            await hold(runtime, OURS)
            [live] = runtime.directory.all_channels()
            await peer.say("MAIL FROM:<>")  # as reports of delivery come
            await peer.say(f"RCPT TO:<{OURS}>")
            await peer.say("DATA")
            async with held_up(database_url, live.id):
                answering = asyncio.create_task(peer.pour(MAIL + b".\r\n"))
                done, _ = await asyncio.wait([answering], timeout=0.3)
                assert not done
            assert await answering == TAKEN
            [one] = await journaled()
            assert one.headers["x-envelope-from"] == ""

    asyncio.run(body())


def test_before_the_channels_are_known_nobody_is_refused(database_url: str, tmp_path: Path) -> None:
    """A process that could not load its channels yet asks to come back: an address refused is refused for ever."""

    async def body() -> None:
        async with open_letters(database_url, tmp_path) as (runtime, port), call(port) as peer:
            runtime.directory._known = False
            await peer.say("MAIL FROM:<ana@mail.example>")
            assert await peer.say(f"RCPT TO:<{OURS}>") == AWAY

    asyncio.run(body())


def test_recipients_are_limited(database_url: str, tmp_path: Path) -> None:
    """The hundred and first is put off, as RFC 5321 4.5.3.1.10 wants it, and the others have their mail."""

    async def body() -> None:
        async with open_letters(database_url, tmp_path) as (runtime, port), call(port) as peer:
            await hold(runtime, OURS)
            many = [f"help+{number}@shop.example" for number in range(MAX_RECIPIENTS + 1)]
            answers = await peer.post(MAIL, *many)
            assert answers[MAX_RECIPIENTS + 1] == TOO_MANY
            assert answers[-1] == TAKEN
            assert len(await journaled()) == 1

    asyncio.run(body())


def test_lmtp_answers_for_each_recipient(database_url: str, tmp_path: Path) -> None:
    """RFC 2033 4.2: one answer a recipient, and the greeting is LHLO alone."""

    async def body() -> None:
        async with open_letters(database_url, tmp_path, lmtp=True) as (runtime, port):
            await hold(runtime, OURS)
            await hold(runtime, "sales@shop.example")
            async with call(port, greet="LHLO mta") as peer:
                answers = await peer.post(MAIL, OURS, "sales@shop.example")
                assert [answers[-1], await peer.hear()] == [TAKEN, TAKEN]
                assert (await peer.say("EHLO mta")).startswith("500")
            assert {one.method for one in await journaled()} == {"LMTP"}

    asyncio.run(body())
