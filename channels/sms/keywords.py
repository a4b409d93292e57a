"""What a text message alone says about consent: STOP, START, HELP and their synonyms.

The words are the ones Twilio obeys on long codes (https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out),
with the spellings of two words the FCC asks for (47 CFR 64.1200(a)(10): "opt out").
"""

from __future__ import annotations

import unicodedata
from typing import Literal, TypeAlias

Meaning: TypeAlias = Literal["stop", "start", "help"]

# "YES" is missing on purpose. Twilio takes it as START only from somebody who had opted out, which a translator
# cannot know; everybody else says yes to a question. Where Twilio itself took it so, OptOutType tells.
KEYWORDS: dict[str, Meaning] = {
    "STOP": "stop",
    "STOPALL": "stop",
    "STOP ALL": "stop",
    "UNSUBSCRIBE": "stop",
    "CANCEL": "stop",
    "END": "stop",
    "QUIT": "stop",
    "REVOKE": "stop",
    "OPTOUT": "stop",
    "OPT OUT": "stop",
    "OPT-OUT": "stop",
    "START": "start",
    "UNSTOP": "start",
    "HELP": "help",
    "INFO": "help",
}
# No keyword needs more, decoration included; a longer text is a sentence and is not looked at.
LONGEST_KEYWORD_MESSAGE = 40


def read_keyword(text: str) -> Meaning | None:
    """What the message means when it is nothing but a keyword: any case, punctuation and white space around it."""
    if len(text) > LONGEST_KEYWORD_MESSAGE:
        return None
    return KEYWORDS.get(" ".join(_bare(unicodedata.normalize("NFKC", text)).upper().split()))


def _bare(text: str) -> str:
    """The text from its first letter or digit to its last."""
    kept = [at for at, character in enumerate(text) if character.isalnum()]
    return text[kept[0] : kept[-1] + 1] if kept else ""
