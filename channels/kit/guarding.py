"""Checks of `verify`: what the provider signed passes, and nothing else, whatever a stranger sends."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from channels.contract import Account, Hooked, RawEvent, WebhookRequest
from channels.errors import Forged
from channels.kit.examples import GARBAGE, ODD_VALUES
from channels.kit.subject import NOWHERE, Subjected, list_secrets

SHORTEST_TELLING = 6
"""Texts shorter than this appear in any sentence by chance."""


class GuardChecks(Subjected):
    """The guard of a webhook channel."""

    @property
    def guard(self) -> Hooked:
        """The adapter as the door sees it."""
        adapter = self.subject.idle
        assert isinstance(adapter, Hooked), "an adapter with webhooks has verify, kinds, retries, body_limit, accepted"
        return adapter

    def test_the_webhooks_are_declared(self) -> None:
        """The kinds of webhook are named, their bodies bounded, and the answer when all is well is a success."""
        assert self.guard.kinds
        assert self.guard.body_limit > 0
        assert 200 <= self.guard.accepted.status < 300
        kinds = {self.subject.read_sample(name).kind for name in self.subject.sample_names}
        assert kinds == set(self.guard.kinds), "every kind of webhook has a sample, and every sample a kind"

    def test_what_the_provider_signed_passes(self, sample: str) -> None:
        """A captured request is the provider's."""
        self.guard.verify(self.subject.account_of(sample), self.subject.read_sample(sample))

    def test_a_changed_request_is_forged(self, sample: str) -> None:
        """Another body, another URL, no signature: whatever the signature covers cannot be changed."""
        request, account = self.subject.read_sample(sample), self.subject.account_of(sample)
        for changed in self._changes(request):
            with pytest.raises(Forged):
                self.guard.verify(account, changed)

    def test_another_secret_is_forged(self, sample: str) -> None:
        """A channel with other secrets takes nothing of this one's."""
        with pytest.raises(Forged):
            self.guard.verify(self.subject.stranger(NOWHERE), self.subject.read_sample(sample))

    def test_no_header_breaks_the_guard(self, sample: str) -> None:
        """Whatever stands in a header, missing, empty, foreign, enormous, the answer is yes or Forged."""
        request, account = self.subject.read_sample(sample), self.subject.account_of(sample)
        for name in request.headers:
            verdicts = [self._passes(account, _with_header(request, name, odd)) for odd in (*ODD_VALUES, None)]
            assert len(set(verdicts)) == 1, f"some value of {name} passes in the place of the right one"
        assert not self._passes(account, msgspec.structs.replace(request, headers={}))

    def test_no_body_breaks_the_guard(self) -> None:
        """Whatever the body is, unsigned it is Forged, and no other exception."""
        account = self.subject.account(NOWHERE)
        request = self.subject.read_sample(self.subject.sample_names[0])
        for body in GARBAGE:
            assert not self._passes(account, self._unsigned(msgspec.structs.replace(request, body=body)))

    def test_the_refusal_tells_nothing(self, sample: str) -> None:
        """A stranger learns neither the right signature nor a secret, nor is the body repeated."""
        account = self.subject.account_of(sample)
        request = self.subject.read_sample(sample)
        forged = self._unsigned(msgspec.structs.replace(request, body=request.body + b"1", url=request.url + "1"))
        signed = self.subject.sign(account, forged)
        told = self._refusal(account, forged)
        hidden = {*list_secrets(account.settings), *signed.headers.values(), request.body.decode("utf-8", "replace")}
        assert not [text for text in hidden if len(text) >= SHORTEST_TELLING and text in told]

    def test_what_we_sign_is_what_the_provider_signs(self, sample: str) -> None:
        """The subject's `sign` makes requests that pass: what the other checks prove, they prove of the real thing."""
        account = self.subject.account_of(sample)
        signed = self.subject.sign(account, self.subject.read_sample(sample))
        self.guard.verify(account, signed)

    def test_another_accounts_events_are_forged(self) -> None:
        """Rightly signed, and about somebody else's account: it is not for this channel (security.md T10)."""
        account = self.subject.account(NOWHERE)
        for request in self.subject.foreign:
            assert not self._passes(account, self.subject.sign(account, request))

    def test_a_stale_request_is_forged(self) -> None:
        """Where the provider signs a time, an old request is refused; where it signs none, the keys are the guard."""
        limit, sign_late = self.subject.replay_seconds, self.subject.sign_late
        account = self.subject.account(NOWHERE)
        request = self.subject.read_sample(self.subject.sample_names[0])
        assert (limit is None) == (sign_late is None), "replay_seconds and sign_late belong together"
        if limit is None or sign_late is None:
            first, again = (self.subject.idle.parse(account, request) for _ in range(2))
            assert [event.key for event in first] == [event.key for event in again]
            return
        assert self._passes(account, sign_late(account, request, limit / 2))
        assert not self._passes(account, sign_late(account, request, limit * 2))

    def _unsigned(self, request: RawEvent) -> RawEvent:
        """A changed request; one that is known by no signature over what was changed, without its headers."""
        covered = self.subject.signs & {"url", "body"}
        return request if covered else msgspec.structs.replace(request, headers={})

    def _passes(self, account: Account, request: WebhookRequest) -> bool:
        try:
            self.guard.verify(account, request)
        except Forged:
            return False
        return True

    def _refusal(self, account: Account, request: WebhookRequest) -> str:
        with pytest.raises(Forged) as refused:
            self.guard.verify(account, request)
        return f"{refused.value!s} {refused.value!r}"

    def _changes(self, request: RawEvent) -> Iterator[RawEvent]:
        yield msgspec.structs.replace(request, headers={})
        if "body" in self.subject.signs and request.body:
            middle = len(request.body) // 2
            yield msgspec.structs.replace(request, body=request.body + b"1")
            yield msgspec.structs.replace(request, body=request.body[:-1])
            yield msgspec.structs.replace(request, body=request.body[:middle] + b"0" + request.body[middle:])
        if "url" in self.subject.signs:
            yield msgspec.structs.replace(request, url=request.url + ("&" if "?" in request.url else "?") + "more=1")
            yield msgspec.structs.replace(request, url=request.url.replace("https://", "https://evil."))


def _with_header(request: RawEvent, name: str, value: str | None) -> RawEvent:
    others = {key: kept for key, kept in request.headers.items() if key != name}
    return msgspec.structs.replace(request, headers=others | ({} if value is None else {name: value}))
