"""The accounts and numbers a simulated Twilio knows, and who may use them."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime

import msgspec


class TwilioAccount(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An account. Webhooks are signed with `token`; `secondary_token` opens the REST side too, as during rotation.

    `api_keys` are key sid and secret. A sub-account names its parent as `owner`, whose credentials open it as well.
    """

    sid: str
    token: str
    secondary_token: str | None = None
    api_keys: dict[str, str] = {}
    owner: str | None = None
    created: datetime = msgspec.field(default_factory=lambda: datetime.now(UTC))


class TwilioNumber(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A number an account owns: `hook` is its incoming-message URL, `service` the messaging service it belongs to.

    `advanced_opt_out` is the service's feature of that name: its webhooks then say what Twilio took a keyword for.
    """

    number: str
    account_sid: str
    hook: str | None = None
    service: str | None = None
    advanced_opt_out: bool = False

    @property
    def opt_out_scope(self) -> str:
        """What STOP stops: the whole messaging service, or this number alone."""
        return self.service or self.number


def may_use_account(
    account: TwilioAccount, credentials: tuple[str, str], *, accounts: dict[str, TwilioAccount]
) -> bool:
    """Whether user name and password open the account: its own, one of its API keys, or its parent's."""
    keyring = [account, *([accounts[account.owner]] if account.owner in accounts else [])]
    username, password = credentials
    for holder in keyring:
        if username == holder.sid and password in (holder.token, holder.secondary_token):
            return True
        if holder.api_keys.get(username) == password:
            return True
    return False


def read_basic_auth(header: str) -> tuple[str, str]:
    """User name and password of an `Authorization: Basic` header (RFC 7617), empty where it is none."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        username, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return username, password
