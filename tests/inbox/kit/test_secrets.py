"""Secrets at rest: they open in their place, with their key, unchanged, and nowhere else."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from inbox.kit.secrets import BrokenSeal, SecretBox, WrongKey

OLD = "old-key-7c1f0a9d5e2b48c6a3d97f10"
NEW = "new-key-e83b6d41c09f4a72b5d8e619"
PLACE = "cha_0193a5c1d2e37f4f8a6b9c0d1e2f3a4b"
PLAIN = b'{"auth_token":"canary-7f3e"}'


def hkdf(secret: str, purpose: bytes) -> bytes:
    """RFC 5869 by hand, as an outside reader would do it: SHA-256, no salt, one block."""
    extracted = hmac.digest(bytes(32), secret.encode(), hashlib.sha256)
    return hmac.digest(extracted, purpose + b"\x01", hashlib.sha256)


@given(st.binary(max_size=300), st.text(max_size=40))
def test_what_is_sealed_opens_in_its_place(plain: bytes, place: str) -> None:
    """Any bytes come back from the place they were sealed for."""
    box = SecretBox([NEW])
    assert box.open_sealed(box.seal(plain, bound_to=place), bound_to=place) == plain


def test_sealed_bytes_hold_nothing_of_the_secret_and_never_repeat() -> None:
    """A dump of the database shows neither the secret nor that two channels share one."""
    box = SecretBox([NEW])
    first, second = box.seal(PLAIN, bound_to=PLACE), box.seal(PLAIN, bound_to=PLACE)
    assert b"canary" not in first
    assert first[5:] != second[5:]


def test_the_layout_is_as_documented() -> None:
    """Version, key id, nonce, AES-256-GCM under an HKDF key: readable without us, as long as the key is known."""
    sealed = SecretBox([NEW]).seal(PLAIN, bound_to=PLACE)
    head, nonce, body = sealed[:5], sealed[5:17], sealed[17:]
    assert head == b"\x01" + hkdf(NEW, b"switchboard/key-id/1")[:4]
    cipher = AESGCM(hkdf(NEW, b"switchboard/seal/1"))
    assert cipher.decrypt(nonce, body, head + PLACE.encode()) == PLAIN


def test_another_key_is_named_as_wrong() -> None:
    """A wrong key says so, and what to set, and neither key nor secret is in the message."""
    sealed = SecretBox([OLD]).seal(PLAIN, bound_to=PLACE)
    with pytest.raises(WrongKey, match="SWITCHBOARD_SECRET_KEY") as caught:
        SecretBox([NEW]).open_sealed(sealed, bound_to=PLACE)
    assert not isinstance(caught.value, BrokenSeal)
    assert OLD not in str(caught.value)
    assert NEW not in str(caught.value)


def test_a_secret_moved_to_another_place_does_not_open() -> None:
    """A sealed token copied into another channel's row is refused there."""
    box = SecretBox([NEW])
    with pytest.raises(BrokenSeal):
        box.open_sealed(box.seal(PLAIN, bound_to=PLACE), bound_to="cha_00000000000000000000000000000000")


def test_no_changed_byte_goes_unseen() -> None:
    """Every single byte, from the version to the tag, is guarded; so is the length."""
    box = SecretBox([NEW])
    sealed = box.seal(b"token", bound_to=PLACE)
    spoiled = [sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))]
    cut = [sealed[:length] for length in range(len(sealed))]
    for bad in [*spoiled, *cut, sealed + b"\x00"]:
        with pytest.raises(WrongKey):
            box.open_sealed(bad, bound_to=PLACE)


def test_keys_rotate_without_losing_what_the_old_one_sealed() -> None:
    """With the new key first both open; what the old one sealed is known, and after resealing the old key can go."""
    old_box, both, new_box = SecretBox([OLD]), SecretBox([NEW, OLD]), SecretBox([NEW])
    sealed = old_box.seal(PLAIN, bound_to=PLACE)
    assert both.open_sealed(sealed, bound_to=PLACE) == PLAIN
    assert both.needs_reseal(sealed)
    resealed = both.seal(both.open_sealed(sealed, bound_to=PLACE), bound_to=PLACE)
    assert not both.needs_reseal(resealed)
    assert new_box.open_sealed(resealed, bound_to=PLACE) == PLAIN
    with pytest.raises(WrongKey):
        old_box.open_sealed(resealed, bound_to=PLACE)


@pytest.mark.parametrize("keys", [[], [""], [NEW, ""]])
def test_an_empty_key_is_no_key(keys: list[str]) -> None:
    """Nothing is ever sealed with nothing."""
    with pytest.raises(ValueError, match="at least one key"):
        SecretBox(keys)


def test_a_keyed_hash_is_stable_and_tells_nothing_without_the_key() -> None:
    """The same number can be followed through the logs; who lacks the key cannot try all numbers."""
    number = "+34600111222"
    hashed = SecretBox([NEW]).keyed_hash(number, "log")
    assert hashed == SecretBox([NEW, OLD]).keyed_hash(number, "log")
    assert len(hashed) == 24
    assert hashed != SecretBox([OLD]).keyed_hash(number, "log")
    assert hashed != SecretBox([NEW]).keyed_hash(number, "link")
    assert hashed not in hashlib.sha256(number.encode()).hexdigest()
    assert hashed == hmac.digest(hkdf(NEW, b"switchboard/hash/1"), b"log\0" + number.encode(), "sha256").hex()[:24]


def test_purpose_and_value_cannot_flow_into_each_other() -> None:
    """Moving the border between purpose and value gives another hash and another signature."""
    box = SecretBox([NEW])
    assert box.keyed_hash("bc", "a") != box.keyed_hash("c", "ab")
    assert box.sign("bc", purpose="a") != box.sign("c", purpose="ab")


def test_a_signature_holds_for_its_text_and_purpose_alone() -> None:
    """Another text, another purpose, another key, a cut or a foreign signature: all refused, none with an error."""
    box = SecretBox([NEW])
    text = "att_1?expires=1795252443"
    signature = box.sign(text, purpose="media")
    digest = hmac.digest(hkdf(NEW, b"switchboard/sign/1"), b"media\0" + text.encode(), "sha256")
    assert signature == urlsafe_b64encode(digest[:16]).decode().rstrip("=")
    assert box.check_signature(text, signature, purpose="media")
    assert not box.check_signature(text + "0", signature, purpose="media")
    assert not box.check_signature(text, signature, purpose="hook")
    assert not SecretBox([OLD]).check_signature(text, signature, purpose="media")
    for wrong in ["", signature[:-1], signature + "=", signature.upper(), "ñ" * 22, "\ud800"]:
        assert not box.check_signature(text, wrong, purpose="media")
    assert not box.check_signature("\ud800", signature, purpose="media")


def test_links_of_an_old_key_stay_valid_while_rotating() -> None:
    """A link sent yesterday still opens today, though new ones are signed with the new key."""
    signature = SecretBox([OLD]).sign("att_1", purpose="media")
    assert SecretBox([NEW, OLD]).check_signature("att_1", signature, purpose="media")
    assert SecretBox([NEW, OLD]).sign("att_1", purpose="media") == SecretBox([NEW]).sign("att_1", purpose="media")


def test_a_box_does_not_show_its_keys() -> None:
    """A box that ends up in a log or a traceback gives nothing away."""
    assert NEW not in repr(SecretBox([NEW]))
