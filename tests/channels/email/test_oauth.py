"""Access tokens: fetched once, kept while they are good, and never asked for in the clear of a log."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from channels.email.oauth import AccessTokens
from channels.email.settings import SmtpSettings
from channels.errors import Misconfigured, OutcomeUnknown, Unreachable
from channels.http import Http, Response

SETTINGS = SmtpSettings(
    address="help@shop.example",
    smtp_host="mail.example",
    smtp_user="help",
    oauth_token_url="https://login.example/token",
    oauth_client_id="client",
    oauth_client_secret="secret",
    oauth_refresh_token="refresh",
)


class Endpoint(Http):
    """A token endpoint that answers as it is told."""

    def __init__(self, *answers: Response | Exception) -> None:
        super().__init__()
        self.answers = list(answers)
        self.forms: list[dict[str, str]] = []

    async def request(self, method: str, url: str, **more: Any) -> Response:
        """The next answer."""
        assert (method, url) == ("POST", "https://login.example/token")
        self.forms.append(dict(more["form"]))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def granted(token: str, **more: Any) -> Response:
    """A token."""
    return Response(200, {}, msgspec.json.encode({"access_token": token, **more}))


def test_a_token_is_kept_until_shortly_before_its_end() -> None:
    """Two minutes early, since a login takes its time; and for all who ask meanwhile."""
    now = [0.0]
    endpoint = Endpoint(granted("one", expires_in="3600"), granted("two"))

    async def body() -> None:
        tokens = AccessTokens(endpoint, clock=lambda: now[0])
        assert set(await asyncio.gather(*(tokens.fetch_token(SETTINGS) for _ in range(5)))) == {"one"}
        now[0] = 3_479
        assert await tokens.fetch_token(SETTINGS) == "one"
        now[0] = 3_481
        assert await tokens.fetch_token(SETTINGS) == "two"

    asyncio.run(body())
    assert endpoint.forms[0] == {
        "grant_type": "refresh_token", "refresh_token": "refresh", "client_id": "client", "client_secret": "secret",
    }  # fmt: skip


def test_a_refused_token_is_replaced() -> None:
    """Once for the token that was refused, not for one that came after it."""

    async def body() -> None:
        tokens = AccessTokens(Endpoint(granted("one"), granted("two")))
        assert await tokens.fetch_token(SETTINGS) == "one"
        assert await tokens.fetch_token(SETTINGS, refused="one") == "two"
        assert await tokens.fetch_token(SETTINGS, refused="one") == "two"

    asyncio.run(body())


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Response(400, {}, b'{"error":"invalid_grant"}'), Misconfigured),
        (Response(401, {}, b"<html>"), Misconfigured),
        (Response(503, {}, b""), Unreachable),
        (Response(200, {}, b"{}"), Unreachable),
        (OutcomeUnknown("lost"), Unreachable),
    ],
)
def test_what_fails_says_whether_to_try_again(answer: Response | Exception, kind: type[Exception]) -> None:
    """A grant that was withdrawn is the operator's matter; to ask twice does no harm."""

    async def body() -> None:
        with pytest.raises(kind) as failed:
            await AccessTokens(Endpoint(answer)).fetch_token(SETTINGS)
        assert "refresh" not in str(failed.value)
        assert "secret" not in str(failed.value)

    asyncio.run(body())
