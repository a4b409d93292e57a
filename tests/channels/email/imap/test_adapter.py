"""The adapter of mailboxes as the gateway sees it: what it can, what a fetched mail means, what is wrong with one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from channels.contract import Account, Backfilling, Carrying, Checking, Hooked, Polled, RawEvent, Unpacking
from channels.email.imap.adapter import ImapMail
from channels.email.imap.answers import Fetched
from channels.email.imap.watching import PART_BYTES, mail_event
from channels.errors import Malformed, Misconfigured
from channels.events import MessageReceived
from channels.http import Http
from tests.mail.dovecot import Dovecot, make_mail
from tests.mail.mailboxes import LOOPBACK, mailbox_settings

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def account(port: int = 143, user: str = "help", **changes: Any) -> Account:
    """The channel of a mailbox."""
    return Account(channel_id="cha_1", settings=mailbox_settings(port, user, **changes), hook_url="")


def fetched(body: bytes | None, *, size: int | None = None) -> RawEvent:
    """A fetched mail as it is journaled."""
    return mail_event("INBOX", 7, Fetched(3, size=size or len(body or b""), arrived_at=NOW, body=body), now=NOW)


def parse(raw: RawEvent) -> MessageReceived:
    """The one message of a mail."""

    async def scenario() -> MessageReceived:
        [event] = ImapMail(Http()).parse(account(), raw)
        assert isinstance(event, MessageReceived)
        return event

    return asyncio.run(scenario())


def test_its_abilities_are_those_of_a_mailbox() -> None:
    """It is asked, reads back, can be checked, has files in its mails and sends with their bytes; nobody calls it."""

    async def scenario() -> None:
        adapter = ImapMail(Http())
        for ability in (Polled, Backfilling, Checking, Unpacking, Carrying):
            assert isinstance(adapter, ability)
        assert not isinstance(adapter, Hooked)

    asyncio.run(scenario())


def test_the_same_mail_fetched_twice_is_one() -> None:
    """Whatever UID it has by now."""
    again = mail_event("Other", 8, Fetched(99, size=1, arrived_at=None, body=make_mail(1)), now=NOW)
    assert parse(fetched(make_mail(1))).key == parse(again).key != parse(fetched(make_mail(2))).key


def test_a_mail_fetched_in_part_says_so() -> None:
    """Who reads it sees that there is more of it in the mailbox."""
    whole = make_mail(1, text="long " * 400_000)
    event = parse(fetched(whole[:PART_BYTES], size=len(whole)))
    assert event.letter is not None
    assert event.letter.flags.count("truncated") == 1
    other = parse(fetched(make_mail(1))).letter
    assert other is not None
    assert "truncated" not in other.flags


def test_a_mail_that_was_never_handed_out_is_put_in_quarantine() -> None:
    """With words that say where it is to be found."""
    with pytest.raises(Malformed, match="read it in the mailbox"):
        parse(fetched(None, size=5_000))


def test_a_request_of_another_kind_is_none_of_its() -> None:
    """Nothing but fetched mail is journaled for a mailbox."""
    raw = RawEvent(kind="message", method="POST", url="", headers={}, body=b"", received_at=NOW)
    with pytest.raises(Malformed):
        parse(raw)


def check(where: Account) -> dict[str, bool]:
    """What the adapter says of a mailbox, without its sending."""

    async def scenario() -> dict[str, bool]:
        http = Http(allow=LOOPBACK)
        try:
            report = await ImapMail(http).check_account(where)
        finally:
            await http.aclose()
        return {one.title: one.ok for one in report.checks if one.title != "Sending"}

    return asyncio.run(scenario())


def test_a_mailbox_is_looked_at_from_outside(dovecot: Dovecot) -> None:
    """For the doctor: the login, each folder, and whether it tells of new mail."""
    dovecot.maildir("checked")
    found = check(account(dovecot.port, "checked", folders=["INBOX", "Gone"]))
    assert found == {"mailbox": True, "folder INBOX": True, "folder Gone": False, "new mail": True}
    assert check(account(dovecot.port, "checked", imap_password="wrong-word")) == {"mailbox": False}
    assert check(account(1)) == {"mailbox": False}


def test_the_steps_name_what_is_read() -> None:
    """Nothing is to be entered anywhere: something of ours has to run."""

    async def scenario() -> list[str]:
        return [step.detail for step in ImapMail(Http()).setup_steps(account(start="new"))]

    details = asyncio.run(scenario())
    assert "what arrives from now on" in details[0]


def test_settings_of_another_adapter_are_refused() -> None:
    """As a failure an operator reads, not as a bug."""

    async def scenario() -> None:
        other = Account(channel_id="cha_1", settings=object(), hook_url="")  # type: ignore[arg-type]  # on purpose
        with pytest.raises(Misconfigured):
            await anext(ImapMail(Http()).poll(other, None))

    asyncio.run(scenario())
