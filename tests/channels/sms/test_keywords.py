"""Keywords: which texts say stop, start or help, and which only look like it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.sms.keywords import KEYWORDS, LONGEST_KEYWORD_MESSAGE, read_keyword

TWILIO_STOPS = ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"]


@pytest.mark.parametrize("word", TWILIO_STOPS)
def test_every_stop_word_of_twilio_stops(word: str) -> None:
    """What Twilio obeys as an opt-out we obey too, before and without it."""
    assert [read_keyword(word), read_keyword(word.lower()), read_keyword(word.title())] == ["stop"] * 3


@pytest.mark.parametrize(
    ("text", "meaning"), [("start", "start"), ("UNSTOP", "start"), ("Help", "help"), ("info", "help")]
)
def test_start_and_help_are_known(text: str, meaning: str) -> None:
    """START and UNSTOP give consent back, HELP and INFO change nothing but are recognised."""
    assert read_keyword(text) == meaning


@pytest.mark.parametrize(
    "text",
    [
        " Stop. ",
        "STOP!!!",
        "\n\tstop\r\n",
        "“stop”",
        "*STOP*",
        "¡Stop!",
        "stop 🛑",
        "ＳＴＯＰ",
        "stop\ufe0f\u200b",
        "Stop  All",
    ],
)
def test_decoration_around_a_word_is_ignored(text: str) -> None:
    """White space, punctuation, emoji, invisible characters and wide letters around a keyword do not hide it."""
    assert read_keyword(text) == "stop"


@pytest.mark.parametrize("text", ["opt out", "Opt-Out.", "OPTOUT", "stop all"])
def test_two_words_may_be_written_apart(text: str) -> None:
    """The FCC's "opt out" and the spelling "stop all" are what they say."""
    assert read_keyword(text) == "stop"


@pytest.mark.parametrize("text", ["yes", "YES", "Yes!"])
def test_yes_is_an_answer_not_a_consent(text: str) -> None:
    """A customer who answers yes to a question has not consented to messages: only OptOutType can say so."""
    assert read_keyword(text) is None


@pytest.mark.parametrize(
    "text",
    ["", "   ", "...", "🛑", "please stop", "stop it", "Stop texting me", "START-UP", "the end", "stopp", "no",
     "end of story", "helpful", "s t o p", "STOP" + " " * LONGEST_KEYWORD_MESSAGE],
)  # fmt: skip
def test_a_sentence_is_not_a_keyword(text: str) -> None:
    """A message that says anything more is left to people: Twilio does not act on it either."""
    assert read_keyword(text) is None


@settings(deadline=None)  # a busy machine is no failure
@given(st.text(max_size=LONGEST_KEYWORD_MESSAGE * 2))
def test_any_text_has_a_meaning_or_none(text: str) -> None:
    """No text raises, and a meaning is never found in a text that has no keyword in it."""
    meaning = read_keyword(text)
    assert meaning is None or meaning in KEYWORDS.values()
