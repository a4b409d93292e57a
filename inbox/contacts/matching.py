"""When two addresses are one person's: the form an address is stored in, and the key that equal addresses share. Pure.

Stored is what a message can be sent to; the key forgets the spellings between which providers and people waver. Both
are worked out for every inbound message, so an address that is already in its stored form takes a short way.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import idna
import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberFormat, ValidationResult

from channels.events import Address, AddressKind

MAX_ADDRESS_CHARS = 254
"""The longest mail address that can travel (RFC 5321 4.5.3.1.3); nothing else is longer."""
MAX_LOCAL_CHARS = 64
"""The longest part before the @ (RFC 5321 4.5.3.1.1)."""

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
SHORT_CODE = re.compile(r"\+?[0-9]{3,6}")
LONG_SHORT_CODE = re.compile(r"[0-9]{7,8}")
"""Some countries have service numbers as long as others' telephone numbers."""
SENDER_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 &+._-]{1,11}")
"""An alphanumeric sender: at most 11 characters of the GSM alphabet, a letter among them (3GPP TS 23.040 9.1.2.5)."""
LOCAL_PART = re.compile(r"[^\x00-\x20\x7f\"(),:;<>@\[\\\]]+")
"""A dot-atom, taken generously; quoted local parts are read as spelling errors, which they nearly always are."""

FOLDS = {
    # Brazil gave all mobiles a ninth digit, the 9, from 2012 to 2016. Eight digits that begin with 6-9 were a mobile;
    # land lines begin with 2-5 and never got one. It is added, not dropped: 9 3456-7890 without it is a land line.
    "+55": (re.compile(r"\+55([1-9]{2})([6-9][0-9]{7})"), r"+55\g<1>9\2"),
    # Argentina puts a 9 before the area code of mobiles called from abroad. A number belongs to a mobile or to a land
    # line, never to both, so without it none of them meets another.
    "+54": (re.compile(r"\+549([0-9]{10})"), r"+54\1"),
}
"""By the start of the number: the pattern of a spelling, and the spelling that stands for both."""


def match_key(kind: AddressKind, address: str) -> str:
    """What this address shares with every other spelling of itself; addresses are given in their stored form."""
    if kind == "phone":
        fold = FOLDS.get(address[:3])
        return fold[0].sub(fold[1], address) if fold and fold[0].fullmatch(address) else address
    if kind == "email":
        local, _, domain = address.rpartition("@")
        return f"{local.lower()}@{domain}" if local else address.lower()  # casefold() would take an ß for ss
    return address


def normalise_address(kind: AddressKind, text: str, *, default_country: str | None) -> str:
    """The address in the form it is stored and written to; ValueError says what is wrong with it.

    Phones in E.164, short codes and alphanumeric senders as they are; mail with its domain in lower case and ASCII
    (IDNA 2008); other kinds as the provider spells them. `default_country` (ISO 3166-1) reads national numbers.
    """
    if kind == "phone":
        return text if _is_plain_e164(text) else _read_phone(text.strip(), default_country)
    if kind == "email":
        return _read_mail(text.strip())
    return _check_opaque(text.strip())


def keep_address(address: Address, *, default_country: str | None) -> str:
    """As `normalise_address`, but for what a provider delivered: a spelling we cannot read is kept, not refused."""
    try:
        return normalise_address(address.kind, address.value, default_country=default_country)
    except ValueError:
        visible = "".join(char for char in address.value if char.isprintable())
        return visible.strip()[:MAX_ADDRESS_CHARS] or "unknown"


def _is_plain_e164(text: str) -> bool:
    """Whether the digits are as many as numbers of their country have: then nothing is left to be done."""
    if not E164.fullmatch(text):
        return False
    lengths = _national_lengths(text[1]) or _national_lengths(text[1:3]) or _national_lengths(text[1:4])
    return len(text) in lengths


@cache
def _national_lengths(calling_code: str) -> frozenset[int]:
    """How long numbers of this country calling code are, with the + and the code; none where there is no such code."""
    regions = phonenumbers.region_codes_for_country_code(int(calling_code))
    metadata = regions and PhoneMetadata.metadata_for_region_or_calling_code(int(calling_code), regions[0])
    general = metadata.general_desc if metadata else None
    lengths = general.possible_length if general else ()
    return frozenset(1 + len(calling_code) + length for length in lengths)


def _read_phone(text: str, default_country: str | None) -> str:
    if SHORT_CODE.fullmatch(text):
        return text.removeprefix("+")
    if SENDER_NAME.fullmatch(text) and not text.startswith("+"):
        return text
    number = _parse_phone(text, default_country)
    if number is None and LONG_SHORT_CODE.fullmatch(text):
        return text
    if number is None:
        raise ValueError("not a telephone number: write it with + and the country code, such as +442071838750")
    if number.extension:
        raise ValueError("an extension cannot be written to: leave it out")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _parse_phone(text: str, default_country: str | None) -> phonenumbers.PhoneNumber | None:
    """A number that its country's numbering plan has room for; newer than our data is fine, impossible is not."""
    try:
        number = phonenumbers.parse(text, default_country)
    except phonenumbers.NumberParseException:
        return None
    possible = phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE
    return number if possible else None


def _read_mail(text: str) -> str:
    local, at, domain = text.rpartition("@")
    if not at or not LOCAL_PART.fullmatch(local) or not local.isprintable() or len(local) > MAX_LOCAL_CHARS:
        raise ValueError("not a mail address: write it as name@example.org")
    address = f"{unicodedata.normalize('NFC', local)}@{_read_domain(domain)}"
    if len(address) > MAX_ADDRESS_CHARS:
        raise ValueError(f"a mail address has at most {MAX_ADDRESS_CHARS} characters")
    return address


def _read_domain(domain: str) -> str:
    try:
        return idna.encode(domain.removesuffix("."), uts46=True, transitional=False).decode()
    except idna.IDNAError:
        raise ValueError("the part after the @ is not the name of a domain") from None


def _check_opaque(text: str) -> str:
    if not text or not text.isprintable() or len(text) > MAX_ADDRESS_CHARS:
        raise ValueError(f"an address has 1 to {MAX_ADDRESS_CHARS} printable characters")
    return text
