"""TXT records, asked of a name server that speaks DNS on the loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from dns.asyncresolver import Resolver

from channels.email.authentication import TxtResolver, resolving

KEY = "s1._domainkey.client.example"
RECORDS: dict[str, list[str]] = {
    f"{KEY}.": ['"v=DKIM1; k=rsa; " "p=AAAA" "BBBB"'],
    "two._domainkey.client.example.": ['"hello"', '"v=DKIM1; p=CCCC"'],
}


class NameServer(asyncio.DatagramProtocol):
    """Answers what it knows, says NXDOMAIN of the rest, and of names in `silent` says nothing at all."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.silent: set[str] = set()
        self.ttl = 300

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer one question."""
        question = dns.message.from_wire(data)
        name = question.question[0].name.to_text()
        self.asked.append(name)
        if name in self.silent:
            return
        reply = dns.message.make_response(question)
        if name in RECORDS:
            reply.answer.append(dns.rrset.from_text(name, self.ttl, "IN", "TXT", *RECORDS[name]))
        else:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(reply.to_wire(), addr)


@asynccontextmanager
async def open_server() -> AsyncIterator[tuple[NameServer, Resolver]]:
    """A name server, and a resolver that asks it."""
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(
        NameServer, local_addr=("127.0.0.1", 0)
    )
    resolver = Resolver(configure=False)
    resolver.nameservers = ["127.0.0.1"]
    resolver.port = transport.get_extra_info("sockname")[1]
    try:
        yield server, resolver
    finally:
        transport.close()


def test_records_come_whole_and_once() -> None:
    """The strings of a record are one text, of several the one with a key is meant, and an answer is remembered."""

    async def run() -> None:
        async with open_server() as (server, resolver):
            finder = TxtResolver(resolver=resolver)
            names = [KEY, "two._domainkey.client.example", "none.client.example", KEY]
            found = await finder.find_records(names)
            assert found == {
                KEY: "v=DKIM1; k=rsa; p=AAAABBBB",
                "two._domainkey.client.example": "v=DKIM1; p=CCCC",
                "none.client.example": "",
            }
            assert await finder.find_records(names) == found
            assert sorted(server.asked) == sorted({f"{name}." for name in names})

    asyncio.run(run())


def test_an_answer_is_asked_for_again_when_it_is_old() -> None:
    """A record is remembered as long as its owner says, so that a new key is found."""

    async def run() -> None:
        async with open_server() as (server, resolver):
            now = [0.0]
            finder = TxtResolver(resolver=resolver, clock=lambda: now[0])
            for at, asked in ((0.0, 1), (299.0, 1), (301.0, 2)):
                now[0] = at
                await finder.find_records([KEY])
                assert len(server.asked) == asked

    asyncio.run(run())


def test_a_server_that_is_silent_costs_little_and_is_not_believed() -> None:
    """A name nobody can tell of is missing, not empty; the others come all the same, and it is asked again later."""

    async def run() -> None:
        async with open_server() as (server, resolver):
            server.silent = {"slow.client.example."}
            finder = TxtResolver(resolver=resolver)
            found = await finder.find_records(["slow.client.example", KEY])
            assert list(found) == [KEY]
            server.silent = set()
            assert await finder.find_records(["slow.client.example"]) == {"slow.client.example": ""}

    before, resolving.TIMEOUT_SECONDS = resolving.TIMEOUT_SECONDS, 0.3
    try:
        asyncio.run(run())
    finally:
        resolving.TIMEOUT_SECONDS = before


def test_names_that_are_none_break_nothing() -> None:
    """What a signature gives as a name may be no name at all."""

    async def run() -> None:
        async with open_server() as (_, resolver):
            names = ["", "a..b", "x" * 70 + ".example", ".".join(["abcdefgh"] * 40)]
            assert await TxtResolver(resolver=resolver).find_records(names[1:]) == {}

    asyncio.run(run())


def test_what_is_remembered_is_bounded() -> None:
    """Strangers choose the names, so the oldest are forgotten."""

    async def run() -> None:
        async with open_server() as (_, resolver):
            finder = TxtResolver(resolver=resolver)
            await finder.find_records([f"n{number}.client.example" for number in range(12)])
            assert len(finder._kept) == 10
            assert "n0.client.example" not in finder._kept

    before, resolving.MAX_REMEMBERED = resolving.MAX_REMEMBERED, 10
    try:
        asyncio.run(run())
    finally:
        resolving.MAX_REMEMBERED = before
