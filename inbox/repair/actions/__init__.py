"""Repairs begun and carried on, what they found written down, the outbox held, dead jobs brought back or let go."""
