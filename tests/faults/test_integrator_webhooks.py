"""Run E in its short form, and its judge on histories that are known to be wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from inbox.kit.ids import EVENT, new_id, show_id
from tests.faults.integrator_webhooks import LIVING, SECONDS, judge
from tests.gateway.webhooks.receiver import Got


@pytest.mark.faults
def test_events_reach_every_endpoint_while_senders_are_killed() -> None:
    """kill -9 of a sender, an endpoint that fails seven times, one that hangs, a rotation: all comes, signed."""
    command = [sys.executable, "-m", "tests.faults.integrator_webhooks", "--short"]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=SECONDS + 30, stdin=subprocess.DEVNULL
    )
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["acknowledged"] == result["stored"] == 40 * len(LIVING), done.stderr
    assert result["kept"], done.stderr


def got(name: str, event: str, *, cursor: str = "000000000001", entry: str = "ent_1", message: str = "") -> Got:
    """A try that was taken."""
    body = {"id": event, "cursor": cursor, "conversation_id": "cnv_1", "data": {"entry": {"id": entry}}}
    headers = {"webhook-id": message or event}
    return Got(path=f"/{name}", headers=headers, body=json.dumps(body).encode(), at=1.0, taken=True)


def everywhere(*events: str) -> list[Got]:
    """Each event taken by each endpoint once, in order."""
    return [
        got(name, event, cursor=f"{number:012x}", entry=f"ent_{number}")
        for name in LIVING
        for number, event in enumerate(events)
    ]


@pytest.fixture
def told() -> list[Any]:
    """Two events of the feed."""
    return [{"id": new_id()}, {"id": new_id()}]


def shown(told: list[Any]) -> list[str]:
    """Their ids as they are sent."""
    return [show_id(EVENT, row["id"]) for row in told]


def test_the_judge_passes_what_is_whole(told: list[Any]) -> None:
    """All events everywhere is clean, and so is one that came again under its own id."""
    history = everywhere(*shown(told))
    assert judge(history, told, unfinished=0, since=0).clean
    assert judge([*history, history[0]], told, unfinished=0, since=0).clean


def test_the_judge_sees_what_is_wrong(told: list[Any]) -> None:
    """Lost, doubled under another id, out of order and stranded are each seen."""
    history = everywhere(*shown(told))
    assert judge(history[1:], told, unfinished=0, since=0).lost == 1
    other = got(LIVING[0], "evt_other", entry="ent_0")
    assert judge([*history, other], told, unfinished=0, since=0).doubled == 1
    renamed = got(LIVING[0], shown(told)[0], message="msg_other", entry="ent_9")
    assert judge([*history, renamed], told, unfinished=0, since=0).doubled == 1
    assert judge(history[::-1], told, unfinished=0, since=0).out_of_order == 1
    assert judge(history, told, unfinished=3, since=0).stranded == 3
