"""What to answer when signatures fail: normally a refusal, but not when we have likely lost the right secret. Pure."""

from __future__ import annotations

import msgspec

RUN = 20
"""So many failures in a row, with no success between, look like a secret rotated at the provider."""
FRESH_SECONDS = 86_400.0
"""Only a channel that verified within the last day is given the benefit of the doubt."""
HOLD_SECONDS = 900.0
"""How long requests are put off instead of refused."""


class VerificationGuard(msgspec.Struct):
    """What a channel's signatures did lately. Times are monotonic seconds.

    A refusal (403) loses the message at most providers, a 503 only delays it: an attacker beside good traffic never
    makes a run of failures, a mistake in our configuration does. `run` is how many failures make one.
    """

    run: int = RUN
    verified_at: float | None = None
    failures: int = 0
    held_since: float | None = None

    def note_success(self, now: float) -> None:
        """A signature was right."""
        self.verified_at, self.failures, self.held_since = now, 0, None

    def note_failure(self, now: float) -> bool:
        """A signature was wrong; whether this one begins a hold, which somebody should be told of."""
        self.failures += 1
        known = self.verified_at is not None and now - self.verified_at <= FRESH_SECONDS
        if known and self.failures >= self.run and self.held_since is None:
            self.held_since = now
            return True
        return False

    def holds(self, now: float) -> bool:
        """Whether failing requests are to be put off (503) rather than refused (403)."""
        return self.held_since is not None and now - self.held_since <= HOLD_SECONDS
