"""Twilio's REST API: what we ask of it, and how its answers are read."""

from __future__ import annotations

import base64
import io
import json
import logging
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest

from channels.egress import EgressRefused
from channels.errors import Misconfigured, OptedOut, OutcomeUnknown, Rejected, SendFailed, Throttled, Unreachable
from channels.http import Http, Response
from channels.vendors.twilio_codes import MAX_REASON_CHARS
from channels.vendors.twilio_rest import create_message, open_client, read_failure
from tests.channels.local_server import Answer, Peer, hang_up
from tests.channels.vendors.twilio_server import (
    ACCOUNT,
    CREATED,
    SID,
    TOKEN,
    against,
    answer,
    head_of,
    settings_for,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def create(*answers: Answer, **settings: Any) -> tuple[tuple[str, str | None] | SendFailed, Peer]:
    """One message created."""

    async def work(http: Http, peer: Peer) -> tuple[str, str | None]:
        client = open_client(http, settings_for(peer, **settings))
        return await create_message(
            client, to="+14155550143", from_="+14155550199", body="Hallo ü", media_url=["https://a/1", "https://a/2"]
        )

    return against(*answers, work=work)


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


def error(status: int, code: int, message: str = "no") -> bytes:
    """An answer of failure in Twilio's old form."""
    more = f"https://www.twilio.com/docs/errors/{code}"
    return answer(status, {"code": code, "message": message, "more_info": more, "status": status})


PROBLEM = {"type": "about:blank", "title": "Bad", "status": 400, "code": 21614, "detail": "no mobile"}


@pytest.mark.parametrize(
    ("given", "kind", "code"),
    [
        (error(400, 21610), OptedOut, "opted_out"),
        (error(400, 21211), Rejected, "invalid_address"),
        (error(401, 20003), Misconfigured, "provider_auth"),
        (error(404, 20404), Misconfigured, "provider_auth"),
        (error(429, 20429), Throttled, "provider_quota"),
        (error(500, 20500), OutcomeUnknown, "provider_down"),
        (error(503, 20503), Unreachable, "provider_down"),
        (answer(502, b"<html>Bad Gateway</html>"), OutcomeUnknown, "provider_down"),
        (answer(400, PROBLEM), Rejected, "invalid_address"),
        (answer(302, location="https://elsewhere.example/"), Misconfigured, "provider_auth"),
        (answer(400, b'{"code": "21614"'), Rejected, "unknown"),
    ],
)
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
        *(answer(201, body) for body in (b"", b"not json", b"[]", b"null", b"\xff\xfe")),
        *(answer(201, body) for body in ({"sid": None}, {"sid": 5}, {"sid": "SM1", "date_created": 7})),
        answer(204),
        answer(201, b"x" * 1_000_001),
        hang_up,
    ],
)
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


def test_no_personal_data_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither numbers nor words nor credentials of a message reach any logger at any level."""
    written = io.StringIO()
    monkeypatch.setattr(logging.root, "handlers", [logging.StreamHandler(written)])
    monkeypatch.setattr(logging.root, "level", logging.DEBUG)
    logging.getLogger("twilio").debug("listening")
    create(CREATED)
    create(error(400, 21211, "Invalid 'To' Phone Number: +14155550143"))
    secrets = ["4155550143", "4155550199", "Hallo", TOKEN, base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()]
    assert "listening" in written.getvalue()
    assert not [secret for secret in secrets if secret in written.getvalue()]


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
