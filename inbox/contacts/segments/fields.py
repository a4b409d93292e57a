"""The fields of a contact that a query may name, each with its SQL condition over `contact c`. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import get_args

import msgspec

from channels.contract import Medium
from channels.events import AddressKind
from inbox.contacts.matching import match_key, normalise_address
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
    match_values,
    measure_moment,
    parse_query,
    refuse_value,
)
from inbox.kit.query.words import show_tsquery

DIGITS = re.compile(r"\+?[0-9]{3,}")
"""What may be a part of a telephone number."""
KINDS: tuple[AddressKind, ...] = get_args(AddressKind)

IDENTITY_OF = "EXISTS (SELECT FROM identity i WHERE i.contact_id = c.id AND {})"
CONVERSATION_OF = "EXISTS (SELECT FROM conversation v WHERE v.contact_id = c.id AND {})"
LAST_SEEN = "(SELECT max(v.last_inbound_at) FROM conversation v WHERE v.contact_id = c.id)"
# The newest line for a purpose and a channel counts, as everywhere.
OPTED_OUT = IDENTITY_OF.format(
    "EXISTS (SELECT FROM (SELECT DISTINCT ON (n.purpose, n.channel_id) n.state FROM consent n "
    "WHERE n.identity_id = i.id ORDER BY n.purpose, n.channel_id, n.id DESC) newest WHERE newest.state = 'revoked')"
)

STATES = {
    "blocked": "c.blocked_at IS NOT NULL",
    "opted_out": OPTED_OUT,
    "proven": IDENTITY_OF.format("i.proof <> 'none'"),
    "merged": "EXISTS (SELECT FROM contact_merge m WHERE m.into_id = c.id AND m.undone_at IS NULL)",
    "open": CONVERSATION_OF.format("v.status <> 'closed'"),
    "waiting": CONVERSATION_OF.format("v.waiting_since IS NOT NULL"),
}
HOLDINGS: dict[str, str] = {
    **{str(kind): IDENTITY_OF.format(f"i.kind = '{kind}'") for kind in KINDS},
    "address": IDENTITY_OF.format("true"),
    "name": "c.name IS NOT NULL",
    "language": "c.language IS NOT NULL",
    "company": "c.company_id IS NOT NULL",
    "conversation": CONVERSATION_OF.format("true"),
    "external": "c.external <> '{}'",
}
ADDRESSED = """c.id IN (SELECT i.contact_id FROM identity i
 JOIN unnest({}, {}) AS wanted(kind, match_key) USING (kind, match_key))"""
EMPLOYED = "c.company_id IN (SELECT y.id FROM company y WHERE lower(y.name) = lower({}))"
WORDS = """((c.name IS NOT NULL AND search_vector(c.name) @@ {words})
 OR EXISTS (SELECT FROM identity i WHERE i.contact_id = c.id AND search_vector(i.address) @@ {words}))"""


def read_contact_query(text: str, *, pointer: str = "?q") -> Query:
    """A query that can be asked of contacts, or the problem `invalid_query`: all that is checked at saving one."""
    return check_query(parse_query(text, pointer=pointer), FIELDS)


def _words_condition(value: Value, given: Given) -> str:
    """By the words of name and addresses, the last of which may go on; digits also within a number."""
    at_end = value.offset + value.length == len(given.query.text)
    words = show_tsquery(value.text, prefix=at_end and not value.quoted)
    found = [WORDS.format(words=given.bind(words, "tsquery"))] if words else []
    if DIGITS.fullmatch(value.text):
        digits = given.bind(value.text.removeprefix("+"), "text")
        found.append(IDENTITY_OF.format(f"strpos(i.match_key, {digits}) > 0"))
    return f"({' OR '.join(found)})" if found else "false"


def _name_condition(value: Value, given: Given) -> str:
    return f"strpos(lower(c.name), lower({given.bind(value.text, 'text')})) > 0"


def _address_condition(*kinds: AddressKind) -> Field:
    """Whoever has one of these addresses, in any spelling and of any of the kinds."""

    def condition(term: Term, given: Given) -> str:
        asked = [(kind, _match_key(kind, value.text)) for value in term.values for kind in kinds]
        kinds_bound = given.bind([kind for kind, _ in asked], "text[]")
        return ADDRESSED.format(kinds_bound, given.bind([key for _, key in asked], "text[]"))

    return Field(condition)


def _match_key(kind: AddressKind, text: str) -> str:
    try:
        return match_key(kind, normalise_address(kind, text, default_country=None))
    except ValueError:
        return text


def _domain_condition(value: Value, given: Given) -> str:
    """Mail addresses of a domain, itself and not those below it."""
    return IDENTITY_OF.format(
        f"i.kind = 'email' AND split_part(i.match_key, '@', -1) = lower({given.bind(value.text, 'text')})"
    )


def _company_condition(value: Value, given: Given) -> str:
    """By id, else by the whole name."""
    if value.text.startswith("cmp_"):
        return f"c.company_id = {given.bind(_identity(value, given), 'uuid')}"
    return EMPLOYED.format(given.bind(value.text, "text"))


def _identity(value: Value, given: Given) -> object:
    try:
        return read_id("cmp", value.text)
    except UnknownId as error:
        raise refuse_value(value, f"this is no id: {error}", pointer=given.pointer) from None


def _contains(column: str, *, typed: bool) -> Field:
    """Members of free JSON by their value; each spelling it may have there is a containment, which the index finds."""

    def condition(term: Term, given: Given) -> str:
        name = term.field.text.partition(".")[2] if term.field else ""
        spellings = [one for value in term.values for one in _spellings(value.text, typed=typed)]
        members = [given.bind(msgspec.json.encode({name: one}).decode(), "jsonb") for one in spellings]
        return f"({' OR '.join(f'{column} @> {member}' for member in members)})"

    return Field(condition)


def _spellings(text: str, *, typed: bool) -> list[object]:
    """A text as JSON may hold it: a string, one of a list, and the number or boolean it reads as."""
    if not typed:
        return [text]
    try:
        plain = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        plain = None
    return [text, [text], *([plain] if isinstance(plain, bool | int | float) else [])]


FIELDS: Mapping[str, Field] = {
    "": look_for_words(_words_condition),
    "is": choose_from(STATES),
    "has": choose_from(HOLDINGS),
    "name": look_for_words(_name_condition),
    "email": _address_condition("email"),
    "phone": _address_condition("phone"),
    "address": _address_condition(*KINDS),
    "domain": look_for_words(_domain_condition),
    "company": look_for_words(_company_condition),
    "language": match_values("lower(c.language) = ANY({})", read=str.lower),
    "tag": match_values(CONVERSATION_OF.format("v.tags && {}")),
    "channel": match_values(CONVERSATION_OF.format("v.media && {}"), read=str.lower, allowed=get_args(Medium)),
    "created": measure_moment("c.created_at"),
    "updated": measure_moment("c.updated_at"),
    "after": measure_moment("c.created_at", default=">="),
    "before": measure_moment("c.created_at", default="<"),
    "seen": measure_moment(LAST_SEEN),
    "attr.": _contains("c.attributes", typed=True),
    "external.": _contains("c.external", typed=False),
}
