"""What stands below the words: the signature, and the mail that is answered. Our own reader finds both again."""

from __future__ import annotations

import re
from datetime import datetime
from html import escape

from channels.contract import Quotation
from channels.email.compose.addresses import BREAKING
from channels.email.compose.bodies import Body, html_of_text
from channels.email.html.cleaning import clean_html
from channels.email.html.images import IMAGE_TAG
from channels.email.html.rules import link_words

MAX_QUOTED_CHARS = 50_000
"""Of the text of the answered mail; more is cut, so that a long exchange does not grow without end."""
MAX_QUOTED_HTML_CHARS = 200_000
"""Longer HTML is quoted as text."""
CITE_STYLE = "margin:0 0 0 .8ex;border-left:1px solid #ccc;padding-left:1ex"
ALT = re.compile(r' alt="([^"]*)"')
MAX_AUTHOR_CHARS = 200

ATTRIBUTIONS = {
    "ar": ("في {date}، كتب {author}:", "%Y-%m-%d %H:%M"),
    "da": ("Den {date} skrev {author}:", "%d.%m.%Y %H.%M"),
    "de": ("Am {date} schrieb {author}:", "%d.%m.%Y um %H:%M"),
    "en": ("On {date}, {author} wrote:", "%Y-%m-%d at %H:%M"),
    "es": ("El {date}, {author} escribió:", "%d/%m/%Y a las %H:%M"),
    "fr": ("Le {date}, {author} a écrit :", "%d/%m/%Y à %H:%M"),
    "it": ("Il {date} {author} ha scritto:", "%d/%m/%Y alle %H:%M"),
    "ja": ("{date} {author} のメール:", "%Y/%m/%d %H:%M"),
    "nl": ("Op {date} schreef {author}:", "%d-%m-%Y om %H:%M"),
    "pl": ("W dniu {date} {author} napisał(a):", "%d.%m.%Y %H:%M"),
    "pt": ("Em {date}, {author} escreveu:", "%d/%m/%Y às %H:%M"),
    "ru": ("{date}, {author} пишет:", "%d.%m.%Y %H:%M"),
    "sv": ("Den {date} skrev {author}:", "%Y-%m-%d %H:%M"),
    "zh": ("在 {date}，{author} 写道：", "%Y-%m-%d %H:%M"),
}
"""By language: the line over a quotation as mail programs write it there, and how it writes a time."""


def add_signature(body: Body, signature: str | None) -> Body:
    """The words with the signature below, after the line that all mail programs know it by (RFC 3676 4.3)."""
    if not signature or not signature.strip():
        return body
    lines = signature.replace("\r\n", "\n").strip("\n")
    html = "<br>\n".join(["-- ", *map(link_words, lines.split("\n"))])
    return Body(f"{body.text}\n\n-- \n{lines}", f'{body.html}\n<div class="signature">{html}</div>')


def add_quotation(body: Body, quotation: Quotation | None, *, language: str) -> Body:
    """The words with the answered mail below them."""
    if quotation is None:
        return body
    line = write_attribution(quotation.author, quotation.written_at, language=language)
    text = f"{body.text}\n\n{line}\n{_quoted_text(quotation.text)}"
    cite = f'<blockquote type="cite" style="{CITE_STYLE}">{_quoted_html(quotation)}</blockquote>'
    return Body(text, f'{body.html}\n<div class="moz-cite-prefix">{escape(line)}</div>\n{cite}')


def write_attribution(author: str, written_at: datetime, *, language: str) -> str:
    """ "On 2026-11-22 at 09:00, Ann Lee wrote:", in a language by its code, English where we have no such line."""
    line, form = ATTRIBUTIONS.get(language.partition("-")[0].lower(), ATTRIBUTIONS["en"])
    name = " ".join(BREAKING.sub(" ", author).split())[:MAX_AUTHOR_CHARS]
    return line.format(date=written_at.strftime(form), author=name)


def _quoted_text(text: str) -> str:
    lines = text[:MAX_QUOTED_CHARS].replace("\r\n", "\n").strip("\n").split("\n")
    return "\n".join(f"> {line}".rstrip() for line in lines)


def _quoted_html(quotation: Quotation) -> str:
    """Their HTML, cleaned and without its pictures, which are not sent back and shall not count another reader."""
    if not quotation.html or len(quotation.html) > MAX_QUOTED_HTML_CHARS:
        return html_of_text(quotation.text[:MAX_QUOTED_CHARS])
    return IMAGE_TAG.sub(_words_of_picture, clean_html(quotation.html).html)


def _words_of_picture(found: re.Match[str]) -> str:
    alt = ALT.search(found.group())
    return f"[{alt[1]}]" if alt and alt[1] else ""
