"""The pictures of a mail: those it brought along are named by their attachment, those of the web are held back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from urllib.parse import unquote

import msgspec

from channels.email.html.rules import DATA_URL, WEB_URL, admit_url

MAX_PIXEL = 2
"""A picture so small, in pixels, is there to report that the mail was opened, or to push things apart."""
TINY_STYLE = re.compile(
    rf"(?:^|;)\s*(?:(?:max-)?(?:width|height)\s*:\s*[0-{MAX_PIXEL}](?:\.\d+)?(?:px|pt)?\s*(?:!important\s*)?(?:;|$)"
    r"|display\s*:\s*none|visibility\s*:\s*hidden)",
    re.IGNORECASE,
)
IMAGE_TAG = re.compile(r'<img(?: [\w-]++="[^"]*+")*+>')
"""A picture in HTML that was cleaned, where no other < is left as it is."""
LENGTH = re.compile(r"\s*(\d{1,6})(?:\.\d*)?\s*(?:px)?\s*", re.IGNORECASE)


class Picture(msgspec.Struct, kw_only=True, frozen=True):
    """What becomes of an image: the attribute that says where it is, None where nothing can be shown but its words.

    `kind` is "attached", "embedded", "remote" (held back), "tracker" (dropped), "missing" or "none".
    """

    kind: str
    attribute: tuple[str, str] | None = None


def judge_picture(attributes: Mapping[str, str], files: Mapping[str, str]) -> Picture:
    """Where a picture comes from. `files`: content id -> the name its attachment is shown by."""
    kept = attributes.get("data-attachment")
    if kept and kept in files.values():
        return Picture(kind="attached", attribute=("data-attachment", kept))
    src = attributes.get("src", "").strip()
    if src[:4].lower() == "cid:":
        name = files.get(_content_id(src)) or files.get(src[4:])
        return Picture(kind="attached", attribute=("data-attachment", name)) if name else Picture(kind="missing")
    if embedded := admit_url(src, DATA_URL):
        return Picture(kind="embedded", attribute=("src", embedded))
    if remote := _web_address(src) or _web_address(attributes.get("data-src", "")):
        tiny = _is_tiny(attributes)
        return Picture(kind="tracker") if tiny else Picture(kind="remote", attribute=("data-src", remote))
    return Picture(kind="none")


def write_picture(picture: Picture, alt: str, attributes: str) -> str:
    """The tag of a picture; nothing for what has neither a place nor words. `attributes` are written and safe."""
    if picture.kind == "tracker" or (picture.attribute is None and not alt):
        return ""
    place = f' {picture.attribute[0]}="{escape(picture.attribute[1])}"' if picture.attribute else ""
    return f"<img{place}{attributes}>"


def _content_id(src: str) -> str:
    return unquote(src[4:]).strip().removeprefix("<").removesuffix(">")


def _web_address(src: str) -> str | None:
    src = src.strip()
    return admit_url(f"https:{src}" if src.startswith("//") else src, WEB_URL)


def _is_tiny(attributes: Mapping[str, str]) -> bool:
    sides = (LENGTH.fullmatch(attributes.get(side, "")) for side in ("width", "height"))
    return any(side and int(side[1]) <= MAX_PIXEL for side in sides) or bool(
        TINY_STYLE.search(attributes.get("style", "")[:1000])
    )
