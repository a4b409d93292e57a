"""Parsing what strangers wrote, in processes that can be killed: with limits on time and memory, beside the event loop.

A process that has the adapters imported (`nursery`) forks one for each place (`child`); `pool` asks them.
"""

from __future__ import annotations

from gateway.parsing.pool import ParseFailed, ParserPool, ParseSlow

__all__ = ["ParseFailed", "ParseSlow", "ParserPool"]
