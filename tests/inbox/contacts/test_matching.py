"""Addresses: one stored form, and one key for all spellings of one person."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType

from channels.events import Address
from inbox.contacts.matching import MAX_ADDRESS_CHARS, keep_address, match_key, normalise_address


def phone(text: str, country: str | None = None) -> str:
    """The stored form of a phone."""
    return normalise_address("phone", text, default_country=country)


def phone_key(text: str, country: str | None = None) -> str:
    """The key of a phone as somebody writes it."""
    return match_key("phone", phone(text, country))


def mail(text: str) -> str:
    """The stored form of a mail address."""
    return normalise_address("email", text, default_country=None)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("+55 11 8765-4321", "+55 11 98765-4321"),  # São Paulo, 2012
        ("+55 21 7654-3210", "+55 21 97654-3210"),  # Rio de Janeiro, 2013
        ("+55 31 9876-5432", "+55 31 99876-5432"),  # Belo Horizonte, where WhatsApp still names the old form
        ("+55 61 6123-4567", "+55 61 96123-4567"),  # Brasília, 2016
        ("+54 11 2345-6789", "+54 9 11 2345-6789"),  # Buenos Aires
        ("+54 351 234-5678", "+54 9 351 234-5678"),  # Córdoba
        ("+54 2966 45-6789", "+54 9 2966 45-6789"),  # Río Gallegos, four digits of area
    ],
)
def test_mobile_digit_does_not_make_another_person(old: str, new: str) -> None:
    """A Brazilian or Argentine mobile number with and without its extra 9 is the same person."""
    assert phone_key(old) == phone_key(new)
    assert phone(old) != phone(new)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+55 11 3456-7890", "+55 11 93456-7890"),  # a land line, and a mobile that has a 9 before the same digits
        ("+55 11 2345-6789", "+55 11 92345-6789"),
        ("+54 11 4345-6789", "+54 11 4345-6780"),
        ("+55 11 98765-4321", "+55 21 98765-4321"),
        ("+1 905 555 0100", "+1 955 555 0100"),
    ],
)
def test_different_lines_stay_different(one: str, other: str) -> None:
    """Land lines and other numbers are not folded into anybody's mobile."""
    assert phone_key(one) != phone_key(other)


@pytest.mark.parametrize(
    "number", ["+551134567890", "+541143456789", "+12125550100", "+390612345678", "+4915112345678"]
)
def test_a_line_without_a_fold_is_its_own_key(number: str) -> None:
    """Where nothing wavers, the key is the number."""
    assert phone_key(number) == number


@pytest.mark.parametrize(
    ("text", "country", "stored"),
    [
        ("(212) 555-0100", "US", "+12125550100"),
        ("020 7183 8750", "GB", "+442071838750"),
        ("+44 (0)20 7183 8750", None, "+442071838750"),
        ("+4402071838750", None, "+442071838750"),
        ("00 49 151 12345678", "DE", "+4915112345678"),
        ("011 15 2345-6789", "AR", "+5491123456789"),
        ("+54111523456789", None, "+5491123456789"),
        ("tel:+1-212-555-0100", None, "+12125550100"),
        ("１２１２５５５０１００", "US", "+12125550100"),
        ("12 34 56 78", "DK", "+4512345678"),
    ],
)
def test_phones_are_stored_as_e164(text: str, country: str | None, stored: str) -> None:
    """However people and countries write a number, it is stored in one form, trunk prefixes gone."""
    assert phone(text, country) == stored


@pytest.mark.parametrize(
    ("text", "stored"),
    [("72345", "72345"), ("+72345", "72345"), ("12345678", "12345678"), ("  AMAZON ", "AMAZON"), ("My Bank", "My Bank"),
     ("7-ELEVEN", "7-ELEVEN")],
)  # fmt: skip
def test_short_codes_and_sender_names_survive(text: str, stored: str) -> None:
    """A message may come from a short code or a name; each is a sender of its own."""
    assert phone(text) == stored
    assert phone_key(text) == stored


@pytest.mark.parametrize(
    "text",
    ["", "+", "+1", "+1234567", "+99912345678", "212 555 0100", "+1 212 555 0100 ext 5", "+1212555010012345",
     "AVERYLONGSENDER", "12\x0034567", "+1212\n5550100"],
)  # fmt: skip
def test_what_is_no_number_is_refused(text: str) -> None:
    """What nobody can be reached at is refused when it is written down, with words that help."""
    with pytest.raises(ValueError, match=r"number|extension"):
        phone(text)


NUMBERS = [
    phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE)
    if (example := phonenumbers.example_number_for_type(region, kind)) is not None
]


def test_every_country_keeps_its_e164_numbers() -> None:
    """The short way for numbers already in E.164 gives what the reference data gives, in all countries."""
    assert len(NUMBERS) > 400
    assert [number for number in NUMBERS if phone(number) != number] == []
    # Argentina's two examples are one number with and without the 9.
    others = {number for number in NUMBERS if not number.startswith("+54")}
    assert len({phone_key(number) for number in others}) == len(others)


@given(st.text(max_size=40))
def test_keeping_an_address_never_fails(text: str) -> None:
    """Whatever a provider delivers as a sender has a stored form that the database can hold."""
    for kind in ("phone", "email", "whatsapp", "visitor"):
        kept = keep_address(Address(kind=kind, value=text), default_country=None)
        assert 0 < len(kept) <= MAX_ADDRESS_CHARS
        assert kept.isprintable()
        assert match_key(kind, kept)


@given(st.sampled_from(NUMBERS))
def test_storing_twice_changes_nothing(number: str) -> None:
    """The stored form of a stored form is itself, and so is its key's."""
    assert phone(phone(number)) == phone(number)
    assert match_key("phone", match_key("phone", number)) == match_key("phone", number)


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        (" Ana.Ruiz@Example.ORG ", "Ana.Ruiz@example.org"),
        ("ana@bücher.example", "ana@xn--bcher-kva.example"),
        ("ana@faß.example", "ana@xn--fa-hia.example"),
        ("ana@example.org.", "ana@example.org"),
        ("jörg@example.org", "jörg@example.org"),
        ("a+tag@example.org", "a+tag@example.org"),
    ],
)
def test_mail_domains_are_stored_in_one_form(text: str, stored: str) -> None:
    """A mail domain is stored in lower case and ASCII; ß is a letter of its own (IDNA 2008)."""
    assert mail(text) == stored


def test_mail_matches_in_any_case() -> None:
    """The case of a mail address makes no other person, and is kept for writing to it."""
    assert match_key("email", mail("Ana@Example.org")) == match_key("email", mail("ana@example.org"))
    assert match_key("email", mail("strasse@x.org")) != match_key("email", mail("straße@x.org"))


@pytest.mark.parametrize(
    "text",
    ["", "ana", "@x.org", "ana@", "a b@x.org", "a@b@x.org", "ana@-x.org", "ana@[127.0.0.1]", "a\r\nBcc: x@y.org",
     "x\0@y.org", "x@y\0.org", "a>@x.org", f"{'a' * 65}@x.org", f"a@{'x.' * 130}org"],
)  # fmt: skip
def test_what_is_no_mail_address_is_refused(text: str) -> None:
    """No address with control characters, brackets or too much length gets in."""
    with pytest.raises(ValueError, match=r"mail|domain"):
        mail(text)


def test_other_kinds_stay_as_the_provider_spells_them() -> None:
    """An id of a provider is not ours to change; it only has to be one."""
    assert normalise_address("visitor", " aB-9 ", default_country=None) == "aB-9"
    assert match_key("visitor", "aB-9") == "aB-9"
    with pytest.raises(ValueError, match="printable"):
        normalise_address("whatsapp", "\0", default_country=None)
