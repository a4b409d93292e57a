"""What mail carries: all parts in one message, files in it up to what nearly every server takes. Pure."""

from __future__ import annotations

from channels.limits import Limits

MEDIA_BYTES = 20_000_000
"""Of all files together: base64 makes 27 MB of them, and the common limit of a mail is 25 to 35 MB."""
TEXT_CHARS = 500_000
"""Words of one mail: more is a file."""
MEDIA_COUNT = 50

# All of RFC 6838 and its later top-level types: mail does not mind.
MEDIA_TYPES = (
    "application/", "audio/", "chemical/", "font/", "haptics/", "image/", "message/", "model/", "multipart/", "text/",
    "video/",
)  # fmt: skip

EMAIL_LIMITS = Limits(
    parts=frozenset({"text", "html", "image", "audio", "video", "file"}),
    text_chars=TEXT_CHARS,
    media_types=MEDIA_TYPES,
    media_count=MEDIA_COUNT,
    media_bytes=MEDIA_BYTES,
    delivery_reports=True,
    whole=True,
)
