"""The well-known replies of three open-source readers, kept beside the project."""

from __future__ import annotations

import email
import os
from email import policy
from pathlib import Path
from typing import Any

import msgspec
import pytest

from channels.email.quoting import Split, split_text

# Told apart from lenient only by one blank line more than the classic wants, which stood there.
KNOWN_DIFFERENCES = {"talon-text/reply_wraps_nested_quotations-1"}


@pytest.fixture(scope="module")
def replies() -> list[dict[str, Any]]:
    """All rows of replies.jsonl."""
    folder = os.environ.get("SWITCHBOARD_TESTDATA")
    if not folder:
        pytest.skip("SWITCHBOARD_TESTDATA is not set: the classics of reply parsing are not at hand")
    lines = (Path(folder) / "email" / "replies.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line) for line in lines]


def test_classics_come_apart(replies: list[dict[str, Any]]) -> None:
    """At least 95 % of the classics come out as their authors want, white space aside, and 85 % to the character.

    A row that keeps signatures counts them as new.
    """
    assert len(replies) == 80
    lenient = {row["id"] for row in replies if _is_met(row, exact=False)}
    exact = {row["id"] for row in replies if _is_met(row, exact=True)}
    assert len(lenient) >= 0.95 * len(replies)
    assert len(exact) >= 0.85 * len(replies)
    assert {row["id"] for row in replies} - exact == KNOWN_DIFFERENCES


def _is_met(row: dict[str, Any], *, exact: bool) -> bool:
    split = split_text(_body(row))
    shown = _shown(split, keeps_signature=bool(row["keeps_signature"]))
    expect = row["expect"]
    if "reply" in expect:
        wanted = expect["reply"].strip()
        return bool(shown == wanted if exact else shown.split() == wanted.split())
    contains = all(" ".join(part.split()) in " ".join(shown.split()) for part in expect.get("contains", []))
    return contains and not any(part in shown for part in expect.get("not_contains", []))


def _shown(split: Split, *, keeps_signature: bool) -> str:
    parts = [split.new, split.signature if keeps_signature else None]
    return "\n\n".join(filter(None, parts)).strip()


def _body(row: dict[str, Any]) -> str:
    if row["format"] == "text":
        return str(row["raw_text"])
    mail = email.message_from_bytes(row["raw_text"].encode(), policy=policy.default)
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())
