"""Which parts of a mail are its words and which its files: the rules of RFC 8621 4.1.4, RFC 2046 and RFC 2387."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

import msgspec

from channels.email.mail import MailFile, ReportPart
from channels.email.reading.charsets import decode_text, find_meta_charset
from channels.email.reading.files import UUENCODED, list_file, read_content
from channels.email.reading.flowed import join_flowed
from channels.email.reading.limits import ReadLimits
from channels.email.reading.transfer import find_uuencoded
from channels.email.reading.tree import Part
from channels.email.reading.words import clean_words

REPORTS = frozenset({
    "message/delivery-status", "message/global-delivery-status", "message/feedback-report",
    "message/disposition-notification", "message/global-disposition-notification", "text/rfc822-headers",
    "message/global-headers", "text/calendar",
})  # fmt: skip
"""Written for machines, and read by those who know the kind."""
BOTH = frozenset({"text/calendar"})
"""Reports that people open as files, too."""
ENCLOSED = frozenset({"message/rfc822", "message/global"})
"""Mails inside the mail: files, of which those who read bounces and forwarded mails want the head."""
ENCLOSED_BYTES = 65_536
ENCLOSED_HEADS = 20
"""Of a mail: a digest of a thousand is nobody's forwarded mail."""
SKIPPED = frozenset({"text/x-amp-html", "text/watch-html"})
"""Alternatives for special readers, which say what the others say."""
ENCRYPTED = frozenset({"multipart/encrypted"})
CMS = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
PGP_BEGIN = "-----BEGIN PGP MESSAGE-----"
BYTES_A_CHAR = 12
"""At most in raw form: four of UTF-8, each as three of quoted-printable."""

CONTROLS = "".join(map(chr, [*range(9), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F, 0xFEFF]))
"""What no text keeps: controls but for tab and line feed, and the byte order mark."""

_BREAKS = re.compile("\r\n?")
_CONTROLS = re.compile(f"[{CONTROLS}]+")


class Bodies(msgspec.Struct, kw_only=True):
    """The words of a mail by kind, each in the order of the parts; `whole` has both kinds where they take turns."""

    texts: list[str] = []
    htmls: list[str] = []
    whole: list[tuple[str, str]] = []
    files: list[MailFile] = []
    reports: list[ReportPart] = []
    flags: set[str] = set()


def gather_bodies(raw: bytes, root: Part, limits: ReadLimits) -> Bodies:
    """Words, files and reports of a mail."""
    gatherer = _Gatherer(raw, limits)
    gatherer.visit(root, parent="", first=True, alternative=False)
    return gatherer.found


def join_texts(texts: Sequence[str]) -> str | None:
    """One text of all parts; None where there is none."""
    return "\n".join(texts) if texts else None


def join_whole(found: Bodies) -> str | None:
    """HTML with the plain parts that stand beside it and are no other form of it; None where all is in the HTML."""
    if not found.htmls or len(found.whole) == len(found.htmls):
        return None
    return "\n".join(text if kind == "html" else _to_html(text) for kind, text in found.whole)


def _to_html(text: str) -> str:
    return f"<p>{'<br>'.join(html.escape(text.strip(), quote=False).splitlines())}</p>"


class _Gatherer:
    """Walks the tree once; its depth is limited already."""

    def __init__(self, raw: bytes, limits: ReadLimits) -> None:
        self.raw = raw
        self.limits = limits
        self.found = Bodies()
        self.room = {"text": limits.body_chars, "html": limits.body_chars}

    def visit(self, part: Part, *, parent: str, first: bool, alternative: bool) -> None:
        """One part; `parent` is the subtype of the multipart it stands in, `first` says that it opens it."""
        if part.media_type in ENCRYPTED:
            self.found.flags.add("encrypted")
        if not part.children:
            self._visit_leaf(part, parent, first=first, alternative=alternative)
            return
        kind = part.media_type.partition("/")[2]
        texts, htmls = len(self.found.texts), len(self.found.htmls)
        opening = _find_opening(part, kind)
        for child in part.children:
            self.visit(child, parent=kind, first=child is opening, alternative=alternative or kind == "alternative")
        if kind == "alternative" and not alternative and len(self.found.htmls) == htmls:
            self.found.whole.extend(("text", text) for text in self.found.texts[texts:])

    def _visit_leaf(self, part: Part, parent: str, *, first: bool, alternative: bool) -> None:
        """Words, a report or a file; some parts are two of them, some are nothing anybody sees."""
        if part.media_type in REPORTS:
            self._keep_report(part, self.limits.report_bytes)
            if part.media_type not in BOTH:
                return
        elif part.media_type in ENCLOSED and len(self.found.reports) < ENCLOSED_HEADS:
            self._keep_report(part, ENCLOSED_BYTES)
        elif _is_hidden(part, parent, alternative=alternative):
            return
        elif _is_body(part, parent, first=first):
            self._keep_words(part, alternative=alternative)
            if not (part.name and part.disposition == "inline"):
                return
        self._keep_file(part, related=parent == "related")

    def _keep_words(self, part: Part, *, alternative: bool) -> None:
        kind = "html" if part.media_type == "text/html" else "text"
        most = self.room[kind]
        content, sound = read_content(self.raw, part, max_bytes=most * BYTES_A_CHAR)
        if not sound:
            self.found.flags.add("bad_encoding")
        if kind == "text" and b"begin " in content:
            content = self._take_uuencoded(part, content)
        text = self._decode_words(part, content, kind)
        if len(text) > most or part.end - part.start > most * BYTES_A_CHAR:
            self.found.flags.add("truncated")
            text = text[:most]
        if part.media_type.startswith("multipart/") and not text.strip():
            return
        self.room[kind] -= len(text)
        (self.found.htmls if kind == "html" else self.found.texts).append(text)
        if kind == "html" or not alternative:
            self.found.whole.append((kind, text))

    def _decode_words(self, part: Part, content: bytes, kind: str) -> str:
        charset = part.parameters.get("charset")
        if not charset and kind == "html" and not content.isascii():
            charset = find_meta_charset(content)
        text, sound = decode_text(content, charset)
        if not sound:
            self.found.flags.add("bad_charset")
        text = clean_text(text)
        if kind == "text" and part.parameters.get("format", "").lower() == "flowed":
            text = join_flowed(text, drop_spaces=part.parameters.get("delsp", "").lower() == "yes")
        if kind == "text" and PGP_BEGIN in text:
            self.found.flags.add("encrypted")
        return text

    def _take_uuencoded(self, part: Part, content: bytes) -> bytes:
        """The text without the files that stand in it."""
        kept, position = [], 0
        for number, (name, decoded, start, end) in enumerate(find_uuencoded(content), 1):
            if len(self.found.files) >= self.limits.parts:
                self.found.flags.add("too_many_parts")
                break
            kept.append(content[position:start])
            position = end
            self.found.files.append(MailFile(
                path=f"{part.path}.{UUENCODED}{number}",
                name=clean_words(decode_text(name.encode("latin-1"), None)[0]) or None,
                media_type="application/octet-stream",
                size=len(decoded),
                disposition="attachment",
            ))  # fmt: skip
        return b"".join([*kept, content[position:]])

    def _keep_report(self, part: Part, most: int) -> None:
        content, _ = read_content(self.raw, part, max_bytes=most)
        if part.end - part.start > most and part.media_type in REPORTS:
            self.found.flags.add("truncated")
        self.found.reports.append(ReportPart(media_type=part.media_type, parameters=part.parameters, content=content))

    def _keep_file(self, part: Part, *, related: bool) -> None:
        file, sound = list_file(self.raw, part, related=related)
        if not sound:
            self.found.flags.add("bad_encoding")
        if part.media_type in CMS:
            self.found.flags.add(_cms_flag(part.parameters.get("smime-type", "").lower()))
        self.found.files.append(file)


def clean_text(text: str) -> str:
    """Line ends as line feeds, without the controls that no store takes and no reader sees."""
    if "\r" in text:
        text = _BREAKS.sub("\n", text)
    # Sought one by one they are found ten times as fast as by the expression.
    return _CONTROLS.sub("", text) if any(sign in text for sign in CONTROLS) else text


def _find_opening(part: Part, kind: str) -> Part:
    """The part that the others belong to: the first, or the root that a multipart/related names (RFC 2387 3.2)."""
    start = part.parameters.get("start", "").strip("<> ") if kind == "related" else ""
    return next((child for child in part.children if start and child.content_id == start), part.children[0])


def _is_hidden(part: Part, parent: str, *, alternative: bool) -> bool:
    """What only some programs read: an alternative for a watch, the resources of an old Macintosh file (RFC 1740)."""
    if parent == "appledouble":
        return part.media_type == "application/applefile"
    return alternative and part.media_type in SKIPPED


def _is_body(part: Part, parent: str, *, first: bool) -> bool:
    """Whether a part is words: text that is no attachment, and either opens its multipart or has no name."""
    if part.disposition == "attachment":
        return False
    if part.media_type.startswith("multipart/"):  # whose parts nobody can find
        return True
    if part.media_type not in ("text/plain", "text/html"):
        return parent == "" and part.media_type.startswith("text/") and not part.name
    return first or (parent != "related" and not part.name)


def _cms_flag(kind: str) -> str:
    return "signed_opaque" if kind in ("signed-data", "certs-only") else "encrypted"
