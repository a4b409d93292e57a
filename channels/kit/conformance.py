"""All checks of an adapter whose provider calls us; a mailbox that is asked takes those of reading and sending."""

from __future__ import annotations

from channels.kit.guarding import GuardChecks
from channels.kit.reading import ReadingChecks
from channels.kit.sending import SendingChecks


class Conformance(GuardChecks, ReadingChecks, SendingChecks):
    """Guard, reader and sender of one adapter, each held to the contract."""
