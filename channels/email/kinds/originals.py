"""Which mail of ours a report is about: its Message-ID, from wherever the reporter kept it. Pure."""

from __future__ import annotations

import re

from channels.email.kinds.bounce import read_reference
from channels.email.mail import Mail

RETURNED = frozenset({"message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"})
MAX_HEADER_BYTES = 65_536
MAX_TEXT_CHARS = 65_536
_MESSAGE_ID = re.compile(r"(?im)(?<![\w-])message-id[ \t]{0,8}[:：]\s{0,8}<([^<>\s]{1,250})>")
_OURS = re.compile(r"(?<![\w.-])(msg_[0-9a-f]{32}@[A-Za-z0-9.-]{1,190}[A-Za-z0-9])")


def find_original(mail: Mail, text: str) -> str | None:
    """The Message-ID of the mail a report is about, without brackets.

    Looked for in the returned headers, in what the report says of itself, in its text, in what it answers, and at last
    anywhere in the text, if only one id of our making stands there. What an answer of ours refers to is never taken
    for the answer, so a name that is written out goes before every guess.
    """
    found = [*_returned_ids(mail), *_named_ids(mail), *_written_ids(text), *mail.in_reply_to, *mail.references[-1:]]
    return found[0] if found else _find_only(_cut_middle(text))


def read_returned_headers(mail: Mail) -> dict[str, str]:
    """The headers of the returned mail, names in lower case, the first of each; {} where none came back."""
    for part in mail.reports:
        if part.media_type in RETURNED:
            return read_header_block(part.content[:MAX_HEADER_BYTES].decode("utf-8", "replace"))
    return {}


def read_header_block(block: str) -> dict[str, str]:
    """One block of header fields, unfolded, up to its first empty line; the first of each name."""
    fields: dict[str, str] = {}
    lines: list[list[str]] = []
    for line in block.lstrip("\r\n").splitlines():
        if not line.strip():
            break
        if line[0] in " \t" and lines:
            lines[-1].append(line.strip())
        else:
            lines.append([line.strip()])
    for pieces in lines:
        name, _, value = " ".join(pieces).partition(":")
        fields.setdefault(name.strip().lower(), value.strip())
    return fields


def _returned_ids(mail: Mail) -> list[str]:
    return _bare_ids(read_returned_headers(mail).get("message-id", ""))


def _named_ids(mail: Mail) -> list[str]:
    """Of the report's own headers and fields: Exchange and others name the original, RFC 3461 its envelope's id."""
    found = _bare_ids(mail.value("x-original-message-id") or "")
    for part in mail.reports:
        if part.media_type not in RETURNED:
            fields = read_header_block(part.content[:MAX_HEADER_BYTES].decode("utf-8", "replace"))
            found += _bare_ids(fields.get("x-original-message-id", ""))
            found += [each for each in _bare_ids(fields.get("original-envelope-id", "")) if read_reference(each)]
    return found


def _written_ids(text: str) -> list[str]:
    return _MESSAGE_ID.findall(_cut_middle(text))[:1]


def _find_only(text: str) -> str | None:
    ours = set(_OURS.findall(text))
    return ours.pop() if len(ours) == 1 else None


def _cut_middle(text: str) -> str:
    whole = len(text) <= 2 * MAX_TEXT_CHARS
    return text if whole else text[:MAX_TEXT_CHARS] + "\n" + text[-MAX_TEXT_CHARS:]


def _bare_ids(value: str) -> list[str]:
    bare = value.strip().strip("<>").strip()
    return [bare] if bare and len(bare) <= 250 and not any(each.isspace() or each in "<>" for each in bare) else []
