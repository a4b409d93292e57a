"""The description of the API for programs and people, served by us: no script, no build step, no network needed."""

from __future__ import annotations

from gateway.reference.routes import REFERENCE_ROUTES

__all__ = ["REFERENCE_ROUTES"]
