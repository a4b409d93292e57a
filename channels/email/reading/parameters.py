"""Content-Type and Content-Disposition with their parameters (RFC 2045 5.1, RFC 2231), as clients really write them."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from channels.email.reading.charsets import decode_text
from channels.email.reading.words import clean_words, decode_words

MAX_PARAMETERS = 200

_TYPE = re.compile(r"\s*([A-Za-z0-9!#$&^_.+-]{1,127})\s*/\s*([A-Za-z0-9!#$&^_.+'*-]{1,127})")
_PARAMETER = re.compile(r"""[;\s]\s*([^\s=;"<>@,:\\/?()]{1,100})\s*=\s*(?:"((?:[^"\\]|\\.)*+)"?|([^;]*))""")
_QUOTED_PAIR = re.compile(r"\\(.)")
_SECTION = re.compile(r"([^*]+)(?:\*(\d{1,4}))?(\*)?")
# Before a character other than these two a backslash is one of a Windows path, whatever RFC 5322 3.2.1 says.
_ESCAPED = re.compile(r'\\(["\\])')


def read_type(value: str) -> tuple[str, dict[str, str]]:
    """Media type in lower case ("" where there is none to be read) and parameters, names in lower case."""
    found = _TYPE.match(value)
    return (f"{found[1]}/{found[2]}".lower() if found else ""), read_parameters(value)


def read_disposition(value: str) -> tuple[str, dict[str, str]]:
    """The disposition's word in lower case, and its parameters."""
    return value.split(";", 1)[0].strip().strip("\"'").lower(), read_parameters(value)


def read_parameters(value: str) -> dict[str, str]:
    """Parameters of a header, charsets decoded and continuations joined; the first of a name counts."""
    if "=" not in value:
        return {}
    plain: dict[str, str] = {}
    extended: dict[str, dict[int, tuple[str, bool]]] = {}
    for found in _find_parameters(value):
        name, text = found[1].lower(), _parameter_text(found)
        section = _SECTION.fullmatch(name) if "*" in name else None
        if section is None:
            plain.setdefault(name, text)
        else:
            parts = extended.setdefault(section[1], {})
            parts.setdefault(int(section[2] or 0), (text, section[3] is not None))
    read = {name: _join_sections(parts) for name, parts in extended.items()}
    return {name: decode_words(text) for name, text in plain.items()} | {k: v for k, v in read.items() if v}


def _find_parameters(value: str) -> list[re.Match[str]]:
    found = []
    for match in _PARAMETER.finditer(value, max(value.find(";"), 0)):
        found.append(match)
        if len(found) == MAX_PARAMETERS:
            break
    return found


def _parameter_text(found: re.Match[str]) -> str:
    if found[2] is not None:
        return _ESCAPED.sub(r"\1", found[2]) if "\\" in found[2] else found[2]
    text = found[3].strip()
    if found[1].lower().startswith(("name", "filename", "boundary")):
        return text
    return text.split(None, 1)[0].split("(", 1)[0] if text else ""


def _join_sections(parts: dict[int, tuple[str, bool]]) -> str:
    """One value from its sections (RFC 2231 3 and 4); the charset stands before the first."""
    first, encoded = parts[min(parts)]
    charset: str | None = None
    if encoded and first.count("'") >= 2:
        charset, _, first = first.strip('"').split("'", 2)
    sections = [(first, encoded), *(parts[number] for number in sorted(parts)[1:])]
    if not any(flag for _, flag in sections):
        return decode_words("".join(text for text, _ in sections))
    content = b"".join(
        unquote_to_bytes(text) if flag else text.encode("utf-8", "surrogateescape") for text, flag in sections
    )
    return clean_words(decode_text(content, charset or "utf-8")[0])
