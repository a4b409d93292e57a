"""Twilio's message list: its filters, its page tokens. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Annotated
from urllib.parse import parse_qsl, urlencode

import msgspec

from channels.simulators.ledger import Message
from channels.simulators.twilio.refusals import TwilioRefusal
from channels.simulators.twilio.resources import MessageResource, show_twilio_message

DEFAULT_PAGE_SIZE = 50
LARGEST_PAGE_SIZE = 1000
AFTER, BEFORE = "PA", "PB"  # page tokens: the prefix and the sid they continue from


class ListMessages(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The query of `GET Messages.json`. `DateSent<` and `DateSent>` include the time they name."""

    to: str = msgspec.field(default="", name="To")
    sender: str = msgspec.field(default="", name="From")
    sent_on: str = msgspec.field(default="", name="DateSent")
    sent_until: str = msgspec.field(default="", name="DateSent<")
    sent_since: str = msgspec.field(default="", name="DateSent>")
    page_size: Annotated[int, msgspec.Meta(ge=1)] = msgspec.field(default=DEFAULT_PAGE_SIZE, name="PageSize")
    page: Annotated[int, msgspec.Meta(ge=0)] = msgspec.field(default=0, name="Page")
    token: str = msgspec.field(default="", name="PageToken")


class MessagePage(msgspec.Struct, kw_only=True, frozen=True):
    """One page of messages, newest first."""

    messages: list[MessageResource]
    page: int
    page_size: int
    start: int
    end: int
    uri: str
    first_page_uri: str
    next_page_uri: str | None
    previous_page_uri: str | None


def read_list_query(query: str) -> ListMessages:
    """The typed query, or a refusal with code 20001 that names the field."""
    try:
        return msgspec.convert(dict(parse_qsl(query, keep_blank_values=True)), ListMessages, strict=False)
    except msgspec.ValidationError as error:
        raise TwilioRefusal(20001, str(error)) from error


def page_twilio_messages(path: str, query: ListMessages, messages: Sequence[Message]) -> MessagePage:
    """The asked page of these messages, which come oldest first."""
    size = min(query.page_size, LARGEST_PAGE_SIZE)
    found = [message for message in reversed(messages) if _matches(message, query)]
    start = _start_of_page(query, size, [message.sid for message in found])
    shown = found[start : start + size]
    before = start > 0 and bool(shown)
    after = start + size < len(found)
    return MessagePage(
        messages=[show_twilio_message(message) for message in shown],
        page=query.page,
        page_size=size,
        start=start,
        end=max(start + len(shown) - 1, 0),
        uri=_page_uri(path, query, page=query.page, token=query.token),
        first_page_uri=_page_uri(path, query, page=0, token=""),
        next_page_uri=_page_uri(path, query, page=query.page + 1, token=AFTER + shown[-1].sid) if after else None,
        previous_page_uri=(
            _page_uri(path, query, page=max(query.page - 1, 0), token=BEFORE + shown[0].sid) if before else None
        ),
    )


def _matches(message: Message, query: ListMessages) -> bool:
    if (query.to and message.to != query.to) or (query.sender and message.sender != query.sender):
        return False
    asked = ((query.sent_on, _same_time), (query.sent_until, _not_later), (query.sent_since, _not_earlier))
    return all(_holds(message.sent, bound, fits=fits) for bound, fits in asked if bound)


def _holds(sent: datetime | None, bound: str, *, fits: Callable[[date, date], bool]) -> bool:
    if sent is None:
        return False
    at_second = sent.replace(microsecond=0)
    limit = _read_time(bound)
    return fits(at_second if isinstance(limit, datetime) else at_second.date(), limit)


def _same_time(sent: date, bound: date) -> bool:
    return sent == bound


def _not_later(sent: date, bound: date) -> bool:
    return sent <= bound


def _not_earlier(sent: date, bound: date) -> bool:
    return sent >= bound


def _read_time(text: str) -> date:
    """A day, or a time in GMT where the text says no other zone."""
    try:
        if len(text) == len("2023-08-24"):
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise TwilioRefusal(20001, f"DateSent {text}") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _start_of_page(query: ListMessages, size: int, sids: Sequence[str]) -> int:
    prefix, sid = query.token[: len(AFTER)], query.token[len(AFTER) :]
    if not query.token:
        return 0
    if prefix not in (AFTER, BEFORE) or sid not in sids:
        raise TwilioRefusal(20001, f"PageToken {query.token}")
    at = sids.index(sid)
    return at + 1 if prefix == AFTER else max(at - size, 0)


def _page_uri(path: str, query: ListMessages, *, page: int, token: str) -> str:
    filters = msgspec.to_builtins(msgspec.structs.replace(query, page_size=DEFAULT_PAGE_SIZE, page=0, token=""))
    place = {"PageSize": query.page_size, "Page": page} | ({"PageToken": token} if token else {})
    return f"{path}?{urlencode(filters | place)}"
