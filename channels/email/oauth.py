"""Access tokens for mailboxes that are logged in to with OAuth 2: a refresh token becomes one for an hour or so.

RFC 6749 6 for the exchange; SASL XOAUTH2 is Google's and Microsoft's way to use it in IMAP and SMTP:
https://developers.google.com/workspace/gmail/imap/xoauth2-protocol
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Protocol

import msgspec

from channels.errors import Misconfigured, OutcomeUnknown, SendFailed, Unreachable
from channels.http import Http, Response
from channels.signatures import same_secret

EARLY_SECONDS = 120.0
"""How long before its end a token is replaced: a login may take its time."""
DEFAULT_SECONDS = 3_600.0
MAX_TOKENS = 1_000
"""Accounts whose tokens one process remembers."""
FIX = "connect the mailbox anew: its refresh token is no longer accepted"


class OAuthAccount(Protocol):
    """The settings of OAuth 2, as `SmtpSettings` has them."""

    @property
    def oauth_token_url(self) -> str | None: ...  # noqa: D102 - said by its name

    @property
    def oauth_client_id(self) -> str | None: ...  # noqa: D102 - said by its name

    @property
    def oauth_client_secret(self) -> str | None: ...  # noqa: D102 - said by its name

    @property
    def oauth_refresh_token(self) -> str | None: ...  # noqa: D102 - said by its name

    @property
    def oauth_scope(self) -> str | None: ...  # noqa: D102 - said by its name


class _Granted(msgspec.Struct):
    access_token: str
    expires_in: float = DEFAULT_SECONDS


class _Refused(msgspec.Struct):
    error: str = ""


class AccessTokens:
    """The tokens of one process, fetched by the guarded client and kept in memory alone."""

    def __init__(self, http: Http, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._http = http
        self._clock = clock
        self._kept: dict[bytes, tuple[str, float]] = {}
        self._turn = asyncio.Lock()

    async def fetch_token(self, account: OAuthAccount, *, refused: str | None = None) -> str:
        """A token that is good for a while; never `refused`, which the server did not take. Fails as a send does."""
        name = _name(account)
        async with self._turn:  # who asks for the same account meanwhile finds it here
            token, until = self._kept.get(name, ("", float("-inf")))
            if until <= self._clock() or same_secret(token, refused or ""):
                token, until = await self._ask(account)
                self._remember(name, token, until)
        return token

    async def _ask(self, account: OAuthAccount) -> tuple[str, float]:
        try:
            response = await self._http.request("POST", account.oauth_token_url or "", form=_form(account))
        except OutcomeUnknown as lost:  # to ask again does no harm
            raise Unreachable(f"the token endpoint gave no answer: {lost.reason}") from lost
        if response.status != 200:
            raise _refusal(response)
        try:
            granted = msgspec.json.decode(response.body, type=_Granted, strict=False)
        except msgspec.MsgspecError:
            raise Unreachable("the token endpoint answered with no token") from None
        return granted.access_token, self._clock() + max(0.0, granted.expires_in - EARLY_SECONDS)

    def _remember(self, name: bytes, token: str, until: float) -> None:
        self._kept.pop(name, None)
        self._kept[name] = (token, until)
        while len(self._kept) > MAX_TOKENS:
            del self._kept[next(iter(self._kept))]


def _name(account: OAuthAccount) -> bytes:
    parts = (account.oauth_token_url, account.oauth_client_id, account.oauth_refresh_token)
    return sha256("\n".join(part or "" for part in parts).encode()).digest()


def _form(account: OAuthAccount) -> list[tuple[str, str]]:
    fields = {
        "grant_type": "refresh_token",
        "refresh_token": account.oauth_refresh_token,
        "client_id": account.oauth_client_id,
        "client_secret": account.oauth_client_secret,
        "scope": account.oauth_scope,
    }
    return [(name, value) for name, value in fields.items() if value]


def _refusal(response: Response) -> SendFailed:
    """400 and 401 are final (RFC 6749 5.2): the grant was withdrawn or the client is wrong; the rest may pass."""
    try:
        word = msgspec.json.decode(response.body, type=_Refused).error[:100]
    except msgspec.MsgspecError:
        word = ""
    if response.status in {400, 401, 403}:
        code = word or str(response.status)
        return Misconfigured(f"the token endpoint refused us: {code}", provider_code=code, fix=FIX)
    return Unreachable(f"the token endpoint answered {response.status}", provider_code=str(response.status))
