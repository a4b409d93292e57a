"""What a client says on its socket, frame by frame, and what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from secrets import token_hex
from typing import Any
from uuid import UUID

import msgspec
import structlog

from gateway.following import Wanted
from gateway.live.attendance import Mark
from gateway.live.broadcast import Broadcast
from gateway.live.bus import TYPING_SECONDS, LiveBus, LiveEvent, LiveEventType
from gateway.live.frames import (
    BAD_FRAME,
    CURSOR_EXPIRED,
    SUBSCRIPTIONS,
    Ack,
    Authenticate,
    Ping,
    Pong,
    Presence,
    ProblemFrame,
    Reset,
    Resume,
    Subscribe,
    Subscribed,
    Typing,
    Unsubscribe,
    Viewing,
    read_frame,
)
from gateway.live.socket import LiveSocket
from gateway.metrics import LIVE_FRAMES_REFUSED
from gateway.problems import explain_error
from inbox.conversations.api.authors import speaking_agent
from inbox.conversations.api.feed import open_cursor
from inbox.conversations.queries import conversation_exists
from inbox.conversations.search import find_matching, read_conversation_query
from inbox.feed.events import read_cursor, show_cursor
from inbox.feed.queries import feed_head
from inbox.kit.callers import Caller, Scope
from inbox.kit.errors import Code, Problem
from inbox.kit.ids import CONVERSATION, read_id

log = structlog.get_logger()

BAD_FRAMES = 20
"""After so many frames that are none, the client does not speak this protocol."""


class Session:
    """One client that was let in, and what it has said of itself."""

    def __init__(self, socket: LiveSocket, broadcast: Broadcast, bus: LiveBus) -> None:
        self.socket = socket
        self.bus = bus
        self._broadcast = broadcast
        self._key = token_hex(8)
        self._subscriptions: dict[str, Wanted] = {}
        self._mark = Mark(agent_id=socket.caller.actor.id or "", name=socket.caller.actor.name)
        self._composed: asyncio.TimerHandle | None = None
        self._checked: UUID | None = None
        self._bad_frames = 0
        # Whether a person has done something since this was last set to False; pings and the like come by themselves.
        self.acted = False

    async def hear(self, text: str | None) -> None:
        """One frame; what is wrong with it is answered, and the socket goes on."""
        try:
            frame = _read(text)
            await HANDLERS[type(frame)](self, frame)
        except Exception as error:  # noqa: BLE001 (all that a request would be answered with a problem for)
            self._refuse(error)

    def leave(self) -> None:
        """The socket is gone."""
        if self._composed is not None:
            self._composed.cancel()
        self.socket.leave()
        self.bus.depart(self._key)

    async def resume(self, frame: Resume) -> None:
        """Go on where a socket before was cut off, or hear that this is not possible."""
        if self._subscriptions:
            raise Problem("state_conflict", "resume comes before the first subscribe")
        try:
            self.socket.cursor = self.socket.told = await open_cursor(frame.cursor)
        except Problem as problem:
            head = show_cursor((await feed_head()).cursor)
            self.socket.say(Reset(code=problem.code, cursor=head))
            self.socket.end(CURSOR_EXPIRED, problem.code)

    async def subscribe(self, frame: Subscribe) -> None:
        """Be told of something."""
        if frame.id not in self._subscriptions and len(self._subscriptions) >= SUBSCRIPTIONS:
            raise Problem("quota_exceeded", f"a socket has {SUBSCRIPTIONS} subscriptions at most")
        self._subscriptions[frame.id] = await _read_wish(frame, self.socket.caller)
        self.socket.say(Subscribed(id=frame.id))
        self._plan()

    async def unsubscribe(self, frame: Unsubscribe) -> None:
        """Be told no more of it."""
        if self._subscriptions.pop(frame.id, None) is None:
            raise Problem("not_found", "there is no such subscription")
        self._plan()

    async def type(self, frame: Typing) -> None:
        """Tell who else is there, and the contact."""
        conversation_id = await self._conversation(frame.conversation_id, "conversations:write")
        kind: LiveEventType = "typing.started" if frame.typing else "typing.stopped"
        visible = not frame.internal
        await self.bus.tell(LiveEvent(kind, conversation_id, self.socket.caller.actor, visible_to_contact=visible))
        self.acted = True
        if self.socket.caller.actor.type == "agent":
            self._compose(conversation_id if frame.typing else None)

    async def view(self, frame: Viewing) -> None:
        """Be seen at a conversation, or at none."""
        self._expect_agent()
        named = frame.conversation_id
        viewing = await self._conversation(named, "conversations:read") if named is not None else None
        self._note(viewing=viewing)
        self.acted = True

    async def be_present(self, frame: Presence) -> None:
        """Be there, or away."""
        self._expect_agent()
        self._note(presence=frame.state)
        self.acted = frame.state == "online"

    async def acknowledge(self, frame: Ack) -> None:
        """Note up to where the client has taken everything in."""
        cursor = _cursor(frame.cursor)
        if cursor > self.socket.cursor:
            raise Problem("invalid_cursor", "nothing was told up to there yet")
        self.socket.acknowledged = cursor

    async def answer(self, _: Ping) -> None:
        """Be there."""
        self.socket.say(Pong())

    async def authenticate_again(self, _: Authenticate) -> None:
        """It was let in already."""
        raise Problem("state_conflict", "this socket was let in already")

    def _plan(self) -> None:
        self.socket.follow(self._broadcast.plan_of(tuple(self._subscriptions.items())))

    def _compose(self, conversation_id: UUID | None) -> None:
        """Who writes is seen at it, until they stop, or for as long as they say so."""
        if self._composed is not None:
            self._composed.cancel()
            self._composed = None
        if conversation_id is not None:
            self._composed = asyncio.get_running_loop().call_later(TYPING_SECONDS, self._compose, None)
        self._note(composing=conversation_id)

    def _note(self, **said: Any) -> None:
        mark = msgspec.structs.replace(self._mark, **said)
        if mark != self._mark:
            self._mark = mark
            self.bus.attend(self._key, mark)

    async def _conversation(self, text: str, scope: Scope) -> UUID:
        if not self.socket.caller.may(scope):
            raise Problem("scope_missing", f"this needs the scope {scope}")
        found = read_id(CONVERSATION, text)
        if found != self._checked and not await conversation_exists(found):
            raise Problem("not_found", "there is no such conversation")
        self._checked = found
        return found

    def _expect_agent(self) -> None:
        if self.socket.caller.actor.type != "agent":
            raise Problem("state_conflict", "this key is not bound to an agent")

    def _refuse(self, error: Exception) -> None:
        problem = explain_error(error)
        LIVE_FRAMES_REFUSED.labels(problem.code).inc()
        if problem.code == "internal":
            log.error("frame_failed", exc_info=error)
        about = error.about if isinstance(error, Refused) else None
        self.socket.say(ProblemFrame(code=problem.code, detail=problem.detail, id=about, errors=problem.errors))
        if problem.code == "malformed_json":
            self._bad_frames += 1
            if self._bad_frames >= BAD_FRAMES:
                self.socket.end(BAD_FRAME, "not this protocol")


class Refused(Problem):
    """A subscription that was refused, with its name."""

    def __init__(self, problem: Problem, *, about: str) -> None:
        super().__init__(problem.code, problem.detail, errors=problem.errors, hint=problem.hint)
        self.about = about


def _read(text: str | None) -> Any:
    if text is None:
        raise Problem("malformed_json", "frames are text")
    try:
        return read_frame(text)
    except msgspec.ValidationError as error:
        raise Problem("validation_failed", str(error)) from error
    except msgspec.DecodeError as error:
        raise Problem("malformed_json", str(error)) from error


async def _read_wish(frame: Subscribe, caller: Caller) -> Wanted:
    try:
        conversation_id = read_id(CONVERSATION, frame.conversation_id) if frame.conversation_id else None
        query, me = None, None
        if frame.q:
            query, me = read_conversation_query(frame.q, pointer="/q"), await speaking_agent(caller, frame.agent)
            await find_matching(query, [], me=me)  # refused now where it asks for `me` and nobody is
    except Exception as error:
        raise Refused(explain_error(error), about=frame.id) from error
    return Wanted(frozenset(frame.types) if frame.types else None, conversation_id, query, me)


def _cursor(text: str) -> int:
    try:
        return read_cursor(text)
    except ValueError as error:
        code: Code = "invalid_cursor"
        raise Problem(code, str(error)) from error


HANDLERS: dict[Any, Callable[[Session, Any], Awaitable[None]]] = {
    Authenticate: Session.authenticate_again,
    Resume: Session.resume,
    Subscribe: Session.subscribe,
    Unsubscribe: Session.unsubscribe,
    Typing: Session.type,
    Viewing: Session.view,
    Presence: Session.be_present,
    Ack: Session.acknowledge,
    Ping: Session.answer,
}
