"""Getting in: TLS or nothing, to a checked address, with one login that stays a secret."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from channels.egress import EgressRefused
from channels.errors import Misconfigured, Unreachable
from channels.http import Response
from channels.simulators.mail import ServerLooks
from tests.channels.email.sending.servers import PASSWORD, mail, open_desk, secured

USER: dict[str, Any] = {"smtp_user": "help", "smtp_password": PASSWORD}
OAUTH: dict[str, Any] = {
    "smtp_user": "help",
    "oauth_token_url": "https://login.example/token",
    "oauth_client_id": "client",
    "oauth_refresh_token": "refresh",
}


def test_a_server_without_starttls_hears_no_password(tmp_path: Path) -> None:
    """Whoever took it away on the way learns nothing; the mail waits with the reason (security.md T40)."""
    looks = ServerLooks(users={"help": PASSWORD})

    async def body() -> None:
        async with open_desk(looks=looks) as desk:
            failed = await desk.fail(smtp_security="starttls", **USER)
            assert type(failed) is Unreachable
            assert failed.retry
            assert "no TLS" in failed.reason
            assert failed.fix is not None
            assert "AUTH" not in desk.server.log
            assert not desk.server.ledger.accepted

    asyncio.run(body())


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_over_tls_we_log_in_and_send(tmp_path: Path, security: str) -> None:
    """From the first byte or on request; a private authority is believed where the settings name it."""
    context, pem = secured(tmp_path)
    kind = {"tls": context} if security == "tls" else {"starttls": context}
    looks = ServerLooks(users={"help": PASSWORD}, **kind)  # type: ignore[arg-type]

    async def body() -> None:
        async with open_desk(looks=looks) as desk:
            large = mail("x\r\n" * 100_000)
            await desk.send(content=large, host="localhost", smtp_security=security, smtp_ca=pem, **USER)
            assert len(desk.server.ledger.accepted) == 1

    asyncio.run(body())


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_that_is_not_the_servers_ends_it(tmp_path: Path, security: str) -> None:
    """Nobody vouches for it, or it is another host's: no password, and people read why."""
    context, pem = secured(tmp_path)
    kind = {"tls": context} if security == "tls" else {"starttls": context}
    looks = ServerLooks(users={"help": PASSWORD}, **kind)  # type: ignore[arg-type]

    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async def body() -> None:
        async with open_desk(looks=looks, resolve=resolve, allow=["127.0.0.1/32"]) as desk:
            unknown = await desk.fail(host="localhost", smtp_security=security, **USER)
            another = await desk.fail(host="mail.example", smtp_security=security, smtp_ca=pem, **USER)
            for failed in (unknown, another):
                assert type(failed) is Unreachable
                assert "certificate" in failed.reason
            assert "AUTH" not in desk.server.log

    asyncio.run(body())


def test_a_wrong_password_is_tried_once(tmp_path: Path) -> None:
    """An operator has to act; the failure says so and has no password in it."""
    context, pem = secured(tmp_path)
    looks = ServerLooks(users={"help": "another"}, starttls=context)

    async def body() -> None:
        async with open_desk(looks=looks) as desk:
            failed = await desk.fail(host="localhost", smtp_security="starttls", smtp_ca=pem, **USER)
            assert (type(failed), failed.code) == (Misconfigured, "provider_auth")
            assert "535" in failed.reason
            assert PASSWORD not in f"{failed!r} {failed.fix} {failed.__cause__!r}"
            assert desk.server.log.count("AUTH") == 1

    asyncio.run(body())


def test_a_token_that_was_withdrawn_is_fetched_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """XOAUTH2: the token endpoint is asked once for many mails, and again where the server refuses what it gave."""
    context, pem = secured(tmp_path)
    looks = ServerLooks(tokens={"help": "first"}, starttls=context)
    given = ["first", "second"]
    asked: list[list[tuple[str, str]]] = []

    async def request(_self: object, method: str, url: str, *, form: list[tuple[str, str]]) -> Response:
        asked.append(form)
        answer = {"access_token": given.pop(0), "expires_in": 3_600, "token_type": "Bearer"}
        return Response(200, {}, msgspec.json.encode(answer))

    monkeypatch.setattr("channels.http.Http.request", request)
    how: dict[str, Any] = {"host": "localhost", "smtp_security": "starttls", "smtp_ca": pem, **OAUTH}

    async def body() -> None:
        async with open_desk(looks=looks) as desk:
            await desk.send(**how)
            await desk.send(**how)
            assert len(asked) == 1
            assert ("grant_type", "refresh_token") in asked[0]
            looks.tokens["help"] = "second"
            await desk.send(**{**how, "channel": "cha_2"})
            assert len(asked) == 2
            assert len(desk.server.ledger.accepted) == 3

    asyncio.run(body())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "169.254.169.254", "::1"])
def test_inside_addresses_are_not_connected_to(host: str) -> None:
    """A mailbox's settings are no way into our own network, and the answer tells nothing (security.md T17)."""

    async def body() -> None:
        async with open_desk(allow=[]) as desk:
            failed = await desk.fail(host=host)
            assert type(failed) is EgressRefused
            assert desk.server.connections == 0

    asyncio.run(body())


def test_closed_ports_and_silent_ones_sound_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """No oracle for what listens: one text, whatever went wrong."""
    monkeypatch.setattr("channels.email.sending.session.CONNECT_SECONDS", 0.2)

    async def body() -> None:
        async with open_desk(tls=ssl.create_default_context()) as desk:
            port, desk.port = desk.port, 1
            closed = await desk.fail()
            desk.port = port
            desk.server.faults.next_mails = ["none"]
            assert closed.reason == "no connection to the mail server could be made"
            assert "refused" not in closed.reason

    asyncio.run(body())
