"""Signatures of SendGrid and Mailgun: their own published vectors pass, and nothing that differs from them."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from channels.contract import WebhookRequest
from channels.errors import Forged
from channels.vendors import mailgun, sendgrid

# The test of SendGrid's own libraries (sendgrid-python, test/unit/test_eventwebhook.py).
SENDGRID_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9"
    "mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="
)
SENDGRID_SIGNATURE = "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="
SENDGRID_TIME = 1_600_112_502
SENDGRID_BODY = (
    b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",'
    b'"sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",'
    b'"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",'
    b'"smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n'
)
MAILGUN = {
    "timestamp": "1529006854",
    "token": "a8ce0edb2dd8301dee6c2405235584e45aa91d1e9f979f3de0",
    "signature": "2df0e54f503d31abdc1519117a730ae38748e41e86f9ae25431dbd26059468af",
}
HOUR = 3_600


def sendgrid_request(**changes: Any) -> WebhookRequest:
    """The vector as a request."""
    headers = {sendgrid.SIGNATURE: SENDGRID_SIGNATURE, sendgrid.TIMESTAMP: str(SENDGRID_TIME)}
    request = WebhookRequest(kind="event", method="POST", url="https://x", headers=headers, body=SENDGRID_BODY)
    return msgspec.structs.replace(request, **changes)


def mailgun_form(fields: dict[str, str] | None = None, *, more: str = "") -> WebhookRequest:
    """The vector as a form."""
    body = "&".join(f"{name}={value}" for name, value in (MAILGUN if fields is None else fields).items()) + more
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return WebhookRequest(kind="inbound", method="POST", url="https://x", headers=headers, body=body.encode())


def mailgun_event(body: bytes) -> WebhookRequest:
    """An event with this body."""
    headers = {"content-type": "application/json; charset=utf-8"}
    return WebhookRequest(kind="event", method="POST", url="https://x", headers=headers, body=body)


@pytest.mark.parametrize("later", [-900, 0, 72 * HOUR, 73 * HOUR])
def test_sendgrids_own_vector_passes(later: float) -> None:
    """As signed, also when the retry comes three days later, or its clock is a little ahead of ours."""
    sendgrid.verify_signature(SENDGRID_KEY, sendgrid_request(), now=SENDGRID_TIME + later)


@pytest.mark.parametrize("later", [-901, 73 * HOUR + 1])
def test_what_sendgrid_signed_long_ago_is_forged(later: float) -> None:
    """The time is signed with it, so a request cannot be kept and replayed."""
    with pytest.raises(Forged, match="clock"):
        sendgrid.verify_signature(SENDGRID_KEY, sendgrid_request(), now=SENDGRID_TIME + later)


@pytest.mark.parametrize(
    "changes",
    [
        {"body": SENDGRID_BODY.rstrip()},
        {"body": b""},
        {"headers": {sendgrid.SIGNATURE: SENDGRID_SIGNATURE}},
        {"headers": {sendgrid.TIMESTAMP: str(SENDGRID_TIME)}},
        {"headers": {sendgrid.SIGNATURE: SENDGRID_SIGNATURE, sendgrid.TIMESTAMP: str(SENDGRID_TIME + 1)}},
        {"headers": {sendgrid.SIGNATURE: SENDGRID_SIGNATURE, sendgrid.TIMESTAMP: f"0{SENDGRID_TIME}"}},
        {"headers": {sendgrid.SIGNATURE: SENDGRID_SIGNATURE, sendgrid.TIMESTAMP: "١٦٠٠١١٢٥٠٢"}},
        {"headers": {sendgrid.SIGNATURE: "A" * 10_000, sendgrid.TIMESTAMP: str(SENDGRID_TIME)}},
        {"headers": {sendgrid.SIGNATURE: b64encode(b"\x30\x06\x02\x01\x00\x02\x01\x00").decode(),
                     sendgrid.TIMESTAMP: str(SENDGRID_TIME)}},
    ],
)  # fmt: skip
def test_what_sendgrid_did_not_sign_is_forged(changes: dict[str, Any]) -> None:
    """A body without its last line end, another time, a part that is missing, a signature that is none."""
    with pytest.raises(Forged):
        sendgrid.verify_signature(SENDGRID_KEY, sendgrid_request(**changes), now=SENDGRID_TIME)


def test_only_a_p256_key_is_taken() -> None:
    """A key of another curve or kind, a private one or none at all is refused when it is set, and verifies nothing."""
    others: list[ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey] = [
        ec.derive_private_key(5, ec.SECP384R1()).public_key(),
        ed25519.Ed25519PrivateKey.from_private_bytes(b"1" * 32).public_key(),
    ]
    shown = [b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode() for key in others]
    for text in [*shown, "", "x", "é", SENDGRID_KEY[:-4], f"-----BEGIN PUBLIC KEY-----\n{SENDGRID_KEY}"]:
        with pytest.raises(ValueError, match="inbound_key must be the verification key"):
            sendgrid.check_public_key("inbound_key", text)
        with pytest.raises(Forged):
            sendgrid.verify_signature(text, sendgrid_request(), now=SENDGRID_TIME)
    sendgrid.check_public_key("inbound_key", SENDGRID_KEY)


@pytest.mark.parametrize("later", [-900, 0, 9 * HOUR])
def test_mailguns_vector_passes(later: float) -> None:
    """In a form and in an event; retries come for nearly eight hours."""
    now = int(MAILGUN["timestamp"]) + later
    mailgun.verify_token("key-test", mailgun_form(), now=now)
    mailgun.verify_token("key-test", mailgun_event(msgspec.json.encode({"signature": MAILGUN})), now=now)


def test_of_a_repeated_field_the_last_counts() -> None:
    """As in Mailgun's own order: what a sender put into the form stands before it."""
    wrong = {"timestamp": "1", "token": "2", "signature": "3"}
    mailgun.verify_token("key-test", mailgun_form(wrong, more="&" + "&".join(f"{k}={v}" for k, v in MAILGUN.items())),
                         now=int(MAILGUN["timestamp"]))  # fmt: skip
    with pytest.raises(Forged):
        mailgun.verify_token("key-test", mailgun_form(more="&token=other"), now=int(MAILGUN["timestamp"]))


@pytest.mark.parametrize(
    "request_of",
    [
        mailgun_form({}),
        mailgun_form(MAILGUN | {"signature": ""}),
        mailgun_form(MAILGUN | {"signature": MAILGUN["signature"].upper()}),
        mailgun_form(MAILGUN | {"timestamp": "1529006855"}),
        mailgun_form(MAILGUN | {"timestamp": "nan"}),
        mailgun_form({"timestamp": MAILGUN["timestamp"], "token": "", "signature": MAILGUN["signature"]}),
        mailgun_event(b'{"signature": null}'),
        mailgun_event(b'{"signature": {"timestamp": 1529006854, "token": [], "signature": {}}}'),
        mailgun_event(b'{"a":' * 200_000),
        mailgun_event(b'{"b": "' + b"x" * 1_000_001 + b'", "signature": ' + msgspec.json.encode(MAILGUN) + b"}"),
    ],
)
def test_what_mailgun_did_not_sign_is_forged(request_of: WebhookRequest) -> None:
    """Missing, empty, of another time; and a body that is too deep or too large to be an event is not even read."""
    with pytest.raises(Forged):
        mailgun.verify_token("key-test", request_of, now=int(MAILGUN["timestamp"]))
    with pytest.raises(Forged):
        mailgun.verify_token("", mailgun_form(), now=int(MAILGUN["timestamp"]))


def test_an_old_token_is_forged() -> None:
    """What Mailgun would no longer repeat is a replay."""
    with pytest.raises(Forged, match="clock"):
        mailgun.verify_token("key-test", mailgun_form(), now=int(MAILGUN["timestamp"]) + 9 * HOUR + 1)
