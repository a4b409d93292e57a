"""Twilio's error codes in our words: one table, for answers of the API and for reports of delivery alike. Pure.

Codes, causes and advice: https://www.twilio.com/docs/api/errors/<code>. An HTTP status speaks only where the code is
missing or new. Twilio warns that creating a message is not idempotent and that a 500 may stand for a message that was
sent (error 20500), so that outcome is unknown; a 429 or a 503 was not processed and may be tried again.
"""

from __future__ import annotations

from typing import NamedTuple

from channels.errors import (
    FailureCode,
    Misconfigured,
    OptedOut,
    OutcomeUnknown,
    Rejected,
    SendFailed,
    Throttled,
    Unreachable,
    WindowClosed,
)
from channels.events import DeliveryError


class Code(NamedTuple):
    """What a code means for us: the kind (may it be tried again?), our code, its meaning in words, and what helps."""

    kind: type[SendFailed]
    code: FailureCode
    text: str
    fix: str | None = None


MAX_REASON_CHARS = 500  # an answer may be a page of a proxy; what is stored and shown is a sentence

CREDENTIALS = "check the account SID, the auth token and the API key in the Twilio console"
SENDER = "use a number of this account that can send messages, or a sender of the messaging service"
ADDRESS = "check the recipient's number"
SLOWER = "send more slowly, or add senders to a messaging service"
REGISTER = "register the sender with Twilio for the country it writes to"
SHORTER = "send less text or smaller files"
MEDIA = "check that Twilio can fetch the file from its URL, and that its type is one Twilio carries"
LATER = "try again later"

CODES: dict[int, Code] = {
    # the account and the API
    10001: Code(Misconfigured, "provider_auth", "the account is not active", CREDENTIALS),
    11200: Code(Rejected, "media_rejected", "a URL of ours gave Twilio no answer it can use", MEDIA),
    11751: Code(Rejected, "content_too_large", "the files exceed what the medium carries", SHORTER),
    12300: Code(Rejected, "media_rejected", "the type of a file is not accepted", MEDIA),
    14107: Code(Throttled, "provider_quota", "too many messages between two numbers in a short time", SLOWER),
    20003: Code(Misconfigured, "provider_auth", "permission denied", CREDENTIALS),
    20005: Code(Misconfigured, "provider_auth", "the account is not active", CREDENTIALS),
    20006: Code(Misconfigured, "provider_auth", "access denied", CREDENTIALS),
    20404: Code(Misconfigured, "provider_auth", "the account or the address of the API does not exist", CREDENTIALS),
    20429: Code(Throttled, "provider_quota", "too many requests", SLOWER),
    20500: Code(OutcomeUnknown, "provider_down", "internal error at Twilio: it may have been sent"),
    20503: Code(Unreachable, "provider_down", "the service is temporarily unavailable", LATER),
    20504: Code(OutcomeUnknown, "provider_down", "Twilio's gateway ran out of time: it may have been sent"),
    # creating a message
    21211: Code(Rejected, "invalid_address", "the recipient's number is not valid", ADDRESS),
    21212: Code(Misconfigured, "sender_unverified", "the sender is not valid", SENDER),
    21265: Code(Rejected, "invalid_address", "the recipient cannot be a short code", ADDRESS),
    21266: Code(Rejected, "invalid_address", "sender and recipient are the same number", ADDRESS),
    21267: Code(Rejected, "sender_unverified", "a trial account cannot send under a name", "upgrade the account"),
    21268: Code(Rejected, "invalid_address", "premium and information numbers cannot be written to", ADDRESS),
    21408: Code(  # only to that country, so it is no fault of the whole channel; the same goes for a trial account
        Rejected,
        "provider_auth",
        "sending to this country is not enabled",
        "enable the country in the Twilio console: Messaging, Settings, Geo permissions",
    ),
    21601: Code(Misconfigured, "sender_unverified", "the sender is not a number of this account", SENDER),
    21602: Code(Rejected, "unsupported_content", "a message needs a text or a file"),
    21603: Code(Misconfigured, "sender_unverified", "a sender or a messaging service is required", SENDER),
    21604: Code(Rejected, "invalid_address", "a recipient is required", ADDRESS),
    21605: Code(Rejected, "content_too_large", "the text is too long", SHORTER),
    21606: Code(Misconfigured, "sender_unverified", "the sender cannot send messages to this destination", SENDER),
    21608: Code(
        Rejected,
        "provider_auth",
        "a trial account writes only to numbers it has verified",
        "verify the recipient in the Twilio console, or upgrade the account",
    ),
    21609: Code(
        Misconfigured,
        "unknown",
        "Twilio cannot use our URL for reports of delivery",
        "check the public URL: https, reachable from the Internet, no underscore in its host name",
    ),
    21610: Code(OptedOut, "opted_out", "the recipient told Twilio to stop", "they must write START to us first"),
    21611: Code(Throttled, "provider_quota", "the sender's queue is full", SLOWER),
    21612: Code(Rejected, "unreachable", "this sender cannot reach this recipient", "try another sender"),
    21614: Code(Rejected, "invalid_address", "the recipient's number is not a mobile number", ADDRESS),
    21617: Code(Rejected, "content_too_large", "the text is longer than 1600 characters", SHORTER),
    21618: Code(Rejected, "unsupported_content", "the text cannot be sent"),
    21619: Code(Rejected, "unsupported_content", "a message needs a text or a file"),
    21620: Code(Rejected, "media_rejected", "the URL of a file is not valid", MEDIA),
    21621: Code(Rejected, "unsupported_content", "the sender cannot send files", "use a number that can send MMS"),
    21623: Code(Rejected, "content_too_large", "too many files: ten are the most", SHORTER),
    21635: Code(Rejected, "invalid_address", "the recipient's number is a landline", ADDRESS),
    21655: Code(Rejected, "template_rejected", "the template does not exist"),
    21656: Code(Rejected, "template_rejected", "the template's variables are not valid"),
    21659: Code(Misconfigured, "sender_unverified", "the sender is not a Twilio number", SENDER),
    21660: Code(Misconfigured, "sender_unverified", "the sender belongs to another account", SENDER),
    21661: Code(Misconfigured, "sender_unverified", "the sender cannot send messages", SENDER),
    21701: Code(Misconfigured, "sender_unverified", "the messaging service does not exist", SENDER),
    21703: Code(Misconfigured, "sender_unverified", "the messaging service has no sender", SENDER),
    21704: Code(Misconfigured, "sender_unverified", "the messaging service has no sender", SENDER),
    21705: Code(Misconfigured, "sender_unverified", "the messaging service is not valid", SENDER),
    21711: Code(Misconfigured, "sender_unverified", "the sender is not in the messaging service", SENDER),
    21730: Code(Unreachable, "provider_down", "Twilio is under maintenance", LATER),
    # delivering it
    30001: Code(Throttled, "provider_quota", "the queue overflowed", SLOWER),
    30002: Code(Misconfigured, "provider_auth", "the account is suspended", CREDENTIALS),
    30003: Code(Unreachable, "unreachable", "the handset is unreachable: off, roaming or without service", LATER),
    30004: Code(Rejected, "blocked_by_carrier", "the message was blocked"),
    30005: Code(Rejected, "invalid_address", "the handset is unknown, or no longer in service", ADDRESS),
    30006: Code(Rejected, "unreachable", "a landline, or a carrier that cannot be reached", ADDRESS),
    30007: Code(
        Rejected, "spam_suspected", "filtered by Twilio or the carrier", "change the wording or register the use"
    ),
    30008: Code(Unreachable, "unknown", "the carrier gave no reason", LATER),
    30010: Code(Rejected, "provider_quota", "the message costs more than the highest price allowed"),
    30011: Code(Rejected, "unsupported_content", "the recipient cannot receive files"),
    30017: Code(Unreachable, "provider_down", "the carrier's network is congested", LATER),
    30018: Code(Misconfigured, "sender_unverified", "the carrier wants the sender registered", REGISTER),
    30019: Code(Rejected, "content_too_large", "the content exceeds the carrier's limit", SHORTER),
    30021: Code(Unreachable, "provider_down", "internal failure of the messaging service", LATER),
    30022: Code(Throttled, "provider_quota", "the campaign's rate is exceeded", SLOWER),
    30023: Code(Throttled, "provider_quota", "the brand's daily limit is reached", "wait for the next day"),
    30024: Code(Misconfigured, "sender_unverified", "the carrier does not know the sender", REGISTER),
    30027: Code(Throttled, "provider_quota", "the campaign's daily limit is reached", "wait for the next day"),
    30032: Code(Misconfigured, "sender_unverified", "the toll-free number is not verified", REGISTER),
    30033: Code(Misconfigured, "sender_unverified", "the campaign is suspended", REGISTER),
    30034: Code(Misconfigured, "sender_unverified", "the number has no approved A2P 10DLC campaign", REGISTER),
    30035: Code(Misconfigured, "sender_unverified", "the number is still being set up for its campaign", LATER),
    30036: Code(Unreachable, "timeout", "it waited in the queue longer than allowed", SLOWER),
    30037: Code(Misconfigured, "provider_auth", "sending is switched off for this account", CREDENTIALS),
    30042: Code(Misconfigured, "sender_unverified", "the sender's name is blocked", REGISTER),
    30410: Code(OutcomeUnknown, "timeout", "the carrier did not answer in time: it may have arrived"),
    30450: Code(Rejected, "blocked_by_carrier", "blocked by Twilio's protection against fraud"),
    30500: Code(Unreachable, "provider_down", "internal error at Twilio", LATER),
    # other media behind the same API
    63003: Code(Rejected, "invalid_address", "the recipient is not on this channel", ADDRESS),
    63005: Code(Rejected, "unsupported_content", "the channel did not accept the content"),
    63007: Code(Misconfigured, "sender_unverified", "the sender is not a channel of this account", SENDER),
    63012: Code(Unreachable, "provider_down", "internal error of the channel", LATER),
    63013: Code(Rejected, "spam_suspected", "the channel's policy forbids it"),
    63014: Code(OptedOut, "opted_out", "the recipient has blocked us"),
    63016: Code(WindowClosed, "window_closed", "too late for free text", "send a template"),
    63017: Code(Throttled, "provider_quota", "too many messages a second", SLOWER),
    63018: Code(Throttled, "provider_quota", "the channel's rate is exceeded", SLOWER),
    63019: Code(Rejected, "media_rejected", "the channel could not fetch a file", MEDIA),
    63021: Code(Rejected, "unsupported_content", "the channel does not carry this content"),
    63024: Code(Rejected, "invalid_address", "the recipient is not valid", ADDRESS),
    63034: Code(Rejected, "content_too_large", "the files exceed what the channel carries", SHORTER),
    63038: Code(Throttled, "provider_quota", "the account's daily limit is reached", "wait for the next day"),
}
STATUSES: dict[int, Code] = {
    401: CODES[20003],
    403: CODES[20003],
    404: CODES[20404],
    408: Code(Unreachable, "timeout", "Twilio did not receive the whole request", LATER),
    413: Code(Rejected, "content_too_large", "the request is too large", SHORTER),
    429: CODES[20429],
    503: CODES[20503],
}
# Any status beside those, by its hundred. A redirect means that nothing was taken, and that the address is not the
# API's; 1xx never ends an exchange.
CLASSES: dict[int, Code] = {
    3: Code(Misconfigured, "provider_auth", "redirected: the address of the API is wrong", "check api_url"),
    4: Code(Rejected, "unknown", "Twilio refused the message"),
    5: CODES[20500],
}
NO_REASON = Code(Rejected, "unknown", "Twilio gave no reason")


def find_code(code: int | None, *, status: int) -> Code:
    """The meaning of an answer of failure, by its code or else by its HTTP status."""
    return CODES.get(code or 0) or STATUSES.get(status) or CLASSES.get(status // 100, NO_REASON)


def explain_error(code: str | None, *, text: str | None) -> DeliveryError:
    """Why a message did not arrive, from the code and the text of a report; an unknown code keeps its number."""
    meaning = CODES.get(int(code), NO_REASON) if code and code.isdecimal() and len(code) < 8 else NO_REASON
    return DeliveryError(
        code=meaning.code,
        provider_code=code or None,
        message=(text or meaning.text)[:MAX_REASON_CHARS],
        retryable=meaning.kind.retry,
        fix=meaning.fix,
    )
