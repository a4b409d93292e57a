"""Mails to agents are in their language, whole in each of them."""

from __future__ import annotations

import string
from datetime import UTC, datetime
from typing import get_args

import msgspec
import pytest

from channels.parts import Text
from gateway.signin.letters import link_url, write_link
from gateway.signin.words import ASKED, DEFAULT, ENDS, LOCALES, SUBJECTS, Locale, choose_locale
from inbox.kit.ids import new_id
from inbox.outbox.jobs import MailSigninLink
from inbox.staff.invitations.actions import Purpose


def _named(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("table", [SUBJECTS, ASKED, ENDS])
def test_every_language_says_as_much_as_english(table: dict[Locale, dict[Purpose, str]]) -> None:
    """The same texts with the same gaps to fill; none of them left in English."""
    assert tuple(table) == LOCALES
    for locale, texts in table.items():
        assert set(texts) == set(get_args(Purpose))
        for purpose, text in texts.items():
            assert _named(text) == _named(table[DEFAULT][purpose]), (locale, purpose)
            assert locale == DEFAULT or text != table[DEFAULT][purpose]


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        (None, "en"), ("", "en"), ("*", "en"), ("ja", "en"), ("de", "de"), ("DE-at", "de"), ("fr-CH, fr;q=0.9", "fr"),
        ("ja, zh-Hant-TW;q=0.8, en;q=0.5", "zh"), ("en;q=0.2, pt-BR;q=0.7", "pt"), ("de;q=0, ar", "ar"),
        ("es;q=nonsense, pt;q=0.1", "pt"), ("en;q=0.9, es", "es"), ("x," * 100_000 + "de", "en"), ("de; q=0.5", "de"),
        ("fr;q=nan", "en"),
    ],
)  # fmt: skip
def test_the_language_of_a_browser(header: str | None, locale: Locale) -> None:
    """The one it likes best among ours, whatever the region; what cannot be read is passed over (RFC 9110 12.5.4)."""
    assert choose_locale(header) == locale


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("purpose", get_args(Purpose))
def test_a_mail_holds_the_link_and_when_it_ends(purpose: Purpose, locale: Locale) -> None:
    """On a line of its own, as mail programs find it; the token behind the fragment; the host and not the address."""
    url = link_url("https://inbox.example.org/", purpose, token="t" * 43)
    ends_at = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
    mail = write_link("ana@example.org", purpose, link_id=new_id(), url=url, ends_at=ends_at, locale=locale)
    [part] = mail.parts
    assert isinstance(part, Text)
    assert f"https://inbox.example.org/console/{purpose}#{'t' * 43}" in part.text.splitlines()
    assert "2026-11-22 09:30 UTC" in part.text
    assert mail.letter is not None
    assert "inbox.example.org" in (mail.letter.subject or "")


def test_the_job_knows_the_same_languages() -> None:
    """What is asked for can be written."""
    known = {field.name: field.type for field in msgspec.structs.fields(MailSigninLink)}
    assert get_args(known["locale"]) == LOCALES
