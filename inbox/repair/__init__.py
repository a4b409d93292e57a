"""Putting right what went wrong: looking up what was lost, replaying, the outbox held, dead jobs brought back."""
