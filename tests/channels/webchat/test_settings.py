"""What a web chat may be set up as: what cannot work, or would not protect, is refused by name."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from channels.webchat.keys import UnusableKey, read_public_keys
from channels.webchat.settings import WebchatSettings

SECRET = "0123456789abcdef0123456789abcdef"


def test_nothing_has_to_be_set() -> None:
    """A chat works out of the box on our own pages; sites are let in by name."""
    chat = msgspec.convert({}, WebchatSettings)
    assert (chat.verification, chat.origins, chat.files.enabled) == ("off", [], True)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("origins", {"origins": ["shop.example"]}),
        ("identity_secret", {"identity_secret": "short"}),
        ("identity_secret", {"identity_secret": ""}),
        ("jwt_secret", {"jwt_secret": "x" * 31}),
        ("jwt_public_keys", {"jwt_public_keys": "no key"}),
        ("verification", {"verification": "required"}),
        ("default_locale", {"default_locale": "it"}),
    ],
)
def test_what_cannot_work_is_refused_by_name(name: str, given: dict[str, Any]) -> None:
    """The operator is told which setting it is, and the value of no secret."""
    with pytest.raises(msgspec.ValidationError, match=f"^{name} ") as refused:
        msgspec.convert(given, WebchatSettings)
    assert "x" * 31 not in str(refused.value)


def test_articles_lead_to_pages() -> None:
    """No script gets into the home of a chat."""
    with pytest.raises(msgspec.ValidationError, match="https://"):
        msgspec.convert({"home": {"articles": [{"title": "x", "url": "javascript:alert(1)"}]}}, WebchatSettings)


def test_a_private_key_is_refused() -> None:
    """What only verifies must not be able to sign: it would lie in our settings for nothing."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with pytest.raises(UnusableKey, match="private"):
        read_public_keys(pem)


def test_weak_and_foreign_keys_are_refused() -> None:
    """An RSA key that can be factored, a curve no algorithm of ours is for, a shared key among public ones, no key."""
    small = rsa.generate_private_key(65_537, 1_024).public_key()
    other = ec.generate_private_key(ec.SECP384R1()).public_key()
    for key in (small, other):
        with pytest.raises(UnusableKey):
            read_public_keys(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())
    for keys in ([{"kty": "oct", "k": "c2VjcmV0"}], [], [3], 3):
        with pytest.raises(UnusableKey):
            read_public_keys(json.dumps({"keys": keys}))
