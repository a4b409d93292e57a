"""Who is not asked takes part in nothing: strangers, forged senders, and what goes to whom (security T32-T36)."""

from __future__ import annotations

from uuid import UUID

from inbox.conversations.letters.letter import MailOptions
from inbox.conversations.participants.actions import invite_participant
from inbox.conversations.participants.participant import NewParticipant
from inbox.kit.db import fetch_value
from tests.inbox.builders import AGENT, NOW, committed, count_rows, refused, rows_of, run_opened
from tests.inbox.conversations.letters.post import (
    ANA_MAIL,
    BEN_MAIL,
    EVE_MAIL,
    HELP,
    SALES,
    answer,
    authenticated,
    block,
    letter_in,
    mail,
    mail_channel,
    matches,
    message_id_of,
    receive_mail,
    recipients_of,
    signed_tag,
)


async def participants() -> list[tuple[str, str, bool]]:
    """Address, role and whether somebody vouched for them."""
    return [
        (row["address"], row["role"], row["verified"]) for row in await rows_of("participant", "created_at, address")
    ]


async def author_of_last() -> str:
    """The author of the newest entry as stored."""
    stored: str = await fetch_value("SELECT author::text FROM entry ORDER BY id DESC LIMIT 1")
    return stored


def test_a_stranger_who_answers_is_seen_and_not_written_to(database_url: str) -> None:
    """A true In-Reply-To from an unknown sender: an unverified participant, whom no answer reaches (T33)."""

    async def body() -> None:
        lane = await mail_channel()
        first = await receive_mail(lane, mail("Order 8841"))
        sent = await message_id_of(await answer(first))
        assert await receive_mail(lane, mail("Re: Order 8841", sender=EVE_MAIL, in_reply_to=[sent])) == first
        assert '"verified": false' in await author_of_last()
        assert await participants() == [(EVE_MAIL, "from", False)]
        for options in (None, MailOptions(reply_all=True), MailOptions(reply_all=True, quote=True)):
            assert await recipients_of(await answer(first, mail=options)) == [("to", ANA_MAIL)]
        [conversation] = await rows_of("conversation")
        ana = await fetch_value("SELECT id FROM identity WHERE match_key = $1", ANA_MAIL)
        assert conversation["reply_identity_id"] == ana

    run_opened(database_url, body)


def test_somebody_elses_reply_address_makes_nobody_the_customer(database_url: str) -> None:
    """The address that Ana answers to, used by Eve: her mail is shown there, unverified (T34)."""

    async def body() -> None:
        lane = await mail_channel()
        first = await receive_mail(lane, mail("Order 8841"))
        await message_id_of(await answer(first))
        number, identity = (
            await fetch_value("SELECT number FROM conversation"),
            await fetch_value("SELECT id FROM identity"),
        )
        tag = signed_tag(number, first, identity)
        assert await receive_mail(lane, mail("hi", sender=EVE_MAIL, reply_tags=[tag])) == first
        assert (await matches(first))[-1] == "reply_address"
        assert await recipients_of(await answer(first)) == [("to", ANA_MAIL)]
        assert '"verified": false' in (await rows_of("entry", "seq"))[2]["author"]

    run_opened(database_url, body)


def test_a_forged_agent_is_a_stranger(database_url: str) -> None:
    """Whoever writes under an agent's name with invented ids writes to us, and nothing goes to the customer (T32)."""

    async def body() -> None:
        lane = await mail_channel()
        first = await receive_mail(lane, mail("Order 8841"))
        forged = mail("Re", sender="bo@us.example", verified=False, in_reply_to=["notify-1-1-aaaa@us.example"])
        assert await receive_mail(lane, forged) != first
        assert await count_rows("delivery") == 0
        assert {row["direction"] for row in await rows_of("entry")} == {"inbound"}

    run_opened(database_url, body)


def test_whom_a_proven_sender_names_takes_part(database_url: str) -> None:
    """Cc by a verified contact is vouched for: his own mail counts as his, and an answer to all reaches him."""

    async def body() -> None:
        lane = await mail_channel(HELP, SALES)
        first = await receive_mail(lane, mail("Order", cc=(BEN_MAIL, SALES), message_id="1@a.example"))
        assert await participants() == [(BEN_MAIL, "cc", True)]
        await receive_mail(lane, mail("Re: Order", sender=BEN_MAIL, in_reply_to=["1@a.example"]))
        assert '"verified": true' in await author_of_last()
        assert await recipients_of(await answer(first)) == [("to", ANA_MAIL)]
        everybody = await answer(first, mail=MailOptions(reply_all=True))
        assert await recipients_of(everybody) == [("to", ANA_MAIL), ("cc", BEN_MAIL)]

    run_opened(database_url, body)


def test_whom_a_forged_sender_names_does_not(database_url: str) -> None:
    """A mail that is not proven to be Ana's brings nobody into an answer to all (T36)."""

    async def body() -> None:
        lane = await mail_channel()
        failed = authenticated(aligned=False, dmarc="fail")
        first = await receive_mail(lane, mail("Order", cc=(EVE_MAIL,), verified=False, authentication=failed))
        assert await participants() == [(EVE_MAIL, "cc", False)]
        everybody = await answer(first, mail=MailOptions(reply_all=True))
        assert await recipients_of(everybody) == [("to", ANA_MAIL)]

    run_opened(database_url, body)


def test_a_stranger_can_be_let_in(database_url: str) -> None:
    """An agent vouches for one; from then on what they write is theirs, and an answer to all goes to them."""

    async def body() -> None:
        lane = await mail_channel()
        first = await receive_mail(lane, mail("Order", message_id="1@a.example"))
        await receive_mail(lane, mail("Re", sender=BEN_MAIL, in_reply_to=["1@a.example"]))
        wanted = NewParticipant(
            conversation_id=first, kind="email", address=BEN_MAIL, match_key=BEN_MAIL, role="cc", verified=True,
            added_by=AGENT,
        )  # fmt: skip
        await committed(invite_participant(wanted, actor=AGENT, now=NOW))
        await committed(invite_participant(wanted, actor=AGENT, now=NOW))
        assert await participants() == [(BEN_MAIL, "from", True)]
        names = [row["event"] for row in await rows_of("entry", "seq") if row["event"]]
        assert len(names) == 1
        assert BEN_MAIL not in names[0]
        everybody = await answer(first, mail=MailOptions(reply_all=True))
        assert ("cc", BEN_MAIL) in await recipients_of(everybody)

    run_opened(database_url, body)


def test_our_own_addresses_never_get_our_mail(database_url: str) -> None:
    """Not as a copy, not with a tag, not by an answer to all: what we write to ourselves comes back."""

    async def body() -> None:
        lane = await mail_channel(HELP)
        await mail_channel(SALES)
        first = await receive_mail(lane, mail("Order", cc=(SALES, "Help+x@us.example", BEN_MAIL)))
        options = MailOptions(cc=[SALES, "help+y@us.example"], bcc=[HELP, EVE_MAIL, ANA_MAIL], reply_all=True)
        entry = await answer(first, mail=options)
        assert await recipients_of(entry) == [("to", ANA_MAIL), ("cc", BEN_MAIL), ("bcc", EVE_MAIL)]

    run_opened(database_url, body)


def test_whoever_got_a_hidden_copy_stays_hidden(database_url: str) -> None:
    """Bcc people take part, and an answer to all never names them."""

    async def body() -> None:
        lane = await mail_channel()
        first = await receive_mail(lane, mail("Order"))
        await answer(first, mail=MailOptions(bcc=[EVE_MAIL]))
        assert await participants() == [(EVE_MAIL, "bcc", True)]
        assert await recipients_of(await answer(first, mail=MailOptions(reply_all=True))) == [("to", ANA_MAIL)]

    run_opened(database_url, body)


def test_nobody_who_opted_out_or_is_blocked_gets_a_copy(database_url: str) -> None:
    """By name it is refused; by an answer to all they are left out."""

    async def body() -> None:
        lane = await mail_channel()
        first = await receive_mail(lane, mail("Order", cc=(BEN_MAIL,), message_id="1@a.example"))
        await receive_mail(lane, mail("Re", sender=BEN_MAIL, in_reply_to=["1@a.example"]))
        await block(BEN_MAIL)
        problem = await refused(answer(first, mail=MailOptions(cc=[BEN_MAIL])))
        assert problem.code == "contact_blocked"
        assert await recipients_of(await answer(first, mail=MailOptions(reply_all=True))) == [("to", ANA_MAIL)]

    run_opened(database_url, body)


def test_nothing_is_quoted_unless_asked(database_url: str) -> None:
    """History goes to nobody by itself; asked for, it is the answered mail."""

    async def body() -> None:
        lane = await mail_channel()
        first = await receive_mail(lane, mail("Order"))
        [entry] = await rows_of("entry")
        plain, quoting = await answer(first), await answer(first, mail=MailOptions(quote=True))
        assert (await letter_in(plain)).quotes is None
        assert (await letter_in(quoting)).quotes == UUID(int=entry["id"].int)

    run_opened(database_url, body)


def test_a_strangers_words_are_not_put_under_our_name(database_url: str) -> None:
    """An answer answers and quotes the contact's mail, though a stranger or a machine wrote last; else by name."""

    async def body() -> None:
        lane = await mail_channel()
        first = await receive_mail(lane, mail("Order", message_id="1@a.example"))
        [entry] = await rows_of("entry")
        await receive_mail(
            lane, mail("Away", message_id="2@a.example", references=["1@a.example"], nature="auto_reply")
        )
        await receive_mail(
            lane, mail("Pay here", sender=EVE_MAIL, message_id="3@e.example", references=["1@a.example"])
        )
        letter = await letter_in(await answer(first, mail=MailOptions(quote=True)))
        assert (letter.in_reply_to, letter.quotes) == (["1@a.example"], UUID(int=entry["id"].int))
        eve = UUID(int=(await rows_of("entry", "seq"))[2]["id"].int)
        letter = await letter_in(await answer(first, mail=MailOptions(quote=True), in_reply_to=eve))
        assert (letter.in_reply_to, letter.quotes) == (["3@e.example"], eve)

    run_opened(database_url, body)


def test_one_address_is_one_participant_however_it_is_spelled(database_url: str) -> None:
    """Capitals and domains beyond ASCII: who was named once is known when they write, and is not us."""

    async def body() -> None:
        lane = await mail_channel()
        copies = ("Zoë@BÜCHER.example", "zoë@xn--bcher-kva.example", "HELP@US.example")
        first = await receive_mail(lane, mail("Order", cc=copies, message_id="1@a.example"))
        assert await participants() == [("Zoë@xn--bcher-kva.example", "cc", True)]
        await receive_mail(lane, mail("Re", sender="zoë@bücher.EXAMPLE", references=["1@a.example"]))
        assert '"verified": true' in await author_of_last()
        assert len(await participants()) == 1
        assert await receive_mail(lane, mail("x", sender="Help@US.Example")) != first
        assert await count_rows("quarantine") == 1

    run_opened(database_url, body)
