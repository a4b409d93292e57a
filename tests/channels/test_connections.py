"""Pinned connections: where they go, whom they serve, and when they are kept."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence

import pytest

from channels import connections
from channels.connections import Resolver
from channels.egress import EgressRefused
from channels.errors import OutcomeUnknown, Unreachable
from tests.channels.local_server import OK, answering, client, drip, hang_up, serve


def test_a_name_that_changes_its_address_after_the_check_gains_nothing() -> None:
    """DNS rebinding: the address that was checked is the one connected to, and each new connection is checked anew."""

    async def scenario() -> None:
        async with serve() as inside, client(allow=(), resolve=answering(["8.8.8.8"], ["127.0.0.1"])) as http:
            url = f"http://rebind.example:{inside.port}/"
            await http.check_egress(url)
            for _ in range(3):
                with pytest.raises(EgressRefused):
                    await http.request("GET", url)
            assert inside.connections == 0

    asyncio.run(scenario())


def test_one_look_up_serves_the_check_and_the_connection() -> None:
    """Between the check and the connection nobody is asked again: the second answer would lead elsewhere."""

    async def scenario() -> None:
        async with serve() as peer, client(resolve=answering(["127.0.0.1"], ["8.8.8.8"])) as http:
            answer = await http.request("GET", f"http://pinned.example:{peer.port}/")
            assert answer.body == b"ok"
            assert f"host: pinned.example:{peer.port}".encode() in peer.requests[0].lower()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "host",
    ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "①②⑦.⓪.⓪.①", "[::ffff:127.0.0.1]"],
)
def test_no_spelling_of_loopback_is_connected_to(host: str) -> None:
    """What counts is where a host leads by the system's own resolver, not how it is written."""

    async def scenario() -> None:
        async with serve() as inside, client(allow=()) as http:
            url = f"http://{host}:{inside.port}/"
            with pytest.raises(EgressRefused):
                await http.check_egress(url)
            with pytest.raises(EgressRefused):
                await http.request("GET", url)
            assert inside.connections == 0

    asyncio.run(scenario())


def test_a_host_with_one_forbidden_address_is_not_connected_to() -> None:
    """Also where the first address is fine, and the operator lets that one through."""

    async def scenario() -> None:
        resolve = answering(["127.0.0.1", "10.0.0.1"])
        async with serve() as peer, client(resolve=resolve) as http:
            with pytest.raises(EgressRefused):
                await http.request("GET", f"http://two.example:{peer.port}/")
            assert peer.connections == 0

    asyncio.run(scenario())


@pytest.mark.parametrize("host", ["named.example", "Named.Example.", "näher.example"])
def test_a_host_the_operator_names_is_let_through(host: str) -> None:
    """On saving and on sending alike, in any spelling of its name."""

    async def scenario() -> None:
        allow = ["named.example", "xn--nher-loa.example"]
        async with serve() as peer, client(allow=allow, resolve=answering(["127.0.0.1"])) as http:
            await http.check_egress(f"http://{host}:{peer.port}/")
            assert (await http.request("GET", f"http://{host}:{peer.port}/")).status == 200

    asyncio.run(scenario())


def test_the_next_address_is_tried_when_one_refuses() -> None:
    """A host with a dead address is reached at another of its addresses, and at no other."""

    async def scenario() -> None:
        async with serve() as peer, client(resolve=answering(["127.0.0.2"], ["127.0.0.2", "127.0.0.1"])) as http:
            with pytest.raises(Unreachable):
                await http.request("GET", f"http://two.example:{peer.port}/")
            assert (await http.request("GET", f"http://two.example:{peer.port}/")).status == 200

    asyncio.run(scenario())


async def _unknown_host(host: str, port: int) -> Sequence[str]:
    raise OSError(-2, "Name or service not known")


async def _slow_look_up(host: str, port: int) -> Sequence[str]:
    await asyncio.sleep(60)
    return []


@pytest.mark.parametrize("resolve", [_unknown_host, _slow_look_up, answering([])])
def test_a_host_that_is_not_found_means_nothing_was_sent(monkeypatch: pytest.MonkeyPatch, resolve: Resolver) -> None:
    """No address, no answer from the resolver or a late one: the message may be tried again."""
    monkeypatch.setattr(connections, "CONNECT_SECONDS", 0.1)

    async def scenario() -> None:
        async with client(resolve=resolve) as http:
            with pytest.raises(Unreachable) as caught:
                await http.request("POST", "https://gone.example/")
            assert caught.value.retry
            with pytest.raises(Unreachable):
                await http.check_egress("https://gone.example/")

    asyncio.run(scenario())


def test_the_deadline_counts_from_the_look_up_on() -> None:
    """A request that may take a moment does not wait longer for the resolver."""

    async def scenario() -> None:
        async with asyncio.timeout(30), client(resolve=_slow_look_up) as http:
            with pytest.raises(Unreachable):
                await http.request("GET", "https://slow.example/", timeout=0.05)

    asyncio.run(scenario())


def test_a_connection_serves_the_next_request_to_the_same_origin_alone() -> None:
    """Requests in a row share a connection; another host at the same address gets its own."""

    async def scenario() -> None:
        async with serve() as peer, client(resolve=answering(["127.0.0.1"])) as http:
            for host in ("a.example", "a.example", "b.example", "a.example", "b.example"):
                await http.request("GET", f"http://{host}:{peer.port}/")
            assert peer.connections == 2
            assert len(peer.requests) == 5

    asyncio.run(scenario())


def test_a_kept_connection_that_the_server_closed_is_replaced() -> None:
    """A server may close what is idle, and the next request does not notice."""

    async def answer_and_close(writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await writer.drain()
        await hang_up(writer)

    async def scenario() -> None:
        async with serve(answer_and_close) as peer, client() as http:
            for _ in range(3):
                await http.request("POST", peer.url, content=b"x")
                await peer.ended.acquire()
            assert peer.connections == 3

    asyncio.run(scenario())


def test_more_than_one_answer_is_not_kept_for_the_next_request() -> None:
    """What a server sends beyond its answer never becomes the answer to somebody else's request."""
    stray = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nstray"

    async def scenario() -> None:
        async with serve(OK + stray, OK) as peer, client() as http:
            for _ in range(2):
                assert (await http.request("GET", peer.url)).body == b"ok"
            assert peer.connections == 2

    asyncio.run(scenario())


@pytest.mark.parametrize(("limit", "value"), [("MAX_KEPT", 1), ("KEEP_SECONDS", -1.0)])
def test_idle_connections_are_kept_within_limits(monkeypatch: pytest.MonkeyPatch, limit: str, value: float) -> None:
    """The one idle longest is closed when there are too many, and each when its time is over."""
    monkeypatch.setattr(connections, limit, value)

    async def scenario() -> None:
        async with serve() as first, serve() as second, client() as http:
            await http.request("GET", first.url)
            await http.request("GET", second.url)
            await asyncio.wait_for(first.ended.acquire(), 30)

    asyncio.run(scenario())


def test_closing_the_client_closes_what_it_kept() -> None:
    """A stopped process leaves no connection behind."""

    async def scenario() -> None:
        async with serve() as peer:
            async with client() as http:
                await http.request("GET", peer.url)
            await asyncio.wait_for(peer.ended.acquire(), 30)

    asyncio.run(scenario())


def test_a_request_under_way_outlives_the_closing_of_the_client() -> None:
    """A stopping process still hears the answer, and does not keep the connection."""

    async def scenario() -> None:
        async with serve() as peer, client() as http:
            go_on = asyncio.Event()

            async def answer_later(writer: asyncio.StreamWriter) -> None:
                await go_on.wait()
                writer.write(OK)

            peer.answers = [answer_later]
            under_way = asyncio.create_task(http.request("GET", peer.url))
            await peer.arrived.acquire()
            await http.aclose()
            go_on.set()
            assert (await under_way).body == b"ok"
            await asyncio.wait_for(peer.ended.acquire(), 30)

    asyncio.run(scenario())


def test_a_request_beyond_the_limit_waits_and_gives_up_unsent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who finds no free place within the deadline was not sent, and places are given back by whoever breaks off."""
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 1)

    async def scenario() -> None:
        async with serve(drip, OK) as peer, client() as http:
            first = asyncio.create_task(http.request("GET", peer.url, timeout=1.5))
            await peer.arrived.acquire()
            with pytest.raises(Unreachable):
                await http.request("GET", peer.url, timeout=0.05)
            with pytest.raises(OutcomeUnknown):
                await first
            assert (await http.request("GET", peer.url)).body == b"ok"

    asyncio.run(scenario())


def test_cancelled_requests_drop_their_connection_and_cross_no_answers() -> None:
    """The answer to a cancelled request reaches nobody else, and the client goes on serving."""
    dice = random.Random(7)

    async def scenario() -> None:
        async with serve() as peer, client() as http:

            async def echo(writer: asyncio.StreamWriter) -> None:
                path = peer.requests[-1].split(b" ")[1]
                await asyncio.sleep(dice.random() * 0.01)
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(path), path))

            peer.answers = [echo]

            async def ask(number: int) -> bool:
                with contextlib.suppress(TimeoutError):
                    patience = dice.random() * 0.02 if number % 3 == 0 else 20
                    answer = await asyncio.wait_for(http.request("GET", f"{peer.url}/{number}"), patience)
                    return answer.body == f"/{number}".encode()
                return True

            for start in range(0, 300, 30):
                assert all(await asyncio.gather(*(ask(number) for number in range(start, start + 30))))
            assert peer.connections > 30

    asyncio.run(scenario())
