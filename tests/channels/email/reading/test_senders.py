"""Who a mail is from: one mailbox in one header or nobody to be believed (T38)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.mail import Mail, Mailbox
from channels.email.reading import read_mail
from channels.email.reading.addresses import read_address, read_mailboxes
from tests.channels.email.reading.raw_mails import mail

EVIL = "evil@e.example"
CEO = "ceo@corp.example"


def sent_by(*lines: str) -> Mail:
    """A mail with these lines of header."""
    return read_mail(mail(*lines, body="hello"))


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("evil@e.example", None),
        ("<evil@e.example>", None),
        ("Eve <evil@e.example>", "Eve"),
        ('"Eve, of E." <evil@E.Example>', "Eve, of E."),
        ("=?utf-8?Q?=C3=88ve?= <evil@e.example>", "Ève"),
        ("=?utf-8?B?w4h2?= =?utf-8?B?ZQ==?= <evil@e.example>", "Ève"),
        ("=?utf-8?Q?E,_ve?= <evil@e.example>", "E, ve"),
        ("evil@e.example (Eve)", "Eve"),
        ("Eve (of (E.)) <evil@e.example> ", "Eve"),
        ("evil@e.example <evil@e.example>", "evil@e.example"),
        ("'evil@e.example' <evil@e.example>", "evil@e.example"),
        ('"ceo@corp.example" <evil@e.example>', "ceo@corp.example"),
        ("[E] Eve <evil@e.example>", "[E] Eve"),
        ("Eve\n <evil@e.example>", "Eve"),
    ],
)
def test_a_lone_mailbox_is_clean(value: str, name: str | None) -> None:
    """One mailbox with a name in any of the ways of RFC 5322 and 2047, and nothing else, may be believed."""
    read = sent_by(f"From: {value}")
    assert (read.senders, read.clean_from) == ([Mailbox(address=EVIL, name=name)], True)


@pytest.mark.parametrize(
    "value",
    [
        f"{CEO} <{EVIL}>",
        f"{CEO} (x) <{EVIL}>",
        f"({CEO}) <{EVIL}>",
        f"{EVIL} ({CEO})",
        f"<{EVIL}> {CEO}",
        f"{CEO}<{EVIL}>",
        f"{CEO}\x00 <{EVIL}>",
        f"<{EVIL}> <{EVIL}>",
        f"staff: <{EVIL}>;",
        f"<@{CEO.split('@')[1]}:{EVIL}>",
        f'"{CEO} <{EVIL}>',
        f"Eve <{EVIL}",
        f"Eve <{EVIL}>>",
    ],
)
def test_leftovers_make_a_sender_unclean(value: str) -> None:
    """Whatever looks like a second address, or is no grammar, costs the belief; the ceo is never the sender."""
    read = sent_by(f"From: {value}")
    assert read.clean_from is False
    assert [box.address for box in read.senders] == [EVIL]


@pytest.mark.parametrize(
    "lines",
    [
        [f"From: {CEO}", f"From: {EVIL}"],
        [f"From: {EVIL}", f"From: {EVIL}"],
        [f"From: {CEO}, {EVIL}"],
        [f"From: {CEO}; {EVIL}"],
        [f"From: {EVIL}", "no field at all", f"To: {CEO}"],
        ["From: undisclosed"],
        ["From: "],
        ["From: <>"],
        ["From: <moderator>"],
        [f"From: {CEO} {EVIL}"],
        [f"From: =?utf-8?Q?Eve_=3C{EVIL}=3E?="],
        [f"From: {EVIL}\rBcc: {CEO}"],
    ],
)
def test_more_or_less_than_one_mailbox_is_unclean(lines: list[str]) -> None:
    """Two headers, two mailboxes, none, or a header others may read otherwise: nobody is believed."""
    read = sent_by(*lines)
    assert not (read.clean_from and len(read.senders) == 1)


def test_every_mailbox_of_several_headers_is_told() -> None:
    """Who looks at the senders sees that there are two."""
    assert [box.address for box in sent_by(f"From: {CEO}", f"From: {EVIL}").senders] == [CEO, EVIL]


def test_brackets_encoded_by_a_client_still_name_the_sender() -> None:
    """`=?...?=` around the whole mailbox is a known mistake: read, and not believed."""
    read = sent_by(f"From: =?utf-8?Q?Eve_=3C{EVIL}=3E?=")
    assert (read.senders, read.clean_from) == ([Mailbox(address=EVIL)], False)


def test_lists_are_read_with_groups_and_quotes() -> None:
    """Groups are dissolved, commas in quotes and comments divide nothing, empty entries are none, repeats are one."""
    read = sent_by(
        'To: Team: "Doe, John" <john@a.example>, ann@a.example;, (a, comment) bob@a.example, , ann@a.example',
        "To: third@a.example; fourth@a.example",
        "Cc: undisclosed-recipients:;",
    )
    assert [box.address for box in read.to] == [
        "john@a.example",
        "ann@a.example",
        "bob@a.example",
        "third@a.example",
        "fourth@a.example",
    ]
    assert (read.to[0].name, read.cc) == ("Doe, John", [])


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Ann@EXAMPLE.org", "Ann@example.org"),
        ("ann@example.org.", "ann@example.org"),
        ("用户@例子.广告", "用户@例子.广告"),
        ("ann@MÜNCHEN.example", "ann@münchen.example"),
        ('"ann b"@example.org', '"ann b"@example.org'),
        ("ann@[192.0.2.1]", "ann@[192.0.2.1]"),
        ("a..b@docomo.example", "a..b@docomo.example"),
        ("ann+tag@example.org", "ann+tag@example.org"),
        ("ann@", None),
        ("@example.org", None),
        ("ann@a@example.org", None),
        ("ann b@example.org", None),
        ("ann@example..org", None),
        ("ann@.org", None),
        ("a" * 320 + "@example.org", None),
        ("ann@exa\x00mple.org", None),
    ],
)
def test_an_address_is_an_addr_spec(text: str, address: str | None) -> None:
    """RFC 5322 3.4.1 and RFC 6532; dots where phones put them; the domain is in lower case and without its root."""
    assert read_address(text) == address


def test_blanks_around_the_at_sign_are_none() -> None:
    """Obsolete syntax (RFC 5322 4.4) is read inside brackets; other blanks make no address."""
    assert [box.address for box in read_mailboxes(["<ann @ example.org>, <an n@example.org>"], 9)[0]] == [
        "ann@example.org"
    ]


ATOM = st.text("abcxyz09._+-äé用", min_size=1, max_size=8)


@given(st.lists(st.tuples(st.text(st.characters(exclude_categories=["C", "Z"]), max_size=9), ATOM), max_size=5))
def test_quoted_names_never_change_the_addresses(people: list[tuple[str, str]]) -> None:
    """Whatever a name holds, quoted as RFC 5322 says it stays a name."""
    boxes = [(name, f"{local}@{n}.example") for n, (name, local) in enumerate(people)]
    quoted = ['"' + name.replace("\\", "\\\\").replace('"', '\\"') + f'" <{address}>' for name, address in boxes]
    found, many = read_mailboxes([", ".join(quoted)], 500)
    assert ([box.address for box in found], many) == ([address for _, address in boxes], False)
