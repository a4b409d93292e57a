"""With a real mail server between: what we hand over comes back to us by LMTP, once, outages included."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.email.sending.sender import MailSender
from channels.email.sending.transaction import Envelope
from channels.http import Http
from gateway.smtpd import Listening, open_smtpd
from tests.channels.email.sending.servers import account
from tests.gateway.runtimes import open_test_runtime
from tests.gateway.smtpd.letters import HOST, Letters, hold, journaled
from tests.inbox.builders import until
from tests.mail.postfix import Postfix, find_postfix, running_postfix
from tests.outage import cuttable_line

OURS = "help@shop.example"


@pytest.fixture(scope="module")
def postfix() -> Iterator[Postfix]:
    """One for all of these."""
    missing = find_postfix()
    if missing:
        pytest.skip(missing)
    with running_postfix() as server:
        yield server


def mail(number: int) -> bytes:
    """One of some mails, with lines that begin with dots."""
    return f"From: {OURS}\r\nMessage-ID: <{number}@x.example>\r\nSubject: {number}\r\n\r\n..\r\n.{number}\r\n".encode()


def number_of(content: bytes) -> int:
    """Which of them it is."""
    return int(content.partition(b"Subject: ")[2].partition(b"\r\n")[0])


def test_mails_go_through_a_real_server_once(database_url: str, tmp_path: Path, postfix: Postfix) -> None:
    """Over STARTTLS out, over LMTP in; while our database is away it keeps them, and none is lost or doubled."""
    secure = {"host": "localhost", "smtp_security": "starttls", "smtp_ca": postfix.certificate.pem}
    where = account(postfix.port, **secure)

    async def body() -> None:
        client = Http(allow=["localhost"])
        sender = MailSender(client)
        async with (
            cuttable_line(database_url) as line,
            open_test_runtime(line.url, tmp_path, adapter=Letters()) as runtime,
        ):
            await hold(runtime, OURS)
            async with open_smtpd(runtime, Listening(host=HOST, port=postfix.lmtp_port, lmtp=True)):

                async def send(number: int) -> None:
                    to = [f"help+{number}@shop.example"]
                    await sender.send_mail(where, Envelope(sender=OURS, recipients=to), mail(number), message_id="x")

                async def ten_answered() -> bool:
                    return postfix.told().count("250 2.0.0 stored") >= 10

                async def all_there() -> bool:
                    return len(await journaled()) >= 20

                await asyncio.gather(*(send(number) for number in range(10)))
                # A commit whose answer the cut takes away is journaled twice: that is for the projection to tell.
                await until(ten_answered, seconds=30)
                await line.cut()
                await asyncio.gather(*(send(number) for number in range(10, 20)))
                await asyncio.sleep(0.5)  # for it to hear 451
                await line.mend()
                await until(all_there, seconds=30)
            kept = await journaled()
            assert sorted(map(number_of, (one.body for one in kept))) == list(range(20)), postfix.told()[-3_000:]
            for one in kept:
                number = number_of(one.body)
                assert one.headers["x-envelope-to"] == f"help+{number}@shop.example"
                assert one.body.endswith(f"\r\n\r\n..\r\n.{number}\r\n".encode())
                assert one.method == "LMTP"
        await sender.aclose()
        await client.aclose()

    asyncio.run(body())
