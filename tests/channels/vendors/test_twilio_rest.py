"""Twilio's REST API: what we ask of it, how its answers are read, and where the credentials go."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import pytest

from channels.contract import Media
from channels.egress import EgressRefused
from channels.errors import (
    Misconfigured,
    OptedOut,
    OutcomeUnknown,
    Rejected,
    SendFailed,
    Throttled,
    Unreachable,
)
from channels.http import Http, Response
from channels.vendors.twilio import TwilioSettings
from channels.vendors.twilio_codes import MAX_REASON_CHARS
from channels.vendors.twilio_rest import (
    MAX_MEDIA_BYTES,
    create_message,
    download_media,
    is_twilios,
    open_client,
    read_failure,
)
from tests.channels.local_server import Answer, Peer, hang_up, serve

ACCOUNT = "ACf1d0c7a94be34c18a2906d57b8e3a4c1"
SID = "SM6787fac2a420ccef74091b10b0754a61"
TOKEN = "0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MEDIA_PATH = f"/2010-04-01/Accounts/{ACCOUNT}/Messages/MM1/Media/ME1"
Result = TypeVar("Result")


def answer(status: int, body: bytes | dict[str, Any] | list[Any] = b"", **headers: str) -> bytes:
    """An HTTP answer as bytes; a dictionary is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} x", f"content-length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


CREATED = answer(
    201, {"sid": SID, "status": "queued", "account_sid": ACCOUNT, "date_created": None, "error_code": None}
)


def settings_for(peer: Peer, **changes: Any) -> TwilioSettings:
    """The account, with its API at the local server."""
    return TwilioSettings(**{"account_sid": ACCOUNT, "auth_token": TOKEN, "api_url": peer.url} | changes)


def against(
    *answers: Answer, work: Callable[[Http, Peer], Awaitable[Result]], allow: str = "127.0.0.0/8"
) -> tuple[Result | SendFailed, Peer]:
    """Work done with a server that gives these answers: its result or failure, and what the server saw."""

    async def scenario() -> tuple[Result | SendFailed, Peer]:
        http = Http(allow=[allow])
        async with serve(*answers) as peer:
            try:
                return await work(http, peer), peer
            except SendFailed as failure:
                return failure, peer
            finally:
                await http.aclose()

    return asyncio.run(scenario())


def create(*answers: Answer, **settings: Any) -> tuple[tuple[str, str | None] | SendFailed, Peer]:
    """One message created."""

    async def work(http: Http, peer: Peer) -> tuple[str, str | None]:
        client = open_client(http, settings_for(peer, **settings))
        return await create_message(
            client, to="+14155550143", from_="+14155550199", body="Hallo ü", media_url=["https://a/1", "https://a/2"]
        )

    return against(*answers, work=work)


def download(*answers: Answer, path: str = MEDIA_PATH, **settings: Any) -> tuple[Media | SendFailed, Peer]:
    """One file fetched."""

    async def work(http: Http, peer: Peer) -> Media:
        return await download_media(http, settings_for(peer, **settings), peer.url + path)

    return against(*answers, work=work)


def head_of(request: bytes) -> tuple[str, dict[str, str]]:
    """The request line and the headers, names in lower case."""
    first, *lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    return first, {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


def test_a_message_is_created_as_the_package_does_it() -> None:
    """Path, form with a repeated name, and Basic authentication reach the configured address."""
    result, peer = create(CREATED)
    line, headers = head_of(peer.requests[0])
    assert result == (SID, "queued")
    assert line == f"POST /2010-04-01/Accounts/{ACCOUNT}/Messages.json HTTP/1.1"
    assert headers["authorization"] == "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
    assert parse_qsl(peer.requests[0].partition(b"\r\n\r\n")[2].decode()) == [
        ("To", "+14155550143"),
        ("From", "+14155550199"),
        ("Body", "Hallo ü"),
        ("MediaUrl", "https://a/1"),
        ("MediaUrl", "https://a/2"),
    ]


def test_an_api_key_authenticates_for_the_account() -> None:
    """The key is the user, the account stays in the path."""
    key = "SK" + "0" * 32
    _, peer = create(CREATED, api_key_sid=key, api_key_secret="s3")
    line, headers = head_of(peer.requests[0])
    assert f"/Accounts/{ACCOUNT}/" in line
    assert headers["authorization"] == "Basic " + base64.b64encode(f"{key}:s3".encode()).decode()


def test_the_environment_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """TWILIO_REGION and its like in the environment of the server do not send messages elsewhere."""
    for name in ("TWILIO_REGION", "TWILIO_EDGE", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"):
        monkeypatch.setenv(name, "elsewhere")
    assert create(CREATED)[0] == (SID, "queued")


@pytest.mark.parametrize("prefix", ["", "/", "/sim", "/sim/twilio/"])
def test_the_address_of_the_api_may_have_a_path(prefix: str) -> None:
    """A simulator may live below a path; slashes neither double nor vanish."""

    async def work(http: Http, peer: Peer) -> tuple[str, str | None]:
        client = open_client(http, settings_for(peer, api_url=peer.url + prefix))
        return await create_message(client, to="+1", from_="+2", body="x")

    _, peer = against(CREATED, work=work)
    assert head_of(peer.requests[0])[0].startswith(f"POST {prefix.rstrip('/')}/2010-04-01/Accounts/")


@pytest.mark.parametrize(
    ("given", "kind", "code"),
    [
        (answer(400, {"code": 21610, "message": "Attempt to send to unsubscribed recipient", "status": 400}), OptedOut, "opted_out"),
        (answer(400, {"code": 21211, "message": "Invalid 'To' Phone Number", "status": 400}), Rejected, "invalid_address"),
        (answer(401, {"code": 20003, "message": "Authenticate", "status": 401}), Misconfigured, "provider_auth"),
        (answer(404, {"code": 20404, "message": "not found", "status": 404}), Misconfigured, "provider_auth"),
        (answer(429, {"code": 20429, "message": "Too Many Requests", "status": 429}), Throttled, "provider_quota"),
        (answer(500, {"code": 20500, "message": "Internal Server Error", "status": 500}), OutcomeUnknown, "provider_down"),
        (answer(503, {"code": 20503, "message": "Service unavailable", "status": 503}), Unreachable, "provider_down"),
        (answer(502, b"<html>Bad Gateway</html>"), OutcomeUnknown, "provider_down"),
        (answer(400, {"type": "about:blank", "title": "Bad", "status": 400, "code": 21614, "detail": "no mobile"}), Rejected,
         "invalid_address"),
        (answer(302, b"", location="https://elsewhere.example/"), Misconfigured, "provider_auth"),
        (answer(400, b'{"code": "21614"'), Rejected, "unknown"),
    ],
)  # fmt: skip
def test_an_answer_of_failure_is_a_send_failed(given: bytes, kind: type[SendFailed], code: str) -> None:
    """Callers ask whether to try again and whose fault it was, never which provider answered what."""
    failure, peer = create(given)
    assert isinstance(failure, kind)
    assert failure.code == code
    assert len(peer.requests) == 1, "a failed creation is not repeated by the client"


def test_twilios_code_and_words_are_kept() -> None:
    """An operator reads what Twilio said, and its number."""
    failure, _ = create(
        answer(400, {"code": 21408, "message": "Permission to send has not been enabled", "status": 400})
    )
    assert isinstance(failure, Rejected)
    assert (failure.provider_code, failure.reason) == ("21408", "Permission to send has not been enabled")
    assert failure.fix
    assert "Geo permissions" in failure.fix


@pytest.mark.parametrize(
    "given",
    [
        answer(201, b""), answer(201, b"not json"), answer(201, b"[]"), answer(201, b"null"), answer(201, {"sid": None}),
        answer(201, {"sid": 5}), answer(201, b"\xff\xfe"), answer(201, {"sid": "SM1", "date_created": 7}), answer(204, b""),
        b"HTTP/1.1 201 Created\r\ncontent-length: 1000001\r\n\r\n" + b"x" * 1_000_001, hang_up,
    ],
)  # fmt: skip
def test_an_answer_that_cannot_be_read_leaves_the_outcome_unknown(given: Answer) -> None:
    """The message may have been sent: it is reconciled, never sent again blindly."""
    assert isinstance(create(given)[0], OutcomeUnknown)


def test_nobody_listening_means_nothing_was_sent() -> None:
    """A refused connection may simply be tried again."""

    async def work(http: Http, peer: Peer) -> tuple[str, str | None]:
        client = open_client(http, settings_for(peer, api_url="http://127.0.0.1:1"))
        return await create_message(client, to="+1", from_="+2", body="x")

    assert isinstance(against(CREATED, work=work)[0], Unreachable)


def test_the_guard_of_our_client_holds_for_the_package() -> None:
    """An API address inside our own network is refused unless the operator let it through."""

    async def work(http: Http, peer: Peer) -> tuple[str, str | None]:
        return await create_message(open_client(http, settings_for(peer)), to="+1", from_="+2", body="x")

    failure, peer = against(CREATED, work=work, allow="192.0.2.1")
    assert isinstance(failure, EgressRefused)
    assert peer.connections == 0


def test_no_personal_data_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Neither numbers nor words nor credentials of a message reach any logger at any level."""
    caplog.set_level(logging.DEBUG)
    create(CREATED)
    create(answer(400, {"code": 21211, "message": "Invalid 'To' Phone Number: +14155550143", "status": 400}))
    secrets = ["4155550143", "4155550199", "Hallo", TOKEN, base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()]
    assert not [secret for secret in secrets if secret in caplog.text]


@pytest.mark.parametrize(
    ("header", "after"),
    [("3", 3.0), ("Sat, 21 Nov 2026 12:00:30 GMT", 30.0), ("999999", 900.0), ("soon", None), (None, None)],
)
def test_retry_after_is_obeyed(header: str | None, after: float | None) -> None:
    """Both forms of the header are read, and an absurd wait is bounded."""
    headers = {} if header is None else {"retry-after": header}
    failure = read_failure(Response(429, headers, b'{"code": 20429}'), now=NOW)
    assert isinstance(failure, Throttled)
    assert failure.after == after


def test_a_service_that_names_a_time_is_asked_again_then() -> None:
    """A 503 is tried again, at the time it names; an internal error stays unknown however long it asks to wait."""
    busy, broken = (read_failure(Response(status, {"retry-after": "7"}, b""), now=NOW) for status in (503, 500))
    assert isinstance(busy, Throttled)
    assert (busy.after, type(broken)) == (7.0, OutcomeUnknown)


def test_a_hostile_answer_is_bounded_and_storable() -> None:
    """A page of a proxy or a NUL in the words makes neither a huge row nor one that Postgres refuses."""
    long = read_failure(Response(400, {}, json.dumps({"code": 1, "message": "x" * 9_999}).encode()), now=NOW)
    nul = read_failure(Response(400, {}, b'{"code": 21211, "message": "a\\u0000b"}'), now=NOW)
    odd = [read_failure(Response(400, {}, body), now=NOW) for body in (b"[" * 100_000, b'"\\ud800"', b"\xff", b"{}")]
    assert (len(long.reason), nul.reason) == (MAX_REASON_CHARS, "a\ufffdb")
    assert {type(failure) for failure in odd} == {Rejected}


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
        "https://evil.example/2010-04-01/x", "https://api.twilio.com.evil.example/", "https://eviltwilio.com/", "http://api.twilio.com/",
        "https://api.twilio.com@evil.example/", "https://evil.example\\.twilio.com/", "https://evil.example\\@api.twilio.com/",
        "https://user:pw@api.twilio.com/", "https://api.twilio.com:8443/", "https://api.twilio.com:x/", "https://[::1]/", "//api.twilio.com/",
        "", "ftp://api.twilio.com/", "https://evil.example/?.twilio.com", "https://evil.example#.twilio.com", "https://.twilio.com\u3002/",
        "https://api\u3002twilio.com/", "javascript:alert(1)", "https://[bad",
    ],
)  # fmt: skip
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
