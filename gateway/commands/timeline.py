"""What happens, as lines of a terminal: who wrote what to whom, one line each. Pure."""

from __future__ import annotations

from collections.abc import Callable
from zlib import crc32

from rich.text import Text

from gateway.commands.spoken import SpokenEntry, SpokenEnvelope

NAME_WIDTH = 18
NUMBER_WIDTH = 6
PALETTE = ("cyan", "magenta", "blue", "green", "yellow", "bright_cyan", "bright_magenta", "bright_blue")
"""Colours that people are told apart by; red is kept for what went wrong."""
NOT_ARRIVED = {"failed": "not sent", "undelivered": "did not arrive", "unknown": "may not have been sent"}
LAST_STEPS = {"delivered": "delivered", "read": "read"}
CONSENT = {"revoked": "wants no more messages", "granted": "wants messages again"}


def describe_event(envelope: SpokenEnvelope, *, everything: bool = False) -> Text | None:
    """The line for an event; None for one that most readers need not see, unless `everything` is wanted."""
    describe = DESCRIBED.get(envelope.type)
    told = describe(envelope) if describe else None
    if told is None and everything:
        told = Text(f"· {envelope.type}", style="dim")
    return Text.assemble(*_where(envelope), told, end="") if told is not None else None


def _where(envelope: SpokenEnvelope) -> list[Text]:
    conversation = envelope.data.conversation
    number = f"#{conversation.number}" if conversation else ""
    return [
        Text(f"{envelope.timestamp[11:19]} ", style="dim"),
        Text(f"{number:>{NUMBER_WIDTH}} ", style="dim"),
        Text(f"{_short(_whose(envelope), NAME_WIDTH):<{NAME_WIDTH}} ", style=f"bold {color_of(number)}"),
    ]


def _whose(envelope: SpokenEnvelope) -> str:
    """The contact's name, or the address they are known by."""
    conversation, entry = envelope.data.conversation, envelope.data.entry
    if conversation and conversation.contact.name:
        return conversation.contact.name
    if entry and entry.direction == "inbound":
        return entry.author.address or ""
    return entry.recipients[0].address if entry and entry.recipients else ""


def color_of(name: str) -> str:
    """The same colour for the same name, in every run."""
    return PALETTE[crc32(name.encode()) % len(PALETTE)]


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


def _delivery(envelope: SpokenEnvelope) -> Text | None:
    entry = envelope.data.entry
    state = str((envelope.data.facts or {}).get("to") or (entry and entry.delivery and entry.delivery.state) or "")
    if state in LAST_STEPS:
        return Text(f"✓ {LAST_STEPS[state]}", style="dim green")
    if state not in NOT_ARRIVED:
        return None
    error = (entry.delivery.error if entry and entry.delivery else None) or {}
    return Text(f"✗ {NOT_ARRIVED[state]}: {error.get('message', 'no reason was given')}", style="red")


def _status(envelope: SpokenEnvelope) -> Text | None:
    entry = envelope.data.entry
    if entry is None or entry.event is None:
        return None
    actor = entry.event.actor
    by = f" by {actor.name}" if actor and actor.name else ""
    return Text(f"· {entry.event.to or entry.event.name}{by}", style="dim")


def _assigned(envelope: SpokenEnvelope) -> Text | None:
    entry = envelope.data.entry
    to = entry.event.to if entry and entry.event else None
    name = to.get("name") if isinstance(to, dict) else None
    return Text(f"· {f'assigned to {name}' if name else 'assigned' if to else 'unassigned'}", style="dim")


def _consent(envelope: SpokenEnvelope) -> Text | None:
    state = str((envelope.data.facts or {}).get("state", ""))
    return Text(f"! {CONSENT.get(state, 'changed what they want')}", style="bold yellow")


def _author(entry: SpokenEntry) -> str:
    return entry.author.name or entry.author.type or "somebody"


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


DESCRIBED: dict[str, Callable[[SpokenEnvelope], Text | None]] = {
    "message.created": _message,
    "note.created": _note,
    "message.delivery_updated": _delivery,
    "conversation.status_changed": _status,
    "conversation.assigned": _assigned,
    "contact.consent_changed": _consent,
}
