"""What Twilio itself does with STOP, START and HELP, before and beside the webhook.

Source: https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out and Twilio's default keyword handling.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

OptOutType: TypeAlias = Literal["STOP", "START", "HELP"]

OPT_OUT_WORDS: dict[str, OptOutType] = {
    "STOP": "STOP",
    "STOPALL": "STOP",
    "UNSUBSCRIBE": "STOP",
    "CANCEL": "STOP",
    "END": "STOP",
    "QUIT": "STOP",
    "REVOKE": "STOP",
    "OPTOUT": "STOP",
    "START": "START",
    "UNSTOP": "START",
    "YES": "START",
    "HELP": "HELP",
    "INFO": "HELP",
}

CARRIER_ANSWERS: dict[OptOutType, str] = {
    "STOP": "You have successfully been unsubscribed. You will not receive any more messages from this number. "
    "Reply START to resubscribe.",
    "START": "You have successfully been re-subscribed to messages from this number. Reply HELP for help. "
    "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
    "HELP": "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
}


class OptOuts:
    """Which handset stopped which number or messaging service (`scope`)."""

    def __init__(self) -> None:
        self._stopped: set[tuple[str, str]] = set()

    def has_stopped(self, handset: str, scope: str) -> bool:
        """Whether messages in this scope to this handset are refused."""
        return (handset, scope) in self._stopped

    def take_keyword(self, body: str, *, handset: str, scope: str) -> tuple[OptOutType | None, str | None]:
        """What the text was taken for, and what Twilio answers the handset; (None, None) for any other text.

        YES starts again only what was stopped, and a second STOP or START is not answered.
        """
        word = body.strip().upper()
        meaning = OPT_OUT_WORDS.get(word)
        stopped = self.has_stopped(handset, scope)
        if meaning is None or (word == "YES" and not stopped):
            return None, None
        if meaning == "STOP":
            self._stopped.add((handset, scope))
        elif meaning == "START":
            self._stopped.discard((handset, scope))
        changed = stopped != self.has_stopped(handset, scope)
        return meaning, CARRIER_ANSWERS[meaning] if changed or meaning == "HELP" else None
