"""Looking up at the provider what was lost: a whole gateway, and a simulated Twilio whose webhooks reach nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from channels.simulators.faults import Outcome
from channels.simulators.ledger import Message
from channels.simulators.twilio import HandsetFile
from channels.simulators.twilio.webhooks import pack_twilio_webhook, text_form
from gateway.repairs import begin_due_reconciles
from inbox.kit.clock import show_time, utc_now
from inbox.kit.db import execute, fetch_value
from tests.inbox.attachments.pictures import png
from tests.inbox.builders import count_rows, rows_of
from tests.journeys.gateway import TOKEN, Journey, eventually, open_journey

NOBODY = "http://127.0.0.1:9"
"""Where webhooks are posted: nothing listens there."""
ANA, BEN = "+12125550100", "+12125550101"


def journey(database_url: str, redis_url: str, folder: Path, body: Callable[[Journey], Awaitable[None]]) -> None:
    """Run a test's body beside a gateway that no webhook reaches."""

    async def run() -> None:
        async with open_journey(
            database_url,
            redis_url,
            folder,
            SWITCHBOARD_PUBLIC_URL=NOBODY,
            SWITCHBOARD_SEND_TIMEOUT_SECONDS="1",
        ) as opened:
            await body(opened)

    asyncio.run(run())


async def reconcile(opened: Journey, *, dry_run: bool = False, minutes: int = 30) -> dict[str, int]:
    """Compare the channel with Twilio's list, and wait for the end."""
    since = show_time(utc_now() - timedelta(minutes=minutes))
    path = f"/v1/channels/{opened.channel_id}/reconcile"
    begun = await opened.post(path, {"since": since, "dry_run": dry_run}, status=202)

    async def ended() -> Any:
        repair = await opened.get(f"/v1/repairs/{begun['id']}")
        return repair if repair["state"] != "running" else None

    repair = await eventually(ended)
    assert repair["state"] == "done", repair
    counts: dict[str, int] = repair["counts"]
    return counts


async def begin(opened: Journey, handset: str = ANA) -> str:
    """A conversation with this handset, whose text was lost and found; its id."""
    await opened.twilio.text_in(handset, "Where is my order?")
    await reconcile(opened)
    return str((await opened.conversation_with(handset))["id"])


async def answer(opened: Journey, conversation: str, text: str, *, fault: Any) -> str:
    """A message of ours whose sending meets a fault; its id, once nobody knows what became of it."""
    opened.twilio.faults.next_calls.append(fault)
    message = await opened.post(f"/v1/conversations/{conversation}/messages", {"text": text})
    await opened.delivery(message["id"], "unknown")
    return str(message["id"])


async def unsettled(opened: Journey) -> list[tuple[str, str]]:
    """Messages of unknown outcome with what the last look into the list said."""
    page = await opened.get("/v1/messages", delivery="unknown")
    return [(one["message"]["text"], one["attempts"][-1]["outcome"]) for one in page["data"]]


async def post_late(opened: Journey, message: Message) -> int:
    """The webhook of a text, after all; how it is answered."""
    path = f"/hooks/sms-twilio/{opened.channel_id}/message"
    form = text_form(message, api_url=opened.twilio.url, opt_out=None)
    body, headers = pack_twilio_webhook(TOKEN, NOBODY + path, form)
    answered = await opened.client.post(path, content=body, headers=dict(headers))
    return answered.status_code


def test_a_text_that_never_reached_us_comes_in_once(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """What only the provider's list has is journaled and projected with its files; the late webhook adds nothing."""

    async def body(opened: Journey) -> None:
        photo = HandsetFile(content_type="image/png", content=png(2, 2))
        text = await opened.twilio.text_in(ANA, "It broke", media=[photo])
        assert not text.acknowledged
        assert (await reconcile(opened, dry_run=True))["inbound_missing"] == 1
        assert await count_rows("raw_event") == 0
        assert (await reconcile(opened))["inbound_missing"] == 1
        conversation = await opened.conversation_with(ANA)
        [entry] = await opened.entries(conversation["id"])
        assert (entry["text"], entry["provider"]["message_id"]) == ("It broke\n[image]", text.sid)

        async def stored() -> bool:
            [entry] = await opened.entries(conversation["id"])
            return bool(entry["parts"][1]["attachment"]["state"] == "stored")

        await eventually(stored)
        assert (await reconcile(opened))["inbound_missing"] == 0
        assert await post_late(opened, text) == 200

        async def projected() -> bool:
            last = "SELECT projected_id = (SELECT max(id) FROM raw_event) FROM lane"
            return bool(await fetch_value(last))

        await eventually(projected)
        assert len(await opened.entries(conversation["id"])) == 1
        assert [row["kind"] for row in await rows_of("raw_event")] == ["reconciled", "message"]

    journey(database_url, redis_url, tmp_path, body)


def test_what_the_webhook_told_is_not_taken_in_again(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """A text that came by its webhook is known by its key, so a comparison journals nothing."""

    async def body(opened: Journey) -> None:
        text = await opened.twilio.text_in(ANA, "hello")
        assert await post_late(opened, text) == 200
        await opened.conversation_with(ANA)
        assert await reconcile(opened) == {"listed": 1, "inbound_missing": 0, "reports_missing": 0}
        assert await count_rows("raw_event") == 1

    journey(database_url, redis_url, tmp_path, body)


def test_a_send_whose_answer_was_lost_is_found(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """One message in the list fits: the state moves forward, the evidence is kept, and nothing is sent again."""

    async def body(opened: Journey) -> None:
        conversation = await begin(opened)
        message = await answer(opened, conversation, "On its way", fault="drop")
        await opened.twilio.settle()
        counts = await reconcile(opened)
        assert (counts["sends_found"], counts["listed"]) == (1, 2)
        assert (await opened.delivery(message, "delivered"))["error"] is None
        look = (await opened.get(f"/v1/messages/{message}/deliveries"))["data"][-1]
        [accepted] = opened.twilio.ledger.accepted
        assert (look["kind"], look["outcome"], look["provider_message_id"]) == ("reconcile", "found", accepted.sid)
        assert [one["provider_message_id"] for one in look["evidence"]["messages"]] == [accepted.sid]
        assert await unsettled(opened) == []

    journey(database_url, redis_url, tmp_path, body)


def test_a_send_the_provider_never_took_stays_unknown_with_the_evidence(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """Too early nothing is said; later it stays unknown, listed as not found, and a person may send it again."""

    async def body(opened: Journey) -> None:
        message = await answer(opened, await begin(opened), "On its way", fault="error")
        assert (await reconcile(opened))["sends_too_early"] == 1
        assert await unsettled(opened) == [("On its way", "unknown")]
        long_ago = "UPDATE delivery_attempt SET started_at = started_at - interval '10 minutes', "
        await execute(long_ago + "finished_at = finished_at - interval '10 minutes'")
        assert (await reconcile(opened))["sends_not_found"] == 1
        assert (await reconcile(opened))["sends_not_found"] == 1
        assert await unsettled(opened) == [("On its way", "not_found")]
        looks = (await opened.get(f"/v1/messages/{message}/deliveries"))["data"]
        assert [one["kind"] for one in looks].count("reconcile") == 1
        assert opened.twilio.ledger.accepted == []
        await opened.post(f"/v1/messages/{message}/retry", {}, status=200)
        await opened.delivery(message, "sent")
        assert len(opened.twilio.ledger.accepted) == 1

    journey(database_url, redis_url, tmp_path, body)


def test_two_messages_that_fit_leave_it_unknown(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Where the list has the same words twice, nothing is concluded, and both are shown."""

    async def body(opened: Journey) -> None:
        conversation = await begin(opened)
        await answer(opened, conversation, "Yes", fault="drop")
        await answer(opened, conversation, "Yes", fault="drop")
        await opened.twilio.settle()
        assert (await reconcile(opened))["sends_ambiguous"] == 2
        assert await unsettled(opened) == [("Yes", "ambiguous"), ("Yes", "ambiguous")]
        page = await opened.get("/v1/messages", delivery="unknown", channel=opened.channel_id)
        shown = [len(one["attempts"][-1]["evidence"]["messages"]) for one in page["data"]]
        assert shown == [2, 2]
        assert len(opened.twilio.ledger.accepted) == 2

    journey(database_url, redis_url, tmp_path, body)


def test_reports_that_were_missed_are_made_up_for(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """What we sent and heard no more of gets its final state from the list, with the provider's reason."""

    async def body(opened: Journey) -> None:
        conversation = await begin(opened)
        opened.twilio.faults.outcomes[ANA] = Outcome(status="undelivered", code=30003)
        message = await opened.post(f"/v1/conversations/{conversation}/messages", {"text": "On its way"})
        await opened.delivery(message["id"], "sent")
        await opened.twilio.settle()
        assert (await reconcile(opened))["reports_missing"] == 1
        delivery = await opened.delivery(message["id"], "undelivered")
        assert (delivery["error"]["code"], delivery["error"]["provider_code"]) == ("unreachable", "30003")
        assert (await reconcile(opened))["reports_missing"] == 0

    journey(database_url, redis_url, tmp_path, body)


def test_a_comparison_goes_on_over_pages(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """More texts than a page of the list holds all come in, one step a page."""

    async def body(opened: Journey) -> None:
        for number in range(230):
            await opened.twilio.text_in(BEN, f"{number}", wait=False)
        await opened.twilio.settle()
        since = show_time(utc_now() - timedelta(minutes=30))
        path = f"/v1/channels/{opened.channel_id}/reconcile"
        begun = await opened.post(path, {"since": since}, status=202)

        async def ended() -> Any:
            repair = await opened.get(f"/v1/repairs/{begun['id']}")
            return repair if repair["state"] == "done" else None

        assert (await eventually(ended))["counts"]["inbound_missing"] == 230
        conversation = await opened.conversation_with(BEN)

        async def all_in() -> bool:
            return int(await fetch_value("SELECT count(*) FROM entry WHERE type = 'message'")) == 230

        await eventually(all_in)
        assert len(await opened.entries(conversation["id"])) == 200

    journey(database_url, redis_url, tmp_path, body)


def test_the_clock_compares_again_from_where_it_ended(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """A channel is compared when its minutes are over, and looks back over the whole time since the last."""

    async def body(opened: Journey) -> None:
        assert await begin_due_reconciles(opened.runtime) == 0
        await execute("UPDATE channel SET created_at = now() - interval '5 hours'")
        assert await begin_due_reconciles(opened.runtime) == 1

        async def done() -> Any:
            return await fetch_value("SELECT until - since FROM repair WHERE state = 'done'")

        assert timedelta(hours=4) < await eventually(done) < timedelta(hours=5)
        assert await begin_due_reconciles(opened.runtime) == 0

    journey(database_url, redis_url, tmp_path, body)


def test_a_span_that_is_forgotten_or_empty_is_refused(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """What happened before our memory begins would all look new, so it may not be asked for."""

    async def body(opened: Journey) -> None:
        path = f"/v1/channels/{opened.channel_id}/reconcile"
        for since in (utc_now() - timedelta(days=100), utc_now() + timedelta(hours=1)):
            refused = await opened.client.post(path, json={"since": show_time(since)})
            assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
        unknown = await opened.client.post(
            f"/v1/channels/cha_{'0' * 32}/reconcile", json={"since": show_time(utc_now())}
        )
        assert unknown.status_code == 404

    journey(database_url, redis_url, tmp_path, body)
