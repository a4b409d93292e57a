"""Notices in a visitor's browser while the chat is closed (RFC 8030)."""
