"""Lanes keep a slow endpoint from costing the others their places."""

from __future__ import annotations

from uuid import UUID, uuid4

from gateway.webhooks.lanes import NARROW, NARROW_AFTER, Lanes


def lanes(*, places: int = 20, width: int = 8) -> Lanes:
    """A process's lanes."""
    return Lanes(places=places, width=width)


def fail(one: Lanes, webhook: UUID, times: int = NARROW_AFTER) -> None:
    """So many failed tries."""
    for _ in range(times):
        one.begin(webhook)
        one.end(webhook, failed=True)


def test_an_idle_process_has_room_for_everybody() -> None:
    """Nothing is known of any endpoint: each may have a whole lane."""
    room = lanes().room()
    assert (room.known, room.elsewhere, room.limit) == ({}, 8, 20)


def test_a_lane_fills_and_empties() -> None:
    """What is under way counts, for its endpoint and for all."""
    one, webhook = lanes(), uuid4()
    for _ in range(8):
        one.begin(webhook)
    assert (one.room().known, one.room().limit) == ({webhook: 0}, 12)
    one.end(webhook, failed=False)
    one.leave(webhook)
    assert one.room().known == {webhook: 2}
    for _ in range(6):
        one.end(webhook, failed=False)
    assert one.room().known == {}


def test_an_endpoint_that_keeps_failing_gets_a_narrow_lane() -> None:
    """Until its next success."""
    one, webhook = lanes(), uuid4()
    fail(one, webhook, NARROW_AFTER - 1)
    assert webhook not in one.room().known
    fail(one, webhook, 1)
    assert one.room().known == {webhook: NARROW}
    one.begin(webhook)
    one.end(webhook, failed=False)
    assert one.room().known == {}


def test_what_broke_off_says_nothing() -> None:
    """A try that was given back is neither failure nor success."""
    one, webhook = lanes(), uuid4()
    fail(one, webhook, NARROW_AFTER - 1)
    one.begin(webhook)
    one.leave(webhook)
    assert one.room().known == {}


def test_failing_endpoints_together_get_half_of_the_places() -> None:
    """However many hang, the healthy ones keep the other half."""
    one, dead = lanes(), [uuid4() for _ in range(10)]
    for webhook in dead:
        fail(one, webhook)
    room = one.room()
    assert sum(room.known.values()) == 10
    for webhook, free in room.known.items():
        for _ in range(free):
            one.begin(webhook)
    assert sum(one.room().known.values()) == 0
    assert one.room().limit == 10


def test_a_lane_is_no_wider_than_the_process() -> None:
    """Small deployments have small lanes."""
    assert lanes(places=2, width=16).room().elsewhere == 2
