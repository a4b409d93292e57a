"""Authentication-Results: the trusted host's own word, and no forger's (security.md T36, T37, T38)."""

from __future__ import annotations

import pytest

from channels.email.authentication import read_results
from channels.email.authentication.grammar import Unreadable, parse_results
from channels.email.mail import Mail, Mailbox
from channels.email.reading import read_mail
from channels.events import Authentication

HOST = "mx.shop.example"
VIP = "vip@client.example"


def mail_of(*results: str, sender: str = VIP, clean: bool = True) -> Mail:
    """A mail with these headers, the topmost first."""
    return Mail(
        headers=[("received", "from x by y"), *(("authentication-results", each) for each in results)],
        media_type="text/plain",
        senders=[Mailbox(address=sender)],
        clean_from=clean,
    )


def judge(*results: str, sender: str = VIP, clean: bool = True) -> Authentication | None:
    """What is believed of it."""
    return read_results(mail_of(*results, sender=sender, clean=clean), authserv_id=HOST)


def is_aligned(*results: str, sender: str = VIP, clean: bool = True) -> bool:
    """Whether the sender is proven by it."""
    found = judge(*results, sender=sender, clean=clean)
    return found is not None and found.aligned


CLIENT = "client.example"
GOOD = {
    "gmail": f"{HOST}; dkim=pass header.i=@client.example header.s=s1 header.b=ab/C+d=; "
    f"spf=pass (x.example: domain of {VIP} designates 192.0.2.1 as permitted sender) smtp.mailfrom={VIP}; "
    "dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=client.example",
    "microsoft": f"{HOST}; spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=client.example; dkim=pass (signature was "
    "verified) header.d=client.example;dmarc=pass action=none header.from=client.example;compauth=pass reason=100",
    "yahoo": f"{HOST};\t dkim=pass header.i=@client.example header.s=k1;\t spf=pass smtp.mailfrom=client.example; "
    "dmarc=pass(p=REJECT) header.from=client.example;",
    "opendkim": f"{HOST}; dkim=pass (2048-bit key; unprotected) header.d=client.example header.i=@client.example "
    'header.a=rsa-sha256 header.s=mail header.b="xYz/1"; dkim-atps=neutral',
    "opendmarc": f"{HOST}; dmarc=pass (p=none dis=none) header.from=client.example",
    "version": f"{HOST} 1; dmarc=pass header.from=client.example",
    "case and comments": f"(x) {HOST.upper()} (y (z)) ; (a) DMARC (b) = (c) PASS (d) header . from = {CLIENT} (e)",
    "method version": f"{HOST}; dmarc/1=pass header.from=client.example",
    "spf alone": f"{HOST}; spf=pass smtp.mailfrom=bounces@client.example",
    "no policy": f"{HOST}; dkim=pass header.d=client.example; dmarc=none header.from=client.example",
    "bestguesspass": f"{HOST}; dkim=pass header.d={CLIENT}; dmarc=bestguesspass action=none header.from={CLIENT}",
    "two signatures": f"{HOST}; dkim=fail header.d=list.example; dkim=pass header.d=client.example",
    "a reason": f'{HOST}; dmarc=pass reason="it said; dmarc=fail" header.from=client.example',
    "null sender": f"{HOST}; spf=none smtp.mailfrom=<>; dmarc=pass header.from=client.example",
    "empty sender": f"{HOST}; spf=none smtp.mailfrom=; dmarc=pass header.from=client.example",
    "quoted id": f'"{HOST}"; dmarc=pass header.from=client.example',
}


@pytest.mark.parametrize("result", GOOD.values(), ids=GOOD)
def test_what_hosts_write_is_read(result: str) -> None:
    """Each host's own way of writing it proves the sender."""
    assert is_aligned(result)


FORGED = {
    "another host": "mx.evil.example; dmarc=pass header.from=client.example",
    "a host below ours": f"{HOST}.evil.example; dmarc=pass header.from=client.example",
    "a host above ours": f"evil.{HOST}; dmarc=pass header.from=client.example",
    "our name behind another": f"mx.evil.example {HOST}; dmarc=pass header.from=client.example",
    "our name in a comment": f"mx.evil.example ({HOST}); dmarc=pass header.from=client.example",
    "no name at all": "dmarc=pass header.from=client.example",
    "a look-alike": "mx.ѕhop.example; dmarc=pass header.from=client.example",
    "the address of T37 in a comment": f'{HOST}; spf=fail (x: domain of "a) dmarc=pass (b"@evil is not allowed) '
    'smtp.mailfrom="a) dmarc=pass (b"@evil.example; dmarc=fail header.from=client.example',
    "the same with a semicolon": f'{HOST}; spf=fail (domain of "a); dmarc=pass header.from={CLIENT} (b"@evil) '
    "smtp.helo=evil.example",
    "the same with a balanced quote": f'{HOST}; spf=fail (domain of "x"."a); dmarc=pass (b"@evil) smtp.helo=evil',
    "the same escaped": f'{HOST}; spf=fail (domain of "a\\"); dmarc=pass (b"@evil.example) smtp.helo=evil.example',
    "fail and pass": f"{HOST}; dmarc=fail header.from=client.example; dmarc=pass header.from=client.example",
    "pass and fail": f"{HOST}; dmarc=pass header.from=client.example; dmarc=fail header.from=client.example",
    "in a quoted string": f'{HOST}; spf=fail smtp.mailfrom="x; dmarc=pass header.from=client.example"@evil.example',
    "in a reason": f'{HOST}; spf=fail reason="x; dmarc=pass" smtp.helo=evil.example',
    "as a property": f"{HOST}; spf=fail smtp.helo=dmarc=pass",
    "as a property with a dot": f"{HOST}; spf=fail smtp.dmarc=pass",
    "without a semicolon": f"{HOST}; spf=fail smtp.helo=evil.example dmarc=pass header.from=client.example",
    "a longer word": f"{HOST}; dmarc=passed header.from=client.example",
    "a longer method": f"{HOST}; xdmarc=pass header.from=client.example; not-dmarc=pass",
    "a quoted method": f'{HOST}; "dmarc"=pass header.from=client.example',
    "a letter that folds to k": f"{HOST}; d\u212aim=pass header.d=client.example",
    "an open comment": f"{HOST}; dmarc=pass header.from=client.example (",
    "an open quote": f'{HOST}; dmarc=pass header.from="client.example',
    "a closing parenthesis": f"{HOST}; spf=fail ) ; dmarc=pass header.from=client.example",
    "a version of tomorrow": f"{HOST} 2; dmarc=pass header.from=client.example",
    "about another From": f"{HOST}; dmarc=pass header.from=evil.example",
    "about two From": f"{HOST}; dmarc=pass header.from=client.example header.from=evil.example",
    "about one that ends alike": f"{HOST}; dmarc=pass header.from=evil-client.example",
    "signed by another": f"{HOST}; dkim=pass header.d=evil.example header.i=@client.example",
    "signed by two": f"{HOST}; dkim=pass header.d=client.example header.d=evil.example",
    "signed below": f"{HOST}; dkim=pass header.d=mail.client.example",
    "signed by the suffix alone": f"{HOST}; dkim=pass header.d=example",
    "sent by another": f"{HOST}; spf=pass smtp.mailfrom=evil.example",
    "greeted as us": f"{HOST}; spf=pass smtp.helo=client.example",
    "signed, but the policy says no": f"{HOST}; dkim=pass header.d={CLIENT}; dmarc=fail header.from={CLIENT}",
    "signed, but the policy is unknown": f"{HOST}; dkim=pass header.d=client.example; dmarc=temperror",
    "nothing": f"{HOST}; none",
    "nothing at all": "",
    "the host alone": HOST,
}


@pytest.mark.parametrize("result", FORGED.values(), ids=FORGED)
def test_what_forgers_write_proves_nothing(result: str) -> None:
    """No header of another host, and no words a stranger can bring into ours, make a sender verified (T37)."""
    assert not is_aligned(result)


def test_only_the_topmost_header_of_the_host_counts() -> None:
    """The host puts its own above what came with the mail; others between do not matter."""
    forged = f"{HOST}; dmarc=pass header.from=client.example"
    assert not is_aligned(f"{HOST}; dmarc=fail header.from=client.example", forged)
    assert not is_aligned(f"{HOST}; dmarc=fail (", forged)
    assert is_aligned("relay.example; dmarc=fail header.from=client.example", forged)


def test_lookalike_headers_are_not_the_header() -> None:
    """Names that merely contain it, as chains and old copies have, are never read."""
    mail = mail_of()
    for name in ("arc-authentication-results", "x-authentication-results", "authentication-results-original"):
        mail.headers.append((name, f"{HOST}; dmarc=pass header.from=client.example"))
    assert read_results(mail, authserv_id=HOST) is None


def test_encoded_words_stay_quoted() -> None:
    """A stranger's local part may decode to quotes and a result of its own: it is read as it came."""
    smuggled = "=?utf-8?q?x=22=3B_dmarc=3Dpass_header.from=3Dclient.example_smtp.helo=3D=22?="
    raw = f'Authentication-Results: {HOST}; spf=pass smtp.helo="{smuggled}"\r\nFrom: {VIP}\r\n\r\nHello\r\n'
    found = read_results(read_mail(raw.encode()), authserv_id=HOST)
    assert found == Authentication(by=HOST, spf="pass")


def test_a_folded_header_is_one() -> None:
    """Folding lies between any two words, and changes nothing."""
    told = f"{HOST};\r\n\tdmarc=pass\r\n  (p=none)\r\n\theader.from=client.example"
    raw = f"Authentication-Results: {told}\r\nFrom: {VIP}\r\n\r\n"
    found = read_results(read_mail(raw.encode()), authserv_id=HOST)
    assert found == Authentication(by=HOST, aligned=True, dmarc="pass")


@pytest.mark.parametrize(
    "sender",
    [
        "ceo@client.example <evil@evil.example>",
        "ceo@client.example, evil@evil.example",
        "vip@client.example\x00@evil.example",
        "<vip@client.example> <evil@evil.example>",
        "vip@client.example\r\nFrom: evil@evil.example",
    ],
)
def test_a_doubtful_from_is_never_proven(sender: str) -> None:
    """Where parsers may disagree about From, nothing is verified, whatever the host says (T38)."""
    for domain in ("client.example", "evil.example"):
        raw = f"Authentication-Results: {HOST}; dmarc=pass header.from={domain}\r\nFrom: {sender}\r\n\r\n"
        found = read_results(read_mail(raw.encode()), authserv_id=HOST)
        assert found is not None
        assert not found.aligned
    assert not is_aligned(GOOD["gmail"], clean=False)


def test_a_spoofed_sender_keeps_its_verdict() -> None:
    """What failed is stored as failed, so that whoever reads the message sees it (T36)."""
    found = judge(
        f"{HOST}; spf=softfail smtp.mailfrom=x@evil.example; dkim=none; dmarc=fail (p=NONE) header.from=client.example"
    )
    assert found == Authentication(by=HOST, spf="softfail", dkim="none", dmarc="fail")


@pytest.mark.parametrize(("result", "verdict"), [("hardfail", "fail"), ("policy", "neutral"), ("made-up", "neutral")])
def test_words_outside_the_standard_are_never_a_pass(result: str, verdict: str) -> None:
    """Old and unknown results become the nearest that proves nothing."""
    found = judge(f"{HOST}; spf={result} smtp.mailfrom=client.example; dmarc={result} header.from=client.example")
    assert found == Authentication(by=HOST, spf=verdict, dmarc=verdict)  # type: ignore[arg-type]  # words of the table


def test_the_parent_speaks_for_its_hosts() -> None:
    """Whoever runs a domain runs what lies below it; the domain is compared as DNS does."""
    assert is_aligned(f"{HOST}; dkim=pass header.d=client.example", sender="a@mail.client.example")
    assert is_aligned(f"{HOST}; dkim=pass header.d=xn--bcher-kva.example", sender="a@bücher.example")
    assert is_aligned(f"{HOST}; dkim=pass header.d=CLIENT.example.", sender="a@Client.Example")


def test_properties_are_kept_as_they_stand() -> None:
    """Quoted local parts, empty values and equals signs inside a value come out whole."""
    [spf, dkim] = parse_results(f'{HOST}; spf=pass smtp.mailfrom="a b"@x.example; dkim=pass header.b=a=b/c==')
    assert spf.property_values("smtp.mailfrom") == ["a b@x.example"]
    assert dkim.properties == [("header.b", "a=b/c==")]


@pytest.mark.parametrize(
    "text",
    [
        f"{HOST};" + "(" * 16_000,
        f"{HOST};" + "x" * 16_000,
        f'{HOST};x="' + "\\" * 16_000,
        f"{HOST};" + "spf=pass;" * 1_500,
        f"{HOST}; spf=pass " + "a.b=c " * 2_000,
        HOST + ";" * 20_000,
    ],
)
def test_endless_headers_are_refused(text: str) -> None:
    """Depth, number and length have limits, and what is beyond is not believed in part."""
    with pytest.raises(Unreadable):
        parse_results(text)
