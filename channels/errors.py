"""What can go wrong between a provider and us, each kind answering what to do next.

::

    ChannelError
    ├── Forged            the request is not the provider's: refuse it
    ├── Malformed         it is authentic, but not what the provider documents: quarantine it
    ├── CannotCarry       the message does not fit the medium: tell the author
    └── SendFailed        the provider did not take the message
        ├── Unreachable       nobody answered, nothing was sent          retry
        ├── Throttled         too fast; `after` seconds if it said so    retry
        │   └── Paced             too fast by our own settings           retry, uncounted
        ├── Rejected          this message will never be taken
        ├── OptedOut          the recipient said stop
        ├── WindowClosed      too late for free text
        ├── Misconfigured     our credentials or set-up are wrong
        │   └── EgressRefused     the address is not one we may call (channels/egress.py)
        └── OutcomeUnknown    it may have been sent: reconcile, never resend blindly
            └── AnswerTooLarge    it was taken, but the answer is too long to read (channels/http.py)
"""

from __future__ import annotations

from typing import ClassVar, Literal

FailureCode = Literal[
    "invalid_address", "unreachable", "opted_out", "blocked_by_carrier", "spam_suspected", "window_closed",
    "template_required", "template_rejected", "content_too_large", "unsupported_content", "media_rejected",
    "hard_bounce", "soft_bounce", "mailbox_full", "sender_unverified", "provider_auth", "provider_quota",
    "provider_down", "timeout", "contact_blocked", "unknown",
]  # fmt: skip


class ChannelError(Exception):
    """The root of everything an adapter raises."""


class Forged(ChannelError):
    """The request was not made by the provider. Its text never carries the right signature."""


class Malformed(ChannelError):
    """An authentic request that is not what the provider documents."""


class CannotCarry(ChannelError):
    """The medium cannot carry this message, not even flattened; `pointer` names the part (RFC 6901)."""

    def __init__(self, reason: str, *, pointer: str = "/parts", limit: int | None = None) -> None:
        super().__init__(reason)
        self.pointer = pointer
        self.limit = limit


class SendFailed(ChannelError):
    """The provider did not take the message. Callers ask `retry` and `fault`, never which provider it was.

    `code` is one of ours (`FailureCode`), `provider_code` and `reason` are the provider's own, `fix` says what helps.
    """

    retry: ClassVar[bool] = False
    fault: ClassVar[Literal["provider", "operator", "recipient", "author"]] = "provider"
    default: ClassVar[FailureCode] = "unknown"

    def __init__(
        self,
        reason: str,
        *,
        code: FailureCode | None = None,
        provider_code: str | None = None,
        fix: str | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code: FailureCode = code or self.default
        self.provider_code = provider_code
        self.fix = fix


class Unreachable(SendFailed):
    """Nobody answered before anything was handed over, or the provider said it is down."""

    retry = True
    default = "provider_down"


class Throttled(SendFailed):
    """The provider asks us to slow down; `after` is its Retry-After in seconds, or None."""

    retry = True
    default = "provider_quota"

    def __init__(self, reason: str, *, after: float | None = None, provider_code: str | None = None) -> None:
        super().__init__(reason, provider_code=provider_code)
        self.after = after


class Paced(Throttled):
    """Our own pace, which the account's settings set: nobody was asked, so it counts as no try."""


class Rejected(SendFailed):
    """This message to this address will not be taken, however often we try."""

    fault = "author"


class OptedOut(SendFailed):
    """The recipient told the provider to stop; the projection turns it into consent."""

    fault = "recipient"
    default = "opted_out"


class WindowClosed(SendFailed):
    """Free text is no longer allowed; a template is."""

    fault = "author"
    default = "window_closed"


class Misconfigured(SendFailed):
    """Credentials, sender or set-up are wrong: an operator has to act, and every send will fail alike."""

    fault = "operator"
    default = "provider_auth"


class OutcomeUnknown(SendFailed):
    """The request left us and no answer came back: it may have been sent."""

    default: ClassVar[FailureCode] = "timeout"
