"""What the doctor asks the database about work: who does it, what waits, and which keys seal what."""

from __future__ import annotations

import msgspec

from gateway.commands.findings import Finding
from gateway.commands.verdicts import Queues, judge_keys, judge_postgres, judge_queues
from gateway.runtime import Runtime
from gateway.sealed import count_keys
from inbox.kit.db import fetch_one

SERVER = """
SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version,
       pg_size_pretty(pg_database_size(current_database())) AS size
"""

# What rests by a provider's wish, or waits for a paused channel, waits for nobody here.
QUEUES = """
SELECT coalesce((
           SELECT extract(epoch FROM now() - min(j.available_at)) FROM job j
           WHERE j.state = 0 AND j.available_at <= now()
             AND NOT EXISTS (SELECT FROM resting_lane r WHERE r.lane = j.lane AND r.until > now())
             AND NOT EXISTS (SELECT FROM channel c WHERE c.id::text = j.lane AND c.status = 'paused')
       ), 0)::float8 AS oldest_job,
       (SELECT count(*) FROM job WHERE state = 1 AND lease_until < now() - interval '30 seconds') AS lost_leases,
       (SELECT count(*) FROM outbox_hold) AS held,
       (SELECT count(*) FROM delivery WHERE state = 'unknown') AS unknown,
       (SELECT count(*) FROM webhook WHERE NOT enabled AND deleted_at IS NULL) AS disabled,
       (SELECT count(*) FROM erasure WHERE state = 'running') AS erasures,
       coalesce((SELECT extract(epoch FROM now() - min(requested_at)) FROM erasure WHERE state = 'running'), 0)::float8
       AS oldest_erasure
"""


async def look_at_server(_: Runtime) -> list[Finding]:
    """The database's release and size."""
    row = await fetch_one(SERVER)
    return [judge_postgres(row["number"], row["version"], size=row["size"])] if row else []


async def look_at_queues(_: Runtime) -> list[Finding]:
    """Whether somebody works, and what waits for a person."""
    row = await fetch_one(QUEUES)
    return judge_queues(msgspec.convert(dict(row or {}), Queues))


async def look_at_keys(runtime: Runtime) -> list[Finding]:
    """Whether every sealed secret opens, and which are still sealed with an old key."""
    ids = list(runtime.box.key_ids)
    uses = [(use.column, use.key_id, use.count) for use in await count_keys()]
    return judge_keys(uses, known=frozenset(ids), newest=ids[0])
