"""A mail that comes back says so at the message it is about, and its address is not written to any more."""

from __future__ import annotations

from uuid import UUID

from channels.events import DeliveryError, DeliveryReported
from inbox.conversations.actions.reply import retry_message
from inbox.conversations.api.shapes import show_route
from inbox.conversations.letters.letter import MailOptions
from inbox.conversations.queries import find_contact_targets
from inbox.intake.batch import Lane
from inbox.kit.db import fetch_value
from tests.inbox.builders import AGENT, NOW, arrived, committed, count_rows, project, refused, rows_of, run_opened
from tests.inbox.conversations.letters.post import (
    ANA_MAIL,
    BEN_MAIL,
    HELP,
    SALES,
    answer,
    mail,
    mail_channel,
    message_id_of,
    receive_mail,
)

HARD = DeliveryError(code="hard_bounce", provider_code="5.1.1", message="No such mailbox")
SOFT = DeliveryError(code="soft_bounce", provider_code="4.2.2", message="Mailbox full", retryable=True)


async def bounced(
    lane: Lane,
    message_id: str,
    *,
    error: DeliveryError = HARD,
    reference: str | None = None,
    recipient: str | None = None,
) -> None:
    """The report of a mail server, read out of a mail that came in on this channel."""
    start = await fetch_value("SELECT projected_id FROM lane WHERE channel_id = $1", lane.route.channel_id)
    event = DeliveryReported(
        key=f"bounce:{start}",
        provider_message_id=message_id,
        state="undelivered",
        reference=reference,
        recipient=recipient,
        error=error,
    )
    assert await project(lane, arrived(start + 1, event))


async def state_of_last() -> str:
    """How far the newest message got."""
    found: str = await fetch_value("SELECT delivery_state FROM entry WHERE direction = 'outbound' ORDER BY id DESC")
    return found


def test_a_bounce_finds_its_message_by_our_message_id(database_url: str) -> None:
    """No new thread: the state of the original says it, whichever of our mailboxes the report came to."""

    async def body() -> None:
        lane, other = await mail_channel(HELP), await mail_channel(SALES)
        first = await receive_mail(lane, mail("Order"))
        entry = await answer(first)
        await bounced(other, await message_id_of(entry))
        assert await state_of_last() == "undelivered"
        assert (await count_rows("conversation"), await count_rows("entry")) == (1, 2)

    run_opened(database_url, body)


def test_a_bounce_is_found_by_the_reference_too(database_url: str) -> None:
    """As a provider's webhook carries it back; one of nobody's is set aside, and replayable."""

    async def body() -> None:
        lane = await mail_channel()
        first = await receive_mail(lane, mail("Order"))
        entry = await answer(first)
        await bounced(lane, "something@provider", reference=(await message_id_of(entry)).partition("@")[0])
        assert await state_of_last() == "undelivered"
        await bounced(lane, "msg_00000000000000000000000000000000@us.example")
        assert [row["code"] for row in await rows_of("quarantine", "raw_event_id")] == ["nobodys_message"]

    run_opened(database_url, body)


def test_an_address_that_does_not_exist_is_not_written_to(database_url: str) -> None:
    """The reply route says so and why; a new message is refused, until the contact writes or somebody retries."""

    async def body() -> None:
        lane = await mail_channel()
        first = await receive_mail(lane, mail("Order"))
        entry = await answer(first)
        await bounced(lane, await message_id_of(entry))
        [conversation] = await rows_of("conversation")
        route = show_route((await find_contact_targets([conversation["contact_id"]]))[conversation["contact_id"]])
        assert (route.can_reply, route.address) == (False, ANA_MAIL)
        assert "No such mailbox" in (route.reason or "")
        problem = await refused(answer(first))
        assert (problem.code, bool(problem.hint)) == ("channel_cannot", True)
        await receive_mail(lane, mail("I am here"))
        await answer(first)

    run_opened(database_url, body)


def test_to_send_it_again_is_to_say_that_the_address_works(database_url: str) -> None:
    """A person's decision; should it come back once more, it is flagged once more."""

    async def body() -> None:
        lane = await mail_channel()
        first = await receive_mail(lane, mail("Order"))
        entry = await answer(first)
        await bounced(lane, await message_id_of(entry))
        await committed(retry_message(entry, actor=AGENT, now=NOW))
        assert await count_rows("undeliverable_address") == 0
        newest = await fetch_value("SELECT id FROM delivery ORDER BY round DESC LIMIT 1")
        await bounced(lane, f"msg_{newest.hex}@us.example")
        assert await count_rows("undeliverable_address") == 1

    run_opened(database_url, body)


def test_a_soft_bounce_says_nothing_of_the_address(database_url: str) -> None:
    """A full mailbox is emptied: the message did not arrive, the next may."""

    async def body() -> None:
        lane = await mail_channel()
        first = await receive_mail(lane, mail("Order"))
        await bounced(lane, await message_id_of(await answer(first)), error=SOFT)
        assert (await state_of_last(), await count_rows("undeliverable_address")) == ("undelivered", 0)
        assert isinstance(await answer(first), UUID)

    run_opened(database_url, body)


def test_a_copy_that_comes_back_is_not_the_message(database_url: str) -> None:
    """Ana has it, Ben's address does not exist: the message stays as it is, and Ben is the one who is flagged."""

    async def body() -> None:
        lane = await mail_channel()
        await receive_mail(lane, mail("Mine", sender=BEN_MAIL))
        first = await receive_mail(lane, mail("Order"))
        entry = await answer(first, mail=MailOptions(cc=[BEN_MAIL]))
        await bounced(lane, await message_id_of(entry), recipient="BEN@B.example")
        assert await state_of_last() == "queued"
        flagged = "SELECT i.address FROM undeliverable_address u JOIN identity i ON i.id = u.identity_id"
        assert await fetch_value(flagged) == BEN_MAIL
        await answer(first)
        attempts = [row["outcome"] for row in await rows_of("delivery_attempt")]
        assert attempts == ["undelivered"]

    run_opened(database_url, body)


def test_where_nobody_says_whose_copy_came_back_nobody_is_flagged(database_url: str) -> None:
    """The message did not reach all; which address is wrong is not known."""

    async def body() -> None:
        lane = await mail_channel()
        first = await receive_mail(lane, mail("Order"))
        entry = await answer(first, mail=MailOptions(cc=[BEN_MAIL]))
        await bounced(lane, await message_id_of(entry))
        assert (await state_of_last(), await count_rows("undeliverable_address")) == ("undelivered", 0)

    run_opened(database_url, body)
