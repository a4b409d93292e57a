"""Html parts made fit to show: when they are written, when they come, and again where newer rules ask for it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape, unescape

import msgspec

from channels.email.html.cleaning import clean_html
from channels.email.html.images import IMAGE_TAG
from channels.email.html.rules import RULES
from channels.parts import MEDIA_PARTS, AnyPart, Html

NAMED = re.compile(r' data-attachment="([^"<>]{1,200})"')

FRAME_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; sandbox"
"""The Content-Security-Policy of whatever serves the HTML of a mail as a page. A frontend that shows it in a frame of
its own gives the frame `sandbox=""` and the policy without the last word; "allow-popups" lets links open."""
FRAME_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": FRAME_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def clean_written(parts: Sequence[AnyPart]) -> list[AnyPart]:
    """Parts as somebody wrote them, their HTML cleaned whatever it says of itself.

    An image that is part of the same message may be shown by `cid:` or `data-attachment` and its attachment's id.
    """
    files = _names(parts)
    return [_clean(part, files) if isinstance(part, Html) else part for part in parts]


def clean_stored(parts: Sequence[AnyPart]) -> list[AnyPart]:
    """Parts as they were stored, their HTML cleaned again where that was done by older rules, or never."""
    old = any(isinstance(part, Html) and part.rules != RULES for part in parts)
    return clean_written(parts) if old else list(parts)


def name_pictures(parts: Sequence[AnyPart], names: Mapping[str, str]) -> list[AnyPart]:
    """Parts whose cleaned HTML names its pictures by other names: `names` has the new by the old."""
    if not names or not any(isinstance(part, Html) for part in parts):
        return list(parts)
    return [_renamed(part, names) if isinstance(part, Html) else part for part in parts]


def _names(parts: Sequence[AnyPart]) -> dict[str, str]:
    ids = (part.attachment.id for part in parts if isinstance(part, MEDIA_PARTS))
    return {name: name for name in ids if name}


def _clean(part: Html, files: Mapping[str, str]) -> Html:
    html, quoted, signature = (
        clean_html(each, files=files).html if each else each for each in (part.html, part.quoted, part.signature)
    )
    return Html(html=html or "", quoted=quoted, signature=signature, rules=RULES)


def _renamed(part: Html, names: Mapping[str, str]) -> Html:
    def rename(found: re.Match[str]) -> str:
        name = unescape(found[1])
        return f' data-attachment="{escape(names.get(name, name))}"'

    def rewrite(tag: re.Match[str]) -> str:
        return NAMED.sub(rename, tag[0])

    html, quoted, signature = (
        IMAGE_TAG.sub(rewrite, each) if each else each for each in (part.html, part.quoted, part.signature)
    )
    return msgspec.structs.replace(part, html=html or "", quoted=quoted, signature=signature)
