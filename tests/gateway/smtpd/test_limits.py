"""What a stranger may do to the listener: not much, for not long, and never to others' mail."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from pathlib import Path

import aiosmtplib
import pytest

from gateway.hook_bodies import BodyRoom
from gateway.smtpd import running
from gateway.smtpd.content import END
from gateway.smtpd.crowd import Crowd
from gateway.smtpd.reception import BUSY, LATE, TAKEN, TOO_LARGE
from tests.channels.test_connections_tls import make_certificate
from tests.gateway.smtpd.letters import HOST, MAIL, call, hold, journaled, open_letters
from tests.inbox.builders import until

OURS = "help@shop.example"
SMALL = 100_000


def test_a_mail_too_large_is_said_so(database_url: str, tmp_path: Path) -> None:
    """By the size it announces, else by what comes; the connection goes on, and one of just the size is taken."""

    async def body() -> None:
        async with open_letters(database_url, tmp_path, smtpd_mail_bytes=SMALL) as (runtime, port), call(port) as peer:
            await hold(runtime, OURS)
            assert (await peer.say(f"MAIL FROM:<a@b.example> SIZE={SMALL + 1}")).startswith("552")
            line = b"x" * 78 + b"\r\n"
            assert (await peer.post(MAIL + line * 1_500, OURS))[-1] == TOO_LARGE
            assert (await peer.post(MAIL + b"y" * (SMALL - len(MAIL) - 2) + b"\r\n", OURS))[-1] == TAKEN
            assert [len(one.body) for one in await journaled()] == [SMALL]

    asyncio.run(body())


def test_a_mail_without_end_ends_the_connection(database_url: str, tmp_path: Path) -> None:
    """Far beyond the limit nobody reads on."""

    async def body() -> None:
        async with open_letters(database_url, tmp_path, smtpd_mail_bytes=SMALL) as (runtime, port), call(port) as peer:
            await hold(runtime, OURS)
            for line in ("MAIL FROM:<a@b.example>", f"RCPT TO:<{OURS}>", "DATA"):
                await peer.say(line)
            with contextlib.suppress(OSError):
                assert await peer.pour(b"x" * 20 * SMALL) == TOO_LARGE
                assert await peer.hear() == ""

    asyncio.run(body())


def test_too_much_at_once_is_put_off(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What all large mails weigh together is bounded; the next comes again later."""
    taken = BodyRoom(2_000_000)
    monkeypatch.setattr(running, "BodyRoom", lambda limit: taken)

    async def held() -> bool:
        return taken.held >= 1_400_000  # but for what may be the beginning of its end

    async def body() -> None:
        async with (
            open_letters(database_url, tmp_path) as (runtime, port),
            call(port) as one,
            call(port) as two,
        ):
            await hold(runtime, OURS)
            for peer in (one, two):
                for line in ("MAIL FROM:<a@b.example>", f"RCPT TO:<{OURS}>", "DATA"):
                    await peer.say(line)
            big = MAIL + b"x" * 1_500_000 + b"\r\n"
            one._writer.write(big)
            await until(held)
            assert await two.pour(big + b".\r\n") == BUSY
            assert await one.pour(b".\r\n") == TAKEN

    asyncio.run(body())


def test_only_a_dot_between_line_ends_ends_a_mail(database_url: str, tmp_path: Path) -> None:
    """No second mail is smuggled in behind another end of line (CVE-2023-51764): it is part of the first."""
    smuggled = (
        b"MAIL FROM:<ceo@shop.example>\r\nRCPT TO:<help@shop.example>\r\nDATA\r\nFrom: ceo@shop.example\r\n\r\npay\r\n"
    )
    ends = [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r\n\0.\r\n"]

    async def body() -> None:
        async with open_letters(database_url, tmp_path) as (runtime, port), call(port) as peer:
            await hold(runtime, OURS)
            for end in ends:
                assert (await peer.post(MAIL + end + smuggled, OURS))[-1] == TAKEN
            kept = await journaled()
            assert len(kept) == len(ends)
            assert all(one.headers["x-envelope-from"] == "ana@mail.example" for one in kept)

    asyncio.run(body())


def test_content_before_it_was_asked_for_is_refused(database_url: str, tmp_path: Path) -> None:
    """Commands and content poured in at once are nobody's idea of SMTP but an attacker's."""

    async def body() -> None:
        async with open_letters(database_url, tmp_path) as (runtime, port), call(port) as peer:
            await hold(runtime, OURS)
            await peer.say("MAIL FROM:<a@b.example>")
            await peer.say(f"RCPT TO:<{OURS}>")
            assert (await peer.pour(b"DATA\r\n" + MAIL + END)).startswith("503")
            assert not await journaled()

    asyncio.run(body())


def test_whoever_is_slow_is_shown_out(database_url: str, tmp_path: Path) -> None:
    """One command, and one mail, has its time."""

    async def body() -> None:
        async with open_letters(database_url, tmp_path, smtpd_seconds=1) as (_, port), call(port) as peer:
            assert (await peer.hear()).encode() + b"\r\n" == LATE
            assert await peer.hear() == ""

    asyncio.run(body())


def test_long_commands_and_nonsense_are_refused(database_url: str, tmp_path: Path) -> None:
    """A line without end costs us its buffer alone, and after a few words nobody knows the connection is over."""

    async def body() -> None:
        async with open_letters(database_url, tmp_path) as (_, port), call(port) as peer:
            assert (await peer.pour(b"NOOP " + b"x" * 300_000 + b"\r\n")).startswith("500")
            assert (await peer.say("VRFY help")).startswith("252")
            answers = [await peer.say("MAKE ME") for _ in range(5)]
            assert answers[-1].startswith("502")
            assert await peer.hear() == ""

    asyncio.run(body())


def test_connections_are_counted() -> None:
    """So many in all and so many of one stranger; this machine's own mail server counts in all alone."""
    crowd = Crowd(limit=4, per_address=2)
    assert [crowd.admit("203.0.113.7") for _ in range(3)] == [True, True, False]
    assert [crowd.admit("127.0.0.1") for _ in range(3)] == [True, True, False]
    crowd.leave("203.0.113.7")
    assert crowd.admit("2001:db8::1")
    assert crowd.size == 4


def test_one_too_many_is_turned_away_with_a_word(database_url: str, tmp_path: Path) -> None:
    """421 and the end; as soon as somebody leaves, the next comes in."""

    async def body() -> None:
        async with open_letters(database_url, tmp_path, smtpd_connections=1) as (_, port):
            async with call(port):
                reader, writer = await asyncio.open_connection(HOST, port)
                assert (await reader.read()).startswith(b"421 ")
                writer.close()
            await until(lambda: let_in(port))

    async def let_in(port: int) -> bool:
        reader, writer = await asyncio.open_connection(HOST, port)
        with contextlib.closing(writer):
            return (await reader.readline()).startswith(b"220 ")

    asyncio.run(body())


def test_starttls_is_offered_with_our_certificate(database_url: str, tmp_path: Path) -> None:
    """A mail over TLS is taken as one without; what was said in clear before counts for nothing (RFC 3207 4.2)."""
    pem = make_certificate(tmp_path, "mx.shop.example")

    async def body() -> None:
        async with open_letters(database_url, tmp_path, smtpd_certificate=pem) as (runtime, port):
            await hold(runtime, OURS)
            client = aiosmtplib.SMTP(hostname=HOST, port=port, start_tls=False)
            await client.connect()
            trusting = ssl.create_default_context(cafile=str(pem))
            await client.starttls(server_hostname="mx.shop.example", tls_context=trusting)
            await client.sendmail("ana@mail.example", [OURS], MAIL + b"x" * 300_000)
            await client.quit()
            assert len((await journaled())[0].body) > 300_000

    asyncio.run(body())


def test_closing_waits_for_the_mail_that_comes(database_url: str, tmp_path: Path) -> None:
    """Who only waits is told to go; a mail under way comes to its answer."""

    async def body() -> None:
        async with open_letters(database_url, tmp_path) as (runtime, port):
            await hold(runtime, OURS)
            idle = call(port)
            waiting = await idle.__aenter__()
            busy = call(port)
            peer = await busy.__aenter__()
            for line in ("MAIL FROM:<a@b.example>", f"RCPT TO:<{OURS}>", "DATA"):
                await peer.say(line)

            async def end() -> None:
                assert (await waiting.hear()).startswith("421")
                assert await peer.pour(MAIL + b".\r\n") == TAKEN

            ending = asyncio.create_task(end())
        await ending
        peer.close()
        waiting.close()

    asyncio.run(body())
