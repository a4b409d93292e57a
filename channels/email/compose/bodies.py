"""What a mail says, once as text and once as HTML, from the same parts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from markdown_it import MarkdownIt

from channels.email.html.cleaning import clean_html
from channels.email.html.images import IMAGE_TAG
from channels.email.html.rules import link_words
from channels.email.html.words import text_of
from channels.parts import MEDIA_PARTS, AnyPart, Html, Text, plain_text

PARAGRAPHS = re.compile(r"\n[ \t]*\n\s*")
SPACES = re.compile(r"(?m)^ | (?= )")
"""Spaces that HTML would swallow."""
HELD_BACK = re.compile(r' data-src="')
SHOWN = re.compile(r' data-attachment="([^"]*)"')


class Body(NamedTuple):
    """The same words twice."""

    text: str
    html: str


def write_body(parts: Sequence[AnyPart], *, content_ids: dict[str, str]) -> Body:
    """The words of a message; `content_ids`: attachment id -> the id by which its image is shown in the HTML."""
    files = {name: name for name in content_ids}
    bodies = [_write_part(part, files) for part in parts if not isinstance(part, MEDIA_PARTS)]
    html = "\n".join(body.html for body in bodies if body.html)
    return Body("\n\n".join(body.text for body in bodies if body.text), _with_pictures(html, content_ids))


def list_shown(parts: Sequence[AnyPart]) -> set[str]:
    """The attachments that the HTML of these parts shows in their places."""
    ids = {part.attachment.id: part.attachment.id for part in parts if isinstance(part, MEDIA_PARTS)}
    files = {name: name for name in ids if name}
    return {name for part in parts if isinstance(part, Html) for name in clean_html(part.html, files=files).attachments}


def html_of_text(text: str) -> str:
    """Plain words as HTML: paragraphs, lines, spaces and links."""
    paragraphs = PARAGRAPHS.split(text.replace("\r\n", "\n").replace("\r", "\n").strip("\n"))
    written = (SPACES.sub("\xa0", paragraph) for paragraph in paragraphs if paragraph.strip())
    return "\n".join(f"<p>{link_words(paragraph).replace(chr(10), '<br>' + chr(10))}</p>" for paragraph in written)


def _write_part(part: AnyPart, files: dict[str, str]) -> Body:
    if isinstance(part, Html):
        return Body(text_of(part.html), clean_html(part.html, files=files).html)
    if isinstance(part, Text) and part.format == "markdown":
        html = clean_html(MARKDOWN.render(part.text)).html
        return Body(text_of(html), html)
    text = plain_text([part])
    return Body(text, html_of_text(text))


def _with_pictures(html: str, content_ids: dict[str, str]) -> str:
    """What was held back for being shown to us is what our own author wants to be seen."""

    def show(found: re.Match[str]) -> str:
        tag = SHOWN.sub(lambda shown: f' src="cid:{content_ids[shown[1]]}"', found.group())
        return HELD_BACK.sub(' src="', tag)

    return IMAGE_TAG.sub(show, html)


def _markdown() -> MarkdownIt:
    """CommonMark with tables, a line break being one, without HTML and without pictures from anywhere."""
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True})
    return parser.enable(["table", "strikethrough"]).disable("image")


MARKDOWN = _markdown()
