"""An integrator's way: a webhook made over the API hears of a text from a phone, and everything that can go wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from io import StringIO
from pathlib import Path
from typing import Any

from gateway.settings import Settings
from gateway.telemetry import configure_logs
from tests.gateway.commands.shell import kept_logging
from tests.gateway.webhooks.receiver import TAKEN, Receiver, answering, open_receiver
from tests.journeys.gateway import SECRET, Journey, eventually, open_journey

ANA = "+15550002222"


def run(
    database_url: str, redis_url: str, folder: Path, body: Callable[[Journey, Receiver], Awaitable[None]], **more: Any
) -> None:
    """A journey with an integrator beside it."""

    async def opened() -> None:
        async with open_receiver() as receiver, open_journey(database_url, redis_url, folder, **more) as journey:
            await body(journey, receiver)

    asyncio.run(opened())


async def add_webhook(journey: Journey, url: str, **more: Any) -> Any:
    """A webhook made over the API."""
    return await journey.post("/v1/webhooks", {"url": url, **more})


async def settled(journey: Journey, delivery_id: str) -> Any:
    """The delivery once it is over."""

    async def found() -> Any:
        delivery = await journey.get(f"/v1/webhook-deliveries/{delivery_id}")
        return delivery if delivery["state"] in {"delivered", "failed"} else None

    return await eventually(found)


async def arrived(receiver: Receiver, amount: int, *types: str) -> list[Any]:
    """The envelopes, once so many have come."""

    async def found() -> Any:
        events = receiver.events(*types)
        return events if len(events) >= amount else None

    return list(await eventually(found))


def test_a_text_reaches_the_integrator_signed(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """What the receiver gets is the feed's own envelope, verified by the secret shown once, and the log has it."""

    async def body(journey: Journey, receiver: Receiver) -> None:
        webhook = await add_webhook(journey, receiver.url, types=["message.*"])
        await journey.twilio.text_in(ANA, "hello")
        [event] = await arrived(receiver, 1, "message.created")
        assert receiver.got[0].verifies(webhook["secret"])
        assert event["data"]["entry"]["text"] == "hello"
        pulled = (await journey.get("/v1/events", types="message.created"))["data"]
        assert event == pulled[0]
        assert event["id"] == receiver.got[0].id
        [delivery] = (await journey.get(f"/v1/webhooks/{webhook['id']}/deliveries", type="message.created"))["data"]
        done = await settled(journey, delivery["id"])
        assert (done["state"], done["attempts"][0]["status"]) == ("delivered", 204)

    run(database_url, redis_url, tmp_path, body)


def test_a_test_event_says_what_is_wrong(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """A test is one signed try at once, whatever the filter, and its delivery says what was answered."""

    async def body(journey: Journey, receiver: Receiver) -> None:
        receiver.answer = lambda _, __: answering(500, b"no such tenant")
        webhook = await add_webhook(journey, receiver.url, types=["contact.created"])
        queued = await journey.post(f"/v1/webhooks/{webhook['id']}/test", {}, status=202)
        done = await settled(journey, queued["id"])
        assert done["state"] == "failed"
        assert [(one["status"], one["error"], one["response"]) for one in done["attempts"]] == [
            (500, "http_status", "no such tenant")
        ]
        assert receiver.got[0].verifies(webhook["secret"])
        assert receiver.events()[0]["type"] == "webhook.test"

    run(database_url, redis_url, tmp_path, body)


def test_an_endpoint_that_fails_gets_each_event_in_the_end(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Refused seven times, taken at the eighth: one id, eight tries in the log, and both secrets while they overlap."""

    async def body(journey: Journey, receiver: Receiver) -> None:
        receiver.answer = lambda _, tries: TAKEN if tries == 7 else answering(500)
        webhook = await add_webhook(journey, receiver.url, types=["message.created"])
        rotated = await journey.post(
            f"/v1/webhooks/{webhook['id']}/rotate-secret", {"overlap_seconds": 3600}, status=200
        )
        await journey.twilio.text_in(ANA, "hello")
        await arrived(receiver, 8)
        [delivery] = (await journey.get(f"/v1/webhooks/{webhook['id']}/deliveries"))["data"]
        done = await settled(journey, delivery["id"])
        assert [one["status"] for one in done["attempts"]] == [500] * 7 + [204]
        assert {got.id for got in receiver.got} == {delivery["event_id"]}
        assert all(got.verifies(secret) for got in receiver.got for secret in (webhook["secret"], rotated["secret"]))
        assert (await journey.get(f"/v1/webhooks/{webhook['id']}"))["failing_since"] is None

    waits = ",".join(["0.05"] * 9)
    run(database_url, redis_url, tmp_path, body, SWITCHBOARD_WEBHOOK_RETRY_SECONDS=waits)


def test_a_redirect_into_the_inside_is_not_followed(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """The endpoint's 302 is a failure in the log, and the place it names sees no request (security.md T14)."""

    async def body(journey: Journey, receiver: Receiver) -> None:
        async with open_receiver() as inside:
            receiver.answer = lambda _, __: answering(302, location=inside.url)
            webhook = await add_webhook(journey, receiver.url)
            queued = await journey.post(f"/v1/webhooks/{webhook['id']}/test", {}, status=202)
            done = await settled(journey, queued["id"])
            assert [(one["status"], one["error"]) for one in done["attempts"]] == [(302, "redirect")]
            assert (len(receiver.got), inside.got) == (1, [])

    run(database_url, redis_url, tmp_path, body)


def test_410_ends_it_and_everybody_hears(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """The endpoint says that it is gone: it is disabled, another hears of it, and recovery brings what it missed."""

    async def body(journey: Journey, receiver: Receiver) -> None:
        receiver.answer = lambda got, _: answering(410) if got.path == "/hook/gone" else TAKEN
        gone = await add_webhook(journey, f"{receiver.url}/gone", types=["message.created"])
        await add_webhook(journey, f"{receiver.url}/watch", types=["webhook.*"])
        await journey.twilio.text_in(ANA, "one")
        [told] = await arrived(receiver, 1, "webhook.disabled")
        assert told["data"]["facts"] | {"failing_since": None} == {
            "webhook_id": gone["id"], "reason": "gone", "failing_since": None,
        }  # fmt: skip
        await journey.twilio.text_in(ANA, "two")
        await arrived(receiver, 1, "message.created")
        receiver.answer = lambda _, __: TAKEN
        path = f"/v1/webhooks/{gone['id']}"
        assert (await journey.client.patch(path, json={"enabled": True})).status_code == 200
        await journey.post(f"{path}/recover", {"since": gone["created_at"]}, status=202)
        await arrived(receiver, 3, "message.created")
        texts = [event["data"]["entry"]["text"] for event in receiver.events("message.created")]
        assert (texts[0], sorted(texts[1:])) == ("one", ["one", "two"])

    run(database_url, redis_url, tmp_path, body)


def test_nothing_secret_of_a_webhook_is_logged(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """Secret, headers, words and what the endpoint answers stand in no log line, however it fails (security.md T66)."""
    canaries = ["canary-header", "canary-text", "canary-answer", "canary-path", ANA]
    lines = StringIO()

    async def body(journey: Journey, receiver: Receiver) -> None:
        receiver.answer = lambda _, __: answering(500, b"canary-answer")
        wanted = {"types": ["message.created"], "headers": {"X-Token": "canary-header"}}
        webhook = await add_webhook(journey, f"{receiver.url}/canary-path", **wanted)
        canaries.append(webhook["secret"].removeprefix("whsec_"))
        await journey.twilio.text_in(ANA, "canary-text")
        await arrived(receiver, 3, "message.created")
        off = await add_webhook(journey, "http://127.0.0.1:1/canary-path", types=["channel.*"])
        queued = await journey.post(f"/v1/webhooks/{off['id']}/test", {}, status=202)
        assert (await settled(journey, queued["id"]))["attempts"][0]["error"] == "unreachable"
        receiver.answer = lambda _, __: answering(410, b"canary-answer")
        await eventually(lambda: _says("webhook_disabled"))

    async def _says(event: str) -> bool:
        return event in lines.getvalue()

    with kept_logging():
        configure_logs(Settings(secret_key=SECRET, log_level="debug"), stream=lines)
        run(database_url, redis_url, tmp_path, body, SWITCHBOARD_WEBHOOK_RETRY_SECONDS=",".join(["0.1"] * 25))
    assert not [canary for canary in canaries if canary in lines.getvalue()]
