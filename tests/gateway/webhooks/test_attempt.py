"""One try against peers that misbehave in every way: what is sent, what it means, and what is never called.

The table of forbidden networks has its own tests (tests/channels/test_egress.py), the client its own
(tests/channels/test_http.py); here it is proved that a delivery goes through both (security.md T12-T16, T20, T69).
"""

from __future__ import annotations

import asyncio
import resource
import zlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import pytest
from standardwebhooks import Webhook

from channels.http import Http
from gateway.webhooks.attempt import ANSWER_BYTES, Target, try_delivery
from inbox.webhooks.endpoint import SigningSecret
from inbox.webhooks.schedule import Attempt
from tests.channels.local_server import LOOPBACK, Answer, Peer, answering, client, drip, hang_up, reset, serve
from tests.gateway.webhooks.receiver import answering as answer

T = TypeVar("T")

SECRETS = (SigningSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), SigningSecret("whsec_" + "QUJD" * 8))
BODY = '{"words":"é ü 漢"}'.encode()
SECONDS = 5.0
MIB = 1024


async def attempt(
    http: Http, url: str, *, seconds: float = SECONDS, headers: dict[str, str] | None = None
) -> tuple[Attempt, float | None]:
    """One try of a full payload to this URL."""
    target = Target(url=url, payload="full", secrets=SECRETS, headers=headers or {})
    return await try_delivery(http, target, message_id="evt_1", body=BODY, number=3, seconds=seconds)


def against(
    *answers: Answer, body: Callable[[Http, Peer], Awaitable[T]], allow: Sequence[str] = LOOPBACK, resolve: Any = None
) -> T:
    """Do something with a client and a peer that gives these answers."""

    async def opened() -> T:
        async with serve(*answers) as peer, client(allow=allow, resolve=resolve) as http:
            return await body(http, peer)

    return asyncio.run(opened())


def test_what_is_sent_verifies_over_the_very_bytes() -> None:
    """The receiver's own library accepts it by either secret; the endpoint's headers travel along."""

    async def body(http: Http, peer: Peer) -> bytes:
        done, _ = await attempt(http, f"{peer.url}/hook?tenant=7", headers={"X-Environment": "test"})
        assert (done.error, done.status, done.number) == (None, 200, 3)
        return peer.requests[0]

    head, _, sent = against(body=body).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
    assert lines[0] == "POST /hook?tenant=7 HTTP/1.1"
    assert sent == BODY
    assert (headers["content-type"], headers["x-environment"]) == ("application/json", "test")
    for secret in SECRETS:
        Webhook(secret.secret).verify(sent, headers)


@pytest.mark.parametrize(
    ("given", "status", "error"),
    [
        (answer(204), 204, None),
        (answer(302, location="http://127.0.0.1:1/inside"), 302, "redirect"),
        (answer(410), 410, "gone"),
        (answer(503), 503, "http_status"),
        (hang_up, None, "connection_broken"),
        (reset, None, "connection_broken"),
        (b"not http\r\n\r\n", None, "connection_broken"),
        (answer(200, b"xx", content_encoding="gzip"), None, "answer_unreadable"),
    ],
)
def test_what_an_answer_means(given: Answer, status: int | None, error: str | None) -> None:
    """Each way it can go has its word, and no try raises."""

    async def body(http: Http, peer: Peer) -> tuple[Attempt, int]:
        done, _ = await attempt(http, peer.url)
        return done, len(peer.requests)

    done, requests = against(given, body=body)
    assert (done.status, done.error) == (status, error)
    assert requests == 1, "a redirect is not followed, and nothing is tried behind our back (T14)"


def test_retry_after_is_read_and_capped() -> None:
    """In seconds; an absurd one becomes a quarter of an hour."""

    async def body(http: Http, peer: Peer) -> list[float | None]:
        return [(await attempt(http, peer.url))[1] for _ in range(3)]

    waits = against(answer(429, retry_after="7"), answer(429, retry_after="99999999"), answer(429), body=body)
    assert waits == [7.0, 900.0, None]


def test_a_slow_endpoint_is_given_up_in_time() -> None:
    """One deadline for all of it, also for an answer that drips in byte by byte."""

    async def body(http: Http, peer: Peer) -> Attempt:
        return (await attempt(http, peer.url, seconds=1.0))[0]

    done = against(drip, body=body)
    assert (done.status, done.error) == (None, "timeout")
    assert done.duration_ms < 30_000


def test_a_dead_port_is_unreachable() -> None:
    """Nobody listens: nothing was sent."""

    async def body(http: Http, _: Peer) -> Attempt:
        return (await attempt(http, "http://127.0.0.1:1/"))[0]

    assert against(body=body).error == "unreachable"


def test_a_large_answer_counts_by_its_status() -> None:
    """It is read no further than 20,000 bytes: the endpoint took it, whatever else it says."""

    async def body(http: Http, peer: Peer) -> list[tuple[int | None, str | None]]:
        return [(done.status, done.error) for done, _ in [await attempt(http, peer.url) for _ in range(2)]]

    large = b"x" * (ANSWER_BYTES + 1)
    assert against(answer(200, large), answer(500, large), body=body) == [(200, None), (500, "http_status")]


def test_a_bomb_in_the_answer_stays_small() -> None:
    """1 MB that unfolds to 1 GB is cut off at once, whatever the endpoint meant by it (T20)."""
    bomb = make_bomb(megabytes=1000)
    assert len(bomb) < 1_100_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    async def body(http: Http, peer: Peer) -> Attempt:
        return (await attempt(http, peer.url))[0]

    done = against(answer(200, bomb, content_encoding="gzip"), body=body)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert (done.status, done.error, done.response) == (200, None, None)
    assert grown <= 50 * MIB


def make_bomb(*, megabytes: int) -> bytes:
    """Gzip of so many megabytes of zeros, made of one of them again and again."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = squeeze.compress(b"\0" * 1_000_000) + squeeze.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08" + bytes(7) + head * megabytes


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        ("http://169.254.169.254.nip.io/", ["169.254.169.254"]),
        ("https://localhost:5432", ["127.0.0.1"]),
        ("http://hook.example.org/", ["8.8.8.8", "10.0.0.1"]),
        ("http://2130706433/", ["127.0.0.1"]),
        ("http://0x7f000001/", ["127.0.0.1"]),
        ("http://127.1/", ["127.0.0.1"]),
        ("http://[::ffff:127.0.0.1]/", ["::ffff:127.0.0.1"]),
        ("http://[64:ff9b::7f00:1]/", ["64:ff9b::7f00:1"]),
    ],
)
def test_a_delivery_leads_to_no_private_address(url: str, addresses: list[str]) -> None:
    """However it got there and is spelled: what it resolves to is refused, and nothing connects (T12, T15, T16)."""

    async def body(http: Http, peer: Peer) -> tuple[Attempt, int]:
        return (await attempt(http, url))[0], peer.connections

    done, connections = against(body=body, allow=[], resolve=answering(addresses))
    assert (done.error, done.status, connections) == ("address_refused", None, 0)


@pytest.mark.parametrize("url", ["http://u:p@crm.example.org/", "http://crm.example.org:0/", "ftp://crm.example.org/"])
def test_a_url_that_could_not_be_saved_is_not_called_either(url: str) -> None:
    """Rules that came later than the row hold for it too."""

    async def body(http: Http, _: Peer) -> Attempt:
        return (await attempt(http, url))[0]

    assert against(body=body, resolve=answering(["127.0.0.1"])).error == "address_refused"


def test_a_name_that_changes_its_mind_is_not_followed_inside() -> None:
    """Each connection asks the resolver once and goes to the very address that was checked (T13)."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) > 1 else ["8.8.8.8"]

    async def body(http: Http, peer: Peer) -> tuple[list[str | None], int]:
        url = f"http://rebind.example.org:{peer.port}/"
        await http.check_egress(url)  # at save it leads to a public address
        return [(await attempt(http, url))[0].error for _ in range(2)], peer.connections

    errors, connections = against(body=body, allow=[], resolve=resolve)
    assert errors == ["address_refused", "address_refused"]
    assert (asked, connections) == (["rebind.example.org"] * 3, 0)
