"""Links to set a password, over HTTP: asked for, and used; by who was invited, and by who has forgotten theirs."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

import msgspec
from litestar import Controller, Request, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from gateway.settings import Settings
from gateway.signin.api import ChosenPassword, address_of
from gateway.signin.forgery import check_signin_page
from gateway.signin.letters import link_url
from gateway.signin.limits import SigninLimits
from gateway.signin.mailing import place_of
from gateway.signin.words import Locale, choose_locale
from inbox.kit.callers import Actor, Caller
from inbox.kit.clock import show_time
from inbox.kit.db import tx
from inbox.kit.errors import Problem
from inbox.kit.ids import AGENT, INVITATION, read_id, show_id
from inbox.kit.secrets import SecretBox
from inbox.outbox.actions import enqueue_jobs
from inbox.outbox.jobs import MailSigninLink, NewJob
from inbox.staff.api import AgentObject, Email, show_agent
from inbox.staff.invitations.actions import Purpose, find_link, make_link, use_link
from inbox.staff.passwords.actions import prepare_password, store_password
from inbox.staff.queries import find_agent

LinkUrl = Annotated[
    str,
    msgspec.Meta(
        examples=["https://switchboard.example/console/invitation#9fHg2jKb4sVaE6uIo0CqYtZk3vQ8yT1mWc5nXr7pLdA"]
    ),
]
LinkToken = Annotated[str, msgspec.Meta(max_length=1000, examples=["9fHg2jKb4sVaE6uIo0CqYtZk3vQ8yT1mWc5nXr7pLdA"])]
USED = {
    "public": True, "transaction": "own",
    "problems": ["token_invalid", "quota_exceeded", "origin_not_allowed", "overloaded"],
}  # fmt: skip


class InvitationObject(msgspec.Struct, kw_only=True, frozen=True):
    """A link by which an agent sets their first password, or a new one, once.

    `url` is null where it goes by mail: then only the agent has it.
    """

    object: Literal["invitation"] = "invitation"
    id: str
    agent_id: str
    url: LinkUrl | None
    expires_at: str


class NewInvitation(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How the agent gets their link: by mail to their address, or from who asks for it.

    The mail is in the language of `locale`; without one in that of who asks, by their Accept-Language.
    """

    by_mail: bool = False
    locale: Locale | None = None


class PasswordResetRequest(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Who has forgotten their password."""

    email: Email


class ChosenByLink(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What stands behind # in the link, and the password there shall be."""

    token: LinkToken
    password: ChosenPassword


class AcceptedReset(msgspec.Struct, kw_only=True, frozen=True):
    """It was heard; whether there is such an agent is not told."""

    object: Literal["accepted_password_reset"] = "accepted_password_reset"


class InvitingController(Controller):
    """Agents: those who answer, and what they may do when they sign in."""

    path = "/agents"
    tags = ("Agents",)

    @post(
        "/{agent_id:str}/invitations",
        opt={"scope": "admin", "problems": ["not_found"]},
        operation_id="createInvitation",
        summary="Invite an agent to sign in",
    )
    async def create_invitation(
        self,
        *,
        request: Request[Any, Any, Any],
        caller: NamedDependency[Caller],
        agent_id: FromPath[str],
        data: JSONBody[NewInvitation],
        settings: NamedDependency[Settings],
        secret_box: NamedDependency[SecretBox],
    ) -> InvitationObject:
        """Make a link by which this agent sets a password; the one made before opens nothing any more."""
        agent = await find_agent(read_id(AGENT, agent_id))
        lasts = timedelta(hours=settings.invitation_hours)
        link = await make_link(agent.id, "invitation", lasts=lasts, actor=caller.actor)
        if data.by_mail:
            sealed = secret_box.seal(link.token.encode(), bound_to=place_of(link.id))
            locale = data.locale or locale_of(request)
            await ask_for_mail(
                MailSigninLink(email=agent.email, purpose="invitation", locale=locale, link_id=link.id, sealed=sealed)
            )
        return InvitationObject(
            id=show_id(INVITATION, link.id),
            agent_id=agent_id,
            url=None if data.by_mail else link_url(settings.public_url, "invitation", token=link.token),
            expires_at=show_time(link.expires_at),
        )


class InvitationController(Controller):
    """Signed-in browsers, and how agents sign in."""

    path = "/invitations"
    tags = ("Sessions",)

    @post("/accept", status_code=200, opt=USED, operation_id="acceptInvitation", summary="Accept an invitation")
    async def accept_invitation(
        self,
        *,
        request: Request[Any, Any, Any],
        data: JSONBody[ChosenByLink],
        settings: NamedDependency[Settings],
        signin_limits: NamedDependency[SigninLimits],
    ) -> AgentObject:
        """Set the password of who was invited, and use the link up; then sign in with `POST /v1/session`."""
        check_signin_page(request.scope, settings)
        return await set_by_link(request, data, purpose="invitation", limits=signin_limits)


class PasswordResetController(Controller):
    """Signed-in browsers, and how agents sign in."""

    path = "/password-resets"
    tags = ("Sessions",)

    @post(
        "/",
        status_code=202,
        opt={"public": True, "problems": ["quota_exceeded", "origin_not_allowed"]},
        operation_id="requestPasswordReset",
        summary="Ask for a new password",
        response_description="Heard; the link goes by mail to who has a password here",
    )
    async def request_password_reset(
        self,
        *,
        request: Request[Any, Any, Any],
        data: JSONBody[PasswordResetRequest],
        settings: NamedDependency[Settings],
        signin_limits: NamedDependency[SigninLimits],
    ) -> AcceptedReset:
        """Mail a link to whose address this is. Whether anybody's, is told neither by the answer nor by its time.

        Asked for again and again, some mails are left out: the last link that was mailed is good.
        """
        check_signin_page(request.scope, settings)
        await signin_limits.take_link(address_of(request))
        if await signin_limits.takes_mail(data.email):
            await ask_for_mail(MailSigninLink(email=data.email, purpose="reset", locale=locale_of(request)))
        return AcceptedReset()

    @post("/complete", status_code=200, opt=USED, operation_id="resetPassword", summary="Set a new password")
    async def reset_password(
        self,
        *,
        request: Request[Any, Any, Any],
        data: JSONBody[ChosenByLink],
        settings: NamedDependency[Settings],
        signin_limits: NamedDependency[SigninLimits],
    ) -> AgentObject:
        """Set a password by the link that was mailed, and use it up. All sessions of the agent end."""
        check_signin_page(request.scope, settings)
        return await set_by_link(request, data, purpose="reset", limits=signin_limits)


async def ask_for_mail(job: MailSigninLink) -> None:
    """Have a link mailed once the open transaction has committed."""
    await enqueue_jobs([NewJob(job=job, key=f"signin {job.email.lower()}")])


def locale_of(request: Request[Any, Any, Any]) -> Locale:
    """The language of who asks, as their browser says it."""
    return choose_locale(request.headers.get("accept-language"))


async def set_by_link(
    request: Request[Any, Any, Any], chosen: ChosenByLink, *, purpose: Purpose, limits: SigninLimits
) -> AgentObject:
    """Use a link up and set the password, or neither. Only what opens nothing counts as a try."""
    address = address_of(request)
    await limits.take_link(address)
    agent = await find_agent(await find_link(chosen.token, purpose))
    try:
        prepared = await prepare_password(agent.id, chosen.password)
    except Problem:
        limits.use_link(address)  # the link was good, the password too weak
        raise
    actor = Actor(type="agent", id=show_id(AGENT, agent.id), name=agent.name)
    async with tx():
        await use_link(chosen.token, purpose)
        await store_password(agent.id, prepared, actor=actor)
    limits.use_link(address)
    return show_agent(agent)
