"""The secret in the URL we gave a provider: shown in one of two ways, compared whole, and long enough."""

from __future__ import annotations

from base64 import b64encode

import pytest

from channels.contract import WebhookRequest
from channels.email.hook_secrets import check_hook_secret, shows_hook_secret

SECRET = "correct-horse-battery"


def asked(*, query: str = "", authorization: str | None = None) -> bool:
    """Whether a request with this query and header shows the secret."""
    headers = {} if authorization is None else {"authorization": authorization}
    url = f"https://switchboard.example/hooks/email-postmark/cha_1/inbound{query}"
    return shows_hook_secret(WebhookRequest(kind="inbound", method="POST", url=url, headers=headers, body=b""), SECRET)


def basic(text: str) -> str:
    """A header of Basic authentication."""
    return "Basic " + b64encode(text.encode()).decode()


def test_it_is_taken_in_the_header_or_in_the_url() -> None:
    """Either is enough, whatever else stands in the query."""
    assert asked(authorization=basic(f"switchboard:{SECRET}"))
    assert asked(query=f"?key={SECRET}")
    assert asked(query=f"?a=1&key={SECRET}&b=2")


@pytest.mark.parametrize(
    ("query", "authorization"),
    [
        ("", None),
        ("", ""),
        ("", "Basic"),
        ("", basic(SECRET)),
        ("", basic(f"other:{SECRET}")),
        ("", basic("switchboard:")),
        ("", basic(f"switchboard:{SECRET}x")),
        ("", f"Bearer {SECRET}"),
        ("?key=", None),
        ("?key", None),
        (f"?key=x&key={SECRET}", None),
        (f"?KEY={SECRET}", None),
        (f"?key={SECRET[:-1]}", None),
        (f"?key={SECRET}%00", None),
        ("?key=%ff", "é"),
        (f"?{'a' * 4_000}&key={SECRET}", None),
    ],
)
def test_anything_else_is_not_it(query: str, authorization: str | None) -> None:
    """Missing, empty, of another user, a part of it, twice, or behind more than any provider sends."""
    assert not asked(query=query, authorization=authorization)


@pytest.mark.parametrize(
    "secret", ["", "short", "a" * 15, "with spaces in it, long", "slash/slash/slash/slash", "é" * 20]
)
def test_a_weak_or_unfit_secret_is_refused(secret: str) -> None:
    """Too short to be one, or changed on its way through a URL; the text does not repeat it."""
    with pytest.raises(ValueError, match="at least 16") as refused:
        check_hook_secret("hook_secret", secret)
    assert not secret or secret not in str(refused.value)
    check_hook_secret("hook_secret", "a" * 16)
