"""What the reader takes at most of one mail: beyond a limit it goes on without, and says so by a flag."""

from __future__ import annotations

import msgspec


class ReadLimits(msgspec.Struct, kw_only=True, frozen=True):
    """Limits of one mail, far above what people send. Sizes are in bytes of the raw mail or in decoded characters."""

    parts: int = 1_000
    depth: int = 20
    ids: int = 100
    recipients: int = 500
    header_bytes: int = 1_048_576
    header_fields: int = 2_000
    field_chars: int = 65_536
    part_header_bytes: int = 65_536
    body_chars: int = 1_000_000
    report_bytes: int = 1_048_576
    boundary_misses: int = 10_000  # lines that begin as a delimiter does and are none


READ_LIMITS = ReadLimits()
