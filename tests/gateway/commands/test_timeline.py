"""Events as lines of a terminal."""

from __future__ import annotations

from typing import Any

import msgspec
from rich.cells import cell_len

from gateway.commands.spoken import SpokenEnvelope
from gateway.commands.timeline import NAME_CELLS, Timeline


def envelope(kind: str, *, name: str | None = "Ana Ruiz", entry: dict[str, Any] | None = None, **more: Any) -> Any:
    """An event in one conversation, with this entry."""
    conversation = {"id": "cnv_1", "number": 7, "status": "open", "contact": {"id": "ctc_1", "name": name}}
    usual = {
        "id": "ent_1", "type": "message", "conversation_id": "cnv_1", "seq": 1, "direction": "inbound", "text": "",
        "author": {"type": "contact", "address": "+34600111222"}, "created_at": "",
    }  # fmt: skip
    data = {
        "conversation": {**conversation, "last_seq": 1, "updated_at": ""},
        "entry": usual | entry if entry is not None else None,
        **more,
    }
    told = {"cursor": "1", "type": kind, "timestamp": "2026-11-21T09:14:03.120Z", "data": data}
    return msgspec.convert(told, SpokenEnvelope)


def line(told: Any, *, everything: bool = False) -> str | None:
    """The words of its line."""
    text = Timeline(everything=everything).describe_event(told)
    return text.plain if text else None


def test_messages_are_told_with_time_number_name_and_words() -> None:
    """Who wrote what to whom stands on one line, whatever line ends the words have."""
    assert line(envelope("message.created", entry={"text": "It says\ndelivered"})) == (
        "09:14:03     #7 Ana Ruiz           → It says delivered"
    )
    reply = {"text": "Sorry!", "direction": "outbound", "author": {"type": "agent", "name": "Bo"}}
    assert (line(envelope("message.created", entry=reply)) or "").endswith("← Bo: Sorry!")


def test_somebody_without_a_name_keeps_their_number_in_later_lines() -> None:
    """Events that do not tell the address are still told of the same person."""
    timeline = Timeline()
    timeline.describe_event(envelope("message.created", name=None, entry={"text": "hi"}))
    closed = {"type": "event", "direction": "internal", "event": {"name": "status_changed", "to": "closed"}}
    text = timeline.describe_event(envelope("conversation.status_changed", name=None, entry=closed))
    assert text is not None
    assert "+34600111222" in text.plain
    assert text.plain.endswith("· closed")


def test_wide_names_take_the_room_of_others() -> None:
    """Chinese characters are two cells wide: the columns stay where they are."""
    wide = line(envelope("message.created", name="王芳" * 20, entry={"text": "x"})) or ""
    assert cell_len(wide.partition("→")[0]) == len("09:14:03     #7 ") + NAME_CELLS + 1


def test_what_went_wrong_is_shown_and_what_went_well_is_not() -> None:
    """A delivery is worth a line only where it failed, unless everything is wanted."""
    failed = {"direction": "outbound", "delivery": {"state": "failed", "error": {"message": "no such number"}}}
    sent = {"direction": "outbound", "delivery": {"state": "delivered"}}
    assert "✗ not sent: no such number" in (line(envelope("message.delivery_updated", entry=failed)) or "")
    done = envelope("message.delivery_updated", entry=sent, facts={"to": "delivered"})
    assert line(done) is None
    assert (line(done, everything=True) or "").endswith("✓ delivered")


def test_a_change_of_consent_stands_out() -> None:
    """STOP and START are told in words."""
    assert (line(envelope("contact.consent_changed", facts={"to": "revoked"})) or "").endswith("wants no more messages")


def test_an_event_of_a_later_release_is_no_trouble() -> None:
    """Types we do not know are passed over, or told by their name."""
    assert line(envelope("call.ringing")) is None
    assert (line(envelope("call.ringing"), everything=True) or "").endswith("· call.ringing")
