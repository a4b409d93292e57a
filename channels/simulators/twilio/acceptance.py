"""Whether Twilio takes a message: its checks in its order, each with the code it refuses with. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from channels.simulators.twilio.accounts import TwilioNumber
from channels.simulators.twilio.opt_outs import OptOuts
from channels.simulators.twilio.refusals import TwilioRefusal
from channels.simulators.twilio.resources import CreateMessage

BODY_CHARACTERS = 1600
MEDIA_FILES = 10

E164 = re.compile(r"\+[1-9]\d{6,14}")
HTTP_URL = re.compile(r"https?://[^\s/?#_]+\S*")  # Twilio allows no underscore in the host

FORM_CHECKS: tuple[tuple[int, Callable[[CreateMessage], bool], Callable[[CreateMessage], str]], ...] = (
    # code, what is wrong, what the message names
    (21604, lambda form: not form.to, lambda form: ""),
    (21603, lambda form: not (form.sender or form.messaging_service_sid), lambda form: ""),
    (21602, lambda form: not (form.body or form.media_url), lambda form: ""),
    (21211, lambda form: not E164.fullmatch(form.to), lambda form: form.to),
    (21266, lambda form: form.to == form.sender, lambda form: form.to),
    (21617, lambda form: len(form.body) > BODY_CHARACTERS, lambda form: ""),
    (21623, lambda form: len(form.media_url) > MEDIA_FILES, lambda form: ""),
    (
        21609,
        lambda form: bool(form.status_callback) and not HTTP_URL.fullmatch(form.status_callback),
        lambda form: form.status_callback,
    ),
)


def check_create_form(form: CreateMessage) -> None:
    """Refuse a form that no account could send."""
    for code, is_wrong, subject in FORM_CHECKS:
        if is_wrong(form):
            raise TwilioRefusal(code, subject(form))


def pick_sender(form: CreateMessage, account_sid: str, *, numbers: Mapping[str, TwilioNumber]) -> TwilioNumber:
    """The number that sends: the one asked for, or the service's first; a refusal where the account has none such."""
    if form.sender:
        number = numbers.get(form.sender)
        if number is None or number.account_sid != account_sid:
            raise TwilioRefusal(21606, form.sender)
        return number
    pool = [number for number in numbers.values() if number.service == form.messaging_service_sid]
    if not pool:
        raise TwilioRefusal(21701, form.messaging_service_sid)
    return pool[0]


def check_twilio_recipient(to: str, number: TwilioNumber, *, opt_outs: OptOuts, refused: Mapping[str, int]) -> None:
    """Refuse a recipient who stopped this sender, or whom the faults refuse."""
    if opt_outs.has_stopped(to, number.opt_out_scope):
        raise TwilioRefusal(21610)
    if code := refused.get(to):
        raise TwilioRefusal(code, to)
