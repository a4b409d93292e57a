"""A believable example of any type, for the published description: given where somebody gave one, else made. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import NODEFAULT, UNSET, inspect

MOMENT = "2026-11-21T09:14:03.120Z"
ID_BODY = "019aa5c1d2e37f4f8a6b9c0d1e2f3a4b"

# What things are called in `object` and before `_id`, and how their ids begin.
PREFIXES = {
    "agent": "agt", "api_key": "key", "attachment": "att", "assignee": "agt", "channel": "cha", "contact": "ctc",
    "conversation": "cnv", "entry": "ent", "event": "evt", "identity": "idn", "job": "job", "message": "msg",
    "delivery": "msg", "repair": "rpr", "unsettled_message": "ent", "in_reply_to": "ent", "webhook": "whk",
    "webhook_delivery": "whd",
    "draft": "dft", "scheduled_message": "sch", "scheduled": "sch", "canned_reply": "crp", "reply": "crp",
    "import": "imp", "export": "exp", "erasure": "ers",
    "conversation_move": "mov", "move": "mov", "audit_event": "aud",
    "contact_merge": "mrg", "company": "cmp", "attribute": "atr", "segment": "seg", "view": "viw", "hit": "ent",
    "participant": "ptc", "session": "ses", "invitation": "inv", "csat_rating": "csr",
    "contact_visitor": "vis", "visitor": "vis",
    "viewer": "agt", "agent_presence": "agt", "agent_availability": "agt",
}  # fmt: skip

# Fields that mean the same wherever they stand.
WORDS: dict[str, Any] = {
    "name": "Ana Ruiz",
    "email": "ana@example.org",
    "address": "+34600111222",
    "language": "es",
    "text": "It says delivered, but nothing came",
    "prefix": "sk_Zk3vQ8",
    "secret": "sk_Zk3vQ8yT1mWc5nXr7pLd9fHg2jKb4sVaE6uIo0CqYtA",
    "next_cursor": None,
    "has_more": False,
    "version": 1,
    "expires_at": "2036-01-01T00:00:00.000Z",
    "tag": "vip",
    "tags": ["vip"],
    "subject": "Order 8841 late",
    "preview": "It says delivered, but nothing came",
    "shortcut": "/refund",
    "media_type": "image/jpeg",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "url": "https://switchboard.example/v1/attachments/att_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b",
    "request_id": "3f1c0b9e7d5a4c2b8e6f",
    "cursor": "000000001a2f",
}


def make_example(kind: Any) -> Any:
    """An example of a type as JSON would hold it."""
    return _of(inspect.type_info(kind), name="", owner="")


def _of(info: inspect.Type, *, name: str, owner: str) -> Any:
    if isinstance(info, inspect.Metadata):
        given = (info.extra_json_schema or {}).get("examples")
        return given[0] if given else _of(info.type, name=name, owner=owner)
    if isinstance(info, inspect.StructType):
        return _of_struct(info)
    if isinstance(info, inspect.UnionType):
        return _of(_chosen(info), name=name, owner=owner)
    known = _by_name(name, owner)
    if known is not UNSET and _fits(known, info):
        return known
    return MAKERS.get(type(info), _nothing)(info)


def _of_struct(info: inspect.StructType) -> dict[str, Any]:
    made = {info.tag_field: info.tag} if info.tag_field else {}
    owner = next((_literal(field.type) for field in info.fields if field.name == "object"), "")
    for field in info.fields:
        if field.default is UNSET and made:
            continue
        made[field.encode_name] = _of_field(field, owner=owner or info.cls.__name__.removesuffix("Object").lower())
    return made


def _of_field(field: inspect.Field, *, owner: str) -> Any:
    """A default says more than a made value, unless it says nothing: null, or an empty string, list or object."""
    default = field.default if field.default is not NODEFAULT else None
    if default is not None and default is not UNSET and default not in ("", [], {}, ()):
        return msgspec.to_builtins(default)
    if field.default is None and _by_name(field.encode_name, owner) is UNSET and not _has_example(field.type):
        return None
    return _of(field.type, name=field.encode_name, owner=owner)


def _has_example(info: inspect.Type) -> bool:
    if isinstance(info, inspect.UnionType):
        return any(_has_example(inner) for inner in info.types)
    return isinstance(info, inspect.Metadata) and bool((info.extra_json_schema or {}).get("examples"))


def _literal(info: inspect.Type) -> str:
    return str(info.values[0]) if isinstance(info, inspect.LiteralType) else ""


def _chosen(info: inspect.UnionType) -> inspect.Type:
    return next(inner for inner in info.types if not isinstance(inner, inspect.NoneType))


def _by_name(name: str, owner: str) -> Any:
    if name == "id" and owner in PREFIXES:
        return f"{PREFIXES[owner]}_{ID_BODY}"
    if name.removesuffix("_id") in PREFIXES and (name.endswith("_id") or name == "in_reply_to"):
        return f"{PREFIXES[name.removesuffix('_id')]}_{ID_BODY}"
    if name not in WORDS and (name.endswith(("_at", "_since", "_until")) or name in {"until", "timestamp"}):
        return MOMENT
    return WORDS.get(name, UNSET)


def _fits(value: Any, info: inspect.Type) -> bool:
    return type(value) in FITTING.get(type(info), ())


def _nothing(_: inspect.Type) -> None:
    return None


FITTING: dict[type, tuple[type, ...]] = {
    inspect.StrType: (str,),
    inspect.IntType: (int,),
    inspect.BoolType: (bool,),
    inspect.DateTimeType: (str,),
    inspect.ListType: (list,),
    inspect.VarTupleType: (list,),
}

MAKERS: dict[type, Callable[[Any], Any]] = {
    inspect.StrType: lambda info: "text"[: info.max_length].ljust(info.min_length or 0, "x"),
    inspect.IntType: lambda info: info.ge if info.ge is not None else 1,
    inspect.FloatType: lambda info: float(info.ge if info.ge is not None else 1),
    inspect.BoolType: lambda _: True,
    inspect.DateTimeType: lambda _: MOMENT,
    inspect.UUIDType: lambda _: "019aa5c1-d2e3-7f4f-8a6b-9c0d1e2f3a4b",
    inspect.LiteralType: lambda info: info.values[0],
    inspect.ListType: lambda info: [_of(info.item_type, name="", owner="")],
    inspect.SetType: lambda info: [_of(info.item_type, name="", owner="")],
    inspect.FrozenSetType: lambda info: [_of(info.item_type, name="", owner="")],
    inspect.VarTupleType: lambda info: [_of(info.item_type, name="", owner="")],
    inspect.TupleType: lambda info: [_of(item, name="", owner="") for item in info.item_types],
    inspect.DictType: lambda info: {},
    inspect.AnyType: lambda _: {},
}
