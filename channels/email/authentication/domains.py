"""Whose domain a mail is from, and who may speak for it. Pure.

There is no list of public suffixes here. So a domain speaks for itself and for what lies below it, since whoever runs a
domain runs those; a domain below never speaks for the one above, as DMARC's relaxed alignment would allow inside one
organisation. Where a trusted host has judged by DMARC, its word on that goes first.
"""

from __future__ import annotations

import re

from channels.email.mail import Mail
from channels.email.settings import ascii_domain

MAX_DOMAIN_CHARS = 253  # RFC 1035 3.1, without the final dot
_DOMAIN = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.){1,30}[a-z0-9-]{2,63}")


def find_from_domain(mail: Mail) -> str | None:
    """The domain of the From address, if there is exactly one mailbox and nothing else in it (T38)."""
    if not mail.clean_from or len(mail.senders) != 1 or "@" not in mail.senders[0].address:
        return None
    return fold_domain(mail.senders[0].address.rpartition("@")[2])


def fold_domain(domain: str) -> str | None:
    """A domain as it is compared: ASCII, lower case, without the final dot; None for what is none of two labels."""
    if len(domain) > MAX_DOMAIN_CHARS + 1:
        return None
    folded = ascii_domain(domain).rstrip(".").lower()
    return folded if len(folded) <= MAX_DOMAIN_CHARS and _DOMAIN.fullmatch(folded) else None


def vouches_for(signer: str | None, domain: str | None) -> bool:
    """Whether a signing or sending domain speaks for that of the From address: the same, or above it."""
    return bool(signer and domain) and (domain == signer or f"{domain}".endswith(f".{signer}"))
