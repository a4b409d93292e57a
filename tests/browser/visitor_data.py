"""What the fake gateway of the widget serves unless a test says otherwise."""

from __future__ import annotations

from typing import Any

CHANNEL = "cha_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b"
STRICT = "default-src 'none'; script-src {0}; frame-src {0}; require-trusted-types-for 'script'; trusted-types 'none'"
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763b8f8ec3900053e02a9"
    "9d1ab6e20000000049454e44ae426082"
)
SHOP = (
    '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Shop</title>'
    "<main><h1>Shop</h1></main>"
)
CODES = {401: "unauthenticated"}
ENDED = {"kind": "event", "direction": "outbound", "state": "sent", "author": {"type": "system", "name": None},
         "event": {"name": "ended", "by": None, "facts": {}}}  # fmt: skip
NOTED = ("read", "typing", "end", "csat", "logout", "email", "transcript", "resume-link")
"""What is heard and answered with hardly a word."""
CONFIG: dict[str, Any] = {
    "object": "widget_config",
    "channel_id": CHANNEL,
    "name": "Harbour Books",
    "locale": "en",
    "locales": ["en", "es", "de", "fr", "pt", "ar", "zh"],
    "theme": {"color": "#2457d6", "position": "right", "mode": "auto"},
    "greeting": "",
    "verification": "off",
    "pre_chat": None,
    "files": {"enabled": True, "max_bytes": 10_000_000, "media_types": ["image/", "application/pdf"]},
    "hours": {"state": "open", "opens_at": None, "message": None, "collect_email": False},
    "csat": {"enabled": True, "change_hours": 24},
    "mail": {"enabled": True, "transcripts": True},
    "push": {"public_key": None},
    "home": {"articles": []},
}
