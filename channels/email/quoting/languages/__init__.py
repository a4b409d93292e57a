"""The languages whose mail clients we know. A new one is a new table here and nothing else."""

from __future__ import annotations

from channels.email.quoting.languages.asian import ASIAN
from channels.email.quoting.languages.eastern import EASTERN
from channels.email.quoting.languages.germanic import GERMANIC
from channels.email.quoting.languages.language import Language
from channels.email.quoting.languages.romance import ROMANCE

LANGUAGES: tuple[Language, ...] = (*GERMANIC, *ROMANCE, *EASTERN, *ASIAN)

__all__ = ["LANGUAGES", "Language"]
