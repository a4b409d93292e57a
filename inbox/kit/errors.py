"""Every refusal the API can give: one code, one status, one title each (RFC 9457, thread-and-api.md 2.7)."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

Code = Literal[
    "malformed_json", "invalid_cursor", "cursor_mismatch", "invalid_query",
    "token_invalid",
    "unauthenticated", "token_expired", "credentials_wrong", "identity_required",
    "csrf_failed", "origin_not_allowed", "signin_refused",
    "signature_invalid", "scope_missing", "contact_blocked",
    "not_found", "method_not_allowed",
    "cursor_expired", "gone_redacted",
    "already_assigned", "state_conflict", "contact_opted_out", "request_in_progress",
    "conversation_merged", "merge_cycle",
    "version_mismatch", "attachment_too_large", "body_too_large", "unsupported_media",
    "validation_failed", "idempotency_key_reused", "channel_cannot", "invalid_address", "template_invalid",
    "quota_exceeded", "channel_throttled",
    "internal", "channel_disconnected", "dependency_down", "overloaded",
]  # fmt: skip


class Kind(msgspec.Struct, frozen=True):
    """What a code stands for: HTTP status, a title for people, and whether the same request may succeed later."""

    status: int
    title: str
    retryable: bool = False


KINDS: dict[Code, Kind] = {
    "malformed_json": Kind(400, "The body is not valid JSON"),
    "invalid_cursor": Kind(400, "The cursor is not one of ours"),
    "cursor_mismatch": Kind(400, "The cursor belongs to another query"),
    "invalid_query": Kind(400, "A query parameter is not understood"),
    "token_invalid": Kind(400, "The link opens nothing, or no longer"),
    "unauthenticated": Kind(401, "An API key or a session is needed"),
    "token_expired": Kind(401, "The API key has expired"),
    "credentials_wrong": Kind(401, "The mail address or the password is wrong"),
    "identity_required": Kind(401, "Visitors of this chat have to prove who they are"),
    "csrf_failed": Kind(403, "The request does not prove that our own page made it"),
    "origin_not_allowed": Kind(403, "Pages of this origin may not do this"),
    "signin_refused": Kind(403, "Signing in was refused"),
    "signature_invalid": Kind(403, "The signature does not match"),
    "scope_missing": Kind(403, "A scope is lacking"),
    "contact_blocked": Kind(403, "The contact is blocked"),
    "not_found": Kind(404, "There is no such thing"),
    "method_not_allowed": Kind(405, "The method is not allowed here"),
    "cursor_expired": Kind(410, "The cursor is older than the feed's retention"),
    "gone_redacted": Kind(410, "It has been redacted"),
    "already_assigned": Kind(409, "Somebody else has it"),
    "state_conflict": Kind(409, "The present state does not allow it"),
    "contact_opted_out": Kind(409, "The contact does not want messages on this channel"),
    "request_in_progress": Kind(409, "A request with this idempotency key is still running", retryable=True),
    "version_mismatch": Kind(412, "It has been changed since you read it"),
    "conversation_merged": Kind(409, "The conversation is merged into another"),
    "merge_cycle": Kind(409, "Nothing can be merged into itself"),
    "attachment_too_large": Kind(413, "The file is too large"),
    "body_too_large": Kind(413, "The body is too large"),
    "unsupported_media": Kind(415, "The content type or encoding is not supported"),
    "validation_failed": Kind(422, "A value is not acceptable"),
    "idempotency_key_reused": Kind(422, "The idempotency key was used for another request"),
    "channel_cannot": Kind(422, "The channel cannot carry this message"),
    "invalid_address": Kind(422, "The address is not valid"),
    "template_invalid": Kind(422, "The template is not valid"),
    "quota_exceeded": Kind(429, "The quota is used up", retryable=True),
    "channel_throttled": Kind(429, "The channel is behind with sending", retryable=True),
    "internal": Kind(500, "Something broke on our side", retryable=True),
    "channel_disconnected": Kind(503, "The channel is not connected", retryable=True),
    "dependency_down": Kind(503, "A part we depend on is away", retryable=True),
    "overloaded": Kind(503, "Too much at once", retryable=True),
}

if set(KINDS) != set(get_args(Code)):
    raise RuntimeError("every problem code needs its kind")


class FieldError(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """One value that was refused; `pointer` is a JSON pointer into the body (RFC 6901), or "?name" of a parameter.

    Of a query, `offset` and `length` say in characters which part of its text is meant; `allowed`, what may be there.
    """

    pointer: str
    code: str
    detail: str
    limit: int | None = None
    offset: int | None = None
    length: int | None = None
    allowed: list[str] | None = None


class Problem(Exception):
    """A refusal with a stable code; the gateway renders it. `hint` says what to do next."""

    def __init__(
        self,
        code: Code,
        detail: str,
        *,
        errors: list[FieldError] | None = None,
        hint: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.code: Code = code
        self.detail = detail
        self.errors = errors or []
        self.hint = hint
        self.retry_after = retry_after

    @property
    def kind(self) -> Kind:
        """Status, title and whether to retry."""
        return KINDS[self.code]
