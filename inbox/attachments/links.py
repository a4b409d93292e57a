"""Links that open one file for a while, without an API key: for browsers and for providers. Pure.

The link names the file and the moment it ends, and is signed over both. Who guesses another id or moment has nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from inbox.kit.ids import show_id
from inbox.kit.secrets import SecretBox

PATH = "/files"
PURPOSE = "file link"


def sign_attachment_path(
    box: SecretBox, attachment_id: UUID, *, seconds: int, now: datetime, original: bool = False
) -> str:
    """The path of a file with its signature, good until `seconds` from now; the `original` has its notes."""
    shown = show_id("att", attachment_id)
    expires = int((now + timedelta(seconds=seconds)).timestamp())
    signature = box.sign(_signed_text(shown, expires, original), purpose=PURPOSE)
    return f"{PATH}/{shown}?expires={expires}&signature={signature}{'&original=1' if original else ''}"


def check_attachment_link(
    box: SecretBox, attachment_id: UUID, *, expires: int, signature: str, now: datetime, original: bool = False
) -> bool:
    """Whether we signed this link, and it has not ended."""
    signed = box.check_signature(
        _signed_text(show_id("att", attachment_id), expires, original), signature, purpose=PURPOSE
    )
    return signed and now.timestamp() < expires


def _signed_text(shown: str, expires: int, original: bool) -> str:  # noqa: FBT001 (one of what is signed)
    return f"{shown} {expires}{' original' if original else ''}"
