"""What happens, as lines of a terminal: who wrote what to whom, one line each. Pure."""

from __future__ import annotations

from collections.abc import Callable
from zlib import crc32

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from gateway.commands.spoken import SpokenEntry, SpokenEnvelope

NAME_CELLS = 18
NUMBER_CELLS = 6
MOST_NAMES = 100_000
"""Conversations whose people are remembered; beyond that we begin anew."""
PALETTE = ("cyan", "magenta", "blue", "green", "yellow", "bright_cyan", "bright_magenta", "bright_blue")
"""Colours that conversations are told apart by; red is kept for what went wrong."""
NOT_ARRIVED = {"failed": "not sent", "undelivered": "did not arrive", "unknown": "may or may not have been sent"}
ARRIVED = {"delivered": "delivered", "read": "read"}
CONSENT = {"revoked": "wants no more messages", "granted": "wants messages again"}


class Timeline:
    """Makes lines of events. Remembers who is in which conversation, since not every event says so.

    Small steps of what goes well, such as a delivery, are left out unless `everything` is wanted.
    """

    def __init__(self, *, everything: bool = False) -> None:
        self._everything = everything
        self._people: dict[str, str] = {}

    def describe_event(self, envelope: SpokenEnvelope) -> Text | None:
        """The line for an event; None for one that most readers need not see."""
        self._remember(envelope)
        describe = DESCRIBED.get(envelope.type)
        told = describe(envelope) if describe else None
        if self._everything:
            told = told or _arrival(envelope) or Text(f"· {envelope.type}", style="dim")
        if told is None:
            return None
        conversation = envelope.data.conversation
        number = f"#{conversation.number}" if conversation else ""
        who = set_cell_size(self._people.get(number, ""), NAME_CELLS)
        return Text.assemble(
            (f"{envelope.timestamp[11:19]} {number:>{NUMBER_CELLS}} ", "dim"),
            (f"{who} ", f"bold {color_of(number)}"),
            told,
        )

    def _remember(self, envelope: SpokenEnvelope) -> None:
        conversation = envelope.data.conversation
        name = _name_of(envelope)
        if conversation is None or not name:
            return
        if len(self._people) >= MOST_NAMES:
            self._people.clear()
        self._people[f"#{conversation.number}"] = _cut(name, NAME_CELLS)


def color_of(name: str) -> str:
    """The same colour for the same name, in every run."""
    return PALETTE[crc32(name.encode()) % len(PALETTE)]


def _name_of(envelope: SpokenEnvelope) -> str:
    """The contact's name or, where the event tells it, the address they are known by."""
    conversation, entry = envelope.data.conversation, envelope.data.entry
    if conversation and conversation.contact.name:
        return conversation.contact.name
    if entry and entry.direction == "inbound":
        return entry.author.address or ""
    return entry.recipients[0].address if entry and entry.recipients else ""


def _cut(text: str, cells: int) -> str:
    return text if cell_len(text) <= cells else set_cell_size(text, cells - 1).rstrip() + "…"


def _message(envelope: SpokenEnvelope) -> Text | None:
    entry = envelope.data.entry
    if entry is None:
        return None
    words = " ".join(entry.text.split())
    if entry.direction == "inbound":
        return Text.assemble(("→ ", "bold cyan"), words)
    return Text.assemble(("← ", "bold green"), (f"{_author(entry)}: ", "green"), words)


def _note(envelope: SpokenEnvelope) -> Text | None:
    entry = envelope.data.entry
    if entry is None:
        return None
    return Text.assemble(("≡ ", "bold yellow"), (f"{_author(entry)} notes: {' '.join(entry.text.split())}", "yellow"))


def _trouble(envelope: SpokenEnvelope) -> Text | None:
    delivery = envelope.data.entry.delivery if envelope.data.entry else None
    if delivery is None or delivery.state not in NOT_ARRIVED:
        return None
    why = (delivery.error or {}).get("message", "no reason was given")
    return Text(f"✗ {NOT_ARRIVED[delivery.state]}: {why}", style="red")


def _arrival(envelope: SpokenEnvelope) -> Text | None:
    to = str((envelope.data.facts or {}).get("to", ""))
    return Text(f"✓ {ARRIVED[to]}", style="dim green") if to in ARRIVED else None


def _status(envelope: SpokenEnvelope) -> Text | None:
    event = envelope.data.entry.event if envelope.data.entry else None
    if event is None:
        return None
    by = f" by {event.actor.name}" if event.actor and event.actor.name else ""
    return Text(f"· {event.to if event.name == 'status_changed' else event.name}{by}", style="dim")


def _assigned(envelope: SpokenEnvelope) -> Text | None:
    event = envelope.data.entry.event if envelope.data.entry else None
    name = event.to.get("name") if event and isinstance(event.to, dict) else None
    return Text(f"· assigned to {name}" if name else "· taken from whoever held it", style="dim")


def _consent(envelope: SpokenEnvelope) -> Text | None:
    facts = envelope.data.facts or {}
    state = str(facts.get("state") or facts.get("to") or "")
    return Text(f"! {CONSENT.get(state, 'changed what they allow')}", style="bold yellow")


def _author(entry: SpokenEntry) -> str:
    return entry.author.name or entry.author.type or "somebody"


DESCRIBED: dict[str, Callable[[SpokenEnvelope], Text | None]] = {
    "message.created": _message,
    "note.created": _note,
    "message.delivery_updated": _trouble,
    "conversation.status_changed": _status,
    "conversation.assigned": _assigned,
    "contact.consent_changed": _consent,
}
