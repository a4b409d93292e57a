"""Checks of `parse`: facts with stable keys, nothing dropped, and no other exception than the declared one."""

from __future__ import annotations

from itertools import permutations

import msgspec
import pytest

from channels.contract import Adapter, RawEvent
from channels.errors import Malformed
from channels.events import AnyEvent, DeliveryReported, MessageReceived
from channels.kit.examples import GARBAGE
from channels.kit.subject import NOWHERE, RECEIVED_AT, Subjected
from channels.parts import Unsupported, plain_text

FAILED = {"failed", "undelivered", "expired"}
MOST_RECEIPTS = 5
"""Of these every order is tried; of more, as many orders as of these."""


class ReadingChecks(Subjected):
    """The reader of an adapter."""

    @property
    def adapter(self) -> Adapter:
        """The adapter, for work that sends nothing."""
        return self.subject.idle

    def read(self, name: str) -> list[AnyEvent]:
        """What a sample becomes."""
        return self.adapter.parse(self.subject.account_of(name), self.subject.read_sample(name))

    def test_a_sample_becomes_what_is_written_down_for_it(self, sample: str) -> None:
        """Each captured request gives exactly its expected events."""
        assert self.read(sample) == self.subject.read_expected(sample)

    def test_the_same_told_twice_has_the_same_keys(self, sample: str) -> None:
        """A provider's repeats and a replay of the journal are recognised; within one request the keys differ."""
        keys = [event.key for event in self.read(sample)]
        assert keys == [event.key for event in self.read(sample)]
        assert len(set(keys)) == len(keys)
        assert all(keys)

    def test_every_text_can_be_stored(self, sample: str) -> None:
        """No NUL and no lone surrogate is left: Postgres and JSON take neither (security.md T47)."""
        for event in self.read(sample):
            assert "\\u0000" not in msgspec.json.encode(event).decode()

    def test_messages_have_words(self, sample: str) -> None:
        """Every message has a plain fallback: whoever shows nothing else shows that."""
        received = [event for event in self.read(sample) if isinstance(event, MessageReceived)]
        assert all(event.parts and plain_text(event.parts) for event in received)

    def test_garbage_is_malformed(self) -> None:
        """A body nobody documents is Malformed or a message; never another exception, never a hole in the lane."""
        account = self.subject.account(NOWHERE)
        kinds = {self.subject.read_sample(name).kind for name in self.subject.sample_names}
        samples = {self.subject.read_sample(name).kind: self.subject.read_sample(name) for name in
                   self.subject.sample_names}  # fmt: skip
        for kind in kinds:
            for body in GARBAGE:
                raw = msgspec.structs.replace(samples[kind], body=body)
                try:
                    self.adapter.parse(account, raw)
                except Malformed as error:
                    assert str(error)

    def test_an_unknown_kind_is_malformed(self) -> None:
        """A request of a kind the adapter does not declare is put aside, not guessed at."""
        request = self.subject.read_sample(self.subject.sample_names[0])
        with pytest.raises(Malformed):
            self.adapter.parse(self.subject.account(NOWHERE), msgspec.structs.replace(request, kind="nobody-knows"))

    def test_unknown_events_are_put_aside_or_kept(self) -> None:
        """What the provider does not document is Malformed, or a message with words for it; never dropped silently."""
        assert self.subject.unknown, "name at least one request the provider does not document"
        for raw in self.subject.unknown:
            assert self._is_kept(raw), f"{raw.body[:80]!r} vanished"

    def test_receipts_tell_the_same_in_any_order(self) -> None:
        """Each receipt stands for itself: whatever came before or after, it gives the same event with its own key."""
        names = list(self.subject.receipts)[:MOST_RECEIPTS]
        alone = {name: self.read(name) for name in names}
        for order in permutations(names):
            assert {name: self.read(name) for name in order} == alone
        reports = [event for told in alone.values() for event in told if isinstance(event, DeliveryReported)]
        assert len({report.key for report in reports}) == len(reports) == len(names)

    def test_the_declared_reports_come(self) -> None:
        """`delivery_reports` and `read_reports` are true: samples of them exist, and only failures carry an error."""
        reports = [event for name in self.subject.sample_names for event in self.read(name)]
        told = [event for event in reports if isinstance(event, DeliveryReported)]
        limits = self.adapter.limits
        assert limits.delivery_reports == any(report.state == "delivered" for report in told)
        assert not limits.read_reports or any(report.state == "read" for report in told)
        assert all((report.error is not None) == (report.state in FAILED) for report in told)

    def _is_kept(self, raw: RawEvent) -> bool:
        try:
            told = self.adapter.parse(self.subject.account(NOWHERE), raw)
        except Malformed:
            return True
        parts = [part for event in told if isinstance(event, MessageReceived) for part in event.parts]
        return any(isinstance(part, Unsupported) and part.fallback for part in parts)


def make_raw(kind: str, url: str, body: bytes, *, headers: dict[str, str]) -> RawEvent:
    """A request as the journal keeps it, for a subject's `unknown` and `foreign`."""
    return RawEvent(kind=kind, method="POST", url=url, headers=headers, body=body, received_at=RECEIVED_AT)
