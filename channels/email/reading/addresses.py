"""Lists of mailboxes (RFC 5322 3.4, RFC 6532), read from left to right, each character once.

The stdlib's parser takes `ceo@corp.example <evil@e.example>` for the ceo (CVE-2023-27043). Here what stands in angle
brackets is the address, and whatever else looks like one makes the header unclean, so that nobody is believed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal, TypeAlias

import msgspec

from channels.email.mail import Mailbox
from channels.email.reading.words import clean_words, decode_words

MAX_NAME_CHARS = 1_000
MAX_ADDRESS_CHARS = 320  # RFC 3696 3, as corrected; servers take less

Kind: TypeAlias = Literal["atom", "word", "quoted", "comment", "gap", "sign"]
Token: TypeAlias = tuple[Kind, str]

_ADDRESS = re.compile(
    r'("(?:[^"\\\x00-\x1f]|\\[^\x00-\x1f])*+"|[^\s"@<>(),;:\\\[\]\x00-\x1f\x7f]++)'
    r"@(\[[^\[\]\s@<>]{1,100}\]|(?:[A-Za-z0-9._-]|[^\x00-\xa0\s]){1,255})"
)
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}")
_PIECE = re.compile(r"(\s+)|(=\?[^?\s]{1,64}\?[bBqQ]\?[^?]{0,2000}\?=)|([^\s\"<>,;:()]+)|([\"<>,;:()])")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*+)"')
_COMMENT_MARK = re.compile(r"\\.|[()]")
_AROUND = re.compile(r" ?([@.]) ?")
_QUOTED_PAIR = re.compile(r"\\(.)")


class _Entry(msgspec.Struct):
    """What was read since the last comma: the words before an address, and what stands in angle brackets."""

    words: list[Token] = []
    angle: list[str] | None = None
    closed: bool = False
    odd: bool = False


def read_mailboxes(values: list[str], max_boxes: int) -> tuple[list[Mailbox], bool]:
    """The mailboxes of To, Cc and the like, groups dissolved, each once; and whether there were more than may be."""
    found: dict[Mailbox, None] = {}
    for value in values:
        for box, _ in _read_list(value):
            if box is not None and "@" in box.address:
                found[box] = None
                if len(found) > max_boxes:
                    return list(found)[:max_boxes], True
    return list(found), False


def read_senders(values: list[str], max_boxes: int) -> tuple[list[Mailbox], bool]:
    """The mailboxes of From, and whether the header stood there once with nothing but mailboxes in it.

    A local part alone, as in `<moderator>`, is kept as the address of a sender, though never of a clean one.
    """
    entries = []
    for value in values:
        for entry in _read_list(value):
            entries.append(entry)
            if len(entries) > max_boxes:
                break
    boxes = dict.fromkeys(box for box, _ in entries if box is not None)
    clean = len(values) == 1 and bool(boxes) and all(sound for _, sound in entries)
    return list(boxes)[:max_boxes], clean


def _read_list(value: str) -> Iterator[tuple[Mailbox | None, bool]]:
    """Each entry's mailbox, None where it has none, and whether it is nothing but that mailbox."""
    entry, grouped = _Entry(), False
    for kind, text in _split_tokens(value):
        if kind == "sign" and text in ",;" and not (entry.angle is not None and _in_route(entry)):
            yield from _read_entry(entry)
            entry = _Entry(odd=text == ";" and not grouped)
        elif kind == "sign" and text == ":" and entry.angle is None and not _has_at(entry.words):
            grouped = True
            entry = _Entry(odd=True)  # From may hold a group (RFC 6854), but then nobody in particular
        else:
            _take_token(entry, kind, text)
    yield from _read_entry(entry)


def _take_token(entry: _Entry, kind: Kind, text: str) -> None:
    """One more token of an entry: in the brackets, before or behind them."""
    if kind == "sign" and text == "<" and not entry.closed and entry.angle is None:
        entry.angle = []
    elif kind == "sign" and text == ">" and entry.angle is not None and not entry.closed:
        entry.closed = True
    elif kind == "sign" and not (entry.angle is not None and not entry.closed and text in ":,"):
        entry.odd = True
    elif kind == "comment":
        entry.words.append((kind, text))
    elif entry.angle is not None and not entry.closed:
        entry.angle.append(" " if kind == "gap" else text)
    elif entry.closed:
        entry.odd = entry.odd or kind != "gap"
    else:
        entry.words.append((kind, text))


def _in_route(entry: _Entry) -> bool:
    """Whether a comma is one of an old source route, `<@a,@b:c@d>` (RFC 5322 4.4)."""
    return not entry.closed and bool(entry.angle) and (entry.angle or [""])[0].startswith("@")


def _has_at(words: Iterable[Token]) -> bool:
    return any("@" in text for kind, text in words if kind == "atom")


def _read_entry(entry: _Entry) -> Iterator[tuple[Mailbox | None, bool]]:
    if entry.angle is not None:
        yield _read_angle(entry)
        return
    solid = "".join(text for kind, text in entry.words if kind not in ("comment", "gap"))
    if not solid:
        if entry.odd or any(kind == "comment" for kind, _ in entry.words):
            yield None, False
        return
    shape = "".join(" " if kind == "gap" else "x" for kind, _ in entry.words if kind != "comment")
    encoded = any(kind == "word" for kind, _ in entry.words)
    if not encoded and " " not in shape.strip() and (address := read_address(solid)):
        sound = not entry.odd and _harmless([token for token in entry.words if token[0] == "comment"], address)
        yield Mailbox(address=address, name=_name_of_comment(entry.words)), sound
        return
    yield from _read_loose(entry.words)


def _read_angle(entry: _Entry) -> tuple[Mailbox | None, bool]:
    """A mailbox in angle brackets, with the words before it as its name."""
    text = _AROUND.sub(r"\1", "".join(entry.angle or [])).strip()
    route, _, last = text.rpartition(":")
    inner = last if route.startswith("@") else text
    address = read_address(inner)
    name = _name_of(entry.words) or _name_of_comment(entry.words)
    if address is None:
        kept = Mailbox(address=inner, name=name) if _LOCAL.fullmatch(inner) else None
        return kept, False
    sound = entry.closed and not entry.odd and not route
    return Mailbox(address=address, name=name), sound and _harmless(entry.words, address)


def _read_loose(words: list[Token]) -> Iterator[tuple[Mailbox | None, bool]]:
    """Words without brackets that are no address as a whole: each address among them, of which none is clean."""
    found = [address for kind, text in words if kind == "atom" and (address := read_address(text.strip("'[]")))]
    others = [token for token in words if not (token[0] == "atom" and "@" in token[1])]
    if not found:  # a client that encoded the brackets as well
        encoded = "".join(text for kind, text in words if kind == "word")
        found, others = [address] if encoded and (address := _last_address(decode_words(encoded))) else [], []
    if not found:
        yield None, False
    for address in found:
        yield Mailbox(address=address, name=_name_of(others) if len(found) == 1 else None), False


def _last_address(text: str) -> str | None:
    _, _, rest = text.rpartition("<")
    return read_address(rest.strip().removesuffix(">"))


def read_address(text: str) -> str | None:
    """An addr-spec with its domain in lower case and without a root dot, or None."""
    found = _ADDRESS.fullmatch(text) if len(text) <= MAX_ADDRESS_CHARS else None
    if found is None:
        return None
    domain = found[2].lower().removesuffix(".")
    if not domain or domain.startswith(".") or ".." in domain:
        return None
    return f"{found[1]}@{domain}"


def _harmless(words: list[Token], address: str) -> bool:
    """Whether nothing beside the address claims to be another one; a repeat of the same is none."""
    return all(
        "@" not in text or text.strip("'").lower() == address.lower()
        for kind, text in words
        if kind in ("atom", "comment")
    )


def _name_of(words: list[Token]) -> str | None:
    return _show_name("".join(_spoken(kind, text) for kind, text in words if kind != "comment"))


def _name_of_comment(words: list[Token]) -> str | None:
    return _show_name(" ".join(text for kind, text in words if kind == "comment"))


def _spoken(kind: Kind, text: str) -> str:
    if kind == "quoted":
        return _QUOTED_PAIR.sub(r"\1", text[1:-1])
    return " " if kind == "gap" else text


def _show_name(raw: str) -> str | None:
    name = decode_words(raw)[:MAX_NAME_CHARS].strip()
    if len(name) > 2 and name[0] == name[-1] == "'":
        name = name[1:-1]
    return name or None


def _split_tokens(value: str) -> Iterator[Token]:
    """Tokens of a list. A quote or a bracket of a comment that is never closed is an odd sign and hides nothing."""
    position, quotes, comments = 0, True, True
    while found := _PIECE.match(value, position):
        position = found.end()
        if found[1]:
            yield "gap", found[1]
        elif found[2]:
            yield "word", found[2]
        elif found[3]:
            yield "atom", found[3]
        elif found[4] == '"' and quotes and (quoted := _QUOTED.match(value, found.start())):
            position = quoted.end()
            yield "quoted", quoted[0]
        elif found[4] == "(" and comments and (end := _comment_end(value, found.start())):
            yield "comment", clean_words(_QUOTED_PAIR.sub(r"\1", value[position : end - 1]))
            position = end
        else:
            quotes, comments = quotes and found[4] != '"', comments and found[4] != "("
            yield "sign", found[4]


def _comment_end(value: str, start: int) -> int:
    """Behind the bracket that closes a comment, comments in it counted; 0 where none does."""
    depth = 0
    for mark in _COMMENT_MARK.finditer(value, start):
        depth += 1 if mark[0] == "(" else -1 if mark[0] == ")" else 0
        if depth == 0:
            return mark.end()
    return 0
