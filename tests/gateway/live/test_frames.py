"""The frames are what the page says, and on the wire what any client reads."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.uri import parse_uri

from gateway.live.frames import (
    CLOSE_CODES,
    AnyClientFrame,
    AnyServerFrame,
    Event,
    read_frame,
    seal,
    write_event,
    write_frame,
)
from gateway.live.page import SESSION, realtime_page
from gateway.openapi.examples import make_example

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "realtime.md"
JSON = re.compile(r"```json\n(.+)\n```")


def test_the_page_is_up_to_date() -> None:
    """docs/reference/realtime.md says what the code does; make it anew with `realtime_page()` after a change."""
    assert PAGE.read_text() == realtime_page()


def test_every_frame_is_on_the_page_and_reads_as_itself() -> None:
    """Each type of both sides has its example, which is such a frame; no other frame is there."""
    shown = {(frame := msgspec.json.decode(text))["type"]: frame for text in JSON.findall(PAGE.read_text())}
    kinds = {kind: make_example(kind) for kind in (*get_args(AnyClientFrame), *get_args(AnyServerFrame))}
    assert shown.keys() == {example["type"] for example in kinds.values()}
    for kind, example in kinds.items():
        assert msgspec.convert(example, kind)
        assert kind is Event or shown[example["type"]] == example
    assert all(f"| {code} |" in PAGE.read_text() for code in CLOSE_CODES)


@pytest.mark.parametrize(("side", "frame"), SESSION)
def test_the_example_session_is_spoken_as_it_stands(side: str, frame: dict[str, Any]) -> None:
    """Each line of it is a frame of its side."""
    if side == ">":
        assert read_frame(msgspec.json.encode(frame).decode())
    elif frame["type"] != "event":
        assert msgspec.convert(frame, AnyServerFrame)


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "7", '{"type":"subscribe"}', '{"type":"Subscribe","id":"s1"}', '{"type":"subscribe","id":""}',
        '{"type":"subscribe","id":"s1","types":["nonsense"]}', '{"type":"ping","more":1}',
        '{"type":"presence","state":"offline"}', '{"type":"typing","conversation_id":"cnv_1","typing":"yes"}',
    ],
)  # fmt: skip
def test_what_is_no_frame_is_refused(text: str) -> None:
    """Unknown types and fields, and values of other kinds, are said to be wrong rather than passed over."""
    with pytest.raises(msgspec.DecodeError):
        read_frame(text)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 200_000])
def test_a_sealed_frame_is_read_by_any_client(size: int) -> None:
    """At each length of its head the wire's frame holds its payload."""
    client = ClientProtocol(parse_uri("ws://127.0.0.1/"), max_size=None)
    client.state = client.state.OPEN
    client.parser = client.parse()
    next(client.parser)
    payload = b"x" * size
    client.receive_data(seal(payload))
    [frame] = client.events_received()
    assert isinstance(frame, Frame)
    assert (bytes(frame.data), frame.fin) == (payload, True)


def test_an_event_is_put_around_what_is_encoded_already() -> None:
    """The bytes of an envelope, made once, are a whole `event` frame with the names of whom it is for."""
    example = make_example(Event)
    body = msgspec.json.encode(example["event"])
    told = msgspec.json.decode(write_event(body, ("a", 'b"')), type=Event)
    assert told.subscriptions == ["a", 'b"']
    assert msgspec.json.decode(write_frame(told))["event"] == example["event"]
