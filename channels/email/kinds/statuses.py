"""Delivery status notifications as the standard has them (RFC 3464, RFC 6533 for other alphabets). Pure."""

from __future__ import annotations

import re
from typing import get_args

from channels.email.kinds.bounce import (
    MAX_BOUNCES,
    MAX_DIAGNOSTIC_CHARS,
    Action,
    Bounce,
    find_address,
)
from channels.email.kinds.codes import find_meaning, is_lasting
from channels.email.mail import Mail, ReportPart

STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
MAX_STATUS_BYTES = 262_144
ACTIONS: dict[str, Action] = {action: action for action in get_args(Action)}
CLASSES: dict[str, Action] = {"2": "delivered", "4": "delayed", "5": "failed"}
"""The action where none is told, by the first digit of the status."""
VAGUE = ("4.0.0", "5.0.0", "5.1.0", "4.4.0")

STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\.\d)(?!\d)")
SMTP_CODE = re.compile(r"(?<![\d.:-])(4[2-5]\d|5[0-57]\d)(?=[ \-#]{1,2}[#\w<\"'*\[(])")
_ESCAPED = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
_XTEXT = re.compile(r"\+([0-9A-F]{2})")


def read_statuses(mail: Mail) -> list[Bounce]:
    """What the fields of delivery-status parts say of each recipient; the original is not looked for here."""
    found: dict[tuple[str, str], Bounce] = {}
    for part in mail.reports:
        if part.media_type in STATUS_TYPES:
            for fields in _read_groups(part):
                bounce = _read_recipient(fields)
                if bounce and len(found) < MAX_BOUNCES:
                    found.setdefault((bounce.recipient.lower(), bounce.action), bounce)
    return list(found.values())


def make_bounce(
    recipient: str, *, action: Action | None, status: str | None, diagnostic: str | None, remote_host: str | None = None
) -> Bounce:
    """A bounce whose status is the most telling one of the field and the words, and whose missing facts follow."""
    words = " ".join((diagnostic or "").split())[:MAX_DIAGNOSTIC_CHARS]
    smtp = find_smtp_code(words)
    told = _choose_status(status, words)
    does = action or CLASSES.get((told or smtp or "5")[0], "failed")
    return Bounce(
        recipient=recipient,
        action=does,
        permanent=does == "failed" and is_lasting(told or smtp, find_meaning(told, smtp=smtp, text=words)),
        status=told,
        diagnostic=words or None,
        remote_host=remote_host,
    )


def find_smtp_code(text: str) -> str | None:
    """The SMTP code of a refusal in a text: 550."""
    found = SMTP_CODE.search(text[:MAX_DIAGNOSTIC_CHARS])
    return found[1] if found else None


def _read_groups(part: ReportPart) -> list[dict[str, str]]:
    """The groups of fields that tell of a recipient; a server that leaves out the empty line begins one anew."""
    groups: list[dict[str, str]] = [{}]
    name = ""
    for line in part.content[:MAX_STATUS_BYTES].decode("utf-8", "replace").splitlines():
        if not line.strip():
            groups.append({})
        elif line[0] in " \t":
            _prolong(groups[-1], name, line)
        else:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            if name == "final-recipient" and name in groups[-1]:
                groups.append({})
            groups[-1].setdefault(name, value.strip()[:MAX_DIAGNOSTIC_CHARS])
    return [each for each in groups if "final-recipient" in each or "original-recipient" in each]


def _prolong(fields: dict[str, str], name: str, line: str) -> None:
    """A folded line's share of its field, as long as that is short enough to be kept."""
    if name in fields and len(fields[name]) < MAX_DIAGNOSTIC_CHARS:
        fields[name] += " " + line.strip()[:MAX_DIAGNOSTIC_CHARS]


def _read_recipient(fields: dict[str, str]) -> Bounce | None:
    recipient = _read_typed_address(fields.get("original-recipient", "")) or _read_typed_address(
        fields.get("final-recipient", "")
    )
    if recipient is None:
        return None
    word = fields.get("action", "").split("(")[0].strip().lower()
    status = STATUS.search(fields.get("status", ""))
    return make_bounce(
        recipient,
        action=ACTIONS.get(word),
        status=status[1] if status else None,
        diagnostic=_drop_type(fields.get("diagnostic-code", "")) or None,
        remote_host=_drop_type(fields.get("remote-mta", "")).split(" ")[0][:253] or None,
    )


def _read_typed_address(value: str) -> str | None:
    """The address of "rfc822; a@b" or "utf-8; ..."; some leave the encoding of RFC 3461 (xtext) on it."""
    address = _ESCAPED.sub(lambda each: _unescape(each[1]), _drop_type(value)).strip("<> ")
    if "@" not in address:
        address = _XTEXT.sub(lambda each: chr(int(each[1], 16)), address)
    return find_address(address)


def _unescape(digits: str) -> str:
    code = int(digits, 16)
    return chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else "?"


def _drop_type(value: str) -> str:
    """A value without the type before it: "smtp; 550 No" says "550 No"."""
    kind, mark, rest = value.partition(";")
    return rest.strip() if mark and kind.strip().replace("-", "").isalnum() else value.strip()


def _choose_status(status: str | None, words: str) -> str | None:
    """The field's status, unless it is a vague one and the words hold another of the same class."""
    if status is not None and status not in VAGUE:
        return status
    found = STATUS.search(words)
    spoken = found[1] if found else None
    return spoken if spoken and (status is None or spoken[0] == status[0]) else status
