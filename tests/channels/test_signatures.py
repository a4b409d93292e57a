"""Shared secrets and keyed digests."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.signatures import Digest, Encoding, same_secret, sign_content, valid_basic_auth, valid_hmac, valid_sha256

ODD_TEXTS = ["", " ", "é", "①②", "\ud800", "\x00", "sha256=", "sha1=abc", "=" * 10_000]
TWILIO_URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
TWILIO_FORM = "CallSidCA1234567890ABCDECaller+14158675309Digits1234From+14158675309To+18005551212"


@pytest.mark.parametrize("odd", [None, *ODD_TEXTS])
def test_odd_input_is_never_the_secret_and_never_an_error(odd: str | None) -> None:
    """Nothing a stranger can write in a header passes as the secret or raises."""
    assert not same_secret(odd, "s3cret")
    assert not valid_hmac(odd, b"body", key="s3cret")
    assert not valid_hmac(odd, b"body", key="s3cret", digest="sha1", encoding="base64", prefix="sha1=")
    assert not valid_sha256(odd, b"body")
    assert not valid_basic_auth(odd, user="u", password="s3cret")
    assert not valid_basic_auth(f"Basic {odd}", user="u", password="s3cret")


def test_no_secret_of_ours_means_nothing_is_valid() -> None:
    """A channel whose secret is empty is closed, even to who signs with the empty secret."""
    assert not same_secret("", "")
    assert not valid_hmac(sign_content(b"body", key=""), b"body", key="")
    assert not valid_hmac(sign_content(b"body", key=b""), b"body", key=b"")
    assert not valid_basic_auth("Basic " + base64.b64encode(b"u:").decode(), user="u", password="")


@given(st.text(min_size=1), st.text())
def test_the_same_text_and_no_other_is_the_secret(secret: str, other: str) -> None:
    """Secrets are equal when their texts are, in any alphabet."""
    assert same_secret(secret, secret)
    assert same_secret(other, secret) == (other == secret)


@pytest.mark.parametrize(
    ("signature", "content", "key", "digest", "encoding", "prefix"),
    [
        # twilio-python's own example: the URL and the sorted names and values.
        ("RSOYDt4T1cUTdK1PDd93/VVr8B8=", TWILIO_URL + TWILIO_FORM, "12345", "sha1", "base64", ""),
        # courier's test of Meta's scheme, and the example in GitHub's documentation of the same scheme.
        (
            "sha256=f39034b29165ec6a5104d9aef27266484ab26c8caa7bca8bcb2dd02e8be61b17",
            "hello world",
            "sesame",
            "sha256",
            "hex",
            "sha256=",
        ),
        (
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
            "Hello, World!",
            "It's a Secret to Everybody",
            "sha256",
            "hex",
            "sha256=",
        ),
        # Mailgun's: timestamp and token.
        (
            "2df0e54f503d31abdc1519117a730ae38748e41e86f9ae25431dbd26059468af",
            "1529006854a8ce0edb2dd8301dee6c2405235584e45aa91d1e9f979f3de0",
            "key-test",
            "sha256",
            "hex",
            "",
        ),
    ],
)
def test_providers_signatures_are_recognised(
    *, signature: str, content: str, key: str, digest: Digest, encoding: Encoding, prefix: str
) -> None:
    """The published vectors hold; another body, key, digit, algorithm name or a repeated header does not."""

    def valid(given: str | None, *, body: str = content, secret: str = key) -> bool:
        return valid_hmac(given, body.encode(), key=secret, digest=digest, encoding=encoding, prefix=prefix)

    assert valid(signature)
    assert not valid(signature, body=content + " ")
    assert not valid(signature, secret=key + "x")
    assert not valid(signature[:-2] + "AA")
    assert not valid("sha1=" + signature)
    assert not valid(f"{signature}, {signature}")


def test_a_key_of_bytes_signs_like_the_standard_library() -> None:
    """Binary keys (Standard Webhooks) are taken as they are."""
    key, body = bytes(range(256)), b"\x00\xff body"
    theirs = base64.b64encode(hmac.new(key, body, hashlib.sha256).digest()).decode()
    assert sign_content(body, key=key, encoding="base64", prefix="v1,") == f"v1,{theirs}"
    assert valid_hmac(f"v1,{theirs}", body, key=key, encoding="base64", prefix="v1,")


def test_body_hash_covers_every_byte() -> None:
    """Twilio's bodySHA256 holds for the raw body alone, here the example of its documentation."""
    body = b'{"property": "value", "boolean": true}'
    digest = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
    assert valid_sha256(digest, body)
    assert not valid_sha256(digest, body + b"\n")


@pytest.mark.parametrize(
    ("header", "valid"),
    [
        ("Basic " + base64.b64encode("hook:pä:ss".encode()).decode(), True),
        ("basic  " + base64.b64encode("hook:pä:ss".encode()).decode(), True),
        ("Bearer " + base64.b64encode("hook:pä:ss".encode()).decode(), False),
        ("Basic " + base64.b64encode(b"hook:other").decode(), False),
        ("Basic " + base64.b64encode("other:pä:ss".encode()).decode(), False),
        ("Basic " + base64.b64encode("hook:pä:ss".encode()).decode() + "!", False),
        (base64.b64encode("hook:pä:ss".encode()).decode(), False),
        ("Basic", False),
    ],
)
def test_basic_auth_needs_both_parts(header: str, valid: bool) -> None:
    """User and password must both be ours (Postmark has no other proof), and a password may hold a colon."""
    assert valid_basic_auth(header, user="hook", password="pä:ss") is valid
