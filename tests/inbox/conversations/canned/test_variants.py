"""Which text of a canned reply is taken, and which sets of texts cannot be saved."""

from __future__ import annotations

import pytest

from inbox.conversations.canned.variants import Variant, check_variants, choose_variant

EVERY = [
    Variant(text="any"),
    Variant(text="sms", channel="sms"),
    Variant(text="pt", language="pt"),
    Variant(text="pt-PT", language="pt-PT"),
    Variant(text="sms pt", channel="sms", language="pt"),
    Variant(text="email pt-BR", channel="email", language="pt-BR"),
    Variant(text="es-MX", language="es-MX"),
]


@pytest.mark.parametrize(
    ("channel", "language", "text"),
    [
        ("sms", "pt", "sms pt"),
        ("sms", "pt-BR", "sms pt"),
        ("email", "pt-BR", "email pt-BR"),
        ("email", "PT-br", "email pt-BR"),
        ("email", "pt", "pt"),
        ("webchat", "pt-PT", "pt-PT"),
        ("sms", "pt-PT", "pt-PT"),
        ("webchat", "es-ES", "es-MX"),
        ("webchat", "es", "es-MX"),
        ("sms", "de", "sms"),
        ("sms", None, "sms"),
        ("email", "de", "any"),
        (None, None, "any"),
        (None, "pt-BR", "pt"),
    ],
)
def test_the_language_weighs_more_than_the_channel(channel: str | None, language: str | None, text: str) -> None:
    """Exactly this language, its base, another region of it, none; in each, this channel before any."""
    assert choose_variant(EVERY, channel=channel, language=language).text == text


@pytest.mark.parametrize("channel", ["sms", "email", None])
@pytest.mark.parametrize("language", ["pt", "de", None])
def test_no_foreign_variant_is_ever_taken(channel: str | None, language: str | None) -> None:
    """A text for another channel, or in another language, is never sent."""
    chosen = choose_variant(EVERY, channel=channel, language=language)
    assert chosen.channel in (None, channel)
    assert chosen.language is None or (language and chosen.language.startswith(language))


@pytest.mark.parametrize(
    ("variants", "problems"),
    [
        (EVERY, []),
        ([Variant(text="a", channel="sms")], [("", "no_default")]),
        ([Variant(text="a"), Variant(text="b")], [("/1", "duplicate")]),
        ([Variant(text="a"), Variant(text="b", language="PT"), Variant(text="c", language="pt")],
         [("/2", "duplicate")]),
        ([Variant(text="a"), Variant(text="{{ x }}", language="pt")], [("/1/text", "unknown_variable")]),
        ([Variant(text="{{"), Variant(text="{{ y }}")], [("/0/text", "syntax"), ("/1/text", "unknown_variable"),
                                                         ("/1", "duplicate")]),
    ],
)  # fmt: skip
def test_a_set_without_a_text_for_everybody_is_refused(
    variants: list[Variant], problems: list[tuple[str, str]]
) -> None:
    """One variant is for the rest, no two are for the same, and every template is one; all that is wrong is told."""
    assert [(one.pointer, one.code) for one in check_variants(variants)] == problems
