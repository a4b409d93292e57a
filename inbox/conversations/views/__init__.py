"""Saved views: a query and an order of the list under a name, shared or an agent's own, with their counts."""
