"""Erasing a person: everywhere, step by step, with a ledger of hashes that outlives every restore."""
