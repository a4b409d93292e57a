"""Message-IDs (RFC 5322 3.6.4): what is none is nothing, for an empty id would match any mail that has none."""

from __future__ import annotations

import re

MAX_ID_CHARS = 998
"""A line of RFC 5322, which an id cannot be broken over."""

_ID = re.compile(rf"<\s{{0,20}}([^<>\s]{{1,{MAX_ID_CHARS}}}?)\s{{0,20}}>")
_BARE = re.compile(r"[^<>\s()\",;]{1,500}@[^<>\s()\",;@]{1,400}")
_MARK = re.compile(r"[()<>\\]")


def read_ids(values: list[str], max_ids: int) -> tuple[list[str], bool]:
    """Ids of In-Reply-To or References in their order, each once, and whether there were more than may be.

    Of too many the first, which began the thread, and the last ones stay.
    """
    found = dict.fromkeys(each for value in values for each in _find_ids(value))
    ids = list(found)
    if len(ids) <= max_ids:
        return ids, False
    return [ids[0], *ids[1 - max_ids :]][:max_ids], True


def read_message_id(values: list[str]) -> str | None:
    """The id of a mail: the first that is one."""
    return next((each for value in values for each in _find_ids(value)), None)


def _find_ids(value: str) -> list[str]:
    if "(" in value:
        value = drop_comments(value)
    if "<" in value:
        return _ID.findall(value)
    return [word for word in value.split() if _BARE.fullmatch(word)]


def drop_comments(value: str) -> str:
    """A header without its comments (RFC 5322 3.2.2), those in angle brackets left; an open one is no comment."""
    kept, depth, begun, position, inside = [], 0, 0, 0, False
    for mark in _MARK.finditer(value):
        sign = mark[0]
        if depth == 0 and sign in "<>":
            inside = sign == "<"
        elif sign == "(" and not inside:
            begun = mark.start() if depth == 0 else begun
            depth += 1
        elif sign == ")" and depth:
            depth -= 1
            if depth == 0:
                kept.append(value[position:begun])
                position = mark.end()
    return " ".join([*kept, value[position:]])
