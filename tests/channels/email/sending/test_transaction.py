"""One mail to one server: taken once, refused with a reason, or honestly unknown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from channels.email.sending import transaction
from channels.errors import OutcomeUnknown, Rejected, SendFailed, Throttled, Unreachable
from channels.simulators.mail import ServerLooks
from channels.simulators.mail.server import MailFault
from tests.channels.email.sending.servers import ANA, BEN, Desk, mail, open_desk


def with_desk(body: Callable[[Desk], Awaitable[None]], *, looks: ServerLooks | None = None) -> None:
    """Run a test's body with everything in place."""

    async def run() -> None:
        async with open_desk(looks=looks) as desk:
            await body(desk)

    asyncio.run(run())


def test_a_mail_arrives_as_it_is() -> None:
    """Dots at the beginning of lines and bare line ends come to no harm, and the server's words are kept."""

    async def body(desk: Desk) -> None:
        sent = await desk.send(content=mail("one\r\n.\r\n..two\r\n.three\nfour\rfive"))
        assert sent.provider_message_id == "1@shop.example"
        assert sent.detail == "250 2.0.0 taken"
        assert desk.server.ledger.accepted[0].text == "one\n.\n..two\n.three\nfour\nfive"

    with_desk(body)


def test_a_large_mail_arrives_whole() -> None:
    """Larger than every buffer on the way."""
    content = mail("\r\n".join(["x" * 76] * 100_000))

    async def body(desk: Desk) -> None:
        await desk.send(content=content)
        assert desk.server.ledger.accepted[0].content == content

    with_desk(body)


@pytest.mark.parametrize(
    ("fault", "kind", "taken"),
    [("defer", Throttled, 0), ("leave", Unreachable, 0), ("fail", Unreachable, 0), ("refuse", Rejected, 0),
     ("cut", OutcomeUnknown, 0), ("drop", OutcomeUnknown, 1)],
)  # fmt: skip
def test_each_trouble_has_its_meaning(fault: MailFault, kind: type[SendFailed], taken: int) -> None:
    """What was refused was not sent; a connection that ends after the mail was whole leaves it open, either way."""

    async def body(desk: Desk) -> None:
        desk.server.faults.next_mails = [fault]
        assert type(await desk.fail()) is kind
        assert len(desk.server.ledger.accepted) == taken
        await desk.send()

    with_desk(body)


def test_a_recipient_refused_beside_the_first_is_told_of() -> None:
    """The mail is sent, and says whom it did not reach; a second try would be a second mail for the others."""

    async def body(desk: Desk) -> None:
        desk.server.faults.refused[BEN] = "550 5.1.1 nobody"
        sent = await desk.send(ANA, BEN)
        assert sent.detail == f"250 2.0.0 taken; not delivered to {BEN}: 550 5.1.1 nobody"
        assert desk.server.ledger.accepted[0].recipients == [ANA]

    with_desk(body)


def test_without_the_first_recipient_nobody_has_it() -> None:
    """It is the contact's mail: the others do not get it alone, and may get it when the address is right."""

    async def body(desk: Desk) -> None:
        desk.server.faults.refused[ANA] = "550 5.1.1 nobody"
        failed = await desk.fail(ANA, BEN)
        assert (type(failed), failed.code, failed.provider_code) == (Rejected, "hard_bounce", "5.1.1")
        assert not desk.server.ledger.accepted
        desk.server.faults.refused.clear()
        await desk.send(BEN)
        assert desk.server.ledger.accepted[0].recipients == [BEN], "nothing of the mail before was left"

    with_desk(body)


@pytest.mark.parametrize(
    "address",
    ["a@b.example>\r\nRCPT TO:<c@d.example", "a@b.example> BODY=8BITMIME", "a@b.example\n", "<a@b.example>",
     "a b@c.example", "a@b.example,c@d.example", "", "a", "@b.example", "a@"],
)  # fmt: skip
def test_an_address_is_never_more_than_an_address(address: str) -> None:
    """Nothing a recipient is called can become a command, or a second recipient (security.md T39)."""

    async def body(desk: Desk) -> None:
        failed = await desk.fail(address)
        assert (type(failed), failed.code) == (Rejected, "invalid_address")
        assert desk.server.log.count("RCPT") == 0
        assert not desk.server.ledger.accepted

    with_desk(body)


def test_what_the_server_cannot_take_is_not_offered_to_it() -> None:
    """Too many bytes, or an address beyond ASCII where there is no SMTPUTF8: said before anything is sent."""

    async def body(desk: Desk) -> None:
        assert (await desk.fail(content=mail("x" * 2_000))).code == "content_too_large"
        assert (await desk.fail("zoë@mail.example")).code == "invalid_address"
        assert (await desk.fail(utf8=True)).code == "invalid_address"
        assert "MAIL" not in desk.server.log
        await desk.send("ana@münchen.example")
        assert desk.server.ledger.accepted[0].recipients == ["ana@xn--mnchen-3ya.example"], "a domain has an ASCII form"

    with_desk(body, looks=ServerLooks(utf8=False, max_bytes=1_000))


def test_an_address_beyond_ascii_is_written_where_it_can_be() -> None:
    """RFC 6531, where both sides speak it."""

    async def body(desk: Desk) -> None:
        await desk.send("zoë@mail.example")
        assert desk.server.ledger.accepted[0].recipients == ["zoë@mail.example"]

    with_desk(body)


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def talking(desk: Desk, talk: Talk) -> AsyncIterator[None]:
    """Another server in the place of the desk's, that says what it is told to and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await talk(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    desk.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        await asyncio.sleep(0.05)  # for it to hang up
        server.close()
        await server.wait_closed()


async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """All goes well up to the content, of which the first bytes are read."""
    writer.write(b"220 hello\r\n")
    for answer in (b"250 hello\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n"):
        await reader.readline()
        writer.write(answer)
    await reader.readexactly(1_000)


def test_a_server_that_refuses_in_the_middle_is_heard() -> None:
    """It need not read a mail it does not want: its answer is heard while we still speak, and nothing was sent."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await begin(reader, writer)
        writer.write(b"552 5.3.4 enough\r\n")
        await reader.read()

    async def body(desk: Desk) -> None:
        async with talking(desk, talk):
            failed = await desk.fail(content=mail("x" * 30_000_000))
            assert (type(failed), failed.code) == (Rejected, "content_too_large")

    with_desk(body)


def test_a_server_that_ends_before_the_mail_is_whole_has_nothing() -> None:
    """Up to the last line nothing was handed over: it is tried again."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await begin(reader, writer)
        writer.transport.abort()

    async def body(desk: Desk) -> None:
        async with talking(desk, talk):
            assert type(await desk.fail(content=mail("x" * 30_000_000))) is Unreachable

    with_desk(body)


def test_a_server_that_says_nothing_at_the_end_leaves_it_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has the whole mail may have kept it (RFC 1047), however long it is silent."""
    monkeypatch.setattr(transaction, "ANSWER_SECONDS", 1.0)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await begin(reader, writer)
        await reader.read()

    async def body(desk: Desk) -> None:
        async with talking(desk, talk):
            assert type(await desk.fail(content=mail("x" * 2_000))) is OutcomeUnknown

    with_desk(body)


def test_a_server_that_does_not_speak_smtp_is_unreachable() -> None:
    """Whatever is at the port, it took nothing."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async def body(desk: Desk) -> None:
        async with talking(desk, talk):
            assert type(await desk.fail()) is Unreachable

    with_desk(body)
