"""Mailboxes we ask: who reads each, how far it is read, and how it is."""
