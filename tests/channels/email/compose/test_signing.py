"""DKIM signatures of ours, verified by the same rules as everybody's."""

from __future__ import annotations

from base64 import b64encode

import dkim
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from channels.email.compose import sign_composed, sign_mail
from channels.errors import Misconfigured
from tests.channels.email.compose.letters import SETTINGS, composed, mail_to

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ED = ed25519.Ed25519PrivateKey.generate()
RECORDS = {
    "rsa": b"v=DKIM1; k=rsa; p="
    + b64encode(RSA.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)),
    "ed": b"v=DKIM1; k=ed25519; p=" + b64encode(ED.public_key().public_bytes_raw()),
}
KEYS: dict[str, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey] = {"rsa": RSA, "ed": ED}
PEMS = {
    name: key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode() for name, key in KEYS.items()
}
MAIL = composed(cc=[mail_to("b@x.example")], subject="Über", signature="Bob", in_reply_to="a@b").content


def _verifies(mail: bytes) -> bool:
    def look_up(name: bytes, timeout: int = 5) -> bytes | None:
        return RECORDS.get(name.split(b".")[0].decode())

    return bool(dkim.verify(mail, dnsfunc=look_up))


@pytest.mark.parametrize("selector", ["rsa", "ed"])
def test_a_signed_mail_verifies(selector: str) -> None:
    """By RSA and by Ed25519, also after a relay has folded its headers anew; for another domain it does not."""
    signed = sign_mail(MAIL, "shop.example", selector=selector, private_key=PEMS[selector])
    assert signed.startswith(b"DKIM-Signature:")
    assert signed.endswith(MAIL)
    assert _verifies(signed)
    assert _verifies(signed.replace(b"To: Ann Lee <", b"To:   Ann Lee\r\n <"))
    assert not _verifies(signed.replace(b"d=shop.example", b"d=shop.invalid"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Hello", b"Hullo"),
        (b"To: Ann", b"To: Bob"),
        (b"MIME-Version:", b"From: ceo@corp.example\r\nMIME-Version:"),
        (b"MIME-Version:", b"Subject: other\r\nMIME-Version:"),
        (b"MIME-Version:", b"Reply-To: eve@evil.example\r\nMIME-Version:"),
        (b"MIME-Version:", b"Content-Type: text/html\r\nMIME-Version:"),
    ],
)
def test_a_change_breaks_the_signature(old: bytes, new: bytes) -> None:
    """Words, recipients, and a second header put beside the signed one, also where there was none."""
    signed = sign_mail(MAIL, "shop.example", selector="rsa", private_key=PEMS["rsa"])
    assert _verifies(signed)
    assert old in signed
    assert not _verifies(signed.replace(old, new, 1))


def test_only_channels_that_are_set_up_for_it_sign() -> None:
    """Without a key the mail is as it was; with one it carries the domain and selector of the settings."""
    assert sign_composed(SETTINGS, MAIL) == MAIL
    keyed = msgspec.structs.replace(
        SETTINGS, dkim_domain="shop.example", dkim_selector="rsa", dkim_private_key=PEMS["rsa"]
    )
    assert _verifies(sign_composed(keyed, MAIL))


def test_a_bad_key_is_the_operators_to_mend_and_is_not_shown() -> None:
    """Misconfigured, with what to check, and not a word of the key."""
    with pytest.raises(Misconfigured) as failed:
        sign_mail(MAIL, "shop.example", selector="rsa", private_key="-----BEGIN PRIVATE KEY-----\nsecret\n")
    assert "secret" not in f"{failed.value.reason} {failed.value.fix}"
