"""Every type of event there is, in words, and which objects come with it. Pure."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args

import msgspec

from inbox.feed.events import EventType

About: TypeAlias = Literal["conversation", "entry", "contact", "channel"]

EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)
TEST_TYPE: Final = "webhook.test"
"""What a test delivery carries: no event of the feed, and so of no filter."""


class EventKind(msgspec.Struct, frozen=True):
    """What one type says, and what it is about: those objects, or their ids, are in its `data`."""

    description: str
    about: tuple[About, ...] = ()


CONVERSATION: tuple[About, ...] = ("conversation", "contact")
TIMELINE: tuple[About, ...] = ("conversation", "entry", "contact")

EVENT_KINDS: dict[str, EventKind] = {
    "conversation.created": EventKind("A conversation was opened.", CONVERSATION),
    "conversation.updated": EventKind("Something of a conversation changed; `changed` names the fields.", CONVERSATION),
    "conversation.assigned": EventKind("A conversation was given to an agent, or taken from one.", CONVERSATION),
    "conversation.status_changed": EventKind(
        "A conversation was closed, opened again, snoozed, woken or set pending.", CONVERSATION
    ),
    "conversation.read": EventKind("An agent read a conversation up to an entry.", CONVERSATION),
    "conversation.merged": EventKind("Two conversations became one; `facts` say which.", CONVERSATION),
    "conversation.split": EventKind("Part of a conversation became one of its own; `facts` say which.", CONVERSATION),
    "conversation.move_undone": EventKind("A merge or a split was undone; `facts` say which.", CONVERSATION),
    "entry.moved": EventKind("An entry is now in another conversation.", TIMELINE),
    "message.created": EventKind("A message came in, or was written to go out.", TIMELINE),
    "message.updated": EventKind("A message changed: a file of it arrived, say.", TIMELINE),
    "message.delivery_updated": EventKind("An outgoing message got further, or failed.", TIMELINE),
    "message.redacted": EventKind("Words of a message, or all of it, were taken out for good.", TIMELINE),
    "note.created": EventKind("An agent wrote an internal note.", TIMELINE),
    "draft.created": EventKind("An answer was begun.", CONVERSATION),
    "draft.updated": EventKind("An answer that is not sent yet was changed.", CONVERSATION),
    "draft.sent": EventKind("A draft was sent; `message.created` tells of the message.", CONVERSATION),
    "draft.deleted": EventKind("A draft was thrown away.", CONVERSATION),
    "scheduled_message.created": EventKind("A message was set to leave later.", CONVERSATION),
    "scheduled_message.updated": EventKind("A message that is to leave later was changed.", CONVERSATION),
    "scheduled_message.sent": EventKind(
        "A message left at its time; `message.created` tells of the message.", CONVERSATION
    ),
    "scheduled_message.canceled": EventKind("A message that was to leave later will not.", CONVERSATION),
    "scheduled_message.held": EventKind("A message was not sent at its time; `facts` say why.", CONVERSATION),
    "scheduled_message.failed": EventKind("A message could not be sent at its time; `facts` say why.", CONVERSATION),
    "contact.created": EventKind("Somebody new wrote, or was added.", ("contact",)),
    "contact.updated": EventKind("Something of a contact changed; `changed` names the fields.", ("contact",)),
    "contact.consent_changed": EventKind("A contact allowed or forbade messages to an address.", ("contact",)),
    "contact.merged": EventKind("Two contacts became one; `facts` say which.", ("contact",)),
    "contact.unmerged": EventKind("A merge of contacts was undone; `facts` say which.", ("contact",)),
    "company.created": EventKind("A company was added; `facts` say which."),
    "company.updated": EventKind("Something of a company changed; `changed` names the fields."),
    "company.deleted": EventKind("A company was removed; `facts` say which."),
    "csat.received": EventKind("A visitor rated how they were helped, or changed it; `facts` say how.", TIMELINE),
    "channel.connected": EventKind("A channel was connected.", ("channel",)),
    "channel.updated": EventKind("A channel was renamed, paused, resumed or set up anew.", ("channel",)),
    "channel.disconnected": EventKind("A channel was removed.", ("channel",)),
    "webhook.failing": EventKind(
        "A webhook has only failed for days; `facts` say which, since when, and when it will be disabled."
    ),
    "webhook.disabled": EventKind("We disabled a webhook; `facts` say which and why: `gone` or `failing`."),
    "outbox.held": EventKind("Sending was stopped: messages and webhooks wait until it is released."),
    "outbox.released": EventKind("Sending goes on."),
    "contact.erased": EventKind("A person was erased, with all their conversations; only ids are told.", ("contact",)),
    "agent.availability_changed": EventKind("An agent said whether they take on work; `facts` say who and what."),
    "export.started": EventKind("An export was asked for; `facts` say which and of what."),
    "export.progressed": EventKind("An export got further; `facts` say how far."),
    "export.finished": EventKind("An export is complete and can be downloaded until it expires."),
    "export.failed": EventKind("An export could not go on; `facts` say why."),
    "export.canceled": EventKind("An export was canceled."),
    "import.started": EventKind("An import was asked for; `facts` say which and of what."),
    "import.progressed": EventKind("An import got further; `facts` say how far."),
    "import.finished": EventKind("An import is over; `facts` count what came of its rows."),
    "import.failed": EventKind("An import could not go on; `facts` say why."),
    "import.canceled": EventKind("An import was canceled; what it did stays done."),
}
"""Kinds by type; each type of the feed has to have one."""
