"""What Twilio says no with: its error codes, their HTTP status and words.

Source: https://www.twilio.com/docs/api/errors and the errors of its REST API, `{code, message, more_info, status}`.
"""

from __future__ import annotations

import msgspec

REFUSALS: dict[int, tuple[int, str]] = {  # code: HTTP status, message
    20001: (400, "Unknown or malformed parameter: {}"),
    20003: (401, "Authenticate"),
    20404: (404, "The requested resource {} was not found"),
    20405: (405, "Method not allowed"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    20503: (503, "Service unavailable"),
    21211: (400, "Invalid 'To' Phone Number: {}"),
    21266: (400, "'To' and 'From' number cannot be the same: {}"),
    21408: (400, "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {}"),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (400, "The From phone number {} is not a valid, SMS-capable inbound phone number for your account."),
    21609: (400, "The 'StatusCallback' URL {} is not a valid URL."),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21611: (429, "This 'From' number has exceeded the maximum number of queued messages"),
    21612: (400, "Message cannot be sent with the current combination of 'To' and/or 'From' parameters"),
    21614: (400, "'To' number is not a valid mobile number: {}"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    21623: (400, "Number of media files exceeds allowed limit"),
    21701: (400, "The Messaging Service {} does not exist"),
    21703: (400, "The Messaging Service does not have a phone number available"),
}

DELIVERY_ERRORS: dict[int, str] = {
    30001: "Queue overflow",
    30002: "Account suspended",
    30003: "Unreachable destination handset",
    30004: "Message blocked",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Message filtered",
    30008: "Unknown error",
    30034: "US A2P 10DLC - Message from an Unregistered Number",
}


class RefusalBody(msgspec.Struct, kw_only=True, frozen=True):
    """An error as Twilio's REST API answers it."""

    code: int
    message: str
    more_info: str
    status: int


class TwilioRefusal(Exception):
    """A call Twilio says no to; `status` replaces the code's own where a fault asks for another."""

    def __init__(self, code: int, detail: str = "", *, status: int | None = None) -> None:
        usual, message = REFUSALS.get(code, (400, f"Error {code}"))
        self.body = RefusalBody(
            code=code,
            message=message.format(detail),
            more_info=f"https://www.twilio.com/docs/errors/{code}",
            status=status or usual,
        )
        super().__init__(self.body.message)
