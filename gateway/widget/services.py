"""What visitors ask for besides messages: to be reached by mail, to rate, to end, to go on elsewhere, to be told."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from litestar import Controller, delete, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from channels.egress import EgressRefused
from channels.errors import SendFailed
from gateway.widget.desk import WidgetDesk
from gateway.widget.linking import resume_link_url
from gateway.widget.records import mail_record
from gateway.widget.visitor_auth import VisitorCaller
from inbox.contacts.matching import normalise_address
from inbox.conversations.actions.change import set_status
from inbox.conversations.entry import Author
from inbox.conversations.thread import contact_author
from inbox.kit.callers import Actor
from inbox.kit.clock import utc_now
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import ENTRY, read_id
from inbox.outbox.actions import enqueue_jobs
from inbox.outbox.jobs import MailResumeLink, NewJob
from inbox.visitors.links.actions import make_resume_link
from inbox.visitors.mail.actions import keep_email
from inbox.visitors.mail.mailing import mailbox_of
from inbox.visitors.mail.queries import find_mailbox
from inbox.visitors.push.actions import drop_subscription, keep_subscription
from inbox.visitors.push.subscription import PushSubscription, check_subscription
from inbox.visitors.queries import find_standing
from inbox.visitors.ratings.actions import keep_rating
from inbox.visitors.ratings.rating import Comment, Score
from inbox.visitors.visitor import Standing

REFUSABLE = {"problems": ["validation_failed", "not_found", "state_conflict"]}
MAILED = {"problems": ["validation_failed", "quota_exceeded", "state_conflict", "channel_cannot"]}
MailText: TypeAlias = Annotated[str, msgspec.Meta(max_length=254, examples=["ana@example.org"])]


class GivenRating(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How it was, 1 to 5: the answer to the question of an entry."""

    entry_id: Annotated[str, msgspec.Meta(max_length=40)]
    rating: Score
    comment: Comment | None = None


class LeftEmail(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Where answers may go while the visitor is away."""

    email: MailText


class KeptEmail(msgspec.Struct, kw_only=True, frozen=True):
    """It is kept; whether anybody else has it is not said."""

    state: Literal["kept"] = "kept"


class AskedTranscript(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A transcript; `email` counts where no address of the visitor is known."""

    email: MailText | None = None


class AskedLink(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A link to this chat on another device, by mail where `email` is given."""

    email: MailText | None = None


class ResumeLinkObject(msgspec.Struct, kw_only=True, frozen=True):
    """The link; null where it was mailed. It works once, and its token stands behind the `#`."""

    url: Annotated[str | None, msgspec.Meta(examples=["https://chat.example/widget/v1/frame?channel=cha_…#resume=…"])]


class ServiceController(Controller):
    """What visitors of a web chat ask for: their session, their conversation, and what comes in it."""

    tags = ("Web chat",)

    @post("/email", opt=REFUSABLE, status_code=200, operation_id="leaveVisitorEmail", summary="Leave a mail address")
    async def leave_visitor_email(
        self,
        *,
        visitor: NamedDependency[VisitorCaller],
        data: JSONBody[LeftEmail],
        widget_desk: NamedDependency[WidgetDesk],
    ) -> KeptEmail:
        """Answers that are not seen in the chat go there. Nothing is proven by it, and nobody is merged."""
        standing = await find_standing(visitor.visitor)
        await keep_email(
            visitor.visitor.id,
            standing.contact_id,
            _address(data.email),
            conversation_id=standing.conversation_id,
        )
        widget_desk.sessions.forget(visitor.session.id)
        return KeptEmail()

    @post("/csat", opt=REFUSABLE, status_code=204, operation_id="rateConversation", summary="Rate how it was")
    async def rate_conversation(self, visitor: NamedDependency[VisitorCaller], data: JSONBody[GivenRating]) -> None:
        """Once; for some hours it can be changed by sending it again."""
        standing = await find_standing(visitor.visitor)
        if standing.contact_id is None:
            raise Problem("not_found", "Nobody asked you that")
        await keep_rating(
            read_id(ENTRY, data.entry_id),
            identity_ids=standing.identity_ids,
            author=_author(visitor, standing),
            score=data.rating,
            comment=(data.comment or "").strip() or None,
            rules=visitor.settings.csat,
            now=utc_now(),
        )

    @post("/end", opt=REFUSABLE, status_code=204, operation_id="endConversation", summary="End the conversation")
    async def end_conversation(self, visitor: NamedDependency[VisitorCaller]) -> None:
        """It is closed in the visitor's name; what they write later opens it again, or opens another."""
        standing = await find_standing(visitor.visitor)
        if standing.conversation_id is None:
            return
        author = _author(visitor, standing)
        actor = Actor(type="contact", id=author.id, name=author.name)
        await set_status(standing.conversation_id, "closed", actor=actor, now=utc_now(), reason="the visitor ended it")

    @post("/transcript", opt=MAILED, status_code=202, operation_id="mailVisitorTranscript", summary="Mail a transcript")
    async def mail_visitor_transcript(
        self,
        *,
        visitor: NamedDependency[VisitorCaller],
        data: JSONBody[AskedTranscript],
        widget_desk: NamedDependency[WidgetDesk],
    ) -> None:
        """What the visitor sees of their conversation, to the address we know of them."""
        if not visitor.settings.transcripts:
            raise Problem("channel_cannot", "This chat sends no transcripts")
        known = visitor.visitor.proven_email or visitor.visitor.email or data.email
        if not known:
            raise _wrong_mail("An address is needed: none is known")
        await widget_desk.spend_mail(visitor)
        await mail_record(widget_desk.runtime, visitor, _address(known), now=utc_now())

    @post("/resume-link", opt=MAILED, status_code=200, operation_id="makeResumeLink", summary="Go on elsewhere")
    async def make_resume_link(
        self,
        *,
        visitor: NamedDependency[VisitorCaller],
        data: JSONBody[AskedLink],
        widget_desk: NamedDependency[WidgetDesk],
    ) -> ResumeLinkObject:
        """The same visitor on another device: whoever has the link, once. It proves nothing to anybody."""
        address = _address(data.email) if data.email else None
        if address:
            if await find_mailbox(mailbox_of(visitor.settings.continue_by_mail)) is None:
                raise Problem("channel_cannot", "No mail can be sent there", hint="Leave out `email` to get the link")
            await widget_desk.spend_mail(visitor)
        link = await make_resume_link(visitor.visitor, hours=visitor.settings.resume_link_hours, now=utc_now())
        if address is None:
            return ResumeLinkObject(url=resume_link_url(widget_desk.runtime, link))
        await enqueue_jobs([NewJob(job=MailResumeLink(link_id=link.id, address=address), key=f"link:{link.id}")])
        return ResumeLinkObject(url=None)

    @post("/push-subscription", opt=REFUSABLE, status_code=204, operation_id="subscribeVisitorPush",
          summary="Be told while the chat is closed")  # fmt: skip
    async def subscribe_visitor_push(
        self,
        *,
        visitor: NamedDependency[VisitorCaller],
        data: JSONBody[PushSubscription],
        widget_desk: NamedDependency[WidgetDesk],
    ) -> None:
        """The browser's own subscription. We tell it when somebody writes and no page of the visitor is open."""
        check_subscription(data)
        try:
            await widget_desk.runtime.http.check_egress(data.endpoint)
        except (EgressRefused, SendFailed) as refused:
            raise _wrong("/endpoint", "We cannot reach a push service there") from refused
        await keep_subscription(data, session_id=visitor.session.id, visitor_id=visitor.visitor.id)

    @delete("/push-subscription", opt=REFUSABLE, status_code=204, operation_id="unsubscribeVisitorPush",
            summary="Be told no more")  # fmt: skip
    async def unsubscribe_visitor_push(
        self, visitor: NamedDependency[VisitorCaller], data: JSONBody[PushSubscription]
    ) -> None:
        """Unsubscribing what is not subscribed changes nothing."""
        await drop_subscription(data.endpoint, visitor_id=visitor.visitor.id)


def _author(visitor: VisitorCaller, standing: Standing) -> Author:
    if standing.contact_id is None:
        raise Problem("not_found", "There is no conversation yet")
    known = visitor.visitor
    return contact_author(
        standing.contact_id, name=standing.contact_name or known.name, address=known.address, verified=known.verified
    )


def _address(text: str) -> str:
    try:
        return normalise_address("email", text, default_country=None)
    except ValueError as wrong:
        raise _wrong_mail(str(wrong)) from wrong


def _wrong_mail(detail: str) -> Problem:
    return _wrong("/email", detail)


def _wrong(pointer: str, detail: str) -> Problem:
    return Problem("validation_failed", detail, errors=[FieldError(pointer=pointer, code="wrong_value", detail=detail)])
