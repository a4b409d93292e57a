"""Merging conversations and splitting them, with a way back; every timeline stays without holes (decision 0011)."""
