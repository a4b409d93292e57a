"""What the doctor makes of what it sees."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.commands.findings import Verdict, judge_clock, judge_count, judge_disk, judge_public_url


@pytest.mark.parametrize(
    ("seconds", "verdict"), [(0.1, "ok"), (-1.9, "ok"), (5, "warning"), (-29, "warning"), (31, "problem")]
)
def test_a_clock_that_is_off_is_a_problem_in_time(seconds: float, verdict: Verdict) -> None:
    """Seconds are a warning, half a minute is a problem, in either direction; both say what to do."""
    finding = judge_clock(timedelta(seconds=seconds))
    assert finding.verdict == verdict
    assert bool(finding.fix) == (verdict != "ok")


@pytest.mark.parametrize(
    ("url", "demo", "has_hooks", "verdict"),
    [
        ("https://inbox.example.org", False, True, "ok"),
        ("http://127.0.0.1:8000", False, False, "warning"),
        ("http://127.0.0.1:8000", False, True, "problem"),
        ("http://127.0.0.1:8000", True, True, "ok"),
        ("http://inbox.example.org", False, True, "warning"),
        ("https://in_box.example.org", False, True, "problem"),
    ],
)
def test_a_public_url_must_be_one_that_providers_can_call(
    *, url: str, demo: bool, has_hooks: bool, verdict: Verdict
) -> None:
    """Loopback is no address for a provider, except in the demo; Twilio refuses an underscore in a host."""
    assert judge_public_url(url, demo=demo, has_hooks=has_hooks).verdict == verdict


@pytest.mark.parametrize(("free", "verdict"), [(50e9, "ok"), (14e9, "warning"), (0.5e9, "problem")])
def test_a_disk_is_judged_before_it_is_full(free: float, verdict: Verdict) -> None:
    """A share of the disk is a warning, the last gigabyte a problem."""
    assert judge_disk(int(free), int(100e9), folder="/data").verdict == verdict


def test_things_that_should_not_be_are_counted() -> None:
    """None is fine and needs no advice; one is what it was said to be."""
    none = judge_count("jobs", 0, what="dead job{s}", fix="retry them")
    some = judge_count("jobs", 2, what="dead job{s}", fix="retry them")
    assert (none.verdict, none.detail, none.fix) == ("ok", "no dead jobs", None)
    assert (some.verdict, some.detail, some.fix) == ("problem", "2 dead jobs", "retry them")
