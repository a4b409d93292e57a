"""DKIM signatures, verified by ourselves (RFC 6376, RFC 8301), with the keys handed in. Pure.

The library `dkimpy` does the verifying. What strangers could make it slow with is refused before: endless white space,
a head of a hundred thousand lines, keys that nobody uses.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import dkim
from dkim.util import InvalidTagValueList, parse_tag_value

from channels.email.authentication.domains import find_from_domain, fold_domain, vouches_for
from channels.email.mail import Mail
from channels.events import Authentication, Verdict

TxtLookup: TypeAlias = Callable[[str], str | None]
"""The TXT record of a name, its strings joined: "" where there is none, None where nobody could tell."""

OURS = "us"
MAX_SIGNATURES = 5
MAX_SIGNED_BYTES = 10_000_000
"""A larger mail is not hashed: its parsing has seconds, and others wait for it."""
MAX_HEAD_BYTES = 131_072
MAX_HEAD_LINES = 2_000
MAX_LINES = 300_000
MAX_BLANKS = 1_000
"""White space in a row, and empty lines at the end: the library takes the square of it."""
MAX_SIGNATURE_BYTES = 4_096
MAX_SIGNATURE_BLANKS = 40
MAX_SIGNED_HEADERS = 150
MAX_KEY_CHARS = 1_000
"""An RSA key of 4096 bits needs 736 characters; the largest anybody publishes."""
MIN_KEY_BITS = 1_024  # RFC 8301 3.2
ALGORITHM = b"rsa-sha256"
"""The one every signer uses. SHA-1 is forbidden (RFC 8301); who signs by Ed25519 (RFC 8463) signs by this one too."""
FOUND_WANTING = (
    dkim.DKIMException,
    InvalidTagValueList,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
)
"""What the library raises on a signature or key that is none."""
_SELECTOR = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,98}[A-Za-z0-9_])?")
_FIELD = re.compile(rb"[\x21-\x39\x3b-\x7e]{1,200}:")


class Signature(NamedTuple):
    """One DKIM-Signature: its number from the top, whose it is, and the name its key lies under."""

    number: int
    domain: str
    key_name: str
    tags: dict[bytes, bytes]


def list_key_names(raw: bytes) -> list[str]:
    """The names of the TXT records that `verify_dkim` will ask for; [] for a mail it will not look at."""
    found = _read_signatures(raw) if _is_bearable(raw) else []
    return list(dict.fromkeys(each.key_name for each in found))


def verify_dkim(raw: bytes, mail: Mail, *, look_up: TxtLookup) -> Authentication | None:
    """What the signatures of a mail prove, in our own words; None for a mail too large or too odd to be looked at.

    It is aligned where a good one speaks for the domain of a clean From. Expiry (x=) goes by the clock of now.
    """
    if not _is_bearable(raw):
        return None
    domain = find_from_domain(mail)
    signatures = sorted(_read_signatures(raw), key=lambda each: not vouches_for(each.domain, domain))
    checker = _open_checker(raw) if signatures else None
    verdicts: list[Verdict] = []
    for signature in signatures:
        verdicts.append(_verify(checker, signature, look_up=look_up))
        if verdicts[-1] == "pass":
            aligned = vouches_for(signature.domain, domain)
            return Authentication(by=OURS, aligned=aligned, dkim="pass")
    return Authentication(by=OURS, dkim=verdicts[0] if verdicts else "none")


def _is_bearable(raw: bytes) -> bool:
    """Whether verifying takes a time that is in proportion."""
    head = _head_of(raw)
    return (
        len(raw) <= MAX_SIGNED_BYTES
        and len(head) <= MAX_HEAD_BYTES
        and head.count(b"\n") <= MAX_HEAD_LINES
        and raw.count(b"\n") <= MAX_LINES
        and len(raw) - len(raw.rstrip(b"\r\n")) <= MAX_BLANKS
        and b" " * MAX_BLANKS not in raw.replace(b"\t", b" ")
    )


def _head_of(raw: bytes) -> bytes:
    """The header block; all of it where no empty line ends it."""
    ends = [at for mark in (b"\r\n\r\n", b"\n\n") if (at := raw.find(mark)) >= 0]
    return raw[: min(ends)] if ends else raw


def _read_signatures(raw: bytes) -> list[Signature]:
    """The first signatures that can be one at all, in their order."""
    values = [value for name, value in _fields(_head_of(raw)) if name == b"dkim-signature"]
    found = [_read_signature(number, value) for number, value in enumerate(values[:MAX_SIGNATURES])]
    return [each for each in found if each]


def _fields(head: bytes) -> list[tuple[bytes, bytes]]:
    """Names in lower case and values with their folding."""
    fields: list[list[bytes]] = []
    for line in head.split(b"\n"):
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1].append(line)
        elif _FIELD.match(line):
            fields.append([line])
    return [(name.strip().lower(), value) for name, _, value in (b"\n".join(each).partition(b":") for each in fields)]


def _read_signature(number: int, value: bytes) -> Signature | None:
    blanks = b" " * MAX_SIGNATURE_BLANKS in re.sub(rb"\s", b" ", value[:MAX_SIGNATURE_BYTES])
    if len(value) > MAX_SIGNATURE_BYTES or blanks:
        return None
    try:
        tags = parse_tag_value(value)
        domain, selector = tags[b"d"].decode(), tags[b"s"].decode()
    except (InvalidTagValueList, KeyError, UnicodeDecodeError):
        return None
    folded = fold_domain(domain)
    if folded is None or not _SELECTOR.fullmatch(selector):
        return None
    return Signature(number, folded, f"{selector.lower()}._domainkey.{folded}", tags)


def _open_checker(raw: bytes) -> dkim.DKIM | None:
    """The library over the mail, which it takes apart once; None for a head it cannot read."""
    try:
        return dkim.DKIM(raw, minkey=MIN_KEY_BITS)
    except FOUND_WANTING:
        return None


def _verify(checker: dkim.DKIM | None, signature: Signature, *, look_up: TxtLookup) -> Verdict:
    """One signature: "neutral" for one that proves too little to be believed, though it may be good."""
    if checker is None or not _is_acceptable(signature.tags):
        return "neutral"
    record = look_up(signature.key_name)
    if record is None:
        return "temperror"
    try:
        if not _is_in_earnest(_parse_key(record), signature):
            return "neutral"
        checked = checker.verify(idx=signature.number, dnsfunc=_answer(record))
    except dkim.ValidationError:
        return "fail"
    except FOUND_WANTING:
        return "permerror"
    return "pass" if checked else "fail"


def _is_acceptable(tags: dict[bytes, bytes]) -> bool:
    """Whether it covers the From and the whole body, by an algorithm that holds: what l= leaves out anybody may add."""
    names = [name.strip().lower() for name in tags.get(b"h", b"").split(b":")]
    return tags.get(b"a") == ALGORITHM and b"l" not in tags and b"from" in names and len(names) <= MAX_SIGNED_HEADERS


def _parse_key(record: str) -> dict[bytes, bytes]:
    """A key record's tags; an error for none, for a bad one, and for one that is longer than any in use."""
    if not record or len(record) > MAX_KEY_CHARS or not record.isascii():
        raise ValueError("no key")
    tags: dict[bytes, bytes] = parse_tag_value(record.encode())
    dkim.evaluate_pk("key", record.encode())  # the library itself takes a bad key for a bad signature
    return tags


def _is_in_earnest(key: dict[bytes, bytes], signature: Signature) -> bool:
    """RFC 6376 3.6.1: t=y is a test, to be treated as unsigned; with t=s the signer is the very domain."""
    flags = {each.strip().lower() for each in key.get(b"t", b"").split(b":")}
    identity = signature.tags.get(b"i", b"").rpartition(b"@")[2].decode("ascii", "replace")
    strict = b"s" in flags and bool(identity) and fold_domain(identity) != signature.domain
    return b"y" not in flags and not strict


def _answer(record: str) -> Callable[..., bytes]:
    """The record as the library asks for it: by a name it makes itself, of the same signature."""
    return lambda _name, timeout=0: record.encode()
