"""Connections are kept and used again, in bounds; the pace is the channel's."""

from __future__ import annotations

import asyncio

import pytest

from channels.email.sending import sender
from channels.email.sending.sender import MailSender
from channels.email.sending.transaction import Envelope
from channels.errors import Paced, Unreachable
from channels.http import Http
from tests.channels.email.sending.servers import ANA, OURS, account, mail, open_desk


def test_one_connection_serves_many_mails() -> None:
    """It is reset before each further mail, and a refusal does not cost it."""

    async def body() -> None:
        async with open_desk() as desk:
            for number in range(5):
                await desk.send(content=mail(number=number))
            desk.server.faults.next_mails = ["refuse"]
            await desk.fail()
            await desk.send()
            assert desk.server.connections == 1
            assert desk.server.log.count("RSET") == 6
            assert desk.server.ledger.doubled == 1, "the first and the last are one by their Message-ID"

    asyncio.run(body())


def test_a_connection_ends_after_so_many_mails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers end it themselves sooner or later, in the middle of something."""
    monkeypatch.setattr(sender, "MAX_MAILS", 2)

    async def body() -> None:
        async with open_desk() as desk:
            for _ in range(5):
                await desk.send()
            assert desk.server.connections == 3
            await desk.sender.aclose()
            assert desk.server.log.count("QUIT") == 3

    asyncio.run(body())


def test_an_idle_connection_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Properly, with QUIT."""
    monkeypatch.setattr(sender, "IDLE_SECONDS", 0.05)

    async def body() -> None:
        async with open_desk() as desk:
            await desk.send()
            async with asyncio.timeout(30):
                while "QUIT" not in desk.server.log:  # noqa: ASYNC110 - the server has no event for it
                    await asyncio.sleep(0.01)
            await desk.send()
            assert desk.server.connections == 2

    asyncio.run(body())


def test_a_kept_connection_that_died_costs_nothing() -> None:
    """It is found out before anything is said of the mail, and a new one takes its place."""

    async def body() -> None:
        async with open_desk() as desk:
            desk.server.faults.next_mails = ["none", "cut"]
            await desk.send()
            await desk.fail()
            await desk.send()
            assert desk.server.connections == 2

    asyncio.run(body())


def test_many_mails_share_few_connections() -> None:
    """A crowd of mails for one channel opens no more than a server grants one customer."""

    async def body() -> None:
        async with open_desk() as desk:
            await asyncio.gather(*(desk.send(content=mail(number=number)) for number in range(40)))
            assert len(desk.server.ledger.accepted) == 40
            assert desk.server.connections <= sender.MAX_SESSIONS
            assert not desk.server.ledger.doubled

    asyncio.run(body())


def test_new_settings_take_new_connections() -> None:
    """What was opened with the old ones is not used again."""

    async def body() -> None:
        async with open_desk() as desk:
            await desk.send()
            await desk.send(name="Another")
            assert desk.server.connections == 2
            await desk.send(channel="cha_2", name="Another")
            assert desk.server.connections == 3, "nor is another channel's"

    asyncio.run(body())


def test_the_pace_is_kept_before_anybody_is_called() -> None:
    """A mail beyond the channel's rate goes back to its queue, uncounted, with the time to wait."""

    async def body() -> None:
        client = Http(allow=["127.0.0.1"])
        slow = MailSender(client, clock=lambda: 0.0)
        async with open_desk() as desk:
            where = account(desk.port, sends_per_minute=2)
            envelope = Envelope(sender=OURS, recipients=[ANA])
            await slow.send_mail(where, envelope, mail(), message_id="1@shop.example")
            with pytest.raises(Paced) as paced:
                await slow.send_mail(where, envelope, mail(), message_id="2@shop.example")
            assert paced.value.after == 30
            assert desk.server.connections == 1
            assert len(desk.server.ledger.accepted) == 1
            await slow.aclose()
            await client.aclose()

    asyncio.run(body())


def test_the_server_can_be_asked_without_sending() -> None:
    """Whether it lets us in, for whoever sets the channel up."""

    async def body() -> None:
        async with open_desk() as desk:
            await desk.sender.check_server(account(desk.port))
            assert "MAIL" not in desk.server.log
            with pytest.raises(Unreachable, match="no TLS"):
                await desk.sender.check_server(
                    account(desk.port, channel="cha_3", smtp_security="tls", smtp_user="x", smtp_password="y")
                )

    asyncio.run(body())
