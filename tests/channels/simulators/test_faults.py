"""The choice of faults is pure, seeded, and obeys forced faults first."""

from __future__ import annotations

from random import Random

import msgspec
import pytest

from channels.simulators.faults import Faults, Outcome, choose_call_fault, choose_outcome, choose_webhook_fault


def test_without_faults_nothing_goes_wrong() -> None:
    """The default is a provider without faults, and it does not even roll the dice."""
    dice = Random(1)
    state = dice.getstate()
    assert choose_call_fault(Faults(), dice) == "none"
    assert choose_webhook_fault(Faults(), dice) == "none"
    assert choose_outcome(Faults(), dice, recipient="+1").status == "delivered"
    assert dice.getstate() == state


def test_forced_faults_come_first_and_once() -> None:
    """Forced faults are used up in order, before any chance is looked at."""
    faults = Faults(throttled=1, next_calls=["drop", "none"], next_webhooks=["duplicate"])
    dice = Random(1)
    assert [choose_call_fault(faults, dice) for _ in range(3)] == ["drop", "none", "throttle"]
    assert [choose_webhook_fault(faults, dice) for _ in range(2)] == ["duplicate", "none"]


def test_a_recipients_outcome_beats_the_chances() -> None:
    """What is set for a recipient holds, whatever the chance of failing is for the others."""
    faults = Faults(failed=1, outcomes={"+1": Outcome(status="delivered")})
    assert choose_outcome(faults, Random(1), recipient="+1").status == "delivered"
    assert choose_outcome(faults, Random(1), recipient="+2").status == "failed"


def test_chances_are_met() -> None:
    """A chance of 0.2 strikes about a fifth of the calls."""
    dice = Random(7)
    faults = Faults(dropped=0.2)
    struck = sum(choose_call_fault(faults, dice) == "drop" for _ in range(2000))
    assert 300 < struck < 500


@pytest.mark.parametrize("wrong", ['{"dropped": 1.1}', '{"copies": 1}', '{"colour": 1}', '{"next_calls": ["burn"]}'])
def test_faults_that_make_no_sense_are_refused(wrong: str) -> None:
    """Chances beyond 1, single copies, unknown names and unknown faults do not decode."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(wrong, type=Faults)
