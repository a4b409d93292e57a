"""The pages for people: complete, harmless, and readable without a network."""

from __future__ import annotations

import asyncio
import re
from html import escape
from typing import get_args

import pytest

from gateway.reference.html import rich_text
from gateway.reference.problem import render_problem
from inbox.kit.errors import KINDS, Code
from tests.api import open_api

ADDRESS = re.compile(r'(?:src|href|action)="([^"]*)"')


def test_the_reference_shows_every_operation(database_url: str) -> None:
    """Each operation, each object and each problem code can be found on the page."""

    async def run() -> None:
        async with open_api(database_url) as api:
            document = (await api.call("GET", "/openapi.json", key=None)).json()
            page = (await api.call("GET", "/docs", key=None)).text
        for methods in document["paths"].values():
            for operation in methods.values():
                assert f'id="{operation["operationId"]}"' in page
        for name in document["components"]["schemas"]:
            assert f'id="object-{name}"' in page
        assert "/docs/problems/idempotency-key-reused" in page

    asyncio.run(run())


def test_the_pages_need_nothing_from_elsewhere(database_url: str) -> None:
    """No script, no address of another host, and a policy under which nothing else could load (offline, T22)."""

    async def run() -> None:
        async with open_api(database_url) as api:
            for path in ("/docs", "/docs/problems/not-found"):
                page = await api.call("GET", path, key=None)
                assert page.status_code == 200
                policy = page.headers["content-security-policy"]
                assert policy.startswith("default-src 'none'; style-src 'self'")
                assert "<script" not in page.text
                assert "style=" not in page.text
                assert all(link.startswith(("/", "#")) for link in ADDRESS.findall(page.text))
            style = await api.call("GET", "/docs/style.css", key=None)
            assert (style.status_code, style.headers["content-type"]) == (200, "text/css; charset=utf-8")
            assert "url(" not in style.text

    asyncio.run(run())


def test_every_link_within_the_page_leads_somewhere(database_url: str) -> None:
    """Anchors and problem pages that are linked to exist."""

    async def run() -> None:
        async with open_api(database_url) as api:
            page = (await api.call("GET", "/docs", key=None)).text
            ids = set(re.findall(r'id="([^"]+)"', page))
            links = set(ADDRESS.findall(page))
            assert {link[1:] for link in links if link.startswith("#")} <= ids
            for link in sorted(link for link in links if link.startswith("/")):
                assert (await api.call("GET", link, key=None)).status_code == 200, link

    asyncio.run(run())


@pytest.mark.parametrize("code", get_args(Code))
def test_every_problem_has_its_page(code: Code) -> None:
    """The `type` of a problem leads to a page with its title, its status and a next step."""
    page = render_problem(code)
    assert escape(KINDS[code].title) in page
    assert str(KINDS[code].status) in page
    assert "What to do" in page


def test_an_unknown_problem_is_not_found(database_url: str) -> None:
    """There are pages for our codes and for nothing else."""

    async def run() -> None:
        async with open_api(database_url) as api:
            assert (await api.call("GET", "/docs/problems/reboot", key=None)).status_code == 404

    asyncio.run(run())


def test_text_never_becomes_markup() -> None:
    """Descriptions are escaped before anything else is done to them."""
    assert rich_text("<b>`<i>`</b>") == "<p>&lt;b&gt;<code>&lt;i&gt;</code>&lt;/b&gt;</p>"
