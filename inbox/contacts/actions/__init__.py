"""Changing contacts, their addresses and their consents."""

from inbox.contacts.actions.consents import change_consent, record_consents
from inbox.contacts.actions.contacts import (
    add_identities,
    create_contact,
    remove_identity,
    update_contact,
    upsert_contact,
)
from inbox.contacts.actions.identities import find_or_create_identities, spell_address

__all__ = [
    "add_identities", "change_consent", "create_contact", "find_or_create_identities", "record_consents",
    "remove_identity", "spell_address", "update_contact", "upsert_contact",
]  # fmt: skip
