"""The settings of mail: what is wrong with them is said before anything is sent, and no secret with it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from channels.email.limits import EMAIL_LIMITS
from channels.email.settings import EmailSettings, SmtpSettings, fold_address
from channels.errors import CannotCarry
from channels.limits import fit
from channels.parts import Attachment, File, Html, Text
from inbox.accounts.settings import secret_names, urls_of

MAILBOX: dict[str, Any] = {
    "address": "help@shop.example",
    "smtp_host": "mail.example",
    "smtp_user": "help",
    "smtp_password": "secret-1",
}


def pem(key: Any) -> str:
    """A key as an operator pastes it."""
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"address": "Shop <help@shop.example>"}, "address"),
        ({"address": "help@shop.example\r\n"}, "address"),
        ({"address": "help"}, "address"),
        ({"address": "x" * 65 + "@shop.example"}, "address"),
        ({"aliases": ["info@shop.example", "no address"]}, "aliases"),
        ({"name": "Shop\r\nBcc: a@b.example"}, "name"),
        ({"smtp_host": "https://mail.example"}, "smtp_host"),
        ({"smtp_security": "none"}, "smtp_security"),
        ({"smtp_user": None}, "smtp_user"),
        ({"oauth_client_id": "c"}, "oauth_token_url"),
        ({"dkim_selector": "s1"}, "dkim_domain"),
        ({"dkim_domain": "shop.example", "dkim_selector": "s1", "dkim_private_key": "secret-2"}, "dkim_private_key"),
        ({"sends_per_minute": 0}, ""),
        ({"smtp_port": 70_000}, ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(given: dict[str, Any], names: str) -> None:
    """The text begins with the setting, so that a form can show it there; a secret is never quoted."""
    with pytest.raises((ValueError, msgspec.ValidationError)) as refused:
        msgspec.convert({**MAILBOX, **given}, SmtpSettings)
    assert str(refused.value).startswith(names)
    assert "secret-" not in str(refused.value)


def test_ports_follow_the_security() -> None:
    """465 with TLS, 587 with STARTTLS, 25 without; a port of one's own counts before."""
    made = SmtpSettings(**MAILBOX)
    assert made.endpoints == {"smtp_host": ("mail.example", 465)}
    assert msgspec.structs.replace(made, smtp_security="starttls").submission_port == 587
    assert msgspec.structs.replace(made, smtp_port=2_525).submission_port == 2_525
    relay = SmtpSettings(address="help@shop.example", smtp_host="::1", smtp_security="none")
    assert list(urls_of(relay)) == [("smtp_host", "https://[::1]:25")]


def test_addresses_are_compared_folded() -> None:
    """Whatever way somebody writes them: in capitals, or with a domain beyond ASCII."""
    made = EmailSettings(address="Help@Shöp.example", aliases=["help@xn--shp-tna.example", "info@shop.example"])
    assert made.addresses == ("help@xn--shp-tna.example", "info@shop.example")
    assert fold_address("HELP@SHÖP.example.") == made.addresses[0]


def test_secrets_are_known_as_such() -> None:
    """They are sealed and never shown, and not in the repr that a traceback has."""
    assert secret_names(SmtpSettings) == {
        "smtp_password", "oauth_client_secret", "oauth_refresh_token", "dkim_private_key",
    }  # fmt: skip
    assert "secret-1" not in repr(SmtpSettings(**MAILBOX))


def test_keys_that_can_sign_are_taken() -> None:
    """RSA of a decent length and Ed25519 are; other curves no verifier knows."""
    signing: dict[str, Any] = {"dkim_domain": "shop.example", "dkim_selector": "s1"}
    SmtpSettings(**MAILBOX, **signing, dkim_private_key=pem(rsa.generate_private_key(65_537, 2_048)))
    with pytest.raises(ValueError, match="dkim_private_key must be RSA"):
        SmtpSettings(**MAILBOX, **signing, dkim_private_key=pem(ec.generate_private_key(ec.SECP256R1())))


def test_a_mail_is_one_message() -> None:
    """All parts and files of whatever type travel together, up to what servers take."""
    files = [File(attachment=Attachment(name="x", media_type="application/x-odd", size=9_000_000)) for _ in range(2)]
    [piece] = fit([Text(text="x" * 100_000), Html(html="<p>y</p>"), *files], EMAIL_LIMITS)
    assert len(piece.parts) == 4
    with pytest.raises(CannotCarry):
        fit([*files, *files], EMAIL_LIMITS)
