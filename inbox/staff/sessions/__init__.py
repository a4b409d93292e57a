"""Agents' browser sessions: what a signed-in browser shows to be let in."""
