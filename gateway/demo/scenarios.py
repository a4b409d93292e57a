"""How well the simulated provider behaves in each scenario."""

from __future__ import annotations

from typing import Literal, TypeAlias

from channels.simulators.mail import MailFaults
from channels.simulators.twilio import Faults

Scenario: TypeAlias = Literal["calm", "outage"]


def scenario_faults(scenario: Scenario) -> Faults:
    """The provider's faults: none, or a bad day with everything at once."""
    if scenario == "calm":
        return Faults()
    return Faults(
        answer_delay=0.4,
        throttled=0.15,
        retry_after=1,
        broken=0.05,
        cut=0.05,
        dropped=0.03,
        webhook_delay=0.3,
        duplicated=0.2,
        copies=3,
        reordered=0.15,
        held_back=0.8,
    )


def mail_faults(scenario: Scenario) -> MailFaults:
    """The same for the customers' mail server."""
    if scenario == "calm":
        return MailFaults()
    return MailFaults(answer_delay=0.4, deferred=0.1, leaving=0.05, failing=0.1, cut=0.03, dropped=0.03)


TOLD: dict[Scenario, str] = {
    "calm": "",
    "outage": "The provider has a bad day: webhooks come late, twice and out of order, calls and mails are "
    "throttled and cut.",
}
