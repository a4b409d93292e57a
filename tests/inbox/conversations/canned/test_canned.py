"""Canned replies over the API: kept, found, private where they are own, filled in for a conversation."""

from __future__ import annotations

from typing import Any

from inbox.conversations.contact_merging.actions import merge_contacts
from inbox.conversations.contact_merging.merge import MergeOrder
from inbox.kit.db import execute, fetch_value
from inbox.kit.ids import show_id
from tests.inbox.builders import AGENT, BEN, NOW, committed, count_rows, receive, text_message
from tests.inbox.conversations.writing import Desk, at_desk

GREETING = "Hi {{ contact.first_name|default('there') }}, about {{ conversation.attributes.order }}: {{ agent.name }}"


def refund(shortcut: str = "/refund", **fields: Any) -> dict[str, Any]:
    """A reply to keep."""
    return {"shortcut": shortcut, "name": "Refund is on its way", "variants": [{"text": GREETING}], **fields}


async def keep(desk: Desk, shortcut: str = "/refund", *, key: str = "", **fields: Any) -> Any:
    """Keep one."""
    return await desk.ask("POST", "/canned-replies", refund(shortcut, **fields), status=201, key=key)


def test_a_reply_is_kept_changed_and_deleted(database_url: str) -> None:
    """What was saved is read back; a change is a version, one that changes nothing is none; deleted is gone."""

    async def steps(desk: Desk) -> None:
        made = await keep(desk, folder="Orders", tags=["b", "a", "b"])
        path = f"/canned-replies/{made['id']}"
        assert await desk.ask("GET", path) == made
        assert (made["version"], made["tags"], made["agent_id"]) == (1, ["a", "b"], None)
        changed = await desk.ask("PATCH", path, {"name": "Money back", "folder": None})
        assert (changed["version"], changed["name"], changed["folder"]) == (2, "Money back", None)
        assert (await desk.ask("PATCH", path, {"name": "Money back"}))["version"] == 2
        assert await desk.refuse("PATCH", path, {"name": "x"}, headers={"If-Match": '"v1"'}) == "version_mismatch"
        await desk.ask("DELETE", path, status=204)
        assert await desk.refuse("GET", path) == "not_found"

    at_desk(database_url, steps)


def test_a_broken_template_is_refused_when_it_is_saved(database_url: str) -> None:
    """`template_invalid` names the variant, the line and the variable; nothing is stored, nothing is changed."""

    async def steps(desk: Desk) -> None:
        variants = [{"text": "fine"}, {"text": "a\n{{ contact.phone }}", "language": "es"}]
        refused = await desk.api.call("POST", "/v1/canned-replies", json=refund(variants=variants))
        [error] = refused.json()["errors"]
        assert (refused.status_code, refused.json()["code"]) == (422, "template_invalid")
        assert (error["pointer"], error["code"]) == ("/variants/1/text", "unknown_variable")
        assert "line 2" in error["detail"]
        assert "contact.phone" in error["detail"]
        assert await count_rows("canned_reply") == 0
        made = await keep(desk)
        assert await desk.refuse("PATCH", f"/canned-replies/{made['id']}", {"variants": [{"text": "{{"}]}) == (
            "template_invalid"
        )
        assert (await desk.ask("GET", f"/canned-replies/{made['id']}"))["version"] == 1

    at_desk(database_url, steps)


def test_own_replies_are_seen_by_their_agent_alone(database_url: str) -> None:
    """An agent sees the shared ones and their own, and may have the same shortcut as everybody's."""

    async def steps(desk: Desk) -> None:
        bo, bos_key = await desk.agent_key("Bo")
        al, als_key = await desk.agent_key("Al")
        shared, own = await keep(desk), await keep(desk, key=bos_key, agent_id=bo)
        listed = (await desk.ask("GET", "/canned-replies", key=bos_key))["data"]
        assert {one["id"] for one in listed} == {shared["id"], own["id"]}
        assert [one["id"] for one in (await desk.ask("GET", "/canned-replies", key=als_key))["data"]] == [shared["id"]]
        path = f"/canned-replies/{own['id']}"
        for method, body in (("GET", None), ("PATCH", {"name": "mine now"}), ("DELETE", None)):
            assert await desk.refuse(method, path, body, key=als_key) == "not_found"
        assert await desk.refuse("POST", f"{path}/render", {}, key=als_key) == "not_found"
        assert await desk.refuse("GET", f"{path}?agent={bo}", key=als_key) == "validation_failed"
        assert await desk.refuse("POST", "/canned-replies", refund("/x", agent_id=bo), key=als_key) == (
            "validation_failed"
        )
        assert (await desk.ask("GET", f"{path}?agent={bo}"))["id"] == own["id"]
        assert await desk.refuse("POST", "/canned-replies", refund(agent_id=al), key=bos_key) == "validation_failed"

    at_desk(database_url, steps)


def test_a_shortcut_is_one_reply(database_url: str) -> None:
    """A second shared one under the same shortcut is refused, and so is taking another's by a change."""

    async def steps(desk: Desk) -> None:
        await keep(desk)
        other = await keep(desk, "/return")
        assert await desk.refuse("POST", "/canned-replies", refund()) == "state_conflict"
        assert await desk.refuse("PATCH", f"/canned-replies/{other['id']}", {"shortcut": "/refund"}) == "state_conflict"
        for wrong in ("refund", "/Refund", "/re fund", "/", "/refund\n"):
            assert await desk.refuse("POST", "/canned-replies", refund(wrong)) == "validation_failed"

    at_desk(database_url, steps)


def test_replies_are_found_by_what_is_typed(database_url: str) -> None:
    """The beginning of a shortcut or part of a name, with or without the slash; pages go on in the same order."""

    async def steps(desk: Desk) -> None:
        for shortcut, name in (("/refund", "Money"), ("/ref-late", "Late"), ("/hello", "Refuse 100%"), ("/bye", "Bye")):
            await keep(desk, shortcut, name=name, folder="F" if shortcut == "/bye" else None, tags=["t"])

        async def found(**params: Any) -> list[str]:
            return [one["shortcut"] for one in (await desk.ask("GET", "/canned-replies", params=params))["data"]]

        assert await found(q="/ref") == ["/hello", "/ref-late", "/refund"]
        assert await found(q="LATE") == ["/ref-late"]
        assert await found(q="%") == ["/hello"]
        assert await found(folder="F") == ["/bye"]
        assert await found(tag="none") == []
        first = await desk.ask("GET", "/canned-replies?limit=3")
        rest = await desk.ask("GET", "/canned-replies", params={"limit": 3, "cursor": first["page"]["next_cursor"]})
        shortcuts = [one["shortcut"] for one in first["data"] + rest["data"]]
        assert shortcuts == ["/bye", "/hello", "/ref-late", "/refund"]

    at_desk(database_url, steps)


def test_a_reply_is_filled_in_for_its_conversation(database_url: str) -> None:
    """The contact's, the agent's and the conversation's values, the variant of their language, and what is missing."""

    async def steps(desk: Desk) -> None:
        spanish = {"text": "Hola {{ contact.name }} por {{ channel.type }}", "language": "es", "format": "markdown"}
        made = await keep(desk, variants=[{"text": GREETING}, spanish])
        bo, key = await desk.agent_key("Bo")
        ours = {"conversation_id": desk.conversation.rpartition("/")[2]}
        path = f"/canned-replies/{made['id']}/render"
        shown = await desk.ask("POST", path, ours, key=key)
        assert (shown["text"], shown["missing"]) == ("Hi Ana, about : Bo", ["conversation.attributes.order"])
        assert (await desk.ask("POST", path, {**ours, "agent_id": bo}))["text"].endswith(": Bo")
        await desk.ask("PATCH", desk.conversation, {"language": "es-ES", "attributes": {"order": {"a": 1}}})
        await execute("UPDATE contact SET name = '[Ana](http://evil.test)'")
        shown = await desk.ask("POST", path, ours)
        assert shown["variant"] == {"channel": None, "language": "es"}
        assert shown["text"] == r"Hola \[Ana\]\(http://evil\.test\) por sms"
        assert shown["parts"] == [{"type": "text", "text": shown["text"], "format": "markdown"}]
        assert (await desk.ask("POST", path, {"language": "de"}))["text"].startswith("Hi there, about ")
        gone = "cnv_" + "0" * 32
        assert await desk.refuse("POST", path, {"conversation_id": gone}) == "not_found"

    at_desk(database_url, steps)


def test_the_id_of_a_contact_who_was_merged_away_fills_it_in(database_url: str) -> None:
    """It leads to the survivor, as everywhere, and an id of nobody is not found."""

    async def steps(desk: Desk) -> None:
        made = await keep(desk, variants=[{"text": "Hi {{ contact.name }}"}])
        ana = await fetch_value("SELECT id FROM contact")
        await receive(desk.lane, text_message(sender=BEN, name="Ben"))
        ben = await fetch_value("SELECT id FROM contact WHERE name = 'Ben'")
        await committed(merge_contacts(MergeOrder(from_id=ben, into_id=ana), actor=AGENT, now=NOW))
        path = f"/canned-replies/{made['id']}/render"
        shown = await desk.ask("POST", path, {"contact_id": show_id("ctc", ben)})
        assert shown["text"] == "Hi Ana Ruiz"
        assert await desk.refuse("POST", path, {"contact_id": "ctc_" + "0" * 32}) == "not_found"

    at_desk(database_url, steps)
