"""What the author of an adapter tells the kit: how the provider behaves, in the provider's own terms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import msgspec

from channels.captures import read_capture
from channels.contract import Account, Adapter, ChannelSettings, RawEvent, WebhookRequest
from channels.errors import FailureCode, SendFailed
from channels.events import Address, AnyEvent
from channels.http import Http
from channels.kit.provider import Answer, SeenRequest

RECEIVED_AT = datetime(2026, 11, 21, 14, 32, tzinfo=UTC)
CAPTURES = {".http", ".json", ".eml"}


class SeenMessage(msgspec.Struct, kw_only=True, frozen=True):
    """One message as the provider understood it from our request: to whom, which words, which files by their URLs."""

    to: str
    text: str
    files: list[str] = []


class Refusal(msgspec.Struct, kw_only=True, frozen=True):
    """One way the provider refuses a message, and the SendFailed it must become; `after` in seconds."""

    name: str
    answer: Answer
    becomes: type[SendFailed]
    code: FailureCode | None = None
    after: float | None = None


@dataclass(frozen=True, kw_only=True)
class Subject:
    """An adapter and its provider.

    `samples` is a folder of captured requests (channels/captures.py) and, in `expected/`, the events each becomes.
    `account` is the channel they belong to, its provider's API at the given URL; `stranger` the same channel with
    other secrets. `sign` does to a request what the provider does. `accept` is how the provider takes a message over,
    with the id it gives; `understand`, what it reads in our request. `receipts` are the samples that tell of one
    message, in the order in which it happens. `foreign` are unsigned requests that name another account,
    `unknown`, ones the provider does not document. `replay_seconds` is how old a signed request may be; None where the
    provider signs no time, and `sign_late` signs as if this many seconds ago. `signs` says what a signature covers:
    "url", "body", or a "token" of its own alone; nothing where a secret in a header is all there is.
    Samples that `age` bear the time of their signature: they are signed anew, and vectors have to prove the guard.
    """

    make: Callable[[Http], Adapter]
    samples: Path
    account: Callable[[str], Account]
    stranger: Callable[[str], Account]
    sign: Callable[[Account, WebhookRequest], WebhookRequest]
    accept: Callable[[SeenRequest], tuple[Answer, str]]
    understand: Callable[[SeenRequest], SeenMessage]
    recipient: Address
    refusals: Sequence[Refusal]
    receipts: Sequence[str]
    unknown: Sequence[RawEvent]
    foreign: Sequence[WebhookRequest] = ()
    sample_account: Callable[[str], Account] | None = None
    signs: frozenset[str] = frozenset({"url", "body"})
    replay_seconds: float | None = None
    sign_late: Callable[[Account, WebhookRequest, float], WebhookRequest] | None = None
    ages: bool = False

    @cached_property
    def idle(self) -> Adapter:
        """The adapter, for work that sends nothing."""
        return self.make(Http())

    @cached_property
    def sample_names(self) -> list[str]:
        """The names of the captured requests."""
        return sorted(path.name for path in self.samples.iterdir() if path.suffix in CAPTURES)

    def read_sample(self, name: str) -> RawEvent:
        """A captured request; one that `ages` is signed anew."""
        raw = read_capture(name, (self.samples / name).read_bytes(), received_at=RECEIVED_AT)
        if not self.ages:
            return raw
        signed = self.sign(self.account_of(name), raw)
        return msgspec.structs.replace(raw, headers=signed.headers, body=signed.body, url=signed.url)

    def read_expected(self, name: str) -> list[AnyEvent]:
        """The events a captured request becomes."""
        file = self.samples / "expected" / f"{name.rpartition('.')[0]}.json"
        return msgspec.json.decode(file.read_bytes(), type=list[AnyEvent])

    def account_of(self, name: str) -> Account:
        """The channel a captured request belongs to; nothing is sent by it."""
        return (self.sample_account or (lambda _: self.account(NOWHERE)))(name)


class Subjected:
    """The root of all checks; the class that inherits them names its subject."""

    subject: ClassVar[Subject]


NOWHERE = "http://127.0.0.1:9"
"""A provider nobody should speak to: discard's port."""


def list_secrets(settings: ChannelSettings) -> list[str]:
    """The values of the settings typed `Secret`."""
    found = msgspec.inspect.type_info(type(settings))
    fields = found.fields if isinstance(found, msgspec.inspect.StructType) else ()
    values = (getattr(settings, field.name) for field in fields if _is_secret(field.type))
    return [value for value in values if value]


def _is_secret(info: msgspec.inspect.Type) -> bool:
    if isinstance(info, msgspec.inspect.UnionType):
        return any(_is_secret(one) for one in info.types)
    return isinstance(info, msgspec.inspect.Metadata) and bool((info.extra_json_schema or {}).get("writeOnly"))
