"""What the doctor makes of servers, providers and queues: each verdict, and that what is wrong comes with advice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from channels.contract import AccountCheck, AccountReport
from gateway.commands.checkup_outside import read_signatures
from gateway.commands.findings import Finding, Verdict
from gateway.commands.verdicts import (
    Queues,
    Reached,
    judge_keys,
    judge_memory,
    judge_postgres,
    judge_queues,
    judge_reach,
    judge_report,
    judge_signatures,
)

URL = "https://inbox.example.org"
CALM = Queues(oldest_job=0, lost_leases=0, held=0, unknown=0, disabled=0, erasures=0, oldest_erasure=0)


def advised(finding: Finding) -> Verdict:
    """Its verdict; whatever is not ok says what to do."""
    assert finding.verdict == "ok" or finding.fix
    return finding.verdict


@pytest.mark.parametrize(("number", "verdict"), [(130_012, "warning"), (140_000, "ok"), (180_004, "ok")])
def test_an_old_postgres_is_told_of(number: int, verdict: Verdict) -> None:
    """Releases that get no fixes any more are a warning."""
    assert advised(judge_postgres(number, "x", size="8 MB")) == verdict


@pytest.mark.parametrize(
    ("info", "verdict"),
    [
        ({"maxmemory": 0, "used_memory": 5, "maxmemory_policy": "noeviction"}, "ok"),
        ({"maxmemory": 100, "used_memory": 50, "maxmemory_policy": "noeviction"}, "warning"),
        ({"maxmemory": 100, "used_memory": 95, "maxmemory_policy": "noeviction"}, "problem"),
        ({"maxmemory": 100, "used_memory": 95, "maxmemory_policy": "volatile-lru"}, "ok"),
        ({}, "ok"),
    ],
)
def test_a_redis_that_will_refuse_is_found_before_it_does(info: dict[str, Any], verdict: Verdict) -> None:
    """With a limit and without eviction it ends by refusing writes; nearly full, that is now."""
    assert advised(judge_memory(info)) == verdict


@pytest.mark.parametrize(
    ("reached", "gateway", "verdict", "word"),
    [
        (Reached(status=200, ours=True), True, "ok", "leads to this gateway"),
        (Reached(error="ConnectError"), True, "problem", "does not answer"),
        (Reached(error="ConnectError"), False, "warning", "does not answer"),
        (Reached(error="certificate has expired", tls=True), False, "problem", "certificate"),
        (Reached(status=301, location="https://www.example.org/health/live"), True, "problem", "www.example.org"),
        (Reached(status=502), True, "problem", "nobody behind"),
        (Reached(status=502), False, "warning", "nobody behind"),
        (Reached(status=200), True, "problem", "not this gateway"),
        (Reached(status=404), False, "problem", "not this gateway"),
    ],
)
def test_a_public_url_that_leads_elsewhere_is_found(
    *, reached: Reached, gateway: bool, verdict: Verdict, word: str
) -> None:
    """Silence is expected while the gateway is down; a wrong certificate, host or proxy never is."""
    finding = judge_reach(URL, reached, gateway_answers=gateway)
    assert (advised(finding), word in finding.detail) == (verdict, True)


def test_a_provider_is_believed() -> None:
    """What it says of account and numbers is told, and its clock only where ours is off."""
    report = AccountReport(
        checks=[
            AccountCheck(title="account", ok=True, detail="fine"),
            AccountCheck(title="number +1", ok=False, detail="posts elsewhere", fix="set it"),
        ]
    )
    findings = judge_report("channel Shop", report, ahead=timedelta(seconds=0.4))
    assert [(one.verdict, one.detail) for one in findings] == [
        ("ok", "account: fine"), ("problem", "number +1: posts elsewhere"),
    ]  # fmt: skip
    [*_, clock] = judge_report("channel Shop", report, ahead=timedelta(seconds=45))
    assert (clock.name, clock.verdict) == ("clock", "problem")
    assert "the provider of channel Shop" in clock.detail


@pytest.mark.parametrize(
    ("name", "queues", "verdict"),
    [
        ("workers", CALM, "ok"),
        ("workers", {"oldest_job": 61}, "problem"),
        ("workers", {"oldest_job": 61, "held": 1}, "warning"),
        ("workers", {"lost_leases": 2}, "warning"),
        ("unknown sends", {"unknown": 1}, "warning"),
        ("webhooks", {"disabled": 3}, "warning"),
        ("erasures", {"erasures": 1, "oldest_erasure": 60}, "ok"),
        ("erasures", {"erasures": 1, "oldest_erasure": 7200}, "warning"),
    ],
)
def test_what_waits_too_long_is_found(name: str, queues: Any, verdict: Verdict) -> None:
    """Nobody at work is a problem; what waits for a person is a warning; what was held on purpose is no mystery."""
    facts = {field: getattr(CALM, field) for field in CALM.__struct_fields__}
    given = CALM if queues is CALM else Queues(**{**facts, **queues})
    found = {finding.name: advised(finding) for finding in judge_queues(given)}
    assert found[name] == verdict
    assert all(other == "ok" for key, other in found.items() if key != name)


@pytest.mark.parametrize(
    ("uses", "verdict", "word"),
    [
        ([], "ok", "no secrets"),
        ([("channel.settings", "new", 3)], "ok", "no secrets"),
        ([("channel.settings", "new", 3), ("webhook.secrets", "old", 2)], "warning", "2 secrets"),
        ([("channel.settings", "gone", 3), ("webhook.secrets", "gone", 1)], "problem", "gone (4)"),
    ],
)
def test_keys_that_are_missing_or_to_be_retired(uses: list[tuple[str, str, int]], verdict: Verdict, word: str) -> None:
    """A missing key loses what it sealed; an old one is for the days of a rotation."""
    [finding] = judge_keys(uses, known=frozenset({"new", "old"}), newest="new")
    assert (advised(finding), word in finding.detail) == (verdict, True)


@pytest.mark.parametrize(
    ("counted", "verdict"), [((100, 2), "ok"), ((100, 51), "problem"), ((4, 4), "ok"), ((0, 0), "ok")]
)
def test_signatures_that_fail_are_found_in_the_measures(counted: tuple[int, int], verdict: Verdict) -> None:
    """More than half of a channel's webhooks forged is a problem; a handful says nothing."""
    received, of = "switchboard_inbound_received_total", 'channel="cha_1",provider="x"'
    page = (
        f'{received}{{{of},result="accepted"}} {counted[0] - counted[1]}\n'
        f'{received}{{{of},result="forged"}} {counted[1]}\n'
        f'{received}{{channel="",provider="",result="not_found"}} 90\n'
        f"switchboard_inbound_signature_failures_total{{{of}}} {counted[1]}\n"
    )
    assert [advised(finding) for finding in judge_signatures(read_signatures(page))] == [verdict]
