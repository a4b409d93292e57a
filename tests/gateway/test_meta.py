"""What the gateway says about itself."""

from __future__ import annotations

import asyncio

from gateway.settings import Settings
from tests.api import open_api


def test_meta_tells_the_limits_in_force(database_url: str) -> None:
    """Clients read version and limits without a key, and the limits are the operator's."""

    async def run() -> None:
        async with open_api(database_url, settings=Settings(attachment_limit_bytes=7_000, idempotency_hours=48)) as api:
            meta = (await api.call("GET", "/v1/meta", key=None)).json()
        assert (meta["object"], meta["api_versions"]) == ("meta", ["v1"])
        assert meta["limits"]["attachment_bytes"] == 7_000
        assert meta["limits"]["idempotency_hours"] == 48
        assert meta["limits"]["page_items_max"] == 200

    asyncio.run(run())
