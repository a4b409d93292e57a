"""What an API key looks like."""

from __future__ import annotations

import secrets

import pytest

from inbox.staff.keys import SECRET_BYTES, form_secret, hash_secret, looks_like_key, secret_prefix


def test_a_secret_is_one_of_ours_and_holds_256_bits() -> None:
    """Every secret made is recognised, and no two are alike."""
    made = {form_secret(secrets.token_urlsafe(SECRET_BYTES)) for _ in range(100)}
    assert len(made) == 100
    assert all(looks_like_key(secret) for secret in made)


@pytest.mark.parametrize("text", ["", "sk_", "sk_" + "a" * 42, "sk_" + "a" * 44, "pk_" + "a" * 43, "sk_" + "é" * 43])
def test_what_cannot_be_a_key_is_not_looked_up(text: str) -> None:
    """A guess of the wrong shape never reaches the database."""
    assert not looks_like_key(text)


def test_the_prefix_tells_keys_apart_without_giving_them_away() -> None:
    """What is shown of a key leaves more than 200 bits unknown."""
    secret = form_secret("a" * 43)
    assert secret.startswith(secret_prefix(secret))
    assert len(secret) - len(secret_prefix(secret)) >= 34
    assert len(hash_secret(secret)) == 32
