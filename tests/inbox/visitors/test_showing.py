"""What a visitor may see of a timeline: what was said with them, and nothing beside it (security.md T31, T53)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
import pytest

from channels.kit.examples import EXAMPLES
from inbox.visitors.showing import show_visitor_entry
from inbox.visitors.visitor import View

THEIRS, ALSO_THEIRS, SOMEBODYS = UUID(int=1), UUID(int=2), UUID(int=3)
CHAT, OTHER_CHAT, MAILBOX = UUID(int=11), UUID(int=12), UUID(int=13)
STRANGER = View(identity_ids=frozenset({THEIRS}), channel_id=CHAT)
USER = View(identity_ids=frozenset({THEIRS, ALSO_THEIRS}), channel_id=None)
AGENT = {"type": "agent", "id": "agt_1", "name": "Bo", "address": "bo@desk.example"}
MOMENT = "2026-11-21T09:14:02.000Z"


def encode(value: Any) -> str:
    """As the driver gives jsonb."""
    return msgspec.json.encode(value).decode()


def row(**more: Any) -> dict[str, Any]:
    """A message of ours that the chat took, as the database has it."""
    parts = more.pop("parts", [{"type": "text", "text": "hello"}])
    author, event = more.pop("author", AGENT), more.pop("event", None)
    return {
        "id": UUID(int=21), "conversation_id": UUID(int=31), "seq": 2, "type": "message", "visibility": "public",
        "direction": "outbound", "channel_id": CHAT, "identity_id": THEIRS, "medium": "webchat", "provider": "widget",
        "author": encode(author), "parts": encode(parts), "event": event and encode(event),
        "recipients": encode([{"role": "to", "address": "vis_1"}, {"role": "cc", "address": "eve@other.example"}]),
        "delivery_state": "sent", "provider_message_id": None, "in_reply_to": None, "edited_at": None,
        "redacted_at": None, "occurred_at": MOMENT, "version": 1, **more,
    }  # fmt: skip


def inbound(**more: Any) -> dict[str, Any]:
    """A message of theirs."""
    author = {"type": "contact", "id": "ctc_1", "name": "Ana", "address": "vis_1"}
    given = {"direction": "inbound", "delivery_state": "received", "provider_message_id": "m1", "author": author}
    return row(**{**given, **more})


def event(name: str, to: Any = None, actor: Any = None) -> dict[str, Any]:
    """Something that happened in the conversation."""
    told = {"name": name, "actor": actor or {"type": "agent", "id": "agt_1", "name": "Bo"}, "from": None, "to": to}
    none = {"direction": "internal", "visibility": "internal", "identity_id": None, "channel_id": None, "medium": None}
    return row(type="event", event=told, parts=[], delivery_state=None, **none)


def test_both_sides_of_the_chat_are_shown() -> None:
    """Their own words bear the id their browser gave them; ours, who of us wrote, and how far they got."""
    theirs, ours = show_visitor_entry(inbound(), STRANGER), show_visitor_entry(row(), STRANGER)
    assert theirs is not None
    assert ours is not None
    assert (theirs.direction, theirs.client_message_id, theirs.state) == ("inbound", "m1", "received")
    assert (theirs.author.type, theirs.author.name) == ("visitor", "Ana")
    assert (ours.direction, ours.author.type, ours.author.name, ours.state) == ("outbound", "agent", "Bo", "sent")


HIDDEN = {
    "a note": row(type="note", direction="internal", visibility="internal", identity_id=None),
    "a note that says public": row(type="note"),
    "an internal message": row(visibility="internal"),
    "a call": row(type="call"),
    "somebody else's": inbound(identity_id=SOMEBODYS),
    "to somebody else": row(identity_id=SOMEBODYS),
    "to nobody": row(identity_id=None),
    "an internal direction": row(direction="internal"),
    **{f"still {state}": row(delivery_state=state)
       for state in ("scheduled", "queued", "sending", "unknown", "failed", "undelivered", "expired", "canceled")},
    **{name: event(name, to="x") for name in
       ("assigned", "unassigned", "tagged", "priority_changed", "snoozed", "contact_merged", "subject_changed",
        "participant_joined", "consent_changed", "escalated")},
    "a conversation that waits": event("status_changed", to="pending"),
}  # fmt: skip


@pytest.mark.parametrize("what", list(HIDDEN))
@pytest.mark.parametrize("view", [STRANGER, USER], ids=["stranger", "user"])
def test_what_is_not_theirs_is_not_shown(what: str, view: View) -> None:
    """Notes, our own doings, other people's words, and what has not left us: to nobody, proven or not."""
    assert show_visitor_entry(HIDDEN[what], view) is None


def test_other_channels_are_for_who_has_proven_themselves() -> None:
    """A stranger sees their chat; a user also what they wrote by mail, but without the addresses it went to."""
    mail = row(channel_id=MAILBOX, medium="email", identity_id=ALSO_THEIRS, delivery_state="delivered")
    for one in (mail, row(channel_id=OTHER_CHAT)):
        assert show_visitor_entry(one, STRANGER) is None
    shown = show_visitor_entry(mail, USER)
    assert shown is not None
    assert (shown.channel, shown.state) == ("email", "delivered")
    for secret in ("eve@other.example", "bo@desk.example", "agt_1"):
        assert secret not in msgspec.json.encode(shown).decode()


def test_mail_is_without_its_quotes_and_without_its_html() -> None:
    """Of a mail there are the words that are new in it, as text."""
    parts = [
        {"type": "text", "text": "new words", "quoted": "> old words", "signature": "Bo, Desk"},
        {"type": "html", "html": "<p>new <b>words</b></p><script>alert(1)</script>", "quoted": "<p>old</p>"},
    ]
    shown = show_visitor_entry(inbound(parts=parts, medium="email", channel_id=MAILBOX), USER)
    assert shown is not None
    assert msgspec.to_builtins(shown.parts) == [
        {"type": "text", "text": "new words", "format": "plain"},
        {"type": "text", "text": "new words", "format": "plain"},
    ]
    assert shown.client_message_id is None


def test_what_was_redacted_is_empty() -> None:
    """The place stays, and when it was emptied; of the words, of files and of the title of a file nothing."""
    parts = [{"type": "text", "text": "4242 4242"}]
    shown = show_visitor_entry(inbound(parts=parts, redacted_at=MOMENT), STRANGER)
    assert shown is not None
    assert (shown.parts, shown.text, shown.redacted_at) == ([], "", MOMENT)


@pytest.mark.parametrize("kind", sorted(EXAMPLES))
def test_every_part_is_shown_in_a_form_the_widget_has(kind: str) -> None:
    """As itself or as words; never as HTML, and files by our own path."""
    shown = show_visitor_entry(row(parts=[msgspec.to_builtins(EXAMPLES[kind])]), STRANGER)
    assert shown is not None
    [part] = msgspec.to_builtins(shown.parts)
    assert part["type"] in {"text", "image", "audio", "video", "file", "choices", "choice_reply", "form", "form_reply",
                            "location", "link_preview"}  # fmt: skip
    assert "https://files.example" not in str(part)
    assert shown.text


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", " https://x.example", "//x.example"])
def test_a_link_of_another_scheme_is_text(url: str) -> None:
    """What a browser could run, or resolve to somewhere else, is never a link."""
    shown = show_visitor_entry(row(parts=[{"type": "link_preview", "url": url, "title": "x"}]), STRANGER)
    assert shown is not None
    assert [part["type"] for part in msgspec.to_builtins(shown.parts)] == ["text"]


def test_a_file_is_named_by_our_own_path() -> None:
    """Where a provider keeps it, and its digest, are our own business."""
    file = {
        "id": "att_1",
        "name": "door.jpg",
        "media_type": "image/jpeg",
        "url": "https://cdn.example/x",
        "sha256": "ab",
    }
    shown = show_visitor_entry(row(parts=[{"type": "image", "attachment": file}]), STRANGER)
    assert shown is not None
    [part] = msgspec.to_builtins(shown.parts)
    assert (part["attachment"]["url"], part["attachment"]["sha256"]) == ("/widget/v1/attachments/att_1", None)


@pytest.mark.parametrize(
    ("happened", "told"),
    [
        (event("status_changed", to="closed"), {"name": "ended", "by": {"type": "agent", "name": "Bo"}, "facts": {}}),
        (event("reopened", to="open", actor={"type": "system"}),
         {"name": "reopened", "by": {"type": "system", "name": None}, "facts": {}}),
        (event("assigned", to={"object": "agent", "id": "agt_2", "name": "Cy"}),
         {"name": "agent_joined", "by": {"type": "agent", "name": "Cy"}, "facts": {}}),
        (event("csat_received", to=5, actor={"type": "contact", "id": "ctc_1", "name": "Ana"}),
         {"name": "csat_received", "by": {"type": "visitor", "name": "Ana"}, "facts": {"rating": 5}}),
    ],
)  # fmt: skip
def test_what_concerns_the_visitor_is_told(happened: dict[str, Any], told: dict[str, Any]) -> None:
    """The end of a conversation and who joins it, in the words of the visitor protocol, without ids."""
    shown = show_visitor_entry(happened, STRANGER)
    assert shown is not None
    assert msgspec.to_builtins(shown.event) == told
    assert "agt_" not in msgspec.json.encode(shown).decode()


@pytest.mark.parametrize("name", ["csat_requested", "csat_received"])
def test_what_another_visitor_was_asked_is_not_told(name: str) -> None:
    """Where two visitors have become one contact, a question and its answer stay with whoever was asked."""
    happened = event(name, to=2)
    for asked, told in ((THEIRS, True), (SOMEBODYS, False)):
        shown = show_visitor_entry({**happened, "identity_id": asked, "medium": "webchat"}, STRANGER)
        assert (shown is not None) is told
    by_mail = {**event("moved_to_email"), "identity_id": SOMEBODYS, "medium": "email"}
    assert show_visitor_entry(by_mail, STRANGER) is not None


def test_a_program_writes_without_its_name() -> None:
    """How we call the key of an integration is not for customers."""
    shown = show_visitor_entry(row(author={"type": "integration", "id": "key_1", "name": "crm-prod"}), STRANGER)
    assert shown is not None
    assert msgspec.to_builtins(shown.author) == {"type": "agent", "name": None}
