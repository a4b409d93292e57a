"""What a mail's body is made of, once it is taken apart."""

from __future__ import annotations

import msgspec


class Split(msgspec.Struct, kw_only=True, frozen=True):
    """Nothing of the body is missing: every line is in one of `new`, `quoted` and `signature`.

    `forwarded` says that `new` shows a mail passed on, with what was written above it.
    """

    new: str
    quoted: str | None = None
    signature: str | None = None
    forwarded: bool = False
