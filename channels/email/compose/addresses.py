"""Who may stand in a header or a command of SMTP: what could break out of either is refused (security.md T39)."""

from __future__ import annotations

import re

import msgspec

from channels.email.settings import ascii_domain, check_mail_address
from channels.errors import Rejected
from channels.events import Address

BREAKING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""What ends a line, here or in some server that knows no better, and what cannot be written at all."""
DOTS = re.compile(r"^\.|\.\.|\.$")
LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
"""One name of a domain (RFC 1035 2.3.4), with the underscore that some internal ones have."""


class Box(msgspec.Struct, kw_only=True, frozen=True):
    """A checked address, its domain in ASCII, and the name beside it."""

    address: str
    name: str | None = None

    @property
    def plain(self) -> bool:
        """Whether any server can carry it, or only one with SMTPUTF8 (RFC 6531)."""
        return self.address.isascii()


def check_addr_spec(value: str) -> str:
    """The address as it is written to: one addr-spec, the domain in ASCII. Rejected for anything else."""
    try:
        check_mail_address("the recipient", value)
    except ValueError:
        raise _invalid(value) from None
    local, _, domain = value.rpartition("@")
    host = ascii_domain(domain)
    if DOTS.search(local) or not local.isprintable() or not all(map(LABEL.fullmatch, host.split("."))):
        raise _invalid(value)
    return f"{local}@{host}"


def read_box(address: Address) -> Box:
    """The address and the name beside it; Rejected where one of them could break out of its header."""
    return Box(address=check_addr_spec(address.value), name=check_line("the name of a recipient", address.name))


def check_line(what: str, value: str | None) -> str | None:
    """What may stand in a header, without white space around it; None for nothing."""
    if value is not None and BREAKING.search(value):
        raise Rejected(f"{what} has a line break or a control character in it", code="unsupported_content")
    return (value or "").strip() or None


def _invalid(value: str) -> Rejected:
    return Rejected(f"{value[:80]!r} is no mail address that can be written to", code="invalid_address")
