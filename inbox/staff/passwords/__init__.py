"""Agents' passwords: what may be one, how it is kept, and whether it is right."""
