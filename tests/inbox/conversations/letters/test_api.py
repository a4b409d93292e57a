"""Mail over the API: what is asked, shown beforehand, kept in drafts, and who takes part."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from gateway.settings import Settings
from inbox.accounts.catalogue import Catalogue
from inbox.conversations.participants.api import ParticipantController
from inbox.intake.batch import Lane
from inbox.kit.db import execute, fetch, fetch_value
from inbox.kit.ids import show_id
from tests.api import open_api
from tests.inbox.builders import make_channel
from tests.inbox.conversations.letters.post import (
    ADAPTERS,
    ANA_MAIL,
    BEN_MAIL,
    BOX,
    EVE_MAIL,
    HELP,
    mail,
    mail_channel,
    receive_mail,
)
from tests.inbox.conversations.writing import CONTROLLERS, Desk

AHEAD = "2027-01-01T09:00:00.000Z"


def at_mail_desk(url: str, body: Callable[[Desk], Awaitable[None]]) -> None:
    """A test's body at a desk with one mail of Ana's, of which Ben has a copy."""

    async def allow(_: str) -> None:
        return None

    async def opened() -> None:
        catalogue = Catalogue(adapters=ADAPTERS, box=BOX, public_url="https://x.test", check_url=allow)
        async with open_api(
            url,
            settings=Settings(),
            controllers=(*CONTROLLERS, ParticipantController),
            dependencies={"catalogue": catalogue},
        ) as api:
            lane = await mail_channel()
            first = mail("Order 8841", cc=(BEN_MAIL,), name="Ana", message_id="1@a.example")
            await body(Desk(api, lane, await receive_mail(lane, first)))

    asyncio.run(opened())


async def journaled(lane: Lane, content: bytes, *, kind: str = "mail") -> str:
    """The request that the only entry came in, and the entry's id."""
    await execute(
        "INSERT INTO raw_event (id, channel_id, kind, method, url, headers, body, received_at) "
        "OVERRIDING SYSTEM VALUE VALUES (1, $1, $2, 'POST', '', '{}', $3, now())",
        lane.route.channel_id, kind, content,
    )  # fmt: skip
    return show_id("ent", await fetch_value("SELECT id FROM entry WHERE raw_event_id = 1"))


def test_a_mail_says_what_it_is(database_url: str) -> None:
    """An entry shows its letter, why it is here, its recipients with their roles, and whose word that is."""

    async def body(desk: Desk) -> None:
        [entry] = (await desk.ask("GET", f"{desk.conversation}/entries"))["data"]
        letter = entry["letter"]
        assert (letter["subject"], letter["message_id"], letter["match"]["by"]) == ("Order 8841", "1@a.example", "new")
        assert (letter["authentication"]["aligned"], letter["nature"], letter["automatic"]) == (True, "person", False)
        assert entry["recipients"] == [{"role": "to", "address": HELP}, {"role": "cc", "address": BEN_MAIL}]
        assert (await desk.ask("GET", desk.conversation))["subject"] == "Order 8841"

    at_mail_desk(database_url, body)


def test_an_answer_goes_where_it_is_told(database_url: str) -> None:
    """Subject, copies and everybody who takes part; addresses are written as they are compared."""

    async def body(desk: Desk) -> None:
        asked = {"text": "hi", "subject": "New", "cc": ["Eve@E.EXAMPLE"], "bcc": ["x@y.example"], "reply_all": True}
        entry = await desk.ask("POST", f"{desk.conversation}/messages", asked, status=201)
        assert [(one["role"], one["address"]) for one in entry["recipients"]] == [
            ("to", ANA_MAIL), ("cc", "Eve@e.example"), ("cc", BEN_MAIL), ("bcc", "x@y.example"),
        ]  # fmt: skip
        assert (entry["letter"]["subject"], entry["letter"]["in_reply_to"]) == ("New", ["1@a.example"])

    at_mail_desk(database_url, body)


@pytest.mark.parametrize(
    "asked",
    [
        {"subject": "a\r\nBcc: x@y.example"}, {"subject": "a\x00"}, {"cc": ["a@b.example>\r\nRCPT TO:<c@d.example"]},
        {"cc": ["a@b.example\n"]}, {"bcc": ["a@b.example, c@d.example"]}, {"cc": ["Ana <a@b.example>"]}, {"cc": ["a"]},
        {"cc": ["a@"]}, {"bcc": ["x" * 300 + "@b.example"]}, {"cc": ["a@b.example"] * 51}, {"subject": ""},
    ],
)  # fmt: skip
def test_no_header_or_command_can_be_slipped_in(database_url: str, asked: dict[str, Any]) -> None:
    """Control characters and anything that is not one plain address are refused with 422, and nothing is sent (T39)."""

    async def body(desk: Desk) -> None:
        for path in (f"{desk.conversation}/messages", f"{desk.conversation}/drafts"):
            await desk.ask("POST", path, {"text": "hi", **asked}, status=422)
        await desk.ask("POST", "/messages", {"to": ANA_MAIL, "text": "hi", **asked}, status=422)
        assert await fetch_value("SELECT count(*) FROM delivery") == 0

    at_mail_desk(database_url, body)


def test_a_preview_names_every_recipient(database_url: str) -> None:
    """To whom it would go, who is left out and why, under which subject; and what a channel does not have."""

    async def body(desk: Desk) -> None:
        await receive_mail(desk.lane, mail("Re", sender=EVE_MAIL, in_reply_to=["1@a.example"]))
        asked = {"conversation_id": show_id("cnv", desk.conversation_id), "text": "hi"}
        [way] = (await desk.ask("POST", "/messages/preview", asked))["ways"]
        assert way["recipients"] == [{"role": "to", "address": ANA_MAIL}]
        [way] = (await desk.ask("POST", "/messages/preview", {**asked, "reply_all": True, "bcc": ["x@y.example"]}))[
            "ways"
        ]
        assert [(one["role"], one["address"]) for one in way["recipients"]] == [
            ("to", ANA_MAIL), ("cc", BEN_MAIL), ("bcc", "x@y.example"),
        ]  # fmt: skip
        assert way["left_out"] == [{"address": EVE_MAIL, "reason": "unverified"}]
        assert (way["subject"], way["can_send"]) == ("Re: Order 8841", True)
        await make_channel()
        number = {"to": "+12125550100", "text": "hi", "cc": [BEN_MAIL]}
        [way] = (await desk.ask("POST", "/messages/preview", number))["ways"]
        assert (way["can_send"], [one["pointer"] for one in way["reasons"]]) == (False, ["/cc"])

    at_mail_desk(database_url, body)


def test_a_draft_keeps_what_it_says_as_a_mail(database_url: str) -> None:
    """Each field on its own, in every version, up to the message it becomes."""

    async def body(desk: Desk) -> None:
        draft = await desk.draft(subject="New", cc=[EVE_MAIL], quote=True)
        assert (draft["subject"], draft["cc"], draft["quote"], draft["reply_all"]) == ("New", [EVE_MAIL], True, False)
        path = f"/drafts/{draft['id']}"
        draft = await desk.ask("PATCH", path, {"cc": [], "reply_all": True})
        assert (draft["version"], draft["subject"], draft["cc"], draft["reply_all"]) == (2, "New", [], True)
        versions = (await desk.ask("GET", f"{path}/versions"))["data"]
        assert [one["cc"] for one in versions] == [[], [EVE_MAIL]]
        entry = await desk.ask("POST", f"{path}/send", {}, status=201)
        assert [one["address"] for one in entry["recipients"]] == [ANA_MAIL, BEN_MAIL]
        assert (entry["letter"]["subject"], entry["letter"]["quotes"]) == ("New", await first_entry())

    at_mail_desk(database_url, body)


async def first_entry() -> str:
    """The mail that began it."""
    return show_id("ent", await fetch_value("SELECT id FROM entry ORDER BY seq LIMIT 1"))


def test_a_scheduled_message_does_so_too(database_url: str) -> None:
    """It leaves as it was planned and changed."""

    async def body(desk: Desk) -> None:
        asked = {"text": "hi", "send_at": AHEAD, "bcc": [EVE_MAIL]}
        planned = await desk.ask("POST", f"{desk.conversation}/messages", asked, status=202)
        assert planned["bcc"] == [EVE_MAIL]
        path = f"/scheduled-messages/{planned['id']}"
        changed = await desk.ask("PATCH", path, {"subject": "Later", "bcc": []})
        assert (changed["subject"], changed["bcc"]) == ("Later", [])
        entry = await desk.ask("POST", f"{path}/send", status=201)
        assert (entry["letter"]["subject"], len(entry["recipients"])) == ("Later", 1)

    at_mail_desk(database_url, body)


def test_people_come_and_go(database_url: str) -> None:
    """The contact first; a participant is added by address or contact, once, and taken out."""

    async def body(desk: Desk) -> None:
        path = f"{desk.conversation}/participants"
        contact, ben = (await desk.ask("GET", path))["data"]
        assert (contact["role"], contact["name"], ben["role"], ben["address"]) == ("contact", "Ana", "cc", BEN_MAIL)
        eve = await desk.ask("POST", path, {"address": "EVE@e.example", "name": "Eve"}, status=201)
        assert (eve["address"], eve["name"], eve["verified"]) == ("EVE@e.example", "Eve", True)
        assert (await desk.ask("POST", path, {"address": EVE_MAIL}, status=201))["id"] == eve["id"]
        await desk.ask("DELETE", f"{path}/{ben['id']}", status=204)
        assert [one["role"] for one in (await desk.ask("GET", path))["data"]] == ["contact", "cc"]
        assert await desk.refuse("DELETE", f"{path}/{ben['id']}") == "not_found"
        assert await desk.refuse("POST", path, {}) == "validation_failed"
        assert await desk.refuse("POST", path, {"address": "nobody"}) == "invalid_address"
        assert await desk.refuse("GET", f"/conversations/{show_id('cnv', UUID(int=1))}/participants") == "not_found"
        reader = await desk.api.make_key("conversations:read")
        assert await desk.refuse("POST", path, {"address": EVE_MAIL}, key=reader) == "scope_missing"

    at_mail_desk(database_url, body)


def test_the_mail_itself_is_for_those_who_may(database_url: str) -> None:
    """Byte by byte as a file that no browser opens; audited; gone once it is redacted."""

    async def body(desk: Desk) -> None:
        content = b"Subject: Order 8841\r\n\r\n<script>alert(1)</script>\xff"
        entry_id = await journaled(desk.lane, content)
        path = f"/v1/messages/{entry_id}/raw"
        key = await desk.api.make_key("messages:raw")
        answer = await desk.api.call("GET", path, params={"format": "file"}, key=key)
        assert (answer.status_code, answer.content) == (200, content)
        assert answer.headers["content-type"].startswith("message/rfc822")
        assert answer.headers["content-disposition"] == f'attachment; filename="{entry_id}.eml"'
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]
        assert (await desk.api.call("GET", path, key=key)).json()["encoding"] == "base64"
        other = await desk.api.make_key("conversations:read", "conversations:write", "messages:send")
        assert await desk.refuse("GET", path, key=other) == "scope_missing"
        actions = [row["action"] for row in await fetch("SELECT action FROM audit_event")]
        assert actions.count("message.raw_read") == 2
        await execute("UPDATE raw_event SET body = '', redacted_at = now()")
        answer = await desk.api.call("GET", path, params={"format": "file"})
        assert (answer.status_code, answer.json()["code"]) == (410, "gone_redacted")

    at_mail_desk(database_url, body)


def test_a_providers_own_form_is_no_mail(database_url: str) -> None:
    """What did not come as a mail is a file of no type."""

    async def body(desk: Desk) -> None:
        entry_id = await journaled(desk.lane, b'{"From": "ana"}', kind="inbound")
        answer = await desk.api.call("GET", f"/v1/messages/{entry_id}/raw", params={"format": "file"})
        assert answer.headers["content-type"].startswith("application/octet-stream")
        assert answer.headers["content-disposition"].endswith('.bin"')

    at_mail_desk(database_url, body)


def test_a_message_to_an_address_says_its_subject(database_url: str) -> None:
    """It opens a conversation of that subject; with copies, which an SMS has not."""

    async def body(desk: Desk) -> None:
        asked = {"to": ANA_MAIL, "subject": "Invoice", "text": "hi", "cc": [BEN_MAIL]}
        entry = await desk.ask("POST", "/messages", asked, status=201)
        assert entry["conversation_id"] != show_id("cnv", desk.conversation_id)
        assert (entry["letter"]["subject"], len(entry["recipients"])) == ("Invoice", 2)
        await make_channel()
        sms = {"to": "+12125550100", "subject": "Invoice", "text": "hi"}
        assert (await desk.ask("POST", "/messages", sms, status=201))["letter"] is None
        assert await desk.refuse("POST", "/messages", {**sms, "cc": [BEN_MAIL]}) == "channel_cannot"

    at_mail_desk(database_url, body)
