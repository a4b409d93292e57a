"""File names: made harmless before they are kept, and written into headers as the standards want it. Pure."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote

MAX_NAME_BYTES = 150
"""What every file system and mail program takes, in bytes of UTF-8."""
MAX_ENDING_BYTES = 20
INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Controls, format characters (bidirectional overrides, zero widths), surrogates, private use, separators."""
RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"com{n}" for n in range(10)), *(f"lpt{n}" for n in range(10))})
"""Names of devices on Windows, with any ending."""
UNSAFE = str.maketrans(dict.fromkeys('/\\:*?"<>|', "_"))
FALLBACK = "file"


def clean_file_name(name: str | None) -> str | None:
    """A sender's file name without paths, invisible characters and tricks; None where nothing is left of it."""
    visible = "".join(char for char in name or "" if unicodedata.category(char) not in INVISIBLE)
    last = unicodedata.normalize("NFC", visible).replace("\\", "/").rstrip("/").rpartition("/")[2]
    plain = _shorten(last.translate(UNSAFE).strip(" .")).strip(" .")
    if plain.partition(".")[0].strip().lower() in RESERVED:
        plain = f"_{plain}"
    return plain or None


def content_disposition(name: str | None) -> str:
    """The header that makes browsers save a file (RFC 6266), its name also in the extended form (RFC 8187).

    The plain form keeps letters, digits and `.-_ ` of ASCII, so no quoting can go wrong.
    """
    kept = clean_file_name(name) or FALLBACK
    plain = "".join(char if char.isascii() and (char.isalnum() or char in ".-_ ") else "_" for char in kept)
    extended = "" if plain == kept else f"; filename*=UTF-8''{quote(kept, safe='')}"
    return f'attachment; filename="{plain}"{extended}'


def _shorten(name: str) -> str:
    """At most MAX_NAME_BYTES, the ending kept where it is short enough to be one."""
    if len(name.encode()) <= MAX_NAME_BYTES:
        return name
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending.encode()) > MAX_ENDING_BYTES:
        stem, dot, ending = name, "", ""
    room = MAX_NAME_BYTES - len(f"{dot}{ending}".encode())
    return f"{stem.encode()[:room].decode(errors='ignore')}{dot}{ending}"
