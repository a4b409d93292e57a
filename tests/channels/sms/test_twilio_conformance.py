"""The Twilio adapter held to the contract every channel is held to."""

from __future__ import annotations

from channels.kit import Conformance
from tests.channels.sms.twilio_subject import TWILIO


class TestTwilioSms(Conformance):
    """SMS and MMS by Twilio."""

    subject = TWILIO
