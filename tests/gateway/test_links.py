"""The way from one page to the next."""

from __future__ import annotations

import asyncio

from tests.api import open_api


def test_the_link_keeps_the_filter_and_changes_the_cursor(database_url: str) -> None:
    """The next page is the same list: every parameter stays, whatever its characters, and only the cursor moves on."""

    async def run() -> None:
        async with open_api(database_url) as api:
            for number in range(3):
                body = {"name": "Bo", "email": f"{number}@example.org"}
                assert (await api.call("POST", "/v1/agents", json=body)).status_code == 201
            first = await api.call("GET", "/v1/agents", params={"limit": "1", "tag": "a&b=ä"})
            link = first.links["next"]["url"]
            assert link.startswith("/v1/agents?limit=1&tag=a%26b%3D%C3%A4&cursor=")
            second = await api.call("GET", link)
            assert second.links["next"]["url"].count("cursor=") == 1
            third = await api.call("GET", second.links["next"]["url"])
            assert third.json()["page"] == {"next_cursor": None, "has_more": False, "count": None}
            assert "link" not in third.headers

    asyncio.run(run())
