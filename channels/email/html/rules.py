"""What mail HTML may hold to be shown: tags, attributes, styles and addresses, as lists of what is allowed."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape

RULES = 1
"""The version of these rules. Raise it when they change: what was cleaned by older ones is cleaned again on read."""

MAX_HTML_CHARS = 1_000_000
"""Longer HTML is cut; the whole stands in the raw mail."""
MAX_TAGS = 50_000
"""What follows after so many tags is cut: no mail has them, and each costs every reader's browser."""
MAX_DEPTH = 200
"""Elements inside one another; deeper ones lose their tags, not their words. Newsletters nest tables 60 deep."""
MAX_STYLED_DEPTH = 16
"""Bold, fonts and links inside one another. A browser repeats all that stand open in each paragraph that follows."""
MAX_DATA_URL_CHARS = 90_000
"""A picture written into the HTML itself, in base64."""
MAX_URL_CHARS = 4_000

VOID = frozenset({"br", "hr", "img", "wbr", "col"})
STYLED = frozenset({"a", "b", "big", "code", "em", "font", "i", "s", "small", "strike", "strong", "tt", "u"})
_BLOCKS = (
    "address article aside blockquote center dd details div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6 header hr"
    " li main nav ol p pre section summary table ul"
)
BLOCKS = frozenset(_BLOCKS.split())
_INLINE = "abbr acronym bdi bdo cite del dfn ins kbd mark q rp rt ruby samp span sub sup time var"
TABLE = frozenset({"table", "caption", "colgroup", "thead", "tbody", "tfoot", "tr", "td", "th"})
TAGS = (
    VOID | STYLED | BLOCKS | TABLE
    | frozenset(_INLINE.split())
)  # fmt: skip

EVERYWHERE = frozenset({"dir", "lang", "title", "style", "align"})
_CELL = frozenset({"valign", "bgcolor", "width", "height", "colspan", "rowspan", "nowrap"})
ATTRIBUTES: dict[str, frozenset[str]] = {
    "a": frozenset({"href"}),
    "blockquote": frozenset({"type"}),
    "col": frozenset({"span", "width", "align"}),
    "font": frozenset({"color", "face", "size"}),
    "hr": frozenset({"width", "size", "color"}),
    "img": frozenset({"alt", "width", "height", "border", "src", "data-src", "data-attachment"}),
    "li": frozenset({"value"}),
    "ol": frozenset({"start", "type"}),
    "table": frozenset({"bgcolor", "width", "height", "border", "cellpadding", "cellspacing"}),
    "td": _CELL,
    "th": _CELL,
    "tr": frozenset({"valign", "bgcolor", "height"}),
    "ul": frozenset({"type"}),
}
"""By tag, beyond those allowed everywhere. No class and no id: they would meet the page's own style and script."""

_SIDES = ("", "-top", "-right", "-bottom", "-left")
_STYLES = (
    "background background-color border-collapse border-radius border-spacing caption-side clear color direction"
    " display empty-cells float font font-family font-size font-style font-variant font-weight height letter-spacing"
    " line-height list-style list-style-type max-height max-width min-height min-width mso-hide overflow-wrap"
    " table-layout text-align text-decoration text-indent text-transform unicode-bidi vertical-align visibility"
    " white-space width word-break word-spacing word-wrap"
)
STYLES = frozenset(
    [f"{name}{side}" for name in ("margin", "padding", "border") for side in _SIDES]
    + [f"border{side}-{name}" for name in ("color", "style", "width") for side in _SIDES]
    + _STYLES.split()
)
"""No position, transform, z-index or content; a background may have a colour and nothing else."""

_WORD = r"\w++(?!\()|[\s#%.,!+/]"
_NEGATIVE = r"-(?![0-9.])"  # a hyphen inside a word, never a length below nothing, which pulls one thing over another
_COLOUR = r"(?:rgb|hsl)a?\([0-9\s,.%/]{1,60}\)"
STYLE_VALUE = re.compile(rf"""(?:{_COLOUR}|{_WORD}|{_NEGATIVE}|"[\w\s.-]*+"|'[\w\s.-]*+')++""", re.IGNORECASE)
"""What a value is made of: words, numbers, colours and names of fonts. No other function, no escape, no URL."""
MAX_STYLE_CHARS = 4_000

WEB_URL = re.compile(r"https?://[^\s/?#\\]", re.IGNORECASE)
LINK_URL = re.compile(r"https?://[^\s/?#\\]|mailto:|tel:", re.IGNORECASE)
DATA_URL = re.compile(r"data:image/(?:png|jpe?g|gif|webp);base64,[A-Za-z0-9+/=\s]++", re.IGNORECASE)
URL_NOISE = re.compile(r"[\x00-\x20\x7f]+")
"""White space and controls, which a browser leaves out of an address before it looks at the scheme."""
LINK_TEXT = re.compile(r"""(?<![\w@.])(?:https?://|www\.)[^\s<>"`\x00-\x1f\\]{1,2000}+""", re.IGNORECASE)
"""An address in plain words, up to what surely ends it."""
LINK_TAIL = ".,:;!?'’”»*_~]}…。，、"


@lru_cache(maxsize=1_000)  # a newsletter repeats the same few hundreds of times
def check_style(style: str) -> str:
    """Those declarations of a style attribute that are allowed, written anew."""
    if len(style) > MAX_STYLE_CHARS:
        return ""
    declarations = (declaration.partition(":") for declaration in style.split(";"))
    pairs = ((name.strip().lower(), value.strip()) for name, _, value in declarations)
    return ";".join(f"{name}:{value}" for name, value in pairs if name in STYLES and STYLE_VALUE.fullmatch(value))


def admit_url(url: str, allowed: re.Pattern[str]) -> str | None:
    """The address without what a browser ignores in it, or None where its scheme is not allowed."""
    bare = URL_NOISE.sub("", url) if allowed is not DATA_URL else url.strip()
    longest = MAX_DATA_URL_CHARS if allowed is DATA_URL else MAX_URL_CHARS
    matches = allowed.fullmatch(bare) if allowed is DATA_URL else allowed.match(bare)
    return bare if matches and len(bare) <= longest else None


def link_words(text: str) -> str:
    """Text as HTML, the web addresses in it made links."""
    if "://" not in text and "www." not in text.lower():
        return escape(text)
    pieces: list[str] = []
    at = 0
    for found in LINK_TEXT.finditer(text):
        shown = _without_tail(found.group())
        url = shown if "://" in shown else f"http://{shown}"
        if not admit_url(url, WEB_URL):
            continue
        link = f'<a href="{escape(url)}">{escape(shown)}</a>'
        pieces += [escape(text[at : found.start()]), link]
        at = found.start() + len(shown)
    return "".join([*pieces, escape(text[at:])])


def _without_tail(address: str) -> str:
    """An address without the punctuation of the sentence it stands in; a ) belongs to it where it has its (."""
    address = address.rstrip(LINK_TAIL)
    surplus = address.count(")") - address.count("(")
    while surplus > 0 and address.endswith(")"):
        address = address[:-1].rstrip(LINK_TAIL)
        surplus -= 1
    return address
