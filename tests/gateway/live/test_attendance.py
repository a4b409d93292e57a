"""Who is there is put together from what processes say, and nobody stays because a process died. Pure."""

from __future__ import annotations

from uuid import UUID

from gateway.live.attendance import Attendance, Change, Mark, Viewer

ROOM, OTHER = UUID(int=1), UUID(int=2)
BO = Mark(agent_id="agt_bo", name="Bo", presence="online")
CY = Mark(agent_id="agt_cy", name="Cy", viewing=ROOM)
LASTS = 25.0


def hear(
    attendance: Attendance, process: str, *, now: float = 0, whole: bool = False, **marks: Mark | None
) -> list[Change]:
    """What changes by what a process says of its sockets."""
    return attendance.hear(process, marks, whole=whole, now=now, lasts=LASTS)


def online(state: str = "online") -> Change:
    """Bo's presence."""
    return Change("agt_bo", "Bo", presence=state)  # type: ignore[arg-type]  # one of the three


def test_an_agent_is_online_while_any_socket_says_so() -> None:
    """Two sockets of two processes: only the first to come and the last to go is a change."""
    attendance = Attendance()
    assert hear(attendance, "p", one=BO) == [online()]
    assert hear(attendance, "q", two=BO) == []
    assert hear(attendance, "p", one=None) == []
    assert attendance.presence_of("agt_bo") == "online"
    assert hear(attendance, "q", two=None) == [online("offline")]
    assert attendance.present() == {}


def test_away_counts_only_where_nobody_says_online() -> None:
    """A second tab that was left open does not make somebody away who works in the first."""
    attendance = Attendance()
    away = Mark(agent_id="agt_bo", name="Bo", presence="away")
    hear(attendance, "p", one=BO, two=away)
    assert attendance.presence_of("agt_bo") == "online"
    assert hear(attendance, "p", one=away) == [online("away")]
    assert attendance.present() == {"agt_bo": "away"}
    assert hear(attendance, "p", one=Mark(agent_id="agt_bo", name="Bo")) == []


def test_viewers_are_told_whole_and_each_once() -> None:
    """Whoever has two tabs on a conversation is one viewer, and a composing one if either composes."""
    attendance = Attendance()
    assert hear(attendance, "p", one=CY) == [
        Change("agt_cy", "Cy", conversation_id=ROOM, viewers=(Viewer("agt_cy", "Cy", "viewing"),))
    ]
    composing = Mark(agent_id="agt_cy", name="Cy", composing=ROOM)
    [change] = hear(attendance, "q", two=composing)
    assert change.viewers == attendance.viewers_of(ROOM) == (Viewer("agt_cy", "Cy", "composing"),)
    hear(attendance, "p", three=Mark(agent_id="agt_bo", name="Bo", viewing=ROOM))
    assert [viewer.id for viewer in attendance.viewers_of(ROOM)] == ["agt_bo", "agt_cy"]
    moved = hear(attendance, "p", three=Mark(agent_id="agt_bo", name="Bo", viewing=OTHER))
    assert {change.conversation_id: len(change.viewers) for change in moved} == {ROOM: 1, OTHER: 1}


def test_a_whole_roster_replaces_what_was_known() -> None:
    """Whatever message was lost, the next whole roster is true."""
    attendance = Attendance()
    hear(attendance, "p", one=BO, two=CY)
    changes = hear(attendance, "p", two=CY, whole=True)
    assert changes == [online("offline")]
    assert dict(attendance.of_process("p")) == {"two": CY}
    assert hear(attendance, "p", two=CY, whole=True) == []


def test_a_process_that_died_leaves_nobody_behind() -> None:
    """What is not renewed in time is gone; our own process needs no renewal."""
    attendance = Attendance()
    hear(attendance, "ours", one=CY)
    hear(attendance, "p", one=BO)
    assert attendance.forget(now=LASTS - 1, but="ours") == []
    hear(attendance, "p", now=LASTS - 1)
    assert attendance.forget(now=LASTS + 1, but="ours") == []
    assert attendance.forget(now=2 * LASTS, but="ours") == [online("offline")]
    assert attendance.viewers_of(ROOM) != ()
