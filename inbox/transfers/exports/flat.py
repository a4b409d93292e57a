"""What an object of the API becomes in a CSV: one row of columns. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from inbox.kit.errors import FieldError, Problem

KINDS_OF_ADDRESS = ("phone", "email", "whatsapp", "visitor")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "contacts": ("id", "name", "language", "company_id", "company", *KINDS_OF_ADDRESS, "opted_out", "blocked_at",
                 "created_at", "updated_at"),
    "companies": ("id", "name", "domains", "contacts", "created_at", "updated_at"),
    "conversations": ("id", "number", "subject", "status", "priority", "handler", "contact_id", "contact", "assignee",
                      "media", "tags", "language", "unread", "entries", "last_inbound_at", "last_outbound_at",
                      "created_at", "updated_at"),
    "messages": ("id", "conversation_id", "seq", "type", "direction", "medium", "author_type", "author", "address",
                 "text", "attachments", "delivery_state", "occurred_at", "created_at"),
}  # fmt: skip
FREE: Mapping[str, tuple[str, ...]] = {
    "contacts": ("attributes", "external"), "companies": ("attributes", "external"),
    "conversations": ("attributes",), "messages": (),
}  # fmt: skip
"""Free-form JSON whose keys get columns of their own: `attributes.plan`."""


def choose_columns(kind: str, asked: Sequence[str] | None, free: Sequence[str]) -> list[str]:
    """The columns asked for, else all with those of `free`; the problem names what is no column."""
    if asked is None:
        return [*COLUMNS[kind], *free]
    known = set(COLUMNS[kind])
    for place, name in enumerate(asked):
        if name not in known and name.partition(".")[0] not in FREE[kind]:
            detail = f"{name} is no column of {kind}"
            allowed = [*COLUMNS[kind], *(f"{one}.KEY" for one in FREE[kind])]
            error = FieldError(pointer=f"/columns/{place}", code="unknown_value", detail=detail, allowed=allowed)
            raise Problem("validation_failed", detail, errors=[error])
    return list(asked)


def flatten(kind: str, shown: Mapping[str, Any]) -> dict[str, Any]:
    """An object, as the API shows it, by column."""
    row = FLATTEN[kind](shown)
    for name in FREE[kind]:
        row.update({f"{name}.{key}": value for key, value in (shown.get(name) or {}).items()})
    return row


def _contact(shown: Mapping[str, Any]) -> dict[str, Any]:
    company = shown.get("company") or {}
    row = {**shown, "company": company.get("name"), "company_id": company.get("id")}
    for kind in KINDS_OF_ADDRESS:
        row[kind] = [one["address"] for one in shown["identities"] if one["kind"] == kind]
    row["opted_out"] = any(line["state"] == "revoked" for one in shown["identities"] for line in one["consents"])
    return row


def _conversation(shown: Mapping[str, Any]) -> dict[str, Any]:
    contact, assignee, counts = shown["contact"], shown.get("assignee") or {}, shown["counts"]
    row = {**shown, "contact_id": contact["id"], "contact": contact.get("name"), "assignee": assignee.get("name")}
    row |= {"priority": shown["priority"]["level"], "unread": counts["unread"], "entries": counts["entries"]}
    return row


def _message(shown: Mapping[str, Any]) -> dict[str, Any]:
    author, channel, delivery = shown["author"], shown.get("channel") or {}, shown.get("delivery") or {}
    files = [part["attachment"]["id"] for part in shown["parts"] if part.get("attachment")]
    return {
        **shown,
        "medium": channel.get("type"),
        "author_type": author["type"],
        "author": author.get("name"),
        "address": author.get("address"),
        "attachments": [one for one in files if one],
        "delivery_state": delivery.get("state"),
    }


FLATTEN: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "contacts": _contact,
    "companies": dict,
    "conversations": _conversation,
    "messages": _message,
}
