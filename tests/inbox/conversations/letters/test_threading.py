"""Mails come to be in the right conversation, in whatever order they come, and each says why it is there."""

from __future__ import annotations

import itertools
from datetime import timedelta
from uuid import UUID

import pytest

from channels.events import Address
from inbox.kit.db import execute, fetch_value
from tests.inbox.builders import (
    ANA,
    NOW,
    count_rows,
    make_channel,
    receive,
    rows_of,
    run_opened,
    text_message,
)
from tests.inbox.conversations.letters.post import (
    ANA_MAIL,
    BEN_MAIL,
    EVE_MAIL,
    HELP,
    SALES,
    answer,
    authenticated,
    mail,
    mail_channel,
    matches,
    message_id_of,
    receive_mail,
    signed_tag,
)


async def reply_tag(conversation_id: UUID) -> str:
    """The tag of the address by which Ana's conversation is answered."""
    number = await fetch_value("SELECT number FROM conversation WHERE id = $1", conversation_id)
    identity_id = await fetch_value("SELECT id FROM identity WHERE match_key = $1", ANA_MAIL)
    return signed_tag(number, conversation_id, identity_id)


def test_a_reply_address_wins_over_everything(database_url: str) -> None:
    """A mail to the signed address joins its conversation, whatever its subject and its ids say (T34)."""

    async def body() -> None:
        lane = await mail_channel()
        first = await receive_mail(lane, mail("Order 8841"))
        other = await receive_mail(lane, mail("Invoice", message_id="inv@a.example"))
        assert first != other
        tag = await reply_tag(first)
        assert await receive_mail(lane, mail("Re: Invoice", in_reply_to=["inv@a.example"], reply_tags=[tag])) == first
        assert await matches(first) == ["new", "reply_address"]

    run_opened(database_url, body)


def test_a_wrong_or_old_reply_address_is_passed_over_never_a_drop(database_url: str) -> None:
    """What is not signed by us, or no longer holds, is a mail like any other (T34)."""

    async def body() -> None:
        lane = await mail_channel()
        first = await receive_mail(lane, mail("Order 8841"))
        tag = await reply_tag(first)
        forged = f"{tag[:-3]}{'aaa' if not tag.endswith('aaa') else 'bbb'}"
        fresh = await receive_mail(lane, mail("Something else", reply_tags=[forged]))
        late = await receive_mail(lane, mail("Yet another", reply_tags=[tag]), now=NOW + timedelta(days=40))
        assert len({first, fresh, late}) == 3
        assert await count_rows("entry") == 3

    run_opened(database_url, body)


def test_the_reply_address_of_a_merged_conversation_leads_to_where_it_went_on(database_url: str) -> None:
    """An address outlives a merge."""

    async def body() -> None:
        lane = await mail_channel()
        first = await receive_mail(lane, mail("Order 8841"))
        second = await receive_mail(lane, mail("Order 8842"))
        tag = await reply_tag(first)
        await execute("UPDATE conversation SET merged_into = $2, status = 'closed' WHERE id = $1", first, second)
        assert await receive_mail(lane, mail("what?", reply_tags=[tag])) == second

    run_opened(database_url, body)


def test_an_answer_to_our_mail_joins_it(database_url: str) -> None:
    """By the Message-ID we sent it under, also when it was closed long ago: the right thread stays the right one."""

    async def body() -> None:
        lane = await mail_channel()
        first = await receive_mail(lane, mail("Order 8841"))
        sent = await message_id_of(await answer(first))
        await execute(
            "UPDATE conversation SET status = 'closed', closed_at = $2, updated_at = $2 WHERE id = $1",
            first, NOW - timedelta(days=300),
        )  # fmt: skip
        assert await receive_mail(lane, mail("thank you", in_reply_to=[sent])) == first
        assert (await matches(first))[-1] == "message_id"
        assert await fetch_value("SELECT status FROM conversation WHERE id = $1", first) == "open"

    run_opened(database_url, body)


def test_an_answer_is_found_by_the_id_its_provider_gave(database_url: str) -> None:
    """Providers rewrite Message-IDs: what they told us when they took it counts as well."""

    async def body() -> None:
        lane = await mail_channel()
        first = await receive_mail(lane, mail("Order 8841"))
        entry = await answer(first)
        await execute("UPDATE delivery SET provider_message_id = 'x1@provider.example' WHERE entry_id = $1", entry)
        assert await receive_mail(lane, mail("thanks", references=["x1@provider.example"])) == first

    run_opened(database_url, body)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("together", [True, False])
def test_a_thread_is_one_in_whatever_order_it_comes(database_url: str, order: tuple[int, ...], together: bool) -> None:
    """Parent, child and grandchild, in one batch or in three: one conversation, each mail once."""

    async def body() -> None:
        lane = await mail_channel()
        thread = [
            mail("a", message_id="1@a.example"),
            mail("b", message_id="2@a.example", in_reply_to=["1@a.example"], references=["1@a.example"]),
            mail("c", message_id="3@a.example", references=["1@a.example", "2@a.example"]),
        ]
        shuffled = [thread[number] for number in order]
        for batch in [shuffled] if together else [[one] for one in shuffled]:
            await receive_mail(lane, *batch)
            await receive_mail(lane, *batch)  # once more: it has happened
        assert (await count_rows("conversation"), await count_rows("entry")) == (1, 3)

    run_opened(database_url, body)


def test_two_that_answer_a_mail_we_never_saw_are_one_matter_of_one_person_only(database_url: str) -> None:
    """A missing parent ties a contact's own mails; thousands of others may answer the same circular."""

    async def body() -> None:
        lane = await mail_channel()
        parent = ["lost@elsewhere.example"]
        first = await receive_mail(lane, mail("x", in_reply_to=parent))
        assert await receive_mail(lane, mail("y", references=parent)) == first
        assert await receive_mail(lane, mail("z", sender=BEN_MAIL, in_reply_to=parent)) != first
        assert await matches(first) == ["new", "shared_parent"]

    run_opened(database_url, body)


def test_all_our_mail_channels_are_one_inbox(database_url: str) -> None:
    """Who wrote to one address and answers to another goes on where they were; a copy to both is one matter."""

    async def body() -> None:
        helpdesk, sales = await mail_channel(HELP), await mail_channel(SALES)
        first = await receive_mail(helpdesk, mail("a", message_id="1@a.example"))
        assert await receive_mail(sales, mail("b", in_reply_to=["1@a.example"])) == first
        assert await receive_mail(sales, mail("a", message_id="1@a.example")) == first
        assert (await matches(first))[-1] == "copy"

    run_opened(database_url, body)


@pytest.mark.parametrize("name", ["", " ", "<>", "a b@x", "x" * 65_536, "a\x00b@x", "aa"])
def test_what_is_no_id_finds_nothing(database_url: str, name: str) -> None:
    """Empty, spaced and endless ids name no mail, however many carry them (T43)."""

    async def body() -> None:
        lane = await mail_channel()
        first = await receive_mail(lane, mail("a", message_id=name or None, in_reply_to=[name]))
        second = await receive_mail(lane, mail("b", message_id=name or None, in_reply_to=[name], references=[name]))
        assert first != second
        assert await count_rows("mail_id") == 0

    run_opened(database_url, body)


def test_the_same_id_with_another_body_is_another_mail(database_url: str) -> None:
    """A Message-ID is no proof: a stranger who uses somebody's starts a conversation of their own (T44)."""

    async def body() -> None:
        lane = await mail_channel()
        first = await receive_mail(lane, mail("a", message_id="1@a.example"))
        assert await receive_mail(lane, mail("b", sender=EVE_MAIL, message_id="1@a.example")) != first
        answered = await receive_mail(lane, mail("c", in_reply_to=["1@a.example"]))
        assert answered == first

    run_opened(database_url, body)


def test_a_subject_ties_mails_of_one_contact_for_a_while(database_url: str) -> None:
    """An answer without ids joins by its subject; that of another person, or after the window, does not."""

    async def body() -> None:
        lane = await mail_channel()
        first = await receive_mail(lane, mail("Order 8841"))
        assert await receive_mail(lane, mail("AW: order 8841")) == first
        assert await receive_mail(lane, mail("Re: Order 8841", sender=BEN_MAIL)) != first
        assert await receive_mail(lane, mail("Re: Order 8841"), now=NOW + timedelta(days=31)) != first
        assert await matches(first) == ["new", "subject"]

    run_opened(database_url, body)


def test_a_new_subject_is_a_new_conversation(database_url: str) -> None:
    """Another matter is not glued to the open one, nor a new mail to a closed one of the same subject."""

    async def body() -> None:
        lane = await mail_channel()
        first = await receive_mail(lane, mail("Order 8841"))
        assert await receive_mail(lane, mail("Invoice")) != first
        await execute("UPDATE conversation SET status = 'closed', closed_at = $2 WHERE id = $1", first, NOW)
        assert await receive_mail(lane, mail("Re: Order 8841")) == first
        await execute("UPDATE conversation SET status = 'closed', closed_at = $2 WHERE id = $1", first, NOW)
        assert await receive_mail(lane, mail("Order 8841")) != first

    run_opened(database_url, body)


def test_a_mail_joins_a_chat_that_has_no_subject(database_url: str) -> None:
    """Who is in the middle of talking to us and sends a mail goes on in the same timeline, which takes its subject."""

    async def body() -> None:
        sms, lane = await make_channel(), await mail_channel()
        talk = await receive(sms, text_message(sender=ANA))
        contact = (await rows_of("contact"))[0]["id"]
        await execute(
            "INSERT INTO identity (id, contact_id, kind, address, match_key) VALUES ($1, $2, 'email', $3, $3)",
            UUID(int=5), contact, ANA_MAIL,
        )  # fmt: skip
        assert await receive_mail(lane, mail("Order 8841")) == talk
        assert await fetch_value("SELECT subject FROM conversation WHERE id = $1", talk) == "Order 8841"
        assert await receive_mail(lane, mail("Invoice")) != talk

    run_opened(database_url, body)


def test_a_mail_from_our_own_address_is_nobodys(database_url: str) -> None:
    """We are not our own customer (T41); where a form names who wrote, it is theirs, and not proven."""

    async def body() -> None:
        lane = await mail_channel(HELP)
        await mail_channel(SALES)
        assert await receive_mail(lane, mail(sender=SALES)) == UUID(int=0)
        assert await receive_mail(lane, mail(sender=f"help+x@{HELP.partition('@')[2]}")) == UUID(int=0)
        codes = [row["code"] for row in await rows_of("quarantine", "raw_event_id")]
        assert (codes, await count_rows("contact")) == (["own_address", "own_address"], 0)
        form = mail("From the form", sender=HELP, reply_to=[Address(kind="email", value=ANA_MAIL)])
        await receive_mail(lane, form)
        [entry], [identity] = await rows_of("entry"), await rows_of("identity")
        assert identity["address"] == ANA_MAIL
        assert '"verified": false' in entry["author"]

    run_opened(database_url, body)


def test_a_sender_is_verified_as_its_host_says(database_url: str) -> None:
    """dmarc=fail from a known address is that contact's conversation, and not verified to be theirs (T36)."""

    async def body() -> None:
        lane = await mail_channel()
        await receive_mail(lane, mail("a"))
        failed = authenticated(aligned=False, dmarc="fail")
        await receive_mail(lane, mail("b", verified=False, authentication=failed))
        entries = await rows_of("entry")
        assert ['"verified": true' in entry["author"] for entry in entries] == [True, False]
        assert await count_rows("contact") == 1

    run_opened(database_url, body)


def test_an_absence_note_wakes_nobody(database_url: str) -> None:
    """It joins the conversation it answers; a closed one stays closed, and nobody waits."""

    async def body() -> None:
        lane = await mail_channel()
        first = await receive_mail(lane, mail("Order 8841"))
        sent = await message_id_of(await answer(first))
        await execute("UPDATE conversation SET status = 'closed', closed_at = $2, unread = 0 WHERE id = $1", first, NOW)
        assert await receive_mail(lane, mail("Away", in_reply_to=[sent], nature="auto_reply")) == first
        [row] = await rows_of("conversation")
        assert (row["status"], row["unread"], row["waiting_since"], row["last_seq"]) == ("closed", 0, None, 3)

    run_opened(database_url, body)
