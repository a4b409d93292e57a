"""Changing conversations: load under the row lock, decide purely, store."""
