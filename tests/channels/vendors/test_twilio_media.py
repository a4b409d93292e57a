"""Fetching the files Twilio keeps: where the credentials go, and where they never go."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from channels.contract import Media
from channels.egress import EgressRefused
from channels.errors import Misconfigured, Rejected, SendFailed, Throttled, Unreachable
from channels.http import Http
from channels.vendors.twilio import TwilioSettings
from channels.vendors.twilio_rest import MAX_MEDIA_BYTES, download_media, is_twilios
from tests.channels.local_server import Answer, Peer, hang_up
from tests.channels.vendors.twilio_server import ACCOUNT, TOKEN, against, answer, head_of, settings_for

MEDIA_PATH = f"/2010-04-01/Accounts/{ACCOUNT}/Messages/MM1/Media/ME1"


def download(*answers: Answer, path: str = MEDIA_PATH, **settings: Any) -> tuple[Media | SendFailed, Peer]:
    """One file fetched."""

    async def work(http: Http, peer: Peer) -> Media:
        return await download_media(http, settings_for(peer, **settings), peer.url + path)

    return against(*answers, work=work)


def test_a_file_is_fetched_with_the_credentials() -> None:
    """The bytes come back with the type and the name Twilio claims."""
    given = answer(200, b"\x89PNG", content_type="image/png", content_disposition='inline; filename="a b.png"')
    media, peer = download(given)
    assert media == Media(content=b"\x89PNG", media_type="image/png", name="a b.png")
    assert head_of(peer.requests[0])[1]["authorization"].startswith("Basic ")


def test_the_redirect_is_followed_once_and_without_credentials() -> None:
    """Twilio sends us on to where the bytes lie; whoever that is does not get the account's token."""
    media, peer = download(answer(307, location="/cdn/file?sig=1"), answer(200, b"bytes"))
    first, second = map(head_of, peer.requests)
    assert isinstance(media, Media)
    assert (media.content, second[0]) == (b"bytes", "GET /cdn/file?sig=1 HTTP/1.1")
    assert ("authorization" in first[1], "authorization" in second[1]) == (True, False)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_second_redirect_is_not_followed(status: int) -> None:
    """One hop is Twilio's way; a chain is not."""
    failure, peer = download(answer(status, location="/a"), answer(status, location="/b"), answer(200, b"x"))
    assert isinstance(failure, Rejected)
    assert len(peer.requests) == 2


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "//[bad",
        "http://127.0.0.1:1/",
        "ftp://a/",
        "data:,x",
        "gopher://x",
    ],
)
def test_a_redirect_to_no_safe_place_is_refused(location: str) -> None:
    """Only TLS, or the address the operator configured, is followed; nothing else is even connected to."""
    failure, peer = download(answer(302, location=location))
    assert isinstance(failure, Rejected)
    assert len(peer.requests) == 1


def test_a_redirect_inside_is_stopped_by_the_guard() -> None:
    """A TLS address inside our own network is refused by the client before a connection is made."""
    failure, peer = download(answer(302, location="https://10.0.0.1/x"))
    assert isinstance(failure, EgressRefused)
    assert peer.connections == 1


@pytest.mark.parametrize(
    ("given", "kind", "retry"),
    [
        (answer(404, b"<Error/>"), Rejected, False),
        (answer(410), Rejected, False),
        (answer(403, b"<Error>expired</Error>"), Rejected, False),
        (answer(401, {"code": 20003, "message": "Authenticate"}), Misconfigured, False),
        (answer(429, retry_after="2"), Throttled, True),
        (answer(500), Unreachable, True),
        (answer(503), Unreachable, True),
        (hang_up, Unreachable, True),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort", None, None),
        (answer(204), Rejected, False),
    ],
)
def test_a_file_that_does_not_come(given: Answer, kind: type[SendFailed] | None, retry: bool | None) -> None:
    """Reading may be tried again as often as need be; what is gone is not asked for again."""
    if kind is None:
        given, kind, retry = _cut_off, Unreachable, True
    failure, _ = download(given)
    assert isinstance(failure, kind)
    assert failure.retry is retry


async def _cut_off(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort")
    await writer.drain()
    writer.close()


def test_a_file_beyond_all_limits_is_refused() -> None:
    """A file larger than any of Twilio's media carries is not read to its end."""

    async def flood(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
        for _ in range(MAX_MEDIA_BYTES // 1_000_000 + 2):
            writer.write(b"x" * 1_000_000)
            await writer.drain()
        writer.close()

    failure, _ = download(flood)
    assert isinstance(failure, Rejected)
    assert failure.code == "content_too_large"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/2010-04-01/x",
        "https://api.twilio.com.evil.example/",
        "https://eviltwilio.com/",
        "http://api.twilio.com/",
        "https://api.twilio.com@evil.example/",
        "https://evil.example\\.twilio.com/",
        "https://evil.example\\@api.twilio.com/",
        "https://user:pw@api.twilio.com/",
        "https://api.twilio.com:8443/",
        "https://api.twilio.com:x/",
        "https://[::1]/",
        "//api.twilio.com/",
        "",
        "ftp://api.twilio.com/",
        "https://evil.example/?.twilio.com",
        "https://evil.example#.twilio.com",
        "https://api\u3002twilio.com/",
        "javascript:alert(1)",
        "https://[bad",
        "https://.twilio.com/",
    ],
)
def test_credentials_never_go_to_another_host(url: str) -> None:
    """A media URL of any other host is refused, with no request at all: an event may name whatever it likes."""

    async def work(http: Http, peer: Peer) -> Media:
        return await download_media(http, TwilioSettings(account_sid=ACCOUNT, auth_token=TOKEN), url or peer.url)

    failure, peer = against(answer(200, b"x"), work=work)
    assert isinstance(failure, Rejected)
    assert peer.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        "https://api.twilio.com/2010-04-01/x",
        "https://mms.twilio.com/a",
        "https://API.twilio.com:443/",
        "https://a.b.twilio.com/?x",
    ],
)
def test_twilios_own_hosts_are_known(url: str) -> None:
    """Its API and its other hosts over TLS, however the name is written."""
    assert is_twilios(url, TwilioSettings(account_sid=ACCOUNT, auth_token=TOKEN))


@pytest.mark.parametrize(
    "disposition",
    [
        "",
        "inline",
        "attachment; filename=",
        "attachment; filename*=utf-8''%e2%82%ac",
        "attachment; filename*=nonsense''%ff",
        ";;;=",
        "\xff",
    ],
)
def test_an_odd_file_name_is_no_error(disposition: str) -> None:
    """A name is decoration: whatever the header says, the bytes come through."""
    raw = (
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-disposition: " + disposition.encode("latin-1") + b"\r\n\r\nx"
    )
    media, _ = download(raw)
    assert isinstance(media, Media)
    assert media.content == b"x"
