"""The one error of the embedded stack."""

from __future__ import annotations


class EmbeddedError(RuntimeError):
    """A private server cannot run here; the text says why and what helps."""
