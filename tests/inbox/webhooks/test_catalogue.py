"""Every type of event is described, and thin payloads carry nobody's words."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.openapi import event_sample
from inbox.conversations.api.envelopes import Envelope, show_events
from inbox.feed.actions import sequence_events
from inbox.feed.queries import events_after
from inbox.webhooks.catalogue import EVENT_KINDS, EVENT_TYPES
from inbox.webhooks.payload import form_body
from tests.inbox.builders import ANA, make_channel, receive, run_opened, text_message


def test_every_type_is_described() -> None:
    """Who adds a type of event adds a line for integrators, and no line outlives its type."""
    assert set(EVENT_KINDS) == set(EVENT_TYPES)
    assert all(kind.description.endswith(".") for kind in EVENT_KINDS.values())


def test_every_sample_is_an_envelope() -> None:
    """What the catalogue shows decodes as what is sent, with the objects its type is about."""
    for name in EVENT_TYPES:
        sample = event_sample(name)
        envelope = msgspec.convert(sample, Envelope)
        about = EVENT_KINDS[name].about
        assert (envelope.type, envelope.data.entry is not None) == (name, "entry" in about)
        assert (envelope.conversation_id is not None) == ("conversation" in about)


def test_a_thin_payload_has_ids_and_no_words(database_url: str) -> None:
    """Neither text, name nor address of anybody is in it; all ids are."""

    async def body() -> None:
        await receive(await make_channel(), text_message("a secret matter", name="Ana Ruiz"))
        await sequence_events()
        rows = await events_after(0, limit=100)
        for row, envelope in zip(rows, await show_events(rows), strict=True):
            thin = form_body(envelope, row, "thin")
            assert not any(word in thin for word in (b"secret matter", b"Ana", ANA.encode()))
            full: dict[str, Any] = msgspec.json.decode(form_body(envelope, row, "full"))
            told: dict[str, Any] = msgspec.json.decode(thin)
            same = {name for name in full if full[name] == told[name]}
            assert same >= {"object", "id", "cursor", "type", "timestamp", "conversation_id", "seq", "changed"}
            assert (told["data"]["entry_id"] is None) == (full["data"]["entry"] is None)

    run_opened(database_url, body)
