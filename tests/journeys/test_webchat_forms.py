"""What visitors are asked, before a conversation and in it, and how they answer, through the running gateway."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.journeys.chatting import Browser, open_chat
from tests.journeys.gateway import eventually, open_journey
from tests.journeys.test_webchat_services import answer, conversation_of

PHONE = "+12125550177"
FORM = {
    "id": "contact",
    "title": "Before we begin",
    "fields": [
        {"name": "name", "label": "Your name", "required": True},
        {"name": "mail", "label": "Your mail address", "kind": "email", "required": True},
        {"name": "order", "label": "Order number"},
    ],
}
ANSWERS = {
    "type": "form_reply",
    "form_id": "pre_chat",
    "values": [
        {"name": "mail", "label": "x", "value": "Ana@Example.net"},
        {"name": "name", "label": "x", "value": " Ana Ruiz "},
        {"name": "order", "label": "x", "value": "8841"},
    ],
}


def test_nobody_begins_without_the_answers_that_are_needed(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """They come with the first message, are kept as they were asked, and become the contact's unproven profile."""

    async def scenario() -> None:
        async with (
            open_journey(database_url, redis_url, tmp_path) as journey,
            Browser(journey, await open_chat(journey, pre_chat=FORM)) as browser,
        ):
            shown = (await browser.call("GET", f"/config?channel={browser.channel_id}")).json()["pre_chat"]
            assert (shown["id"], [field["name"] for field in shown["fields"]]) == (
                "pre_chat",
                ["name", "mail", "order"],
            )
            await browser.begin()
            early = await browser.call("POST", "/messages", {"client_message_id": "a", "text": "hi"})
            assert (early.status_code, early.json()["errors"][0]["pointer"]) == (422, "/parts")
            wrong = {**ANSWERS, "values": ANSWERS["values"][:1]}
            half = await browser.call("POST", "/messages", {"client_message_id": "a", "parts": [wrong]})
            assert half.status_code == 422
            await browser.write("hi", parts=[ANSWERS])
            await browser.write("and one more thing")
            conversation = await conversation_of(browser)
            first, *_ = [one for one in (await browser.history())["data"] if one["kind"] == "message"]
            assert first["parts"][1]["values"][0] == {"name": "name", "label": "Your name", "value": "Ana Ruiz"}
            assert first["text"].endswith("Your mail address: Ana@example.net\nOrder number: 8841")

            async def described() -> Any:
                whole = await journey.get(f"/v1/conversations/{conversation['id']}", expand="contact")
                contact = await journey.get(f"/v1/contacts/{whole['contact']['id']}")
                return contact if len(contact["identities"]) == 2 else None

            contact = await eventually(described)
            assert (contact["name"], contact["attributes"]) == ("Ana Ruiz", {"order": "8841"})
            [mail] = [one for one in contact["identities"] if one["kind"] == "email"]
            assert (mail["address"], mail["proof"]) == ("Ana@example.net", "none")
            route = (await journey.get(f"/v1/conversations/{conversation['id']}"))["reply_route"]
            assert route["channel"] == "webchat"

    asyncio.run(scenario())


def test_agents_ask_and_visitors_answer_what_was_asked(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """A form and a choice keep their form in the chat and become numbered questions in a text message."""

    async def scenario() -> None:
        async with (
            open_journey(database_url, redis_url, tmp_path) as journey,
            Browser(journey, await open_chat(journey)) as browser,
        ):
            await browser.begin()
            await browser.write("hi")
            conversation = await conversation_of(browser)
            path = f"/v1/conversations/{conversation['id']}/messages"
            bad = await journey.post(path, {"parts": [{"type": "form", "id": "f", "fields": []}]}, status=422)
            assert bad["errors"][0]["pointer"] == "/parts/0/fields"
            asked = await answer(journey, browser, conversation["id"], "Please tell us", parts=[ASKED, DAYS])
            assert [part["type"] for part in asked["parts"]] == ["text", "form", "choices"]
            values = [{"name": "why", "label": "?", "value": "The lid is broken"}]
            filled = {"type": "form_reply", "form_id": "return", "values": values}
            for wrong in (
                {**filled, "form_id": "other"},
                {**filled, "values": [{**values[0], "name": "card"}]},
                {"type": "choice_reply", "id": "su", "title": "Sunday"},
            ):
                refused = await browser.call("POST", "/messages", {"client_message_id": "w", "parts": [wrong]})
                assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed"), wrong
            replies = [filled, {"type": "choice_reply", "id": "tu", "title": "?"}]
            await browser.write("", parts=replies, in_reply_to=asked["id"])

            async def answered() -> Any:
                entries = (await journey.get(path.replace("messages", "entries"), types="message"))["data"]
                return [one for one in entries if one["in_reply_to"] == asked["id"]]

            [entry] = await eventually(answered)
            assert entry["text"] == "What is wrong?: The lid is broken\nTuesday"
            await journey.twilio.text_in(PHONE, "hi")
            texting = (await journey.conversation_with(PHONE))["id"]
            await journey.post(f"/v1/conversations/{texting}/messages", {"parts": [ASKED, DAYS]})

            async def texted() -> Any:
                return [one.body for one in journey.twilio.ledger.accepted if one.to == PHONE]

            assert "Your return\n1. What is wrong?" in "\n".join(await eventually(texted))

    asyncio.run(scenario())


ASKED = {
    "type": "form",
    "id": "return",
    "title": "Your return",
    "fields": [{"name": "why", "label": "What is wrong?", "kind": "textarea", "required": True}],
}
DAYS = {
    "type": "choices",
    "text": "Which day?",
    "options": [{"id": "mo", "title": "Mo"}, {"id": "tu", "title": "Tuesday"}],
}
