"""A fake Twilio that speaks the real wire format: REST side, signed webhooks, handsets, a ledger and faults.

::

    twilio = TwilioSimulator([TwilioAccount(sid="AC...", token="...")],
                             [TwilioNumber(number="+15550100", account_sid="AC...", hook="https://.../hook")])
    async with serve_simulator(twilio) as url:                     # adapters send to this origin
        await twilio.text_in("+15550123", "Hello?")                # a handset writes to us
        with twilio.handsets.watch_handset("+15550123") as texts:  # and reads what we answer
            async for text in texts: ...
    twilio.ledger.accepted, twilio.ledger.inbound                  # what was taken, what was acknowledged
"""

from __future__ import annotations

from channels.simulators.faults import Faults, Outcome
from channels.simulators.twilio.accounts import TwilioAccount, TwilioNumber
from channels.simulators.twilio.app import create_simulator, serve_simulator
from channels.simulators.twilio.simulator import HandsetFile, TwilioSimulator

__all__ = [
    "Faults",
    "HandsetFile",
    "Outcome",
    "TwilioAccount",
    "TwilioNumber",
    "TwilioSimulator",
    "create_simulator",
    "serve_simulator",
]
