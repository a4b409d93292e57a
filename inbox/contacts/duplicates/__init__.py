"""Contacts that may be one person: found and scored, and merged only by a person's hand."""
