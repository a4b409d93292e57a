"""Reaching somebody in one call, letting a draft go, taking a message back."""
