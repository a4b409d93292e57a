"""How clients name the elements of their HTML mail: by class, id, type and a few attributes of their own."""

from __future__ import annotations

import re
from enum import Enum, auto


class Role(Enum):
    """What an element is for."""

    QUOTE = auto()  # nothing but an older mail
    FRAME = auto()  # an attribution, then the older mail in a <blockquote>, between whose parts answers may stand
    INDENT = auto()  # a bare <blockquote>
    INTRODUCTION = auto()
    SIGNATURE = auto()
    FORWARD = auto()
    ENDING = auto()  # from here on all is an older mail


# Values of class, id, name and data-marker, in lower case; a client's prefix "x_" or "m_123" is taken off first.
NAMES: dict[str, Role] = {
    "gmail_quote": Role.FRAME,
    "gmail_quote_container": Role.FRAME,
    "gmail_attr": Role.INTRODUCTION,
    "gmail_signature": Role.SIGNATURE,
    "gmail_signature_prefix": Role.SIGNATURE,
    "moz-cite-prefix": Role.INTRODUCTION,
    "moz-forward-container": Role.FORWARD,
    "moz-signature": Role.SIGNATURE,
    "moz-txt-sig": Role.SIGNATURE,
    "reply-intro": Role.INTRODUCTION,  # Roundcube
    "yahoo_quoted": Role.QUOTE,
    "yahoo-signature": Role.SIGNATURE,
    "ymail_signature": Role.SIGNATURE,
    "ymail_android_signature": Role.SIGNATURE,
    "protonmail_quote": Role.FRAME,
    "protonmail_signature_block": Role.SIGNATURE,
    "tutanota_quote": Role.QUOTE,
    "zmail_extra": Role.FRAME,  # Zoho
    "zmail_extra_hr": Role.ENDING,
    "divrplyfwdmsg": Role.ENDING,  # Outlook on the web and on phones
    "outlookmessageheader": Role.ENDING,
    "olk_src_body_section": Role.ENDING,  # Outlook for Mac
    "mail-editor-reference-message-container": Role.ENDING,  # the new Outlook
    "ms-outlook-mobile-signature": Role.SIGNATURE,
    "outlooksignature": Role.SIGNATURE,
    "zwchr": Role.ENDING,  # Zimbra
    "__divider__": Role.ENDING,  # Zimbra
    "__quoted_text__": Role.QUOTE,  # Zimbra
    "__sig_pre__": Role.SIGNATURE,
    "__sig_post__": Role.SIGNATURE,
    "isreplycontent": Role.QUOTE,  # 163
    "isforwardcontent": Role.FORWARD,
    "ntes-mailmaster-quote": Role.QUOTE,
    "spnetessign": Role.SIGNATURE,
    "ntes-sign": Role.SIGNATURE,
    "replybody": Role.QUOTE,  # QQ
    "xm_write_signature": Role.SIGNATURE,  # QQ
    "foxmailsigncontent": Role.SIGNATURE,
    "front-blockquote": Role.QUOTE,
    "clean_bq": Role.QUOTE,  # Airmail
    "airmail_on": Role.INTRODUCTION,
    "airmail_signature": Role.SIGNATURE,
    "bloop_original_html": Role.QUOTE,
    "bloop_sign": Role.SIGNATURE,
    "messagereplysection": Role.QUOTE,  # Spark
    "messagesignaturesection": Role.SIGNATURE,
    "mailbirdquote": Role.QUOTE,
    "edo-signature": Role.SIGNATURE,
    "edo-original": Role.QUOTE,
    "missive_quote": Role.FRAME,
    "superhuman-quote": Role.QUOTE,
    "hm-quote": Role.QUOTE,
    "applemailsignature": Role.SIGNATURE,
    "signature": Role.SIGNATURE,  # Outlook on the web
    "divsignature": Role.SIGNATURE,
    "composer_signature": Role.SIGNATURE,  # Samsung
    "mail_android_quote": Role.QUOTE,
    "mail-ru-quote": Role.QUOTE,
    "js-compose-signature": Role.SIGNATURE,
    "mobile-mail-signature": Role.SIGNATURE,
}
ATTRIBUTES = re.compile(
    r"(?<![\w-])(class|id|name|type|style|data-marker|data-signature-widget)\s?=\s?"
    r"(?:\"([^\"]{0,2000})|'([^']{0,2000})|([^\s\"'>]{1,200}))",
    re.IGNORECASE,
)
FOREIGN_PREFIX = re.compile(r"^(?:(?:x_){1,20}|m_-?\d{1,30})")
NOTED = frozenset({"div", "blockquote", "span", "p", "pre", "hr", "table", "section", "article", "td", "a", "font"})


def read_role_of(tag: str, attributes: str) -> Role | None:
    """What an element is for, by its name in lower case and the source text of its attributes; None for most."""
    role = None
    for found in ATTRIBUTES.finditer(attributes):
        name, value = found[1].lower(), (found[2] or found[3] or found[4] or "").casefold()
        role = role or (_by_style(tag, value) if name == "style" else _by_name(value) or _by_type(tag, name, value))
    if tag == "blockquote":
        return Role.QUOTE if role is Role.FRAME else role or Role.INDENT
    return role if tag in NOTED else None


def _by_name(value: str) -> Role | None:
    return next((NAMES[name] for name in map(_own, value.split()) if name in NAMES), None)


def _own(name: str) -> str:
    return FOREIGN_PREFIX.sub("", name)


def _by_type(tag: str, name: str, value: str) -> Role | None:
    return Role.QUOTE if tag == "blockquote" and name == "type" and value == "cite" else None


def _by_style(tag: str, value: str) -> Role | None:
    """A quotation has a line at its side (Yandex, Mail.ru, Exchange); an indented paragraph has none."""
    return Role.QUOTE if tag == "blockquote" and "border-left" in value and "border-left:none" not in value else None
