"""The fields of a conversation that a query may name, each with its SQL condition over `conversation c`. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args
from uuid import UUID

from channels.contract import Medium
from channels.events import AddressKind
from inbox.contacts.matching import match_key, normalise_address
from inbox.conversations.thread import Handler, Level, Status
from inbox.kit.ids import UnknownId, read_id
from inbox.kit.query import (
    Field,
    Given,
    Query,
    Term,
    Value,
    check_query,
    choose_from,
    look_for_words,
    match_attribute,
    match_values,
    measure_moment,
    measure_number,
    parse_query,
    refuse_value,
)
from inbox.kit.query.words import show_tsquery

STATUSES = {status: f"c.status = '{status}'" for status in get_args(Status)}
STATES = STATUSES | {
    "unread": "c.unread > 0",
    "read": "c.unread = 0",
    "assigned": "c.assignee_id IS NOT NULL",
    "unassigned": "c.assignee_id IS NULL",
    "waiting": "c.waiting_since IS NOT NULL",
}
ENTRY_OF = "EXISTS (SELECT FROM entry e WHERE e.conversation_id = c.id AND {})"
HOLDINGS = {
    "attachment": "EXISTS (SELECT FROM entry e JOIN attachment f ON f.entry_id = e.id WHERE e.conversation_id = c.id)",
    "note": ENTRY_OF.format("e.type = 'note'"),
    "call": ENTRY_OF.format("e.type = 'call'"),
    "failed": ENTRY_OF.format("e.delivery_state IN ('failed', 'undelivered')"),
    "subject": "c.subject IS NOT NULL",
    "tag": "c.tags <> '{}'",
}
LEVELS = {level: f"c.priority->>'level' = '{level}'" for level in get_args(Level)}
HANDLERS = {handler: f"c.handler = '{handler}'" for handler in get_args(Handler)}
ADDRESS_KINDS: tuple[AddressKind, ...] = get_args(AddressKind)
ME, NOBODY = "me", "none"
BY_MAIL = "c.assignee_id IN (SELECT a.id FROM agent a WHERE lower(a.email) = lower({}))"
BY_NAME = "c.assignee_id IN (SELECT a.id FROM agent a WHERE lower(a.name) = lower({}))"

# Looked for within the conversation: right for words that many have, where a few steps through the list find a page.
# `e.seq <= c.last_seq` always holds; it keeps the planner from gathering all entries with the word beforehand.
WITHIN = """(EXISTS (SELECT FROM entry e WHERE e.conversation_id = c.id AND e.seq <= c.last_seq AND e.search @@ {words})
 OR (c.subject IS NOT NULL AND search_vector(c.subject) @@ {words})
 OR EXISTS (SELECT FROM contact p WHERE p.id = c.contact_id AND p.name IS NOT NULL AND search_vector(p.name) @@ {words})
 OR EXISTS (SELECT FROM identity i WHERE i.contact_id = c.contact_id AND search_vector(i.address) @@ {words}))"""

# Right for words that few have: they were found beforehand.
GATHERED = "c.id = ANY({})"


def read_conversation_query(text: str, *, pointer: str = "?q") -> Query:
    """A query that can be asked of conversations, or the problem `invalid_query`: all that is checked at saving one."""
    return check_query(parse_query(text, pointer=pointer), FIELDS)


def show_words(value: Value, query: Query) -> str | None:
    """What finds these words, as a tsquery; None where there is nothing in them to look for."""
    return show_tsquery(value.text, prefix=is_unfinished(value, query))


def is_unfinished(value: Value, query: Query) -> bool:
    """Whether the word ends the query, so that it may still be being typed and its beginning is enough."""
    return not value.quoted and value.offset + value.length == len(query.text)


def fields_gathering(found: Mapping[int, Sequence[UUID]]) -> Mapping[str, Field]:
    """The fields, where the conversations with the words at these offsets of the query are known."""

    def condition(value: Value, given: Given) -> str:
        if value.offset in found:
            return GATHERED.format(given.bind(found[value.offset], "uuid[]"))
        return _look_within(value, given)

    return {**FIELDS, "": look_for_words(condition)}


def _look_within(value: Value, given: Given) -> str:
    words = show_words(value, given.query)
    return WITHIN.format(words=given.bind(words, "tsquery")) if words else "false"


def _subject_condition(value: Value, given: Given) -> str:
    words = show_words(value, given.query)
    sql = "c.subject IS NOT NULL AND search_vector(c.subject) @@ {}"
    return sql.format(given.bind(words, "tsquery")) if words else "false"


def is_about_me(term: Term) -> bool:
    """Whether it depends on who asks."""
    return term.field is not None and term.field.text.lower() == "assignee" and ME in (v.text for v in term.values)


def _assignee_condition(term: Term, given: Given) -> str:
    """By the word for oneself or nobody, by id, by mail address, else by name."""
    return f"({' OR '.join(_one_assignee(value, given) for value in term.values)})"


def _one_assignee(value: Value, given: Given) -> str:
    text = value.text
    if text == NOBODY:
        return "c.assignee_id IS NULL"
    if text == ME:
        if given.me is None:
            raise refuse_value(value, "`me` needs an API key that is bound to an agent", pointer=given.pointer)
        return f"c.assignee_id = {given.bind(given.me, 'uuid')}"
    if text.startswith("agt_"):
        return f"c.assignee_id = {given.bind(_identity(value, given), 'uuid')}"
    return (BY_MAIL if "@" in text else BY_NAME).format(given.bind(text, "text"))


def _channel_condition(term: Term, given: Given) -> str:
    """Media that were used, or channels of ours that are answered by."""
    return f"({' OR '.join(_one_channel(value, given) for value in term.values)})"


def _one_channel(value: Value, given: Given) -> str:
    if value.text.startswith("cha_"):
        return f"c.reply_channel_id = {given.bind(_identity(value, given), 'uuid')}"
    medium = value.text.lower()
    if medium not in get_args(Medium):
        detail = "a channel is one of the media, or the id of a channel of ours, cha_…"
        raise refuse_value(value, detail, pointer=given.pointer, allowed=get_args(Medium))
    return f"c.media @> ARRAY[{given.bind(medium, 'text')}]"


def _contact_condition(term: Term, given: Given) -> str:
    """By id, else by words of the name."""
    return f"({' OR '.join(_one_contact(value, given) for value in term.values)})"


def _one_contact(value: Value, given: Given) -> str:
    if value.text.startswith("ctc_"):
        return f"c.contact_id = {given.bind(_identity(value, given), 'uuid')}"
    words = show_words(value, given.query)
    sql = "c.contact_id IN (SELECT p.id FROM contact p WHERE p.name IS NOT NULL AND search_vector(p.name) @@ {})"
    return sql.format(given.bind(words, "tsquery")) if words else "false"


def _identity(value: Value, given: Given) -> object:
    prefix = value.text[:3]
    try:
        return read_id(prefix, value.text)  # type: ignore[arg-type]  # one of ours, the caller has looked
    except UnknownId as error:
        raise refuse_value(value, f"this is no id: {error}", pointer=given.pointer) from None


def _from_condition(term: Term, given: Given) -> str:
    """Whose contact has one of these addresses, in whatever kind of address they can be read."""
    spelled = [(kind, value.text) for value in term.values for kind in ADDRESS_KINDS]
    kinds, keys = zip(*((kind, _match_key(kind, text)) for kind, text in spelled), strict=True)
    sql = (
        "c.contact_id IN (SELECT i.contact_id FROM identity i "
        "JOIN unnest({}, {}) AS wanted(kind, match_key) USING (kind, match_key))"
    )
    return sql.format(given.bind(kinds, "text[]"), given.bind(keys, "text[]"))


def _match_key(kind: AddressKind, text: str) -> str:
    try:
        return match_key(kind, normalise_address(kind, text, default_country=None))
    except ValueError:
        return text


def _refuse_team(term: Term, given: Given) -> str:
    assert term.field is not None  # noqa: S101  (a field's condition is only made for its field)
    raise refuse_value(term.field, "there are no teams yet", pointer=given.pointer)


FIELDS: Mapping[str, Field] = {
    "": look_for_words(_look_within),
    "is": choose_from(STATES),
    "status": choose_from(STATUSES),
    "has": choose_from(HOLDINGS),
    "priority": choose_from(LEVELS),
    "handler": choose_from(HANDLERS),
    "assignee": Field(_assignee_condition),
    "team": Field(_refuse_team, hidden=True),
    "tag": match_values("c.tags && {}"),
    "channel": Field(_channel_condition),
    "contact": Field(_contact_condition),
    "from": Field(_from_condition),
    "language": match_values("lower(c.language) = ANY({})", read=str.lower),
    "subject": look_for_words(_subject_condition),
    "number": measure_number("c.number"),
    "created": measure_moment("c.created_at"),
    "updated": measure_moment("c.updated_at"),
    "after": measure_moment("c.updated_at", default=">="),
    "before": measure_moment("c.updated_at", default="<"),
    "attr.": match_attribute("c.attributes->>{} = ANY({})"),
}
