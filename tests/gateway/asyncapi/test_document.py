"""The description of what is told live: whole, true to the structs, and true to what is really sent and taken."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from functools import cache, partial
from pathlib import Path
from typing import Any, cast, get_args

import msgspec
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types

from gateway.asyncapi import describe_events
from gateway.asyncapi.messages import list_messages
from gateway.live import broadcast
from gateway.live.frames import AnyClientFrame, AnyServerFrame
from gateway.stream import follow_feed
from inbox.conversations.api.envelopes import show_events
from inbox.feed.events import EventType
from inbox.feed.queries import events_after
from inbox.kit.ids import CONVERSATION, show_id
from inbox.webhooks.payload import form_body
from tests.api import open_api
from tests.gateway.feeds import read_frames, running_hub, tell_names
from tests.gateway.live.site import Client, LiveSite, run_live
from tests.gateway.live.test_session import tell_feed
from tests.gateway.test_stream import ALL
from tests.inbox.builders import make_channel, receive, run_opened, text_message

DOCUMENT = describe_events(version="1", public_url="https://inbox.example:8443")
NAMES = {(one.channel, one.name) for one in list_messages()}


@cache
def validator(key: str) -> Draft202012Validator:
    """What knows whether a payload is such a message."""
    shape = DOCUMENT["components"]["messages"][key]["payload"]
    return Draft202012Validator({**shape, "components": DOCUMENT["components"]})


def check(key: str, payload: Any) -> None:
    """Whether a payload is what the document says of this message."""
    validator(key).validate(payload)


def refs(node: Any) -> Iterator[str]:
    """All places that are pointed to."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for one in node:
            yield from refs(one)


def find(ref: str) -> Any:
    """What stands there."""
    found: Any = DOCUMENT
    for step in ref.removeprefix("#/").split("/"):
        found = found[step]
    return found


def test_the_document_is_whole() -> None:
    """All that is pointed to is there, all that is there is pointed to, and each message has an example that fits."""
    pointed = set(refs(DOCUMENT))
    assert all(find(ref) for ref in pointed)
    kept = {f"#/components/{kind}/{name}" for kind, all_ in DOCUMENT["components"].items() for name in all_}
    assert kept <= pointed
    for key, message in DOCUMENT["components"]["messages"].items():
        assert message["examples"], key
        assert message["description"], key
        for example in message["examples"]:
            check(key, example["payload"])


def test_every_message_is_on_its_channel_and_of_one_operation() -> None:
    """What the client says is received, all else is sent; the socket has all frames there are, the stream all types."""
    said = [ref.split("/") for operation in DOCUMENT["operations"].values() for ref in refs(operation["messages"])]
    assert sorted((channel, name) for _, _, channel, _, name in said) == sorted(NAMES)
    for kinds, operation, action in (
        (AnyClientFrame, "hearClient", "receive"),
        (AnyServerFrame, "tellClient", "send"),
    ):
        tags = {cast("Any", kind).__struct_config__.tag for kind in get_args(kinds)}
        described = DOCUMENT["operations"][operation]
        assert ({ref.split("/")[-1] for ref in refs(described["messages"])}, described["action"]) == (tags, action)
    told = {one["name"] for one in DOCUMENT["components"]["messages"]["stream.event"]["examples"]}
    assert told == set(get_args(EventType))


def test_a_description_of_something_else_fails() -> None:
    """The check of a payload can fail: at a field that is missing, is too much, or of another type."""
    frame = DOCUMENT["components"]["messages"]["realtime.subscribe"]["examples"][0]["payload"]
    for wrong in ({**frame, "id": 7}, {**frame, "more": 1}, {"type": "subscribe"}, {**frame, "type": "typing"}):
        with pytest.raises(Exception, match="Failed validating"):
            check("realtime.subscribe", wrong)
    with pytest.raises(Exception, match="is a required property"):
        check("realtime.ready", {"type": "ready", "cursor": "00000000002a"})


def test_it_says_where_it_is_served() -> None:
    """The servers are those of the public address, with or without TLS."""
    servers = [
        describe_events(version="1", public_url=url)["servers"] for url in ("https://x.example:8443", "http://[::1]:80")
    ]
    assert [(one["socket"]["host"], one["socket"]["protocol"], one["api"]["protocol"]) for one in servers] == [
        ("x.example:8443", "wss", "https"),
        ("[::1]:80", "ws", "http"),
    ]


def test_the_running_application_serves_it(database_url: str) -> None:
    """/asyncapi.json needs no key, and stands beside the description of the requests."""

    async def run() -> None:
        async with open_api(database_url) as api:
            served = await api.call("GET", "/asyncapi.json", key=None)
            page = await api.call("GET", "/docs", key=None)
        assert (served.status_code, served.headers["content-type"]) == (200, "application/json")
        assert served.json()["asyncapi"] == "3.0.0"
        assert served.json()["channels"] == DOCUMENT["channels"]
        assert "/asyncapi.json" in page.text

    asyncio.run(run())


def test_what_sockets_say_and_hear_is_what_is_described(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every frame of the server there is, really sent; and of the client the examples, really taken."""
    monkeypatch.setattr(broadcast, "CURSOR_SECONDS", 0.05)
    heard: set[str] = set()
    hear_of = partial(hear_described, heard)

    async def body(site: LiveSite) -> None:
        conversation = show_id(CONVERSATION, await receive(await make_channel(), text_message("late")))
        await tell_feed()
        _, key, _ = await site.agent()
        ticket = (await site.http.post("/v1/stream-tickets", headers={"Authorization": f"Bearer {key}"})).json()
        async with site.socket(key=None) as client:
            await say(client, "authenticate", ticket=ticket["ticket"])
            await hear_of(client, "ready")
            await say(client, "resume", cursor="000000000000")
            await say(client, "subscribe", q=None, conversation_id=conversation)
            await hear_of(client, "subscribed")
            await hear_of(client, "event")
            for kind, fields in (("typing", {"typing": True}), ("viewing", {})):
                await say(client, kind, conversation_id=conversation, **fields)
                await hear_of(client, "live")
            await say(client, "presence")
            await tell_names("for nobody")
            cursor = (await hear_of(client, "cursor"))["cursor"]
            await say(client, "ack", cursor=cursor)
            await say(client, "ping")
            await hear_of(client, "pong")
            assert "problem" not in heard
            await say(client, "unsubscribe")
            await say(client, "unsubscribe")
            assert (await hear_of(client, "problem"))["code"] == "not_found"
        async with site.socket(key=key) as client:
            await say(client, "resume", cursor="ffffffffffff")
            await hear_of(client, "reset")

    run_live(database_url, redis_url, tmp_path, body)
    assert {("realtime", name) for name in heard} == {
        ("realtime", one.name) for one in list_messages() if one.channel == "realtime" and not one.taken
    }


async def hear_described(heard: set[str], client: Client, kind: str) -> dict[str, Any]:
    """The next frame of a type; whatever comes is what the document says of it."""
    while True:
        frame = await client.hear()
        check(f"realtime.{frame['type']}", frame)
        heard.add(frame["type"])
        if frame["type"] == kind:
            return frame


async def say(client: Client, kind: str, **fields: Any) -> None:
    """The document's example of a frame, with these fields."""
    frame = DOCUMENT["components"]["messages"][f"realtime.{kind}"]["examples"][0]["payload"] | fields
    check(f"realtime.{kind}", frame)
    await client.wire.send(msgspec.json.encode(frame).decode())


def test_what_streams_and_webhooks_tell_is_what_is_described(database_url: str) -> None:
    """A real message, as a stream tells it and in both bodies of a delivery; and how a stream begins or is reset."""

    async def body() -> None:
        await receive(await make_channel(), text_message("late"))
        await tell_feed()
        heard = set()
        async with running_hub() as hub:
            for asked, frames in (("000000000000", 3), ("ffffffffffff", 3)):
                stream = cast("Any", follow_feed(hub, ALL, asked=asked, heartbeat=5))
                async with aclosing(stream), asyncio.timeout(30):
                    for chunk in [await anext(stream) for _ in range(frames)]:
                        for frame in read_frames(chunk):
                            name = frame.event if frame.event in {"ready", "reset"} else "event"
                            check(f"stream.{name}", msgspec.json.decode(frame.data or ""))
                            heard.add(name)
        assert heard == {name for channel, name in NAMES if channel == "stream"}
        rows = await events_after(0, limit=9)
        for row, envelope in zip(rows, await show_events(rows), strict=True):
            check("webhook.full", msgspec.json.decode(form_body(envelope, row, "full")))
            check("webhook.thin", msgspec.json.decode(form_body(envelope, row, "thin")))

    run_opened(database_url, body)
