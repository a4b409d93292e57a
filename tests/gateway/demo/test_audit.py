"""The check at the end of a demo: it finds what is lost and what is doubled, both ways, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from channels.simulators.ledger import Message
from gateway.commands.spoken import SpokenEntry
from gateway.demo.audit import Audit, Timelines, audit_run, keep_ours, sort_entries
from gateway.demo.summary import is_flawless, sum_up

SINCE = "2026-11-21T09:00:00.000Z"
LATER = "2026-11-21T09:05:00.000Z"
BEFORE = "2026-11-21T08:00:00.000Z"
PHONE = "+447700900123"
NOW = datetime(2026, 11, 21, 9, 1, tzinfo=UTC)


def told(sid: str, *, acknowledged: bool = True) -> Message:
    """A text the provider brought us."""
    return Message(
        sid=sid, account_sid="AC", direction="inbound", sender=PHONE, to="+1", body="x", status="received",
        created=NOW, updated=NOW, acknowledged=acknowledged,
    )  # fmt: skip


def entry(**fields: Any) -> SpokenEntry:
    """A message of a timeline."""
    usual = {
        "id": "ent_1", "type": "message", "conversation_id": "cnv_1", "seq": 1, "direction": "inbound", "text": "",
        "author": {}, "created_at": LATER,
    }  # fmt: skip
    return msgspec.convert(usual | fields, SpokenEntry)


def received(sid: str) -> SpokenEntry:
    """What somebody wrote."""
    return entry(provider={"message_id": sid})


def reply(text: str, state: str = "delivered", **fields: Any) -> SpokenEntry:
    """What an agent wrote."""
    usual = {"direction": "outbound", "text": text, "recipients": [{"address": PHONE}]}
    return entry(**(usual | {"delivery": {"state": state, "updated_at": LATER}} | fields))


def audit(messages: list[Message], arrived: list[str], entries: list[SpokenEntry], *, settled: bool = True) -> Audit:
    """The figures of a run with these texts on both sides."""
    counted = {(PHONE, text): arrived.count(text) for text in arrived}
    return audit_run(messages, counted, sort_entries(entries, since=SINCE), settled=settled)


def test_a_run_without_flaws() -> None:
    """Every text is in a timeline and every reply on its phone, once."""
    found = audit([told("a"), told("b")], ["Hi!", "Hi!"], [received("a"), received("b"), reply("Hi!"), reply("Hi!")])
    assert found == Audit(sent=2, stored=2, answered=2, delivered=2, lost=0, doubled=0, waiting=0)


def test_what_was_acknowledged_and_is_not_there_is_lost() -> None:
    """An acknowledgement is a promise; a text that was never acknowledged is not lost by us."""
    found = audit([told("a"), told("b", acknowledged=False)], [], [])
    assert (found.sent, found.stored, found.lost) == (2, 0, 1)


def test_a_text_in_two_timelines_is_doubled() -> None:
    """Once in any timeline is all it may be."""
    assert audit([told("a")], [], [received("a"), received("a"), received("a")]).doubled == 2


def test_a_reply_that_did_not_reach_its_phone_is_lost() -> None:
    """The API may not say delivered, nor for ever be on the way, of what is not there."""
    assert audit([], [], [reply("Hi!")]).lost == 1
    assert audit([], [], [reply("Hi!", "queued")]).lost == 1


def test_a_reply_twice_on_its_phone_is_doubled() -> None:
    """The customer never gets a reply twice, be its words the same as another's or not."""
    assert audit([], ["Hi!", "Hi!"], [reply("Hi!")]).doubled == 1
    assert audit([], ["nobody wrote this"], []).doubled == 1


def test_a_failure_that_is_told_is_no_loss() -> None:
    """What the API calls failed or unknown may be there or not, but never twice."""
    for state in ("failed", "undelivered", "unknown"):
        assert audit([], [], [reply("Hi!", state)]).lost == 0
        assert audit([], ["Hi!"], [reply("Hi!", state)]).doubled == 0
        assert audit([], ["Hi!", "Hi!"], [reply("Hi!", state)]).doubled == 1


def test_what_an_earlier_run_left_may_arrive_in_this_one() -> None:
    """A reply that was queued when the last run was killed is neither doubled nor counted."""
    found = audit([], ["Hi!"], [reply("Hi!", created_at=BEFORE)])
    assert (found.answered, found.lost, found.doubled) == (0, 0, 0)
    settled_long_ago = reply("Hi!", created_at=BEFORE, delivery={"state": "delivered", "updated_at": BEFORE})
    assert audit([], ["Hi!"], [settled_long_ago]).doubled == 1


def test_what_had_no_time_to_settle_waits() -> None:
    """After Ctrl-C nothing is called lost that may still be on its way."""
    found = audit([told("a")], [], [reply("Hi!", "queued"), reply("You!", "sent")], settled=False)
    assert (found.lost, found.waiting) == (0, 2)
    assert audit([], [], [reply("Hi!")], settled=False).lost == 1


def test_the_summary_has_the_keys_that_programs_read() -> None:
    """One object with these keys, in this order; it is flawless only where nothing was lost or doubled."""
    figures = sum_up(audit([told("a")], [], [received("a")]), first_stored=2.34567)
    assert msgspec.json.encode(figures) == (
        b'{"sent":1,"stored":1,"answered":0,"delivered":0,"lost":0,"doubled":0,"first_stored_seconds":2.346}'
    )
    assert is_flawless(figures)
    assert not is_flawless(sum_up(audit([told("a")], [], []), first_stored=None))


def test_notes_and_events_are_no_messages() -> None:
    """Only what was said to and by customers counts."""
    assert sort_entries([entry(direction="internal", type="note")], since=SINCE) == Timelines(
        inbound=sort_entries([], since=SINCE).inbound, outbound=[], older=[]
    )


def test_what_is_said_to_somebody_elses_browser_is_left_to_it() -> None:
    """Who plays a visitor by hand has the answers in a browser the demo does not see: none is missed."""
    timelines = sort_entries([reply("Hi!"), reply("Hello!", channel={"type": "webchat"})], since=SINCE)
    kept = keep_ours(timelines, lambda one: one.channel is None)
    assert [one.text for one in kept.outbound] == ["Hi!"]
    assert audit_run([], {(PHONE, "Hi!"): 1}, kept, settled=True).lost == 0
