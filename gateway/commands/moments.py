"""A moment as it is typed: `2h` (that long ago), `2026-11-21` or `2026-11-21T09:00Z`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import rich_click as click

from inbox.kit.clock import utc_now

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
LONGEST_DAYS = 36_500

_AGO = re.compile(r"([0-9]{1,7})([smhdw])")


class MomentType(click.ParamType):  # type: ignore[type-arg]  # generic in newer releases of the library alone
    """A moment, in UTC where no zone is named."""

    name = "when"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The moment, or a usage error that says how one is written."""
        if isinstance(value, datetime):
            return value
        moment = read_moment(str(value), now=utc_now())
        if moment is None:
            self.fail(f"{value!r} is no time: write 30m, 2h or 7d (ago), 2026-11-21 or 2026-11-21T09:00Z", param, ctx)
        return moment


def read_moment(text: str, *, now: datetime) -> datetime | None:
    """The moment a text names; None if it names none."""
    ago = _AGO.fullmatch(text)
    if ago:
        span = timedelta(**{UNITS[ago[2]]: int(ago[1])})
        return now - span if span.days <= LONGEST_DAYS else None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


MOMENT = MomentType()

since_option = click.option("--since", type=MOMENT, help="From then on: 2h, 7d, or a time.")
until_option = click.option("--until", type=MOMENT, help="Before then: 30m, or a time.")
channel_option = click.option("--channel", metavar="CHANNEL", help="Only this channel's, by id or name.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Count only, change nothing.")
