"""Changing contacts, their addresses and their consents."""

from inbox.contacts.actions.consents import change_consent, record_consents
from inbox.contacts.actions.contacts import (
    add_identities,
    block_contact,
    create_contact,
    lock_contact,
    remove_identity,
    update_contact,
    upsert_contact,
)
from inbox.contacts.actions.identities import confirm_owners, find_or_create_identities, spell_address

__all__ = [
    "add_identities", "block_contact", "change_consent", "confirm_owners", "create_contact",
    "find_or_create_identities",
    "lock_contact", "record_consents", "remove_identity", "spell_address", "update_contact", "upsert_contact",
]  # fmt: skip
