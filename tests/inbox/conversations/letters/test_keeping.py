"""What is kept of mails goes where their entries go, and goes when they go."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import msgspec

from gateway.erasing import run_erasure
from inbox.contacts.erased import lend_ledger_box
from inbox.conversations.letters.letter import MailOptions
from inbox.conversations.redaction.actions import redact_entry
from inbox.kit.db import Row, fetch, fetch_value
from inbox.privacy.actions import blank_entries
from inbox.privacy.erasure.actions.runs import begin_erasure
from inbox.transfers.exports.person import SECTIONS, list_held
from tests.inbox.builders import AGENT, NOW, committed, count_rows, rows_of, run_opened
from tests.inbox.conversations.letters.post import (
    ANA_MAIL,
    BEN_MAIL,
    BOX,
    EVE_MAIL,
    answer,
    letter_in,
    mail,
    mail_channel,
    receive_mail,
    recipients_of,
)
from tests.inbox.conversations.moves.threads import merge, split, undo


async def addresses_in(conversation_id: UUID) -> set[str]:
    """Who takes part in a conversation."""
    rows = await fetch("SELECT address FROM participant WHERE conversation_id = $1", conversation_id)
    return {row["address"] for row in rows}


def test_a_merge_takes_mails_and_people_along_and_back(database_url: str) -> None:
    """Answers find the conversation their mail is in now; after the undo, all is as it was."""

    async def body() -> None:
        lane = await mail_channel()
        source = await receive_mail(lane, mail("Order", cc=(BEN_MAIL,), message_id="1@a.example"))
        target = await receive_mail(lane, mail("Invoice", cc=(EVE_MAIL,), message_id="2@a.example"))
        move = await merge(source, target)
        assert await receive_mail(lane, mail("x", in_reply_to=["1@a.example"])) == target
        assert await addresses_in(target) == {BEN_MAIL, EVE_MAIL}
        await undo(move)
        assert await receive_mail(lane, mail("y", in_reply_to=["1@a.example"])) == source
        assert (await addresses_in(source), await addresses_in(target)) == ({BEN_MAIL}, {EVE_MAIL})

    run_opened(database_url, body)


def test_a_split_does_so_too(database_url: str) -> None:
    """A mail that moved into a conversation of its own is answered there, by the same people."""

    async def body() -> None:
        lane = await mail_channel()
        first = await receive_mail(
            lane, mail("Order", cc=(BEN_MAIL,), message_id="1@a.example"),
            mail("Order", message_id="2@a.example"),
        )  # fmt: skip
        entries = await rows_of("entry", "seq")
        _, fresh = await split(first, [entries[1]["id"]])
        assert await receive_mail(lane, mail("x", in_reply_to=["2@a.example"])) == fresh
        assert await receive_mail(lane, mail("y", in_reply_to=["1@a.example"])) == first
        assert await addresses_in(fresh) == {BEN_MAIL}

    run_opened(database_url, body)


def test_a_redacted_mail_loses_its_subject_and_keeps_its_place(database_url: str) -> None:
    """The words are gone, and answers to it still find the conversation."""

    async def body() -> None:
        lane = await mail_channel()
        first = await receive_mail(lane, mail("My card is 4111", message_id="1@a.example"))
        [entry] = await rows_of("entry")
        await committed(redact_entry(first, entry["id"], reason="card", actor=AGENT, now=NOW))
        assert "4111" not in await fetch_value("SELECT letter::text FROM entry WHERE id = $1", entry["id"])
        assert await receive_mail(lane, mail("x", in_reply_to=["1@a.example"])) == first

    run_opened(database_url, body)


def test_what_is_too_old_leaves_nothing_of_its_letter(database_url: str) -> None:
    """Retention takes ids, subject and recipients."""

    async def body() -> None:
        lane = await mail_channel()
        await receive_mail(lane, mail("Order", message_id="1@a.example"))
        [entry] = await rows_of("entry")
        await committed(blank_entries([entry["id"]], now=NOW, unlink=False))
        [row] = await rows_of("entry")
        assert (row["letter"], row["recipients"], await count_rows("mail_id")) == (None, "[]", 0)

    run_opened(database_url, body)


def test_an_erased_person_is_in_nobodys_conversation(database_url: str, tmp_path: Path) -> None:
    """Their mails go, and so does their address among the participants and recipients of others."""

    async def body() -> None:
        lend_ledger_box(BOX)
        lane = await mail_channel()
        other = await receive_mail(lane, mail("Order", cc=(BEN_MAIL,), message_id="1@a.example"))
        copied = await answer(other, mail=MailOptions(cc=[BEN_MAIL, EVE_MAIL]))
        await receive_mail(lane, mail("Mine", sender=BEN_MAIL, message_id="9@b.example"))
        await receive_mail(lane, mail("Re", sender=BEN_MAIL, in_reply_to=["1@a.example"]))
        ben = await fetch_value("SELECT contact_id FROM identity WHERE match_key = $1", BEN_MAIL)
        erasure = await committed(begin_erasure(ben, reason="asked", actor=AGENT))
        await run_erasure(erasure, box=BOX, data_dir=tmp_path)
        assert await addresses_in(other) == {EVE_MAIL}
        assert await recipients_of(copied) == [("to", ANA_MAIL), ("cc", EVE_MAIL)]
        left = [str(dict(row)) for table in ("entry", "participant", "mail_id", "draft") for row in await all_of(table)]
        assert not [line for line in left if BEN_MAIL in line or "9@b.example" in line]

    run_opened(database_url, body)


async def all_of(table: str) -> list[Row]:
    """Every row of a table."""
    return await fetch(f"SELECT * FROM {table}")


def test_a_person_gets_their_mails_and_their_places(database_url: str) -> None:
    """An export has the letters, the ids, and the conversations of others they take part in."""

    async def body() -> None:
        lane = await mail_channel()
        await receive_mail(lane, mail("Order", cc=(BEN_MAIL,), message_id="1@a.example"))
        await receive_mail(lane, mail("Mine", sender=BEN_MAIL, message_id="9@b.example"))
        ben = await fetch_value("SELECT contact_id FROM identity WHERE match_key = $1", BEN_MAIL)
        names = [section[0] for section in SECTIONS]
        held = {name: (await list_held(at, [ben], after=""))[0] for at, name in enumerate(names)}
        assert [msgspec.json.decode(line)["message_id"] for line in held["mail_id"]] == ["9@b.example"]
        assert [msgspec.json.decode(line)["address"] for line in held["participant"]] == [BEN_MAIL]
        assert '"Mine"' in held["entry"][0]

    run_opened(database_url, body)


def test_a_mail_that_is_kept_says_what_it_said(database_url: str) -> None:
    """Subject on one line, ids that are ids, authentication, nature and flags."""

    async def body() -> None:
        lane = await mail_channel()
        await receive_mail(
            lane,
            mail("a\r\nb\u202e  c", message_id="1@a.example", references=["<>", "0@a.example"], flags=["invite"]),
        )
        [entry] = await rows_of("entry")
        letter = await letter_in(entry["id"])
        assert (letter.subject, letter.references, letter.flags) == ("a b c", ["0@a.example"], ["invite"])
        assert letter.authentication is not None
        assert letter.authentication.aligned

    run_opened(database_url, body)
