"""The form before a conversation, at the door: nobody begins without the answers it needs."""

from __future__ import annotations

from collections.abc import Sequence

from channels.parts import AnyPart
from gateway.widget.visitor_auth import VisitorCaller
from inbox.kit.db import tx
from inbox.visitors.actions import describe_visitor
from inbox.visitors.prechat.profile import find_pre_chat, needs_answers, pre_chat_form, read_profile, refuse_unasked
from inbox.visitors.queries import find_visitor


async def take_pre_chat(caller: VisitorCaller, parts: Sequence[AnyPart]) -> None:
    """Keep what the visitor says of themselves; the `validation_failed` problem for a beginning without it.

    Whoever has written before has begun: only then, and with answers at hand, the database is asked.
    """
    form = pre_chat_form(caller.settings.pre_chat)
    if form is None:
        return
    reply = find_pre_chat(parts)
    if reply is not None:
        async with tx():
            await describe_visitor(caller.visitor, read_profile(form, reply))
    elif needs_answers(form) and caller.visitor.wrote_at is None:
        now = await find_visitor(caller.visitor.id)  # the session that is remembered may be older than their message
        if now is None or now.wrote_at is None:
            raise refuse_unasked(form)
