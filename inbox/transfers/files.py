"""Which file an export is for whoever downloads it. Plain data."""

from __future__ import annotations

MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8", "zip": "application/zip"}
ENDINGS = {"csv": "csv", "jsonl": "jsonl", "zip": "zip"}
