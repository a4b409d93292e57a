"""What mail clients of one language write around quotations, and what people and devices write beneath a mail."""

from __future__ import annotations

import msgspec


class Language(msgspec.Struct, kw_only=True, frozen=True):
    """Words in lower case, as `str.casefold` leaves them; every entry of a tuple is one spelling.

    An attribution ("On Monday Anna wrote:") begins with one of `leads`, which `inner_leads` repeats as written where
    it may also follow words on the same line, or with a date; it ends with one of `wrote`, or has one of `wrote_then`
    before the name. `weekdays` are the beginnings of their names. `senders` to `extras` name the headers of a
    quotation, `originals` and `forwards` stand between dashes; `begins` stand alone. `sent_from` begin a device's
    line, `signoffs` close a letter, `disclaimers` occur in the paragraph that no company spares us.
    """

    code: str
    leads: tuple[str, ...] = ()
    inner_leads: tuple[str, ...] = ()
    wrote: tuple[str, ...] = ()
    wrote_then: tuple[str, ...] = ()
    weekdays: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    originals: tuple[str, ...] = ()
    forwards: tuple[str, ...] = ()
    begins: tuple[str, ...] = ()
    subject_prefixes: tuple[str, ...] = ()
    sent_from: tuple[str, ...] = ()
    signoffs: tuple[str, ...] = ()
    disclaimers: tuple[str, ...] = ()
