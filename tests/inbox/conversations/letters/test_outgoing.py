"""What we write by mail: subject, chain of references, recipients, signature, quotation, and the way back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from channels.contract import LetterOut
from channels.parts import AnyPart, Html, Text
from inbox.conversations.actions.change import open_conversation
from inbox.conversations.entry import Author, Recipient
from inbox.conversations.letters.letter import MailOptions, StoredLetter
from inbox.conversations.letters.outgoing import MailIdentity, ReplyAddress, letter_of, quote_message, sign_off
from inbox.conversations.letters.tags import check_reply_tag, read_reply_tags
from inbox.conversations.sending.actions.reach import Reached, find_or_open
from inbox.kit.db import fetch_value
from tests.inbox.builders import AGENT, BO, NOW, WINDOW, committed, make_channel, receive, refused, rows_of, run_opened
from tests.inbox.builders import text_message as sms_message
from tests.inbox.conversations.letters.post import (
    ANA_MAIL,
    BEN_MAIL,
    BOX,
    HELP,
    answer,
    letter_in,
    mail,
    mail_channel,
    message_id_of,
    receive_mail,
)

OURS = MailIdentity(addresses=(HELP,), signature="{{ agent.first_name }} of Us", reply_tags=True)
REPLY = ReplyAddress(number=7, conversation_id=UUID(int=7), identity_id=UUID(int=1), expires=NOW + timedelta(days=30))


def made(stored: StoredLetter, recipients: tuple[Recipient, ...] = (), **fields: Any) -> LetterOut:
    """A letter as the adapter is handed it."""
    author = Author(type="agent", id="agt_1", name="Bo Li")
    return letter_of(stored, recipients, author=author, ours=fields.pop("ours", OURS), box=BOX, reply=REPLY, **fields)


def test_an_answer_keeps_subject_and_chain(database_url: str) -> None:
    """ "Re: " once, In-Reply-To is the newest mail, References all before it and itself, the oldest first."""

    async def body() -> None:
        lane = await mail_channel()
        first = await receive_mail(lane, mail("Order 8841", message_id="1@a.example", references=["0@a.example"]))
        entry = await answer(first)
        stored = await letter_in(entry)
        assert (stored.subject, stored.in_reply_to) == ("Re: Order 8841", ["1@a.example"])
        assert stored.references == ["0@a.example", "1@a.example"]
        ours = await message_id_of(entry)
        await receive_mail(lane, mail("Re: Order 8841", message_id="2@a.example", references=["1@a.example", ours]))
        stored = await letter_in(await answer(first))
        assert (stored.subject, stored.in_reply_to) == ("Re: Order 8841", ["2@a.example"])
        assert stored.references == ["1@a.example", ours, "2@a.example"]

    run_opened(database_url, body)


def test_our_first_mail_sets_the_subject(database_url: str) -> None:
    """That of the conversation, else the one that is given, else its first words; the next go on from ours."""

    async def body() -> None:
        lane = await mail_channel()
        await receive_mail(lane, mail("x"))
        contact = (await rows_of("contact"))[0]["id"]
        begun = await committed(open_conversation(contact, subject="Your order", actor=AGENT, now=NOW))
        entry = await answer(begun)
        stored = await letter_in(entry)
        assert (stored.subject, stored.in_reply_to, stored.references) == ("Your order", [], [])
        again = await letter_in(await answer(begun))
        assert (again.subject, again.in_reply_to) == ("Re: Your order", [await message_id_of(entry)])
        other = await committed(open_conversation(contact, subject=None, actor=AGENT, now=NOW))
        assert (await letter_in(await answer(other, mail=MailOptions(subject="News")))).subject == "News"
        assert await fetch_value("SELECT subject FROM conversation WHERE id = $1", other) == "News"
        third = await committed(open_conversation(contact, subject=None, actor=AGENT, now=NOW))
        assert (await letter_in(await answer(third, "Good day\nand more"))).subject == "Good day"

    run_opened(database_url, body)


def test_a_chain_does_not_grow_for_ever(database_url: str) -> None:
    """Of many ids the first and the newest are passed on."""

    async def body() -> None:
        lane = await mail_channel()
        long = [f"{number}@a.example" for number in range(80)]
        first = await receive_mail(lane, mail("x", message_id="last@a.example", references=long))
        references = (await letter_in(await answer(first))).references
        assert (len(references), references[0], references[-1]) == (30, "0@a.example", "last@a.example")

    run_opened(database_url, body)


def test_what_only_mail_can_do_is_refused_elsewhere(database_url: str) -> None:
    """A copy of an SMS is not left out silently: `channel_cannot` says which field it is."""

    async def body() -> None:
        talk = await receive(await make_channel(), sms_message())
        for options, field in (
            (MailOptions(cc=[BEN_MAIL]), "/cc"), (MailOptions(subject="x"), "/subject"),
            (MailOptions(reply_all=True), "/reply_all"), (MailOptions(quote=True), "/quote"),
        ):  # fmt: skip
            problem = await refused(answer(talk, mail=options))
            assert (problem.code, problem.errors[0].pointer) == ("channel_cannot", field)
        assert await letter_of_last() is None

    run_opened(database_url, body)


async def letter_of_last() -> str | None:
    """What is stored of the newest entry as a mail."""
    stored: str | None = await fetch_value("SELECT letter::text FROM entry ORDER BY id DESC LIMIT 1")
    return stored


def test_a_new_mail_to_somebody_finds_its_subject(database_url: str) -> None:
    """Writing to an address goes on in their conversation of that subject, and opens one for another."""

    async def body() -> None:
        lane = await mail_channel()
        first = await receive_mail(lane, mail("Order 8841"))
        contact = (await rows_of("contact"))[0]["id"]

        async def found(subject: str | None, *, by_mail: bool = True) -> UUID:
            return await committed(
                find_or_open(
                    Reached(contact_id=contact), subject=subject, window=WINDOW, by_mail=by_mail, actor=AGENT, now=NOW
                )
            )

        assert await found("Re: order 8841") == first
        assert await found(None) == first
        assert await found("Invoice", by_mail=False) == first
        assert await found("Invoice") != first

    run_opened(database_url, body)


def test_the_letter_carries_a_way_back() -> None:
    """The address that is answered to is ours, signed for this conversation and person."""
    out = made(StoredLetter(subject="Re: x", in_reply_to=["1@a"], references=["0@a", "1@a"]))
    [tag] = [
        one for one in read_reply_tags([(out.reply_to or "").partition("+")[2].partition("@")[0]]) if one.number == 7
    ]
    found = check_reply_tag(BOX, tag, conversation_id=UUID(int=7), identity_ids=[UUID(int=1)], now=NOW)
    assert found == UUID(int=1)
    assert (out.in_reply_to, out.references, out.signature) == ("1@a", ["0@a", "1@a"], "Bo of Us")


def test_the_way_back_can_be_left_out() -> None:
    """By the channel's settings, and where nobody wrote it: an acknowledgement is answered to the plain address."""
    plain = MailIdentity(addresses=(HELP,), reply_tags=False)
    assert made(StoredLetter(subject="x"), ours=plain).reply_to is None
    automatic = made(StoredLetter(subject="x", automatic=True))
    assert (automatic.reply_to, automatic.automatic) == (None, True)


def test_copies_stand_by_their_roles() -> None:
    """Cc is seen by all, Bcc by nobody."""
    recipients = (
        Recipient(role="to", address=ANA_MAIL), Recipient(role="cc", address=BEN_MAIL),
        Recipient(role="bcc", address="eve@e.example"),
    )  # fmt: skip
    out = made(StoredLetter(subject="x"), recipients)
    assert [[one.value for one in group] for group in (out.cc, out.bcc)] == [[BEN_MAIL], ["eve@e.example"]]


def test_a_signature_that_is_no_template_stays_as_it_is() -> None:
    """Braces in a signature break no mail."""
    assert sign_off("Us {{", BO) == "Us {{"
    assert sign_off("Us", BO) == "Us"
    assert sign_off("{{ agent.name }}", Author(type="bot")) is None


def test_a_quotation_has_the_new_words_alone() -> None:
    """What the quoted mail quoted itself, and its signature, are not passed on."""
    author = Author(type="contact", name="Ana", address=ANA_MAIL)
    parts: list[AnyPart] = [Text(text="new"), Html(html="<p>new</p>", quoted="<p>old</p>", signature="<p>sig</p>")]
    quoted = quote_message(parts, text="new", author=author, written_at=NOW)
    assert (quoted.text, quoted.html, quoted.author, quoted.written_at) == ("new", "<p>new</p>", "Ana", NOW)
