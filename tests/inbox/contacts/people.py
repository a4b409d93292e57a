"""The API of everything about people, for its tests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from inbox.contacts.api import ContactController, IdentityController
from inbox.contacts.attributes.api import AttributeController
from inbox.contacts.companies.api import CompanyController, SuggestionController
from inbox.contacts.duplicates.api import DuplicateController
from inbox.contacts.segments.api import SegmentController
from inbox.conversations.contact_merging.api import ContactMergeController
from tests.api import Api, open_api

CONTROLLERS = (
    ContactMergeController, ContactController, IdentityController, AttributeController, CompanyController,
    SuggestionController, DuplicateController, SegmentController,
)  # fmt: skip


def run_people(database_url: str, body: Callable[[Api], Awaitable[None]]) -> None:
    """Run a test's body against that API."""

    async def opened() -> None:
        async with open_api(database_url, controllers=CONTROLLERS) as api:
            await body(api)

    asyncio.run(opened())
