"""What stands where something was redacted. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from channels.parts import MEDIA_PARTS, AnyPart, Unsupported
from inbox.kit.errors import KINDS

BLANK = Unsupported(provider_type="redacted", fallback="[redacted]")
"""The part in place of what is gone; frontends know it by its `provider_type`."""

GONE = msgspec.json.encode(
    {
        "title": KINDS["gone_redacted"].title,
        "status": KINDS["gone_redacted"].status,
        "code": "gone_redacted",
        "detail": "What was answered to this Idempotency-Key has been redacted; the request is not carried out again",
    }
)
"""What a remembered answer becomes that held the words: asked again, nothing is done again."""


def attachment_ids(parts: Iterable[AnyPart]) -> list[str]:
    """The files that parts carry, as they are shown."""
    files = [part.attachment.id for part in parts if isinstance(part, MEDIA_PARTS)]
    return [shown for shown in files if shown]


def without_file(parts: Iterable[AnyPart], shown_id: str) -> list[AnyPart]:
    """The same parts, blank where they carried this file."""
    return [BLANK if shown_id in attachment_ids([part]) else part for part in parts]
