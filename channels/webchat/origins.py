"""Which sites may show a web chat and speak to it: exact origins, all hosts below one, or any. Pure (RFC 6454).

`*` alone is any site; `https://*.example.com` is every host below example.com and not itself; a port may be `*` on this
machine alone, where development servers take what is free.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

PORTS = {"http": "80", "https": "443"}
ANY = "*"
BELOW = "*."
HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*|\[[0-9a-f:.]+\]")
"""A name in ASCII as browsers send it, or an address: nothing that a header could be broken with."""
FORM = re.compile(r"(?P<scheme>https?)://(?P<host>[^/?#@\s]*?)(:(?P<port>[0-9]{1,5}|\*))?")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
ORIGIN_CHARS = 300
ADVICE = "write it as https://shop.example, https://*.shop.example or, for any site, *"


def check_origin(pattern: str) -> None:
    """Raise ValueError, saying what is wrong, unless a browser could send what this allows."""
    if pattern == ANY:
        return
    form = FORM.fullmatch(pattern)
    if form is None or len(pattern) > ORIGIN_CHARS:
        raise ValueError(f"has {pattern[:100]!r}, which is no origin: {ADVICE}")
    host = form["host"].removeprefix(BELOW)
    if not HOST.fullmatch(host):
        raise ValueError(f"has {pattern[:100]!r}, whose host is not one: {ADVICE}")
    if form["host"].startswith(BELOW) and "." not in host:
        raise ValueError(f"has {pattern[:100]!r}, which would be all of a top-level domain: {ADVICE}")
    if form["port"] == ANY and form["host"] not in LOOPBACK:
        raise ValueError(f"has {pattern[:100]!r}, but a port is any on this machine alone: {ADVICE}")


def origin_fits(origin: str, patterns: Iterable[str]) -> bool:
    """Whether the `Origin` of a request is among the allowed; `null`, and what is no origin, never is."""
    form = FORM.fullmatch(origin) if len(origin) <= ORIGIN_CHARS else None
    if form is None or not HOST.fullmatch(form["host"]) or form["port"] == ANY:
        return False
    asked = _parts(form)
    return any(pattern == ANY or _fits(asked, pattern) for pattern in patterns)


def same_origin(origin: str, url: str) -> bool:
    """Whether an `Origin` is that of a URL of ours."""
    parts = urlsplit(url)
    return origin_fits(origin, [f"{parts.scheme}://{parts.netloc.lower()}"])


def _fits(asked: tuple[str, str, str], pattern: str) -> bool:
    form = FORM.fullmatch(pattern.lower())
    if form is None:
        return False
    scheme, host, port = _parts(form)
    named = asked[1].endswith(host[1:]) if host.startswith(BELOW) else asked[1] == host
    return asked[0] == scheme and named and port in (ANY, asked[2])


def _parts(form: re.Match[str]) -> tuple[str, str, str]:
    """Scheme, host and port, the one that goes without saying said."""
    return form["scheme"], form["host"], form["port"] or PORTS[form["scheme"]]
