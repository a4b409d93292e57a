"""Sessions of visitors: begun, gone on with, proven, ended."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from litestar import Controller, Request, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from gateway.directory import LiveChannel
from gateway.widget.chats import find_chat
from gateway.widget.desk import WidgetDesk
from gateway.widget.door import admit_visitor, client_address
from gateway.widget.examples import IDENTIFICATION_EXAMPLE, NEW_SESSION_EXAMPLE, SESSION_EXAMPLE
from gateway.widget.origins import refuse_origin
from gateway.widget.proof import Decided, decide_identity, may_stay
from gateway.widget.reading import show_session
from gateway.widget.shapes import Identification, NewVisitorSession, VisitorProfile, VisitorSessionObject
from gateway.widget.visitor_auth import VisitorCaller
from inbox.contacts.actions import update_contact
from inbox.contacts.contact import ContactChange
from inbox.kit.callers import SYSTEM
from inbox.kit.clock import utc_now
from inbox.kit.errors import Problem
from inbox.kit.ids import read_id
from inbox.visitors.actions import (
    carry_on,
    describe_visitor,
    hand_over_session,
    meet_stranger,
    meet_user,
    open_session,
    revoke_session,
)
from inbox.visitors.links.actions import open_link
from inbox.visitors.proving import join_contact
from inbox.visitors.queries import find_standing, find_visitor
from inbox.visitors.visitor import Browser, Profile, Visitor, VisitorSession

AGENT_CHARS = 300
OPEN = {
    "public": True,
    "request_example": NEW_SESSION_EXAMPLE,
    "example": SESSION_EXAMPLE,
    "problems": [
        "validation_failed",
        "identity_required",
        "origin_not_allowed",
        "quota_exceeded",
        "token_expired",
        "not_found",
    ],
}
IDENTIFY = {
    "unproven": True,
    "problems": ["validation_failed", "identity_required"],
    "request_example": IDENTIFICATION_EXAMPLE,
    "example": {**SESSION_EXAMPLE, "token": None},
}
LEAVE = {"unproven": True}


class SessionController(Controller):
    """What visitors of a web chat ask for: their session, their conversation, and what comes in it."""

    tags = ("Web chat",)

    @post("/sessions", opt=OPEN, operation_id="beginVisitorSession", summary="Begin or go on with a session")
    async def begin_visitor_session(
        self,
        *,
        request: Request[Any, Any, Any],
        data: JSONBody[NewVisitorSession],
        widget_desk: NamedDependency[WidgetDesk],
    ) -> VisitorSessionObject:
        """Who the visitor is, is decided here. With the token of a session that one goes on, and `token` is null."""
        desk = widget_desk
        channel, settings = await find_chat(desk.runtime.directory, read_id("cha", data.channel_id))
        refuse_origin(request.headers, settings, public_url=desk.runtime.settings.public_url, needed=True)
        address = client_address(desk, request.scope)
        await desk.spend_session(address)
        browser = _browser_of(desk, request, data, address=address)
        now = utc_now()
        if "authorization" in request.headers:
            caller = await admit_visitor(desk, request.scope, request.headers)
            return await _go_on(desk, caller, data, channel=channel, browser=browser, now=now)
        decided = decide_identity(desk.runtime, channel, settings, claimed=data.identity, now=now)
        visitor = await _meet(desk, channel, decided, data=data, browser=browser, now=now)
        opened = await open_session(visitor, lasts=_lasts(desk), now=now)
        return await show_session(opened.session, visitor, token=opened.token)

    @post("/identify", opt=IDENTIFY, status_code=200, operation_id="identifyVisitor", summary="Say who the visitor is")
    async def identify_visitor(
        self,
        *,
        visitor: NamedDependency[VisitorCaller],
        data: JSONBody[Identification],
        widget_desk: NamedDependency[WidgetDesk],
    ) -> VisitorSessionObject:
        """A proof makes the session that of the user, and what was written before goes with it."""
        now = utc_now()
        session, known = visitor.session, visitor.visitor
        if data.identity is not None:
            session, known = await _identify(widget_desk, visitor, data, now=now)
        if data.profile is not None:
            known = await _describe(known, _profile_of(data.profile))
        widget_desk.sessions.forget(session.id)
        return await show_session(session, known, token=None)

    @post("/logout", opt=LEAVE, status_code=204, operation_id="endVisitorSession", summary="End a session")
    async def end_visitor_session(
        self, visitor: NamedDependency[VisitorCaller], widget_desk: NamedDependency[WidgetDesk]
    ) -> None:
        """Its token opens nothing more, its streams close; the browser begins anew, as somebody nobody knows."""
        await revoke_session(visitor.session.id, now=utc_now())
        widget_desk.sessions.forget(visitor.session.id)


async def _go_on(
    desk: WidgetDesk,
    caller: VisitorCaller,
    data: NewVisitorSession,
    *,
    channel: LiveChannel,
    browser: Browser,
    now: datetime,
) -> VisitorSessionObject:
    """The same session; a proof in it is taken as by `identify`, and a link makes it that of the link's visitor."""
    if caller.channel.id != channel.id:
        raise Problem("unauthenticated", "this session is of another chat", hint="Begin a new one.")
    session, visitor = caller.session, caller.visitor
    if data.identity is not None:
        session, visitor = await _identify(desk, caller, Identification(identity=data.identity), now=now)
    elif resumed := await _resume(desk, channel, data, now=now):
        session, visitor = await hand_over_session(session, resumed), resumed
    if not may_stay(caller.settings.verification, verified=visitor.verified):
        raise Problem("identity_required", "this chat is for users who are logged in by now")
    session = await carry_on(session, browser, lasts=_lasts(desk), now=now)
    desk.sessions.forget(session.id)
    return await show_session(session, visitor, token=None)


async def _meet(
    desk: WidgetDesk,
    channel: LiveChannel,
    decided: Decided,
    *,
    data: NewVisitorSession,
    browser: Browser,
    now: datetime,
) -> Visitor:
    """The visitor of a new session: the proven user, whoever's link was opened, or somebody nobody knows."""
    if decided.proof is not None:
        visitor = await meet_user(channel.id, decided.proof, browser, now=now)
        await join_contact(visitor, decided.proof, now=now)
        return visitor
    resumed = await _resume(desk, channel, data, now=now)
    return resumed or await meet_stranger(channel.id, decided.profile, browser, now=now)


async def _resume(desk: WidgetDesk, channel: LiveChannel, data: NewVisitorSession, *, now: datetime) -> Visitor | None:
    """Whoever made the link that is opened, if there is one."""
    if data.resume_link is None:
        return None
    return await find_visitor(await open_link(desk.runtime.box, data.resume_link, channel.id, now=now))


async def _identify(
    desk: WidgetDesk, caller: VisitorCaller, data: Identification, *, now: datetime
) -> tuple[VisitorSession, Visitor]:
    """The session, and whose it is after this claim; where it proves nothing, whose it was."""
    decided = decide_identity(desk.runtime, caller.channel, caller.settings, claimed=data.identity, now=now)
    if decided.proof is None:
        return caller.session, await _describe(caller.visitor, decided.profile)
    user = await meet_user(caller.channel.id, decided.proof, Browser(locale=caller.visitor.locale), now=now)
    await join_contact(caller.visitor, decided.proof, now=now)
    if user.id == caller.visitor.id:
        return caller.session, user
    return await hand_over_session(caller.session, user), user


async def _describe(visitor: Visitor, profile: Profile) -> Visitor:
    """Keep what is said; a contact whose name nobody knows gets the one they say."""
    if profile == Profile():
        return visitor
    described = await describe_visitor(visitor, profile)
    standing = await find_standing(described)
    if profile.name and standing.contact_id is not None and standing.contact_name is None:
        await update_contact(standing.contact_id, ContactChange(name=profile.name), actor=SYSTEM)
    return described


def _browser_of(desk: WidgetDesk, request: Request[Any, Any, Any], data: NewVisitorSession, *, address: str) -> Browser:
    agent = "".join(char for char in request.headers.get("user-agent", "") if char.isprintable())[:AGENT_CHARS]
    return Browser(
        locale=data.locale or None,
        user_agent=agent or None,
        address_hash=desk.runtime.box.keyed_hash(address, "visitor address"),
        page=data.page,
    )


def _profile_of(said: VisitorProfile) -> Profile:
    return Profile(
        name=said.name or None,
        email=said.email or None,
        phone=said.phone or None,
        attributes={name: value for name, value in said.attributes.items() if value is not None},
    )


def _lasts(desk: WidgetDesk) -> timedelta:
    return timedelta(days=desk.runtime.settings.visitor_session_days)
