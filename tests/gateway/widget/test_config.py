"""What a page learns of a chat before anybody has a session: nothing that is not for all."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from channels.parts import Form, FormField
from channels.webchat.settings import Article, Home, WebchatSettings
from gateway.widget.config import choose_locale, show_config

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SECRET = "0123456789abcdef0123456789abcdef"


def test_no_secret_is_in_it() -> None:
    """Keys, audiences and the sites that may speak stay with us."""
    chat = WebchatSettings(
        origins=["https://shop.example"], verification="required", identity_secret=SECRET, jwt_secret=SECRET,
        jwt_audience="our-audience", home=Home(articles=[Article(title="Returns", url="https://shop.example/r")]),
    )  # fmt: skip
    shown = msgspec.json.encode(show_config("cha_1", chat, locale="en", push_key=None, mails=False, now=NOW)).decode()
    for hidden in (SECRET, "our-audience", "origins", "user_system"):
        assert hidden not in shown
    assert '"verification":"required"' in shown
    assert "https://shop.example/r" in shown


def test_the_nearest_language_is_chosen() -> None:
    """The very one, else the language without its country, else the chat's own."""
    chat = WebchatSettings(locales=["en", "pt", "pt-BR"], default_locale="pt")
    asked = {"pt-BR": "pt-BR", "pt-br": "pt-BR", "pt-AO": "pt", "en-GB": "en", "de": "pt", None: "pt", "": "pt"}
    assert {one: choose_locale(chat, one) for one in asked} == asked


def test_the_form_before_the_chat_is_answered_under_a_name_of_its_own() -> None:
    """Whatever an operator calls it, its answers are told from those to any form of a message."""
    form = Form(id="anything", fields=[FormField(name="order", label="Order")])
    shown = show_config("cha_1", WebchatSettings(pre_chat=form), locale="en", push_key=None, mails=False, now=NOW)
    assert shown.pre_chat is not None
    assert shown.pre_chat.id == "pre_chat"
    assert shown.hours.state == "open"
