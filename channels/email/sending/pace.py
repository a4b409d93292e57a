"""How fast an account may send: a slot for each mail, evenly spread, with a small burst first. Pure."""

from __future__ import annotations

BURST_SHARE = 0.1
"""How much of a minute's mails may go at once after a pause."""


class Pace:
    """The generic cell rate algorithm (ITU-T I.371): one number says when the next slot is free. Times in seconds."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._gap = 60 / per_minute
        self._burst = max(1.0, per_minute * BURST_SHARE) * self._gap
        self._next = float("-inf")

    def wait_for_slot(self, now: float, *, longest: float) -> float:
        """How long to wait for the next slot, which is then taken; one that is further away than `longest` is not."""
        due = max(self._next, now - self._burst + self._gap)
        wait = max(0.0, due - now)
        if wait <= longest:
            self._next = due + self._gap
        return wait
