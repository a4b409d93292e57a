"""What a mailbox may be set up with, and what is refused in words that name the setting."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from channels.email.imap.settings import ImapSettings
from tests.mail.mailboxes import mailbox_settings

PLAIN: dict[str, Any] = {
    "address": "help@shop.example",
    "smtp_host": "mail.shop.example",
    "imap_host": "imap.shop.example",
}


def test_tls_is_the_rule() -> None:
    """Who says nothing gets TLS from the first byte, in and out; the logins are one unless told apart."""
    settings = msgspec.convert(PLAIN | {"smtp_user": "help", "smtp_password": "secret"}, ImapSettings)
    assert (settings.imap_security, settings.mailbox_port, settings.smtp_security) == ("tls", 993, "tls")
    assert (settings.user, settings.password) == ("help", "secret")
    assert settings.realm == "help@imap.shop.example"
    assert settings.endpoints == {"smtp_host": ("mail.shop.example", 465), "imap_host": ("imap.shop.example", 993)}
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"imap_password": None}, "smtp_password is required, or imap_password"),
        ({"imap_host": "imap.shop.example:993"}, "imap_host must be a host name"),
        ({"imap_security": "maybe"}, "Invalid enum value"),
        ({"folders": []}, "folders must name"),
        ({"folders": ["A", "A"]}, "folders must name"),
        ({"folders": ["A\r\nB"]}, "folders must be names"),
        ({"after_storing": "move"}, "stored_folder is required"),
        ({"after_storing": "move", "stored_folder": "INBOX"}, "stored_folder must not be"),
        ({"stored_flag": "\\Seen) (\\Deleted"}, "stored_flag must be"),
        ({"imap_user": "a\r\nb"}, "imap_user must not have control"),
        ({"imap_ca": "none"}, "imap_ca must be"),
        ({"poll_seconds": 1}, "poll_seconds"),
        ({"mail_bytes": 10}, "mail_bytes"),
    ],
)
def test_what_cannot_work_is_refused(changes: dict[str, object], words: str) -> None:
    """When it is saved, not when the first mail does not come."""
    with pytest.raises(msgspec.ValidationError, match=words):
        mailbox_settings(143, "help", **changes)
