"""An endpoint that only fails: its owner is warned, and then it is disabled."""

from __future__ import annotations

from datetime import timedelta

from inbox.webhooks.health import Health, Outcomes, judge_health
from inbox.webhooks.schedule import Tempo
from tests.inbox.webhooks.endpoints import NOW

DAY = timedelta(days=1)
TEMPO = Tempo(warn_after=2 * DAY, disable_after=5 * DAY)
FAILED = Outcomes(failed_at=NOW)
HEALTHY = Health()


def test_failures_count_from_the_first_one() -> None:
    """The first failure starts the clock, later ones leave it."""
    first, step = judge_health(HEALTHY, FAILED, now=NOW, tempo=TEMPO)
    assert (first, step) == (Health(failing_since=NOW), None)
    later = Outcomes(failed_at=NOW + DAY)
    assert judge_health(first, later, now=NOW + DAY, tempo=TEMPO) == (first, None)


def test_one_success_wipes_failures_out() -> None:
    """Also in a batch of many failures, and after a warning."""
    before = Health(failing_since=NOW - 9 * DAY, warned_at=NOW - 5 * DAY)
    seen = Outcomes(failed_at=NOW, succeeded=True)
    assert judge_health(before, seen, now=NOW, tempo=TEMPO) == (HEALTHY, None)


def test_the_owner_is_warned_once_and_before() -> None:
    """After two days there is a warning, only one, and nothing is disabled yet."""
    failing = Health(failing_since=NOW - 2 * DAY)
    warned, step = judge_health(failing, FAILED, now=NOW, tempo=TEMPO)
    assert step == "warn"
    assert judge_health(warned, FAILED, now=NOW + DAY, tempo=TEMPO) == (warned, None)


def test_after_five_days_it_is_disabled() -> None:
    """Nothing but failure for the whole time, and warned of it."""
    warned = Health(failing_since=NOW - 5 * DAY, warned_at=NOW - 3 * DAY)
    assert judge_health(warned, FAILED, now=NOW, tempo=TEMPO)[1] == "disable_failing"


def test_nobody_is_disabled_without_time_to_act() -> None:
    """A seldom used endpoint that failed weeks ago and fails again is warned first, and has the days between."""
    before = Health(failing_since=NOW - 30 * DAY)
    warned, step = judge_health(before, FAILED, now=NOW, tempo=TEMPO)
    assert step == "warn"
    assert judge_health(warned, FAILED, now=NOW + 2 * DAY, tempo=TEMPO)[1] is None
    assert judge_health(warned, FAILED, now=NOW + 3 * DAY, tempo=TEMPO)[1] == "disable_failing"


def test_410_disables_at_once() -> None:
    """Whatever else was answered in the same moment: the endpoint says that it is gone."""
    seen = Outcomes(failed_at=NOW, succeeded=True, gone=True)
    assert judge_health(HEALTHY, seen, now=NOW, tempo=TEMPO)[1] == "disable_gone"


def test_nothing_seen_changes_nothing() -> None:
    """A batch that says nothing of an endpoint leaves it as it is."""
    before = Health(failing_since=NOW - 9 * DAY, warned_at=NOW - 5 * DAY)
    assert judge_health(before, Outcomes(), now=NOW, tempo=TEMPO) == (before, None)
