"""The API of writing in a test's own loop: one channel, one contact, and calls that say what they expect."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from gateway.settings import Settings
from inbox.accounts.catalogue import Catalogue
from inbox.conversations.api import ConversationController, FeedController, MessageController, StateController
from inbox.conversations.canned.api import CannedReplyController
from inbox.conversations.drafts.api import DraftController
from inbox.conversations.scheduled.api import ScheduledMessageController
from inbox.conversations.sending.api import PreviewController, SendingController
from inbox.intake.batch import Lane
from inbox.kit.ids import show_id
from inbox.kit.secrets import SecretBox
from inbox.staff.actions import add_agent
from tests.api import Api, open_api
from tests.inbox.builders import PlainAdapter, committed, make_channel, receive, text_message

CONTROLLERS = (
    ConversationController, StateController, MessageController, FeedController, SendingController, PreviewController,
    DraftController, ScheduledMessageController, CannedReplyController,
)  # fmt: skip


class Desk:
    """An agent's desk: a conversation with Ana, on a channel of ours."""

    def __init__(self, api: Api, lane: Lane, conversation: UUID) -> None:
        self.api = api
        self.lane = lane
        self.conversation_id = conversation
        self.conversation = f"/v1/conversations/{show_id('cnv', conversation)}"

    async def ask(self, method: str, path: str, body: Any = None, *, status: int = 200, **options: Any) -> Any:
        """The JSON of an answer with this status."""
        if body is not None:
            options["json"] = body
        answer = await self.api.call(method, path if path.startswith("/v1") else f"/v1{path}", **options)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def refuse(self, method: str, path: str, body: Any = None, **options: Any) -> str:
        """The code of the problem it is refused with."""
        if body is not None:
            options["json"] = body
        answer = await self.api.call(method, path if path.startswith("/v1") else f"/v1{path}", **options)
        assert answer.status_code >= 400, answer.text
        return str(answer.json()["code"])

    async def draft(self, text: str | None = "hello", **fields: Any) -> Any:
        """A saved draft."""
        return await self.ask("POST", f"{self.conversation}/drafts", {"text": text, **fields}, status=201)

    async def agent_key(self, name: str = "Bo") -> tuple[str, str]:
        """An agent's id, and a key that is bound to them."""
        agent = await committed(add_agent(name=name, email=f"{name.lower()}@example.org"))
        return show_id("agt", agent.id), await self.api.make_key("admin", agent_id=agent.id)


def at_desk(url: str, body: Callable[[Desk], Awaitable[None]], **settings: Any) -> None:
    """A test's body at a desk with one message of Ana's."""

    async def opened() -> None:
        box = SecretBox(["a test's own key, long enough: 0123456789"])
        catalogue = Catalogue(
            adapters={"sms-plain": PlainAdapter()}, box=box, public_url="https://x.test", check_url=_allow
        )
        async with open_api(
            url, settings=Settings(**settings), controllers=CONTROLLERS,
            dependencies={"catalogue": catalogue},
        ) as api:  # fmt: skip
            lane = await make_channel()
            await body(Desk(api, lane, await receive(lane, text_message(name="Ana Ruiz"))))

    asyncio.run(opened())


async def _allow(url: str) -> None:
    """Every URL may be called; none is."""
