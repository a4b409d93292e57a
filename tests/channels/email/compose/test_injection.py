"""Nothing anybody writes becomes a header, a recipient or a command (security.md T39); asked of the raw bytes."""

from __future__ import annotations

from email import message_from_bytes
from typing import Any

import pytest

from channels.email.compose import check_addr_spec
from channels.email.compose.addresses import check_line
from channels.errors import Rejected
from channels.parts import Attachment, File, Text
from tests.channels.email.compose.letters import composed, mail_to

CONTROLS = [*map(chr, range(32)), "\x7f", "\x85", "\u2028", "\u2029", "\ud800", "\r\n"]
BAD_ADDRESSES = [
    "", "a", "@b.example", "a@", "a b@c.example", "a@b@c.example", "<a@b.example>", "Ann <a@b.example>", "a@b.example>",
    "a@b>\r\nRCPT TO:<c@d", "a@b.example\r\nBcc: x@y.example", "a@b.example\n", "a\x00@b.example",
    "a@b.example,c@d.example",
    "a@b.example;c@d.example", '"a b"@c.example', "a(c)@b.example", "a@[127.0.0.1]", ".a@b.example", "a..b@c.example",
    "a.@b.example", "a@b..example", "a@-", "a\u202e@b.example", "\u200ba@b.example", "x" * 65 + "@b.example",
    "a@" + "b" * 64 + ".example", "a@" + "b." * 130 + "example", "a\\@b.example", "a@b.example\u2028",
    "a\ud800@b.example",
]  # fmt: skip


@pytest.mark.parametrize("control", CONTROLS)
def test_a_control_character_is_refused_wherever_a_header_could_break(control: str) -> None:
    """Subject, names of all and addresses of all: refused with a reason, before a byte is made."""
    text = f"a{control}Bcc: x@y.example"
    said: list[dict[str, Any]] = [
        {"subject": text},
        {"to": mail_to("ann@example.org", text)},
        {"cc": [mail_to("ann@example.org", text)]},
        {"to": mail_to(f"ann{control}@example.org")},
        {"cc": [mail_to(f"ann@example.org{control}")]},
        {"bcc": [mail_to(f"ann@example.org{control}RCPT TO:<c@d.example>")]},
        {"reply_to": f"help@shop.example{control}"},
    ]
    for each in said:
        with pytest.raises(Rejected):
            composed(**each)


@pytest.mark.parametrize("value", BAD_ADDRESSES)
def test_what_is_no_plain_address_is_refused(value: str) -> None:
    """One addr-spec, nothing around it, nothing in it that a server could read otherwise."""
    with pytest.raises(Rejected) as refused:
        check_addr_spec(value)
    assert refused.value.code == "invalid_address"
    assert "\n" not in refused.value.reason


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("ann@example.org", "ann@example.org"),
        ("Ann.Lee+tag@Example.ORG", "Ann.Lee+tag@example.org"),
        ("o'hara_x-1@a-b.example", "o'hara_x-1@a-b.example"),
        ("post@bücher.example", "post@xn--bcher-kva.example"),
        ("用户@例子.example", "用户@xn--fsqu00a.example"),
    ],
)
def test_plain_addresses_are_written_to(value: str, written: str) -> None:
    """Domains in ASCII as the DNS has them; the part before the @ is its owner's and stays."""
    assert check_addr_spec(value) == written


def test_hostile_words_stay_words() -> None:
    """A body, a file's name and a content type cannot end their part, and what looks like a header is none."""
    file = Attachment(
        id="att_1", name='a"\r\nBcc: x@y.example\r\n\r\n/../é\u202egpj.exe', media_type="text/html\r\nBcc: x"
    )
    mail = composed(
        Text(text="\r\n.\r\nBcc: x@y.example\r\n\x00\x1b[31m"), File(attachment=file), files={"att_1": b"x"}
    )
    head, _, _ = mail.content.partition(b"\r\n\r\n")
    assert b"bcc" not in head.lower()
    assert all("bcc" not in part for part in message_from_bytes(mail.content).walk())
    assert b"\r\n.\r\n" not in mail.content
    assert not {0, 27} & set(mail.content)


def test_names_cannot_pass_for_other_addresses() -> None:
    """A name with an address, quotes, commas or an encoded word in it is a name, beside the one address."""
    for name in (
        'x" <ceo@corp.example>, "',
        "ceo@corp.example",
        "a, b",
        "=?utf-8?q?=3Cceo=40corp=2Eexample=3E?=",
        "(x) \\",
    ):
        mail = composed(to=mail_to("ann@example.org", name))
        to = next(line for line in mail.content.replace(b"\r\n ", b" ").split(b"\r\n") if line.startswith(b"To: "))
        assert to.endswith(b" <ann@example.org>")
        assert mail.recipients == ["ann@example.org"]


def test_an_address_beyond_ascii_needs_a_server_that_knows_them() -> None:
    """It is told beforehand, so that no server mangles it (RFC 6531)."""
    mail = composed(to=mail_to("用户@例子.example", "用户"))
    assert (mail.utf8, mail.recipients) == (True, ["用户@xn--fsqu00a.example"])
    assert "用户@xn--fsqu00a.example".encode() in mail.content
    assert composed(to=mail_to("ann@例子.example", "用户")).utf8 is False


def test_what_stands_in_a_header_is_bounded_and_bare() -> None:
    """White space around goes, nothing is nothing, and a subject has an end."""
    assert (check_line("x", "  a  "), check_line("x", "  "), check_line("x", None)) == ("a", None, None)
    with pytest.raises(Rejected, match="at most"):
        composed(subject="x" * 1_001)
