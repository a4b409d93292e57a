"""HTML of strangers made harmless to show: written anew from its tokens, then cleaned by nh3, which has the last word.

Written anew first, since a browser's rules for crossed tags turn a small hostile mail into a huge page, and nh3 follows
them. What comes here is nested rightly and not deeply; addresses in words become links; pictures are judged.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from html import escape

import msgspec
import nh3

from channels.email.html.images import judge_picture, write_picture
from channels.email.html.nesting import OpenTags
from channels.email.html.rules import (
    ATTRIBUTES,
    DATA_URL,
    EVERYWHERE,
    LINK_URL,
    MAX_HTML_CHARS,
    MAX_TAGS,
    STYLES,
    TAGS,
    VOID,
    WEB_URL,
    admit_url,
    check_style,
    link_words,
)
from channels.email.html.tokens import End, Start, Words, read_attributes, read_tokens

BODY = re.compile(r"<(/?)body\b", re.IGNORECASE)
UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
LINK_LOOKS = {"target": "_blank", "rel": "noopener noreferrer nofollow"}


class Cleaned(msgspec.Struct, kw_only=True, frozen=True):
    """HTML that can be shown. It has no `src` but pictures in base64; nothing in it loads anything.

    A picture of the mail has `data-attachment`, the name given for its content id; one of the web has `data-src`, its
    address, for who chooses to load it, and is counted in `remote_images`; `attachments` are the names in use. `flags`
    are "truncated", "too_deep", "remote_images", "tracking_pixel" and "missing_image".
    """

    html: str
    remote_images: int = 0
    attachments: list[str] = []
    flags: list[str] = []


def clean_html(html: str, *, files: Mapping[str, str] | None = None) -> Cleaned:
    """The HTML as it can be shown; what it holds twice cleaned is the same. `files`: content id -> attachment's name.

    A `data-attachment` that is there already stays where it names one of `files`, so what is stored can be cleaned
    again by newer rules.
    """
    writer = _Writer(files or {})
    writer.write(BODY.sub(r"<\1div", UNWRITABLE.sub("\ufffd", html[:MAX_HTML_CHARS])))
    if len(html) > MAX_HTML_CHARS:
        writer.flags.add("truncated")
    return Cleaned(
        html=CLEANER.clean(writer.finish()).strip(" \t\r\n"),
        remote_images=writer.pictures["remote"],
        attachments=sorted(writer.attachments),
        flags=sorted(writer.flags),
    )


FLAGGED = {"remote": "remote_images", "tracker": "tracking_pixel", "missing": "missing_image"}


class _Writer:
    """Writes tokens anew, keeping only what is allowed."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files
        self.written: list[str] = []
        self.open = OpenTags(self.written.append)
        self.flags: set[str] = set()
        self.pictures: Counter[str] = Counter()
        self.attachments: set[str] = set()

    def write(self, html: str) -> None:
        tags = 0
        for token in read_tokens(html):
            match token:
                case Words(text):
                    self.written.append(escape(text) if self.open.holds("a") else link_words(text))
                    continue
                case Start(tag, rest) if tag in TAGS:
                    self._start(tag, rest)
                case End(tag) if tag in TAGS:
                    self.open.close(tag)
            tags += 1
            if tags > MAX_TAGS:
                self.flags.add("truncated")
                break

    def finish(self) -> str:
        self.open.close_all()
        if self.open.too_deep:
            self.flags.add("too_deep")
        return "".join(self.written)

    def _start(self, tag: str, rest: str) -> None:
        if tag == "img":
            self._image(read_attributes(rest))
        elif tag in VOID:
            self.open.make_room(tag)
            self.written.append(f"<{tag}{_written(tag, rest)}>")
        elif self.open.begin(tag):
            self.written.append(f"<{tag}{_written(tag, rest)}>")

    def _image(self, attributes: dict[str, str]) -> None:
        picture = judge_picture(attributes, self.files)
        self.pictures[picture.kind] += 1
        if picture.kind in FLAGGED:
            self.flags.add(FLAGGED[picture.kind])
        if picture.kind == "attached" and picture.attribute:
            self.attachments.add(picture.attribute[1])
        looks = {name: value for name, value in attributes.items() if name not in PLACES}
        self.written.append(write_picture(picture, attributes.get("alt", "").strip(), _write_attributes("img", looks)))


PLACES = frozenset({"src", "data-src", "data-attachment"})


def _written(tag: str, rest: str) -> str:
    return _write_attributes(tag, read_attributes(rest)) if rest and not rest.isspace() else ""


def _write_attributes(tag: str, attributes: Mapping[str, str]) -> str:
    allowed = ATTRIBUTES.get(tag, frozenset())
    checked = (
        (name, _check_value(tag, name, value))
        for name, value in attributes.items()
        if name in allowed or name in EVERYWHERE
    )
    return "".join(f' {name}="{escape(value)}"' for name, value in checked if value is not None)


def _check_value(tag: str, name: str, value: str) -> str | None:
    """The value an attribute may have; also nh3's question, the last one before anything is shown."""
    if name == "style":
        return check_style(value) or None
    if name == "href":
        return admit_url(value, LINK_URL)
    if name == "src":
        return admit_url(value, DATA_URL) if tag == "img" else None
    if name == "data-src":
        return admit_url(value, WEB_URL)
    return value


CLEANER = nh3.Cleaner(
    tags=set(TAGS),
    attributes={"*": set(EVERYWHERE), **{tag: set(names) for tag, names in ATTRIBUTES.items()}},
    attribute_filter=_check_value,
    filter_style_properties=set(STYLES),
    clean_content_tags={
        "script",
        "style",
        "xmp",
        "iframe",
        "noembed",
        "noframes",
        "noscript",
        "template",
        "svg",
        "math",
    },
    url_schemes={"http", "https", "mailto", "tel", "data"},
    url_relative="deny",
    link_rel=LINK_LOOKS["rel"],
    set_tag_attribute_values={"a": {"target": LINK_LOOKS["target"]}},
)
