"""The outgoing HTTP client: what it sends, what it reads, and how it says that something went wrong."""

from __future__ import annotations

import asyncio
import base64
import gzip
import tracemalloc
import zlib
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.egress import EgressRefused
from channels.errors import Misconfigured, OutcomeUnknown, SendFailed, Unreachable
from channels.http import MAX_RETRY_AFTER_SECONDS, AnswerTooLarge, Http, Response, check_url, retry_after_seconds
from tests.channels.local_server import LOOPBACK, OK, Answer, Peer, drip, hang_up, reset, serve

NOW = datetime(1994, 11, 6, 8, 49, 30, tzinfo=UTC)


def ask(*answers: Answer, path: str = "/", **options: object) -> tuple[Response | SendFailed, Peer]:
    """One request to a server that gives these answers: the response or the failure, and what the server saw."""

    async def scenario() -> tuple[Response | SendFailed, Peer]:
        http = Http(allow=LOOPBACK)
        async with serve(*answers) as peer:
            try:
                given = {"method": "GET", "url": peer.url + path} | options
                return await http.request(**given), peer  # type: ignore[arg-type]  # options vary by test
            except SendFailed as failure:
                return failure, peer
            finally:
                await http.aclose()

    return asyncio.run(scenario())


def test_a_request_arrives_as_it_was_meant() -> None:
    """Method, signed query, further parameters, form, headers and Basic authentication reach the server unchanged."""
    _, peer = ask(
        path="/a%2Fb?sig=x%2By&t=1",
        method="post",
        headers={"X-Own": "1", "Accept": "application/json"},
        params=[("q", "ö &"), ("q", "2")],
        form=[("To", "+1 555"), ("Body", "héllo\n"), ("Body", "")],
        auth=("AC1", "tokén:x"),
    )
    head, _, body = peer.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    assert lines[0] == "POST /a%2Fb?sig=x%2By&t=1&q=%C3%B6+%26&q=2 HTTP/1.1"
    assert parse_qsl(body.decode(), keep_blank_values=True) == [("To", "+1 555"), ("Body", "héllo\n"), ("Body", "")]
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert (
        "Authorization: Basic ".lower() + base64.b64encode("AC1:tokén:x".encode()).decode().lower()
        in head.decode().lower()
    )
    assert {"x-own", "accept", "user-agent"} <= headers.keys()
    assert headers["host"] == f"127.0.0.1:{peer.port}"
    assert headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("method", "content", "length"),
    [("GET", None, None), ("POST", None, "0"), ("PUT", b"abc", "3"), ("DELETE", b"", "0")],
)
def test_the_length_of_a_body_is_said(method: str, content: bytes | None, length: str | None) -> None:
    """A body, and the lack of one where a method has one, is framed by its length."""
    _, peer = ask(method=method, content=content)
    said = [line for line in peer.requests[0].lower().split(b"\r\n") if line.startswith(b"content-length")]
    assert said == ([f"content-length: {length}".encode()] if length is not None else [])


def test_a_caller_cannot_rename_the_host_or_reframe_the_message() -> None:
    """A connection is checked for one host, so no other host is named on it; smuggled framing is dropped."""
    _, peer = ask(headers={"Host": "inside.example", "Transfer-Encoding": "chunked", "Accept-Encoding": "br"})
    assert b"inside.example" not in peer.requests[0]
    assert b"chunked" not in peer.requests[0]
    assert b": br" not in peer.requests[0]


@pytest.mark.parametrize("value", ["a\r\nBcc: x", "a\nb", "a\x00", "ключ", "a\x1b"])
def test_a_header_that_cannot_be_sent_is_refused_without_showing_it(value: str) -> None:
    """Header injection ends before anything is sent, and the value, which may be a secret, is not in the error."""
    failure, peer = ask(headers={"Authorization": value})
    assert isinstance(failure, Misconfigured)
    assert value not in failure.reason
    assert peer.connections == 0


def test_an_answer_is_read_whole() -> None:
    """Status, headers in lower case with repeated ones joined, and a chunked body come back, whatever the status."""
    head = b"HTTP/1.1 429 Slow\r\nRetry-After: 3\r\nX-A: 1\r\nx-a: 2\r\ntransfer-encoding: chunked\r\n\r\n"
    answer, _ = ask(head + b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
    assert isinstance(answer, Response)
    assert (answer.status, answer.body) == (429, b"abc")
    assert (answer.headers["retry-after"], answer.headers["x-a"]) == ("3", "1, 2")


def test_redirects_are_not_followed() -> None:
    """A redirect into the inside is the caller's answer to judge, and nobody is asked at its target."""

    async def scenario() -> None:
        http = Http(allow=LOOPBACK)
        async with serve() as inside:
            location = f"HTTP/1.1 302 Found\r\nlocation: {inside.url}/\r\ncontent-length: 0\r\n\r\n".encode()
            async with serve(location) as peer:
                answer = await http.request("GET", peer.url)
                assert (answer.status, answer.headers["location"]) == (302, f"{inside.url}/")
                assert len(peer.requests) == 1
                assert inside.connections == 0
        await http.aclose()

    asyncio.run(scenario())


def test_no_cookie_is_carried_to_the_next_request() -> None:
    """Two channels at one provider share the client, and nothing of the one is told for the other."""

    async def scenario() -> None:
        http = Http(allow=LOOPBACK)
        async with serve(b"HTTP/1.1 200 OK\r\nset-cookie: who=first\r\ncontent-length: 0\r\n\r\n", OK) as peer:
            await http.request("GET", peer.url)
            await http.request("GET", peer.url)
            assert b"first" not in peer.requests[1]
        await http.aclose()

    asyncio.run(scenario())


def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would make the look-up and the connection in our place, unchecked."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    answer, peer = ask()
    assert isinstance(answer, Response)
    assert len(peer.requests) == 1


@pytest.mark.parametrize(
    ("coding", "packed"), [("gzip", gzip.compress(b"hello" * 100, mtime=0)), ("Deflate", zlib.compress(b"hello" * 100))]
)
def test_a_compressed_answer_nobody_asked_for_is_undone(coding: str, packed: bytes) -> None:
    """Some servers compress whatever they were told."""
    answer, _ = ask(
        f"HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: {len(packed)}\r\n\r\n".encode() + packed
    )
    assert isinstance(answer, Response)
    assert answer.body == b"hello" * 100


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("br", b"x"),
        ("gzip, gzip", b"x"),
        ("gzip", b"not"),
        ("gzip", gzip.compress(b"hello", mtime=0)[:-9]),
        ("gzip", b"\x1f"),
    ],
)
def test_an_answer_that_cannot_be_decoded_leaves_the_outcome_unknown(coding: str, body: bytes) -> None:
    """The request was taken, but what was said about it cannot be read."""
    failure, _ = ask(
        f"HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
    )
    assert isinstance(failure, OutcomeUnknown)


def test_data_after_the_end_of_a_compressed_body_is_not_gathered() -> None:
    """What follows the compressed data has no meaning, and would fill memory uncounted."""
    packed = gzip.compress(b"hello", mtime=0)
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n"
    failure, _ = ask(head + b"%x\r\n%s\r\n" % (len(packed), packed) + b"4\r\njunk\r\n0\r\n\r\n")
    assert isinstance(failure, OutcomeUnknown)


def test_an_answer_without_a_body_needs_no_decoding() -> None:
    """A 204 may name a coding and have nothing to decode."""
    answer, _ = ask(b"HTTP/1.1 204 No Content\r\ncontent-encoding: gzip\r\n\r\n")
    assert isinstance(answer, Response)
    assert answer.body == b""


def test_a_decompression_bomb_is_aborted() -> None:
    """About 1 MB that would become 1 GB ends at the cap, without the memory for more."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    head = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(b"\0" * 2**23) + packer.flush(zlib.Z_FULL_FLUSH)
    bomb = head + block * 128
    raw = f"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {len(bomb)}\r\n\r\n".encode() + bomb
    tracemalloc.start()
    try:
        failure, peer = ask(raw, max_bytes=1_000_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(failure, AnswerTooLarge)
    assert failure.status == 200
    assert len(peer.requests) == 1
    assert len(bomb) > 1_000_000
    assert peak < 20_000_000


@pytest.mark.parametrize(("cap", "fits"), [(10, True), (9, False)])
def test_an_answer_may_have_as_many_bytes_as_asked_for(cap: int, fits: bool) -> None:
    """The cap is a cap: exactly so many bytes are read, one more is too many."""
    answer, _ = ask(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123456789", max_bytes=cap)
    assert isinstance(answer, Response if fits else AnswerTooLarge)


@pytest.mark.parametrize(
    "answer",
    [
        hang_up,
        reset,
        b"not http at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nbroken\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcdef",
        b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 200_000 + b"\r\n\r\n",
    ],
)
def test_a_broken_answer_leaves_the_outcome_unknown(answer: Answer) -> None:
    """Once the request has left, its loss is not known, so it must not be sent again blindly."""
    failure, peer = ask(answer, method="POST", content=b"x")
    assert isinstance(failure, OutcomeUnknown)
    assert not failure.retry
    assert len(peer.requests) == 1


def test_an_answer_cut_in_the_middle_is_not_taken_for_whole() -> None:
    """Fewer bytes than were promised are no answer."""

    async def cut(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc")
        await hang_up(writer)

    failure, _ = ask(cut)
    assert isinstance(failure, OutcomeUnknown)


async def _say_nothing(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(0)


@pytest.mark.parametrize("answer", [drip, _say_nothing, b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_the_deadline_is_for_the_whole_request(answer: Answer) -> None:
    """A peer that is silent, or sends a byte now and then, is left at the deadline."""
    failure, peer = ask(answer, timeout=0.8)
    assert isinstance(failure, OutcomeUnknown)
    assert failure.code == "timeout"
    assert len(peer.requests) == 1


def test_a_refused_connection_means_nothing_was_sent() -> None:
    """Nobody listens: the message may be tried again."""

    async def scenario() -> None:
        async with serve() as peer:
            url = peer.url
        http = Http(allow=LOOPBACK)
        with pytest.raises(Unreachable) as caught:
            await http.request("POST", url, content=b"x")
        assert caught.value.retry
        assert url.rpartition(":")[2] not in caught.value.reason

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3.0),
        (" 120 ", 120.0),
        ("1.5", 1.5),
        ("0", 0.0),
        ("-5", 0.0),
        ("86400", MAX_RETRY_AFTER_SECONDS),
        ("9" * 5_000, MAX_RETRY_AFTER_SECONDS),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 7.0),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 7.0),
        ("Sun Nov  6 08:49:37 1994", 7.0),
        ("Sun, 06 Nov 1994 09:49:37 +0100", 7.0),
        ("Sun, 06 Nov 1994 08:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_RETRY_AFTER_SECONDS),
        (None, None),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("1e3", None),
        ("٣", None),
        ("Sun, 99 Nov 1994 08:49:37 GMT", None),
    ],
)
def test_retry_after_is_read_in_both_forms(header: str | None, seconds: float | None) -> None:
    """Seconds and dates are obeyed, the past means now, absurd waits are capped, nonsense says nothing."""
    assert retry_after_seconds(header, now=NOW) == seconds


@given(st.text())
def test_retry_after_never_raises(header: str) -> None:
    """Whatever a peer writes there is a wait within the cap or nothing."""
    seconds = retry_after_seconds(header, now=NOW)
    assert seconds is None or 0 <= seconds <= MAX_RETRY_AFTER_SECONDS


@pytest.mark.parametrize(
    "url",
    [
        "", "hook", "//a.example/", "ftp://a.example/", "file:///etc/passwd", "gopher://a.example/", "http:a.example",
        "http://", "http:///x", "http://?x", "https://user@a.example/", "https://u:p@a.example/", "http://@a.example/",
        "http://a.example\\@127.0.0.1/", "http://a.example/\\x", "http://a.example/\tx", "http://a.exa\nmple/",
        " http://a.example/", "http://a.example/a b", "http://a.example/\x00", "http://a.example/\x7f",
        "http://a.example/\x85", "http://a.example:0/", "http://a.example:65536/", "http://a.example:-1/",
        "http://a.example:x/", "http://a%2eexample/", "http://[::1", "http://[fe80::1%25eth0]/", "http://[127.0.0.1]/",
        "http://①②⑦.⓪.⓪.①/", "http://a.example/\ud800", "http://a,b/", "http://*/", "http://" + "a" * 300 + "/",
        "http://a.example/" + "x" * 9_000,
    ],
)  # fmt: skip
def test_an_odd_url_is_refused_before_anything_is_resolved(url: str) -> None:
    """Other schemes, user-info, spaces, control characters, backslashes, port 0 and malformed hosts end at the form."""

    async def resolve(host: str, port: int) -> list[str]:
        raise AssertionError((host, port))

    with pytest.raises(EgressRefused):
        check_url(url)
    with pytest.raises(EgressRefused):
        asyncio.run(Http(allow=LOOPBACK, resolve=resolve).request("GET", url))


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://hooks.example/a@b?c=d@e#f", b"hooks.example"),
        ("HTTP://Hooks.Example:8080", b"hooks.example"),
        ("https://[2606:4700:4700::1111]/", b"2606:4700:4700::1111"),
        ("https://müller.example/ü", b"xn--mller-kva.example"),
        ("http://my_host.example./", b"my_host.example."),
    ],
)
def test_a_plain_url_is_taken(url: str, host: bytes) -> None:
    """Everyday URLs, among them names outside ASCII, pass the check of the form."""
    assert check_url(url).raw_host == host
