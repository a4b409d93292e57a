"""All languages' words in one place each, in the form in which they are looked up."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain

from channels.email.quoting.languages import LANGUAGES


def _folded(groups: Iterable[tuple[str, ...]]) -> frozenset[str]:
    return frozenset(word.casefold() for word in chain.from_iterable(groups))


LEADS = tuple(sorted(_folded(language.leads for language in LANGUAGES)))
INNER_LEADS = frozenset(chain.from_iterable(language.inner_leads for language in LANGUAGES))
WROTE = tuple(sorted(_folded(language.wrote for language in LANGUAGES)))
WROTE_THEN = tuple(sorted(_folded(language.wrote_then for language in LANGUAGES)))
WEEKDAYS = frozenset(stem.rstrip(".") for stem in _folded(language.weekdays for language in LANGUAGES))
FIRST_IDEOGRAPH = "\u2e80"
WEEKDAY_STEMS = tuple(sorted(stem for stem in WEEKDAYS if len(stem) > 2 or stem >= FIRST_IDEOGRAPH))
ORIGINALS = _folded(language.originals for language in LANGUAGES)
FORWARDS = _folded(language.forwards for language in LANGUAGES)
FORWARDED_BY = tuple(f"{phrase} " for phrase in sorted(FORWARDS))
BEGINS = _folded(language.begins for language in LANGUAGES)
SUBJECT_PREFIXES = _folded(language.subject_prefixes for language in LANGUAGES)
SENT_FROM = tuple(sorted(_folded(language.sent_from for language in LANGUAGES)))
SIGNOFFS = _folded(language.signoffs for language in LANGUAGES)
DISCLAIMERS = tuple(sorted(_folded(language.disclaimers for language in LANGUAGES)))

# What each header word tells. "De" is the sender in three languages, "à" and "a" the recipient in others.
HEADERS: dict[str, str] = {
    **dict.fromkeys(_folded(language.extras for language in LANGUAGES), "extra"),
    **dict.fromkeys(_folded(language.copies for language in LANGUAGES), "copy"),
    **dict.fromkeys(_folded(language.recipients for language in LANGUAGES), "to"),
    **dict.fromkeys(_folded(language.subjects for language in LANGUAGES), "subject"),
    **dict.fromkeys(_folded(language.dates for language in LANGUAGES), "date"),
    **dict.fromkeys(_folded(language.senders for language in LANGUAGES), "from"),
}
LONGEST_HEADER = 24  # characters; "скрытая копия" and "date d'envoi" fit with room for asterisks

# A line that says what a mail was sent from names a thing that sends mail. "Sent from our warehouse" does not.
DEVICES = (
    "phone", "ipad", "ipod", " mac", "android", "galaxy", "samsung", "pixel", "nokia", "huawei", "honor", "xiaomi",
    "redmi", "oppo", "oneplus", "motorola", "xperia", "blackberry", "windows", "outlook", "yahoo", "aol", "gmx",
    "gmail", "hotmail", "protonmail", "proton mail", "bluemail", "zoho mail", "mail.ru", "mailbird", "mailspring",
    "aqua", "icloud", "thunderbird", "tutanota", "airmail", "yandex", "яндекс", "qq邮箱", "网易邮箱", "foxmail",
    "mailmaster", "web.de", "sparrow", "mobil", "móvil", "movil", "cellulare", "handy", "telefon", "telefoon",
    "teléfono", "telemóvel", "celular", "smartp", "tablet", "телефон", "мобильн", "устройств", "планшет", "手机",
    "手機", "携帯", "スマートフォン", "هاتف", "جوال", "ايفون", "آيفون", "appareil", "device", "puhelim", "urządzeni",
    "mail app",
)  # fmt: skip

# Marks that steer direction or join nothing, which clients sprinkle over attributions (Unicode 9.0, Bidi_Control).
INVISIBLE = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]+")


def is_forward_subject(subject: str | None) -> bool:
    """Whether a subject begins as mail clients mark a mail passed on: "FW:", "WG:", "TR:", "Fwd:"."""
    head, colon, _ = (subject or "")[:12].replace("：", ":").partition(":")
    return bool(colon) and head.strip(" [").casefold() in SUBJECT_PREFIXES
