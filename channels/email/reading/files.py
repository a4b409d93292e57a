"""What is a file of a mail: its listing, and how it is found again by its path."""

from __future__ import annotations

from channels.email.mail import MailFile
from channels.email.reading.headers import read_header
from channels.email.reading.limits import READ_LIMITS
from channels.email.reading.transfer import decode_transfer, find_uuencoded
from channels.email.reading.tree import Part
from channels.email.reading.words import decode_words

MAX_NAME_CHARS = 1_000
MAX_SUBJECT_CHARS = 100
"""Of a forwarded mail's subject, as the name of its file."""
SLASHES = str.maketrans("/\\", "--")
UUENCODED = "u"
"""Before the number of a file that stands in a text: `2.u1` is the first one in the second part."""


def read_content(raw: bytes, part: Part, *, max_bytes: int | None = None) -> tuple[bytes, bool]:
    """A part's content without its transfer encoding, and whether that was sound; at most from so many raw bytes."""
    end = part.end if max_bytes is None else min(part.end, part.start + max_bytes)
    return decode_transfer(raw[part.start : end], part.encoding)


def list_file(raw: bytes, part: Part, *, related: bool) -> tuple[MailFile, bool]:
    """A part as a file, and whether its encoding was sound."""
    content, sound = read_content(raw, part)
    name = part.name[:MAX_NAME_CHARS].strip() if part.name else None
    if not name and part.media_type in ("message/rfc822", "message/global"):
        name = name_mail(content)
    about = decode_words(part.description[:MAX_NAME_CHARS]).strip() if part.description else ""
    inline = part.disposition == "inline" or (not part.disposition and related and part.content_id is not None)
    file = MailFile(
        path=part.path,
        name=name or None,
        media_type=part.media_type,
        size=len(content),
        disposition="inline" if inline else "attachment",
        content_id=part.content_id,
        alt=about if about and about != name else None,
    )
    return file, sound


def name_mail(content: bytes) -> str | None:
    """A name for a mail within the mail: its subject."""
    limits = READ_LIMITS
    header = read_header(
        content, start=0, end=len(content), max_bytes=limits.part_header_bytes, max_fields=limits.header_fields
    )
    subject = next((value for name, value in header.fields if name == "subject"), "")
    words = decode_words(subject[:MAX_NAME_CHARS]).strip()[:MAX_SUBJECT_CHARS].strip()
    return f"{words.translate(SLASHES)}.eml" if words else None


def find_file(raw: bytes, root: Part, path: str) -> bytes:
    """The decoded content of the file at a path; KeyError where the mail has none there."""
    place, _, within = path.partition(f".{UUENCODED}")
    part = _find_part(root, place)
    if part is None or part.children:
        raise KeyError(path)
    content, _ = read_content(raw, part)
    if not within:
        return content
    for number, (_, decoded, _, _) in enumerate(find_uuencoded(content), 1):
        if str(number) == within:
            return decoded
    raise KeyError(path)


def _find_part(root: Part, path: str) -> Part | None:
    """The part at a path, going down only where it leads."""
    if root.path == path:
        return root
    for child in root.children:
        if path == child.path or path.startswith(f"{child.path}."):
            return _find_part(child, path)
    return None
