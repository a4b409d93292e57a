"""One page about one problem code: what it means, and what to do. Pure."""

from __future__ import annotations

from html import escape

from gateway.reference.html import html_page, rich_text
from inbox.kit.errors import KINDS, Code

# What helps, in one or two sentences; the answer itself may know better, in `hint`.
NEXT_STEPS: dict[Code, str] = {
    "malformed_json": "Check the body with a JSON parser. It must be UTF-8, not nested absurdly deep, and complete.",
    "invalid_cursor": "Take `page.next_cursor` of the page before, unchanged; or begin again without a cursor.",
    "cursor_mismatch": "A cursor goes with the filter it was made under. Keep the filter, or begin without a cursor.",
    "invalid_query": "`errors` names the parameter. Values and limits stand in the reference.",
    "token_invalid": "Links to set a password are good once, and for a day at most: ask for a new one.",
    "unauthenticated": "Send an API key that has not been revoked (`Authorization: Bearer sk_...`), or sign in.",
    "credentials_wrong": "Check both. Who has forgotten the password asks for a link: `POST /v1/password-resets`.",
    "identity_required": "Send the proof of identity that your site's own server signs, with the new session.",
    "csrf_failed": "Send the `csrf_token` of `GET /v1/session` as `X-CSRF-Token` with what a session changes.",
    "origin_not_allowed": "An administrator can name the page's origin in `SWITCHBOARD_ALLOWED_ORIGINS`, or in the "
    "settings of a web chat channel.",
    "signin_refused": "`detail` says why. Begin again at the sign-in page, or ask an administrator.",
    "token_expired": "Ask an administrator for a new API key; the old one cannot be prolonged.",
    "signature_invalid": "Secret or public URL differ between the two sides. Compare them with the channel's set-up.",
    "scope_missing": "Use an API key with the scope that `detail` names, or sign in as an agent who may do it.",
    "contact_blocked": "Unblock the contact first.",
    "not_found": "Check the path and the id, with its prefix. It may have been deleted.",
    "method_not_allowed": "The `Allow` header of the answer names the methods of this path.",
    "cursor_expired": "Events that old are gone. List anew, and go on from the cursor that comes with the list.",
    "gone_redacted": "Its words were taken out for good; `redacted_at` of the entry says when, the audit log by whom.",
    "conversation_merged": "Go on with the conversation that `hint` names, or undo the merge.",
    "merge_cycle": "Name another one to merge into: these two are one already, or always were.",
    "already_assigned": "Read the conversation again, and assign without `if_unassigned` to take it over.",
    "state_conflict": "Read the object again: `detail` says what stands in the way.",
    "contact_opted_out": "Only the contact can change that, by writing START, or by telling you; then record it.",
    "request_in_progress": "Wait as `Retry-After` says and ask again with the same key: the answer will then be there.",
    "attachment_too_large": "The limit stands in `/v1/meta`. Send a smaller file, or a link.",
    "body_too_large": "The limit stands in `/v1/meta`. Send less at once.",
    "unsupported_media": "Send JSON as `application/json`, files as `multipart/form-data`, and neither compressed.",
    "validation_failed": "`errors` points at each value that was refused, and says why.",
    "idempotency_key_reused": "Use a new key for each new request, and the same key only to repeat one unchanged.",
    "channel_cannot": "`errors` names the part and the limit. `/v1/channel-types` says what each channel can carry.",
    "invalid_address": "Write telephone numbers with + and country code, and mail addresses as name@domain.",
    "version_mismatch": "Somebody else has changed it: read it again, and send the change with its present version.",
    "template_invalid": "`errors` names the variant, the line and what is wrong. Only documented variables are known.",
    "quota_exceeded": "Wait as long as `Retry-After` says, and spread your requests: `RateLimit` of each answer tells "
    "what is left. An administrator can give the key a rate of its own.",
    "channel_throttled": "Its messages wait too long: try again as `Retry-After` says, or write by another channel.",
    "internal": "It has been logged. Try again; if it stays, report it with the `request_id`.",
    "channel_disconnected": "Look at the channel's settings and set-up; its provider refuses us or cannot be reached.",
    "dependency_down": "Try again as `Retry-After` says, with the same Idempotency-Key if the request had one.",
    "overloaded": "Try again as `Retry-After` says, and more slowly.",
}

if set(NEXT_STEPS) != set(KINDS):
    raise RuntimeError("every problem code needs its next step")


def render_problem(code: Code) -> str:
    """The page a problem's `type` leads to."""
    kind = KINDS[code]
    again = "The same request may succeed later." if kind.retryable else "The same request will be refused again."
    links = "".join(f'<li><a href="/docs/problems/{one.replace("_", "-")}">{one}</a></li>' for one in KINDS)
    nav = f'<nav aria-label="Problems"><a href="/docs">API reference</a><h2>Problems</h2><ul>{links}</ul></nav>'
    body = (
        f"<h1>{escape(kind.title)}</h1><p><code>{code}</code>, HTTP status {kind.status}. {again}</p>"
        f"<h2>What to do</h2>{rich_text(NEXT_STEPS[code])}"
    )
    return html_page(kind.title, nav=nav, body=body)
