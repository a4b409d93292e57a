"""DKIM, verified by ourselves, on mails that are really signed."""

from __future__ import annotations

import base64
import time
from functools import cache

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from channels.email.authentication import TxtLookup, list_key_names, verify_dkim
from channels.email.authentication.signed import MAX_SIGNED_BYTES
from channels.email.reading import read_mail
from channels.events import Authentication, Verdict

NAME = "s1._domainkey.client.example"
MAIL = b"""From: Ann <ann@client.example>\r
To: help@shop.example\r
Subject: My order\r
Date: Mon, 2 Mar 2026 10:00:00 +0000\r
Message-ID: <1@client.example>\r
\r
Where is it?\r
"""


# Of 512 bits, made for this test: no library of today makes one.
SHORT_KEY = b"""-----BEGIN RSA PRIVATE KEY-----
MIIBOwIBAAJBALW4EN0/m5Xt5bWjguRW2aby8RciKCk7ZfUVV3rv2iV5Q2d3/7t0
ESwKN79bgom5KfnU/Bav5wXXjFMeEAMyyS8CAwEAAQJBALQr+zSTA51lEbPFmlrx
rb209MueBznSdeXJMkJnG+C4LcAzrI//FUXkTOXInOZxNitCRjnpaBdiSGipWQ80
pkkCIQDhEJ61ZOVMsylg+YoiwCHUyOT4cJqtlwU1CHXGEWOe/QIhAM6yOrB+J0YF
xtRkjj4KG5hamTdPTMVJUmAS0gsSdX6bAiB4Q7VLINsWnTYjR7T01M4/MgqIZ0OA
Nw7lQ9wLNweQ0QIgMQYk1WeWeQ01s3qGIkDTerdCT9QHKWPSnebY2rduFrECIQCY
XtglOia8WTv/RebYbIoLVx9XwegE9WOOsfucTyXVVA==
-----END RSA PRIVATE KEY-----
"""
SHORT_RECORD = (
    "v=DKIM1; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALW4EN0/m5Xt5bWjguRW2aby8RciKCk7"
    "ZfUVV3rv2iV5Q2d3/7t0ESwKN79bgom5KfnU/Bav5wXXjFMeEAMyyS8CAwEAAQ=="
)


@cache
def make_key(bits: int = 1024) -> RSAPrivateKey:
    """A key of the smallest size that is accepted, since making one takes its time."""
    return generate_private_key(public_exponent=65537, key_size=bits)


def show_record(key: RSAPrivateKey, flags: str = "") -> str:
    """The TXT record of a key."""
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; {flags}p={base64.b64encode(der).decode()}"


def sign(
    mail: bytes = MAIL, *, domain: str = "client.example", key: RSAPrivateKey | None = None, **more: object
) -> bytes:
    """The mail with a signature on top."""
    pem = make_key().private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    told = {"include_headers": [b"from", b"to", b"subject"]} | more
    return bytes(dkim.sign(mail, b"s1", domain.encode(), pem, **told)) + mail


def records(record: str | None = None, name: str = NAME) -> TxtLookup:
    """A DNS with this one record."""
    known = {name: show_record(make_key()) if record is None else record}
    return known.get


def check(raw: bytes, look_up: TxtLookup | None = None) -> Authentication | None:
    """What the signatures prove."""
    return verify_dkim(raw, read_mail(raw), look_up=look_up or records())


def proves(verdict: Verdict, *, aligned: bool = False) -> Authentication:
    """Our own word on it."""
    return Authentication(by="us", dkim=verdict, aligned=aligned)


def test_a_signed_mail_is_proven() -> None:
    """A good signature of the From's domain: nobody else can have written it; the key's name is known ahead."""
    assert check(sign()) == proves("pass", aligned=True)
    assert list_key_names(sign()) == [NAME]


@pytest.mark.parametrize("canonicalize", [(b"simple", b"simple"), (b"relaxed", b"relaxed")])
def test_both_canonical_forms_are_known(canonicalize: tuple[bytes, bytes]) -> None:
    """What a host may change on the way is the signer's choice; line ends without CR do not matter."""
    raw = sign(canonicalize=canonicalize)
    assert check(raw) == proves("pass", aligned=True)
    assert check(raw.replace(b"\r\n", b"\n")) == proves("pass", aligned=True)


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"Where is it?", b"Send it there!"), (b"From: Ann", b"From: Sue"), (b"Subject: My", b"Subject: Your")],
)
def test_what_was_changed_fails(old: bytes, new: bytes) -> None:
    """Another body, sender or subject under the same signature is a forgery."""
    assert check(sign().replace(old, new)) == proves("fail")


def test_another_domain_proves_nothing_about_the_sender() -> None:
    """A good signature of somebody else passes and aligns with nobody; one below the domain does not either."""
    for domain in ("evil.example", "mail.client.example", "notclient.example"):
        look_up = records(name=f"s1._domainkey.{domain}")
        assert check(sign(domain=domain), look_up) == proves("pass")


def test_the_parent_signs_for_its_hosts() -> None:
    """A domain speaks for what lies below it."""
    raw = sign(MAIL.replace(b"ann@client", b"ann@mail.client"))
    assert check(raw) == proves("pass", aligned=True)


def test_of_several_signatures_the_right_one_counts() -> None:
    """A list's own broken or good signature above the sender's does not hide it."""
    raw = sign(sign(), domain="list.example")
    assert list_key_names(raw) == ["s1._domainkey.list.example", NAME]
    assert check(raw) == proves("pass", aligned=True)


def test_no_more_than_five_signatures_are_looked_at() -> None:
    """Each costs a question to the DNS and a hash of the body."""
    raw = MAIL
    for number in range(8):
        raw = sign(raw, domain=f"d{number}.example")
    asked: list[str] = []

    def ask(name: str) -> None:
        """Nobody can tell."""
        asked.append(name)

    assert check(raw, ask) == proves("temperror")
    assert len(asked) == 5
    assert len(list_key_names(raw)) == 5


@pytest.mark.parametrize(
    "sender",
    [
        b"From: ann@client.example, sue@client.example",
        b"From: ann@client.example <evil@evil.example>",
        b"From: Ann <ann@client.example>\r\nFrom: Sue <sue@client.example>",
    ],
)
def test_a_doubtful_from_aligns_with_nobody(sender: bytes) -> None:
    """However well it is signed: where readers may disagree who wrote, nobody is proven (T38)."""
    found = check(sign(MAIL.replace(b"From: Ann <ann@client.example>", sender)))
    assert found is not None
    assert not found.aligned


@pytest.mark.parametrize(
    ("record", "verdict"),
    [
        ("", "permerror"),
        ("v=DKIM1; p=", "permerror"),
        ("v=DKIM1; p=bm90IGEga2V5", "permerror"),
        ("v=DKIM2; p=AAAA", "permerror"),
        ("hello", "permerror"),
        ("p=" + "A" * 5_000, "permerror"),
        ("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "permerror"),
        ("kéy; p=AAAA", "permerror"),
    ],
)
def test_bad_keys_are_errors(record: str, verdict: Verdict) -> None:
    """A key that is missing, withdrawn, malformed or oversized verifies nothing, and nothing breaks."""
    assert check(sign(), records(record)) == proves(verdict)


def test_another_key_fails() -> None:
    """A signature by another key under the name is no signature of the domain."""
    assert check(sign(), records(show_record(make_key(1032)))) == proves("fail")


def test_a_short_key_is_refused() -> None:
    """Keys under 1024 bits can be broken (RFC 8301 3.2), so what they sign proves nothing."""
    raw = bytes(dkim.sign(MAIL, b"s1", b"client.example", SHORT_KEY, include_headers=[b"from"])) + MAIL
    assert dkim.verify(raw, dnsfunc=lambda _name, timeout=0: SHORT_RECORD.encode(), minkey=512)
    assert check(raw, records(SHORT_RECORD)) == proves("permerror")


def test_a_dns_that_does_not_answer_is_not_a_forgery() -> None:
    """Nobody could tell: that is neither a pass nor a fail."""
    assert check(sign(), lambda _name: None) == proves("temperror")


def test_unsigned_mail_says_so() -> None:
    """That there was no signature is a fact worth keeping."""
    assert check(MAIL) == proves("none")
    assert list_key_names(MAIL) == []


def test_a_test_key_counts_as_unsigned() -> None:
    """With t=y the signer asks to be treated as if they had not signed (RFC 6376 3.6.1)."""
    assert check(sign(), records(show_record(make_key(), "t=y; "))) == proves("neutral")


def test_a_strict_key_signs_for_its_very_domain() -> None:
    """With t=s the identity may not lie below the domain."""
    strict = records(show_record(make_key(), "t=s; "))
    assert check(sign(), strict) == proves("pass", aligned=True)
    assert check(sign(identity=b"ann@mail.client.example"), strict) == proves("neutral")


def test_what_covers_only_a_part_is_not_believed() -> None:
    """With l= anybody may write on behind the signed words."""
    raw = sign(length=True) + b"Please pay to another account.\r\n"
    assert check(raw) == proves("neutral")


def test_a_signature_without_the_sender_is_not_believed() -> None:
    """From has to be among the signed headers (RFC 6376 5.4)."""
    raw = sign()
    at = raw.index(b"h=from")
    assert check(raw[:at] + raw[at:].replace(b"from : ", b"", 1)) == proves("neutral")


def test_sha1_is_not_believed() -> None:
    """Signatures by SHA-1 can be forged (RFC 8301 3.1)."""
    assert check(sign().replace(b"a=rsa-sha256", b"a=rsa-sha1")) == proves("neutral")


def test_a_head_the_library_cannot_read_proves_nothing() -> None:
    """A line in the head that is no field makes the signature worthless, and breaks nothing."""
    found = check(sign().replace(b"To: help", b"no field at all\r\nTo: help"))
    assert found == proves("neutral")


@pytest.mark.parametrize(
    "header",
    [
        b"DKIM-Signature: \r\n",
        b"DKIM-Signature: v=1; d=; s=; a=rsa-sha256; h=from; b=AAAA; bh=AAAA\r\n",
        b"DKIM-Signature: v=1; d=client.example; s=../../x; a=rsa-sha256; h=from; b=AAAA; bh=AAAA\r\n",
        b"DKIM-Signature: v=1; d=client.example; s=s1; a=rsa-sha256; h=from; b=AAAA; bh=AAAA; d=x.example\r\n",
        b"DKIM-Signature: v=1; d=client.example; s=s1; i=x; a=rsa-sha256; h=from; b=AAAA; bh=AAAA\r\n",
        b"DKIM-Signature: v=1; d=client.example; s=s1; a=rsa-sha256; c=odd; h=from; b=AAAA; bh=AAAA\r\n",
        b"DKIM-Signature: v=1; d=client.example; s=s1; a=rsa-sha256; h=from; b=AAAA; bh=AAAA; x=1; t=x\r\n",
        b"DKIM-Signature: v=1; d=\xff\xfe; s=s1; a=rsa-sha256; h=from; b=AAAA; bh=AAAA\r\n",
        b"DKIM-Signature: v=1; d=client.example; s=s1; a=rsa-sha256; h=from; b=A; bh=\r\n",
    ],
)
def test_broken_signatures_break_nothing(header: bytes) -> None:
    """What is no signature proves nothing, and raises nothing."""
    found = check(header + MAIL)
    assert found is not None
    assert found.dkim in ("none", "fail", "permerror", "neutral")
    assert not found.aligned


def test_mails_made_to_be_slow_are_left_alone() -> None:
    """Endless white space, folds, lines or bytes are not verified, and that takes no time (T45)."""
    signed = sign()
    slow = [
        signed + b" \t" * 500_000,
        signed + b"\r\n" * 500_000,
        signed + b"x\n" * 400_000,
        signed + b"x" * MAX_SIGNED_BYTES,
        b"X: y\r\n" + b" z\r\n" * 100_000 + signed,
        b"X: " + b"y" * 200_000 + b"\r\n" + signed,
    ]
    started = time.process_time()
    assert [verify_dkim(raw, read_mail(MAIL), look_up=records()) for raw in slow] == [None] * len(slow)
    assert [list_key_names(raw) for raw in slow] == [[]] * len(slow)
    assert time.process_time() - started < 5


def test_signatures_made_to_be_slow_end() -> None:
    """The library's patterns never meet a signature that is mostly white space or a list without end."""
    tags = b"v=1; a=rsa-sha256; d=client.example; s=s1; bh=AAAA; b=AAAA; h="
    slow = [
        b"DKIM-Signature: " + tags + b"from:" + b"a:" * 1_500 + b"\r\n",
        b"DKIM-Signature: " + tags + b"from; z=" + b" \t" * 400 + b"b\r\n",
        b"DKIM-Signature: " + tags + b"from; z=" + b"b \r\n " * 700 + b"\r\n",
        (b"DKIM-Signature: " + tags + b"from:" + b"a:" * 100 + b"a\r\n") * 5 + b"Y: z\r\n" * 1_900,
    ]
    started = time.process_time()
    for header in slow:
        found = check(header + MAIL)
        assert found is not None
        assert found.dkim != "pass"
    assert time.process_time() - started < 5
