"""Our signature is the one of Standard Webhooks, as receivers' own libraries check it (security.md T69)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from inbox.webhooks.signing import SECRET_BYTES, show_secret, sign_body

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'


def test_the_published_vector() -> None:
    """Secret, id, time and body of the published example give the published signature."""
    headers = sign_body(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", BODY, secrets=[SECRET], now=datetime.fromtimestamp(1614265330, UTC)
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_each_secret_verifies_by_itself() -> None:
    """During a rotation a receiver may know either secret; one it never had fails, and so does a changed byte."""
    secrets = [show_secret(bytes([number]) * SECRET_BYTES) for number in range(3)]
    headers = sign_body("evt_1", "é".encode(), secrets=secrets[:2], now=datetime.now(UTC))
    for secret in secrets[:2]:
        Webhook(secret).verify("é".encode(), headers, json_parse=False)
    for secret, body in ((secrets[2], "é"), (secrets[0], "e")):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body.encode(), headers, json_parse=False)
