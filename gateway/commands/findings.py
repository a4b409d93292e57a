"""What `switchboard doctor` finds: one thing looked at, how it is, and how to mend it. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec

from gateway.commands.output import count_things

Verdict: TypeAlias = Literal["ok", "warning", "problem"]

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
CLOCK_WARNING = timedelta(seconds=2)
CLOCK_PROBLEM = timedelta(seconds=30)
"""Signatures with a time in them are refused when they seem minutes old: seconds are the time to act."""
DISK_WARNING_SHARE = 0.15
DISK_PROBLEM_BYTES = 1_000_000_000


class Finding(msgspec.Struct, kw_only=True, frozen=True):
    """One thing that was looked at. `fix` says what to do where it is not ok."""

    name: str
    verdict: Verdict
    detail: str
    fix: str | None = None


def judge_clock(ahead: timedelta, *, whose: str = "the database") -> Finding:
    """This machine's clock against another's."""
    seconds = ahead.total_seconds()
    told = f"{abs(seconds):.1f} s {'ahead of' if seconds > 0 else 'behind'} {whose}"
    verdict: Verdict = "ok" if abs(ahead) < CLOCK_WARNING else "warning" if abs(ahead) < CLOCK_PROBLEM else "problem"
    fix = "let both machines follow the same time server (NTP)" if verdict != "ok" else None
    return Finding(name="clock", verdict=verdict, detail=told, fix=fix)


def judge_public_url(url: str, *, demo: bool, has_hooks: bool) -> Finding:
    """Whether a provider on the Internet can plausibly reach us there; nothing is asked of anybody."""
    parts = urlsplit(url)
    if demo:
        return Finding(name="public url", verdict="ok", detail=f"{url}: the demo's phones are on this machine")
    fix = "set SWITCHBOARD_PUBLIC_URL to the address that providers and browsers use, such as https://inbox.example.org"
    if parts.hostname in LOOPBACK:
        verdict: Verdict = "problem" if has_hooks else "warning"
        return Finding(name="public url", verdict=verdict, detail=f"{url}: only this machine can reach that", fix=fix)
    if parts.scheme != "https":
        return Finding(name="public url", verdict="warning", detail=f"{url} is not encrypted", fix=fix)
    if parts.hostname and "_" in parts.hostname:
        detail = f"{url} has an underscore in its host name, which Twilio refuses"
        return Finding(name="public url", verdict="problem", detail=detail, fix=fix)
    return Finding(name="public url", verdict="ok", detail=url)


def judge_disk(free: int, total: int, *, folder: str) -> Finding:
    """The room where attachments, the private database and the spool lie; sizes in bytes."""
    detail = f"{free / 1e9:.1f} of {total / 1e9:.1f} GB are free at {folder}"
    verdict: Verdict = "ok"
    if free < DISK_PROBLEM_BYTES:
        verdict = "problem"
    elif free < total * DISK_WARNING_SHARE:
        verdict = "warning"
    fix = "make room, or move SWITCHBOARD_DATA_DIR to a larger disk" if verdict != "ok" else None
    return Finding(name="disk", verdict=verdict, detail=detail, fix=fix)


def judge_count(name: str, count: int, *, what: str, fix: str, verdict: Verdict = "problem") -> Finding:
    """Something of which there should be none; `what` is as `count_things` takes it."""
    detail = count_things(count, what) if count else f"no {what.format(s='s')}"
    return Finding(name=name, verdict=verdict if count else "ok", detail=detail, fix=fix if count else None)
