"""Why a mail of ours came back, in the words of a provider's report about it. Pure."""

from __future__ import annotations

import re

from channels.email.kinds.codes import find_meaning
from channels.events import DeliveryError

MAX_TEXT_CHARS = 500

_STATUS = re.compile(r"\b[245]\.[0-9]{1,3}\.[0-9]{1,3}\b")
_SMTP = re.compile(r"\b[45][0-9]{2}\b")


def explain_report(status: str | None, text: str | None, *, permanent: bool) -> DeliveryError:
    """The error of a report that gives an enhanced status (RFC 3463), an SMTP code, words, or some of them."""
    told = (text or "").replace("\0", "\ufffd")[:MAX_TEXT_CHARS]
    given = f"{status or ''} {told}"
    enhanced, smtp = _STATUS.search(given), _SMTP.search(given)
    meaning = find_meaning(enhanced[0] if enhanced else None, smtp=smtp[0] if smtp else None, text=told)
    code = meaning.code
    if code == "unknown":
        code = "hard_bounce" if permanent else "soft_bounce"
    return DeliveryError(
        code=code,
        provider_code=enhanced[0] if enhanced else status or None,
        message=told or meaning.text,
        retryable=not permanent,
        fix=meaning.fix,
    )
