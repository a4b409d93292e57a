"""Tokens of sessions: their form, what is kept of them, and what a page of ours proves with them."""

from __future__ import annotations

import secrets

import pytest

from inbox.staff.sessions.tokens import TOKEN_BYTES, form_csrf_token, hash_token, is_csrf_token, looks_like_token

TOKEN = "q" * 42 + "-"


def test_a_token_is_256_bits() -> None:
    """In base64url, and nothing else is looked up."""
    assert TOKEN_BYTES * 8 == 256
    assert looks_like_token(secrets.token_urlsafe(TOKEN_BYTES))


@pytest.mark.parametrize("text", ["", "a" * 42, "a" * 44, "a" * 42 + "=", "a" * 42 + "\n", "é" * 43, f" {TOKEN}"])
def test_anything_else_is_none(text: str) -> None:
    """Too short, too long, or of other characters."""
    assert not looks_like_token(text)


def test_what_is_kept_tells_nothing() -> None:
    """A digest of its own for each token."""
    assert len(hash_token(TOKEN)) == 32
    assert hash_token(TOKEN) != hash_token(TOKEN[::-1])


def test_the_pages_token_belongs_to_one_session() -> None:
    """Its own, whole, and no other; odd input is wrong and never an error."""
    assert is_csrf_token(form_csrf_token(TOKEN), TOKEN)
    for wrong in ("", form_csrf_token(TOKEN)[:-1], form_csrf_token(TOKEN[::-1]), TOKEN, "é", "\ud800"):
        assert not is_csrf_token(wrong, TOKEN)
