"""Which agents are there and which conversations they have open, put together from what all processes say. Pure.

Each process tells of its own sockets: what is new at once, all of it now and then. Whoever is not heard of for a while
is forgotten, so a process that was killed leaves nobody behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias, TypeVar
from uuid import UUID

import msgspec

Key = TypeVar("Key")
Presence: TypeAlias = Literal["online", "away", "offline"]
Place: TypeAlias = tuple[str, str]
"""A process, and one of its sockets."""


class Viewer(msgspec.Struct, frozen=True):
    """Somebody who has a conversation open, and whether they write."""

    id: str
    name: str | None
    state: Literal["viewing", "composing"]


class Mark(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one socket says of its agent."""

    agent_id: str
    name: str | None = None
    presence: Literal["online", "away"] | None = None
    viewing: UUID | None = None
    composing: UUID | None = None

    def conversations(self) -> set[UUID]:
        """The conversations it speaks of."""
        return {one for one in (self.viewing, self.composing) if one is not None}


class Change(msgspec.Struct, frozen=True):
    """What is otherwise now: an agent's presence, or who views a conversation, by whom it changed."""

    agent_id: str
    name: str | None
    presence: Presence | None = None
    conversation_id: UUID | None = None
    viewers: tuple[Viewer, ...] = ()


class Attendance:
    """All that is known now; times are seconds of a clock that never goes back."""

    def __init__(self) -> None:
        self._ends: dict[str, float] = {}
        self._marks: dict[str, dict[str, Mark]] = {}
        self._of_agent: dict[str, dict[Place, Mark]] = {}
        self._of_conversation: dict[UUID, dict[Place, Mark]] = {}

    def of_process(self, process: str) -> Mapping[str, Mark]:
        """What one process has said."""
        return self._marks.get(process, {})

    def presence_of(self, agent_id: str) -> Presence:
        """Online where any socket says so, else away where any says that."""
        said = {mark.presence for mark in self._of_agent.get(agent_id, {}).values()}
        return "online" if "online" in said else "away" if "away" in said else "offline"

    def present(self) -> dict[str, Presence]:
        """Everybody who is not offline."""
        found = {agent_id: self.presence_of(agent_id) for agent_id in self._of_agent}
        return {agent_id: state for agent_id, state in found.items() if state != "offline"}

    def viewers_of(self, conversation_id: UUID) -> tuple[Viewer, ...]:
        """Who has it open, each once, in the order of their ids."""
        found: dict[str, Viewer] = {}
        for mark in self._of_conversation.get(conversation_id, {}).values():
            composing = mark.composing == conversation_id
            if composing or mark.agent_id not in found:
                found[mark.agent_id] = Viewer(mark.agent_id, mark.name, "composing" if composing else "viewing")
        return tuple(sorted(found.values(), key=lambda viewer: viewer.id))

    def hear(
        self, process: str, marks: Mapping[str, Mark | None], *, whole: bool, now: float, lasts: float
    ) -> list[Change]:
        """Take in what a process says, of some sockets or of all, and for how long; what changed by it."""
        known = self._marks.get(process, {})
        gone = dict.fromkeys(known.keys() - marks.keys()) if whole else {}
        self._ends[process] = now + lasts
        return self._change(process, {**gone, **marks})

    def forget(self, *, now: float, but: str) -> list[Change]:
        """Let go of processes that were not heard of in time, never of our own."""
        late = [process for process, ends in self._ends.items() if ends <= now and process != but]
        changes = [change for one in late for change in self._change(one, dict.fromkeys(self._marks.get(one, {})))]
        for process in late:
            self._marks.pop(process, None)
            del self._ends[process]
        return changes

    def _change(self, process: str, marks: Mapping[str, Mark | None]) -> list[Change]:
        old = self._marks.get(process, {})
        touched = [mark for key, new in marks.items() for mark in (old.get(key), new) if mark and old.get(key) != new]
        before = self._look(touched)
        for key, mark in marks.items():
            self._put(process, key, mark)
        after = self._look(touched)
        return [change for change, was in zip(after, before, strict=True) if change != was]

    def _look(self, touched: Iterable[Mark]) -> list[Change]:
        """How everything stands now that these marks speak of, each thing once."""
        agents = {mark.agent_id: mark for mark in touched}
        conversations = {one: mark for mark in touched for one in mark.conversations()}
        seen = [
            Change(mark.agent_id, mark.name, presence=self.presence_of(agent_id)) for agent_id, mark in agents.items()
        ]
        return seen + [
            Change(mark.agent_id, mark.name, conversation_id=one, viewers=self.viewers_of(one))
            for one, mark in conversations.items()
        ]

    def _put(self, process: str, key: str, mark: Mark | None) -> None:
        marks = self._marks.setdefault(process, {})
        place = process, key
        if old := marks.pop(key, None):
            _take(self._of_agent, old.agent_id, place)
            for one in old.conversations():
                _take(self._of_conversation, one, place)
        if mark is not None:
            marks[key] = mark
            self._of_agent.setdefault(mark.agent_id, {})[place] = mark
            for one in mark.conversations():
                self._of_conversation.setdefault(one, {})[place] = mark


def _take(index: dict[Key, dict[Place, Mark]], key: Key, place: Place) -> None:
    index[key].pop(place, None)
    if not index[key]:
        del index[key]
