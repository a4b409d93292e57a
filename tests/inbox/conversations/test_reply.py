"""Writing to a contact: the entry, its deliveries and the job stand together; who said stop is not written to."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import msgspec
import pytest

from channels.parts import Attachment, Image
from inbox.conversations.actions.change import set_status
from inbox.conversations.actions.reply import Reply, reply_to_conversation, retry_message
from inbox.conversations.queries import find_reply_targets
from inbox.conversations.thread import Thread
from inbox.kit.db import execute, fetch, tx
from inbox.kit.ids import new_id
from tests.inbox.builders import (
    AGENT,
    ANA,
    BEN,
    BO,
    NOW,
    PlainAdapter,
    apart,
    committed,
    consent_change,
    count_rows,
    delivery_report,
    make_channel,
    one_row,
    receive,
    refused,
    reply,
    rows_of,
    run_opened,
    text_message,
)


def test_a_reply_is_queued_with_its_job(database_url: str) -> None:
    """The entry, one delivery a piece and one job are committed together, under the conversation's order."""

    async def body() -> None:
        lane = await make_channel()
        conversation = await receive(lane, text_message())
        entry_id = await reply(conversation, "word " * 45)
        entry, [job] = await one_row("entry", entry_id), await rows_of("job")
        assert (entry["seq"], entry["direction"], entry["delivery_state"]) == (2, "outbound", "queued")
        assert msgspec.json.decode(entry["recipients"]) == [{"role": "to", "address": ANA}]
        assert (job["key"], job["lane"]) == (str(conversation), str(lane.route.channel_id))
        assert msgspec.json.decode(job["payload"]) == {"type": "deliver_message", "entry_id": str(entry_id)}
        deliveries = await rows_of("delivery", "piece")
        assert [(row["piece"], row["round"], row["state"]) for row in deliveries] == [
            (1, 1, "queued"), (2, 1, "queued"), (3, 1, "queued"),
        ]  # fmt: skip
        row = await one_row("conversation", conversation)
        assert (row["waiting_since"], row["last_outbound_at"], row["unread"]) == (None, NOW, 1)

    run_opened(database_url, body)


def test_a_reply_exists_if_and_only_if_it_was_committed(database_url: str) -> None:
    """A request that fails after the reply leaves no entry, no delivery and no job."""

    async def body() -> None:
        conversation = await receive(await make_channel(), text_message())

        async def fail() -> None:
            async with tx():
                written = Reply(parts=list(text_message("x").parts), author=BO)
                await reply_to_conversation(conversation, written, adapters={"sms-plain": PlainAdapter()}, now=NOW)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail()
        assert [await count_rows(table) for table in ("entry", "delivery", "job")] == [1, 0, 0]

    run_opened(database_url, body)


def test_the_same_client_message_is_one_message(database_url: str) -> None:
    """A client that asks twice with its own id, also at once, has written once; in another conversation it is free."""

    async def body() -> None:
        lane = await make_channel()
        one, other = await receive(lane, text_message()), await receive(lane, text_message(sender=BEN))
        asked = [apart(reply(one, f"try {n}", client_message_id="c1")) for n in range(5)]
        assert len(set(await asyncio.gather(*asked))) == 1
        assert await count_rows("job") == 1
        await reply(other, "elsewhere", client_message_id="c1")
        assert await count_rows("job") == 2

    run_opened(database_url, body)


def test_replies_at_once_stand_in_a_row(database_url: str) -> None:
    """Agents who answer at the same moment get numbers without a hole, and jobs in the order of these numbers."""

    async def body() -> None:
        conversation = await receive(await make_channel(), text_message())
        await asyncio.gather(*(apart(reply(conversation, f"{n}")) for n in range(10)))
        entries = await rows_of("entry", "seq")
        assert [row["seq"] for row in entries] == list(range(1, 12))
        asked = [msgspec.json.decode(row["payload"])["entry_id"] for row in await rows_of("job")]
        assert asked == [str(row["id"]) for row in entries[1:]]

    run_opened(database_url, body)


def test_stop_ends_replies_and_start_allows_them(database_url: str) -> None:
    """After STOP a reply is refused and leaves no job; after START it goes."""

    async def body() -> None:
        lane = await make_channel()
        conversation = await receive(lane, text_message(), consent_change("revoked"))
        problem = await refused(reply(conversation))
        assert (problem.code, problem.kind.status) == ("contact_opted_out", 409)
        assert await count_rows("job") == await count_rows("delivery") == 0
        await receive(lane, consent_change("granted"))
        await reply(conversation)
        assert await count_rows("job") == 1

    run_opened(database_url, body)


def test_stop_is_told_in_the_timeline(database_url: str) -> None:
    """The timeline and the feed say who took consent back and in which words; the ledger keeps the proof."""

    async def body() -> None:
        lane = await make_channel()
        await receive(lane, text_message(), consent_change("revoked"))
        entry = (await rows_of("entry", "seq"))[-1]
        event = msgspec.json.decode(entry["event"])
        assert (event["name"], event["to"], event["reason"]) == ("consent_changed", "revoked", "keyword: STOP")
        assert event["actor"]["type"] == "contact"
        [line] = await rows_of("consent")
        assert (line["state"], line["channel_id"], line["purpose"]) == ("revoked", lane.route.channel_id, "all")
        assert msgspec.json.decode(line["proof"])["words"] == "STOP"
        assert (await rows_of("feed_event", "position"))[-1]["type"] == "contact.consent_changed"

    run_opened(database_url, body)


def test_stop_to_one_number_leaves_the_other_way_open(database_url: str) -> None:
    """STOP ends that channel only: a reply that names another channel goes."""

    async def body() -> None:
        one, other = await make_channel(), await make_channel("+12125550198")
        conversation = await receive(one, text_message(), consent_change("revoked"))
        assert (await refused(reply(conversation))).code == "contact_opted_out"
        await reply(conversation, channel_id=other.route.channel_id)
        [job] = await rows_of("job")
        assert job["lane"] == str(other.route.channel_id)

    run_opened(database_url, body)


def test_a_message_after_stop_does_not_allow_replies(database_url: str) -> None:
    """Only START lifts STOP; that somebody wrote does not."""

    async def body() -> None:
        lane = await make_channel()
        conversation = await receive(lane, consent_change("revoked"), text_message("but tell me"))
        assert (await refused(reply(conversation))).code == "contact_opted_out"

    run_opened(database_url, body)


def test_what_the_channel_cannot_carry_is_refused_whole(database_url: str) -> None:
    """A part the medium has no form for is named, and nothing of the message is stored."""

    async def body() -> None:
        conversation = await receive(await make_channel(), text_message())
        picture = Image(attachment=Attachment(media_type="image/png"))
        written = Reply(parts=[*text_message("x").parts, picture], author=BO)
        adapters = {"sms-plain": PlainAdapter()}
        problem = await refused(committed(reply_to_conversation(conversation, written, adapters=adapters, now=NOW)))
        assert (problem.code, problem.errors[0].pointer) == ("channel_cannot", "/parts/1/attachment")
        assert await count_rows("entry") == 1

    run_opened(database_url, body)


@pytest.mark.parametrize("change", ["UPDATE channel SET deleted_at = now()", "DELETE FROM identity"])
def test_where_no_way_leads_nothing_is_written(database_url: str, change: str) -> None:
    """Without a channel to an address of the contact a reply is refused and says why."""

    async def body() -> None:
        conversation = await receive(await make_channel(), text_message())
        await execute(change)
        assert (await refused(reply(conversation))).code == "channel_cannot"
        assert await count_rows("job") == 0

    run_opened(database_url, body)


def test_a_paused_channel_is_taken_where_there_is_no_other_way(database_url: str) -> None:
    """The message waits in its queue; with another way open that one is taken, unless the paused one is named."""

    async def body() -> None:
        used = await make_channel()
        conversation = await receive(used, text_message())
        await execute("UPDATE channel SET status = 'paused'")
        entry = await one_row("entry", await reply(conversation))
        assert (entry["channel_id"], entry["delivery_state"]) == (used.route.channel_id, "queued")
        other = await make_channel("+12125550198")
        assert (await one_row("entry", await reply(conversation)))["channel_id"] == other.route.channel_id
        named = await reply(conversation, channel_id=used.route.channel_id)
        assert (await one_row("entry", named))["channel_id"] == used.route.channel_id
        assert [row["lane"] for row in await rows_of("job")] == [
            str(lane.route.channel_id) for lane in (used, other, used)
        ]

    run_opened(database_url, body)


def test_a_channel_whose_adapter_is_not_installed_is_refused_by_name(database_url: str) -> None:
    """A plug-in that was removed is no internal error: the refusal says what is missing."""

    async def body() -> None:
        conversation = await receive(await make_channel(adapter="sms-gone"), text_message())
        problem = await refused(reply(conversation))
        assert (problem.code, "sms-gone" in problem.detail) == ("channel_cannot", True)

    run_opened(database_url, body)


def test_an_unknown_conversation_is_not_found(database_url: str) -> None:
    """Nothing is written to a conversation that does not exist."""

    async def body() -> None:
        assert (await refused(reply(new_id()))).code == "not_found"

    run_opened(database_url, body)


def test_the_way_used_last_comes_first(database_url: str) -> None:
    """Replies go where the contact wrote last; other channels to the same address follow, then other addresses."""

    async def body() -> None:
        one, other = await make_channel(), await make_channel("+12125550198")
        conversation = await receive(one, text_message())
        await receive(other, text_message())
        [identity] = await rows_of("identity")
        await execute(
            "INSERT INTO identity (id, contact_id, kind, address, match_key) VALUES ($1, $2, 'phone', $3, $3)",
            new_id(), identity["contact_id"], BEN,
        )  # fmt: skip

        async def ways() -> list[tuple[UUID, str]]:
            row = await one_row("conversation", conversation)
            held = Thread(
                id=conversation, contact_id=row["contact_id"], created_at=NOW, updated_at=NOW,
                reply_channel_id=row["reply_channel_id"], reply_identity_id=row["reply_identity_id"],
            )  # fmt: skip
            return [(target.channel_id, target.address) for target in await find_reply_targets(held)]

        first, second = one.route.channel_id, other.route.channel_id
        assert await ways() == [(second, ANA), (first, ANA), (first, BEN), (second, BEN)]
        await reply(conversation, channel_id=first)
        assert (await ways())[0] == (first, ANA)

    run_opened(database_url, body)


def test_a_reply_does_not_reopen(database_url: str) -> None:
    """An answer to a closed conversation is sent, and it stays closed until the contact writes."""

    async def body() -> None:
        conversation = await receive(await make_channel(), text_message())
        await committed(set_status(conversation, "closed", actor=AGENT, now=NOW))
        await reply(conversation, "one more thing")
        assert (await one_row("conversation", conversation))["status"] == "closed"

    run_opened(database_url, body)


async def failed_message(lane: Any, state: Any = "failed") -> UUID:
    """A message of ours that the provider gave up."""
    entry_id = await reply(await receive(lane, text_message()))
    await execute("DELETE FROM job")
    [delivery] = await fetch("SELECT id FROM delivery WHERE entry_id = $1", entry_id)
    await receive(lane, delivery_report(f"SM{state}", state, reference=delivery["id"]))
    return entry_id


def test_a_person_may_try_again_what_did_not_arrive(database_url: str) -> None:
    """Another round: the message is queued again, with a delivery and a job of its own; the old one is kept."""

    async def body() -> None:
        entry_id = await failed_message(await make_channel())
        await committed(retry_message(entry_id, actor=AGENT, now=NOW))
        entry = await one_row("entry", entry_id)
        assert (entry["delivery_state"], entry["delivery_error"]) == ("queued", None)
        assert [(row["round"], row["state"]) for row in await rows_of("delivery", "round")] == [
            (1, "failed"), (2, "queued"),
        ]  # fmt: skip
        assert await count_rows("job") == 1
        told = (await rows_of("feed_event", "position"))[-1]
        assert (told["type"], msgspec.json.decode(told["facts"])) == (
            "message.delivery_updated", {"from": "failed", "to": "queued"},
        )  # fmt: skip

    run_opened(database_url, body)


def test_what_is_under_way_is_not_tried_again(database_url: str) -> None:
    """A message that is queued, with the provider or has arrived is never sent a second time."""

    async def body() -> None:
        lane = await make_channel()
        entries = [await reply(await receive(lane, text_message()))]
        entries += [await failed_message(lane, state) for state in ("sent", "delivered", "read")]
        entries.append((await rows_of("entry", "seq"))[0]["id"])
        for entry in entries:
            assert (await refused(committed(retry_message(entry, actor=AGENT, now=NOW)))).code == "state_conflict"
        assert await count_rows("delivery") == 4

    run_opened(database_url, body)


def test_two_people_who_try_again_at_once_send_once(database_url: str) -> None:
    """The second of two who ask for another round is told that it is under way."""

    async def body() -> None:
        entry_id = await failed_message(await make_channel())
        asked = [apart(committed(retry_message(entry_id, actor=AGENT, now=NOW))) for _ in range(3)]
        ended = await asyncio.gather(*asked, return_exceptions=True)
        assert sorted(getattr(one, "code", "done") for one in ended) == ["done", "state_conflict", "state_conflict"]
        assert await count_rows("job") == 1

    run_opened(database_url, body)


def test_who_said_stop_meanwhile_is_not_tried_again(database_url: str) -> None:
    """Consent is asked for again at each round."""

    async def body() -> None:
        lane = await make_channel()
        entry_id = await failed_message(lane)
        await receive(lane, consent_change("revoked"))
        assert (await refused(committed(retry_message(entry_id, actor=AGENT, now=NOW)))).code == "contact_opted_out"
        assert await count_rows("job") == 0

    run_opened(database_url, body)


def test_what_is_no_message_is_not_found(database_url: str) -> None:
    """Neither an id of nobody nor the timeline's own events can be sent again."""

    async def body() -> None:
        lane = await make_channel()
        await receive(lane, text_message(), consent_change("revoked"))
        event = (await rows_of("entry", "seq"))[-1]["id"]
        for entry in (new_id(), event):
            assert (await refused(committed(retry_message(entry, actor=AGENT, now=NOW)))).code == "not_found"

    run_opened(database_url, body)
