"""Contacts over HTTP: people, their addresses and what they allowed."""

from inbox.contacts.api.contacts import ContactController
from inbox.contacts.api.identities import IdentityController
from inbox.contacts.api.shapes import ContactObject, show_contact

__all__ = ["ContactController", "ContactObject", "IdentityController", "show_contact"]
