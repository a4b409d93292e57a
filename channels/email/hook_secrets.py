"""The secret by which a provider of mail shows itself where it signs nothing: in the URL we gave it.

Either as the user and password of Basic authentication, which both SendGrid and Postmark send when the URL has them,
or as the parameter `key` of the URL. Either way the door keeps it out of the journal.
"""

from __future__ import annotations

import re

from channels.contract import HOOK_KEY, WebhookRequest
from channels.forms import split_form
from channels.signatures import same_secret, valid_basic_auth

HOOK_USER = "switchboard"
MIN_SECRET_CHARS = 16
MAX_QUERY_CHARS = 4_000

_SECRET = re.compile(r"[A-Za-z0-9_-]+")


def check_hook_secret(name: str, value: str) -> None:
    """ValueError unless a setting is long enough to be a secret, and can stand in a URL as it is."""
    if len(value) < MIN_SECRET_CHARS or not _SECRET.fullmatch(value):
        raise ValueError(
            f"{name} must have at least {MIN_SECRET_CHARS} letters, digits, - or _: it is all that tells the "
            "provider's requests from a stranger's"
        )


def shows_hook_secret(request: WebhookRequest, secret: str) -> bool:
    """Whether a request carries the secret; both ways are always compared, in constant time."""
    query = request.url.partition("?")[2][:MAX_QUERY_CHARS].encode("utf-8", "replace")
    given = next((value for name, value in split_form(query) if name == HOOK_KEY.encode()), b"")
    by_header = valid_basic_auth(request.headers.get("authorization"), user=HOOK_USER, password=secret)
    return same_secret(given.decode("utf-8", "replace"), secret) or by_header
