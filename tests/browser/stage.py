"""A running Switchboard for the browser tests: gateway and worker as a process, simulated phones, channels, agents.

Everything is as it is in life: real servers, real HTTP, the published API. One site serves all tests of a process, so
each test brings people and conversations of its own.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec

from inbox.kit.db import close_database, open_database, tx
from inbox.kit.ids import read_id
from inbox.staff.actions import create_api_key
from inbox.staff.passwords.actions import set_password
from tests.database import cloned_database
from tests.faults.processes import Processes
from tests.ports import free_ports

ACCOUNT = "AC" + "4" * 32
TOKEN = "6" * 32
NUMBER = "+15550002222"
PASSWORD = "correct horse battery staple"
IDENTITY_SECRET = "0123456789abcdef0123456789abcdef"
READY_SECONDS = 300.0
"""How long a program may take to start where all cores are busy; one that has ended is not waited for."""
PATIENCE_SECONDS = 30.0
ANSWER_SECONDS = 30.0
"""How long one request may take: the machine may be busy with much else."""
LOOK_SECONDS = 0.05

UNLIMITED = (
    "SWITCHBOARD_KEY_REQUESTS_PER_MINUTE",
    "SWITCHBOARD_FAILED_KEYS_PER_MINUTE",
    "SWITCHBOARD_SIGNIN_FAILURES_PER_ADDRESS",
    "SWITCHBOARD_PASSWORD_RESETS_PER_ADDRESS",
    "SWITCHBOARD_VISITOR_SESSIONS_PER_MINUTE",
)
"""Quotas of an address, since all tests come from one: none shall fail for how many ran in the minute before."""

Found = TypeVar("Found")


class Person(msgspec.Struct, kw_only=True, frozen=True):
    """An agent who can sign in."""

    id: str
    name: str
    email: str
    password: str = PASSWORD


class BrowserSite:
    """One gateway with its worker. `call` asks the API as an administrator's key may."""

    def __init__(self, folder: Path, *, database_url: str, redis_url: str, settings: dict[str, str]) -> None:
        self.processes = Processes(folder)
        self.database_url = database_url
        self.port, self.phone_port = free_ports(2)
        self.local = self.url = f"http://127.0.0.1:{self.port}"
        self.phones = f"http://127.0.0.1:{self.phone_port}"
        self.environment = {
            **os.environ,
            "SWITCHBOARD_SECRET_KEY": secrets.token_hex(32),
            "SWITCHBOARD_DATABASE_URL": database_url,
            "SWITCHBOARD_REDIS_URL": redis_url,
            "SWITCHBOARD_DATA_DIR": str(folder / "data"),
            "SWITCHBOARD_PUBLIC_URL": self.url,
            "SWITCHBOARD_PORT": str(self.port),
            "SWITCHBOARD_EGRESS_ALLOW": "127.0.0.0/8",
            "SWITCHBOARD_SEND_RETRY_BASE_SECONDS": "0.2",
            "SWITCHBOARD_DRAIN_SECONDS": "0",
            **dict.fromkeys(UNLIMITED, "100000"),
            **settings,
        }
        self.client = httpx.Client(base_url=self.local, timeout=ANSWER_SECONDS)
        self.sms_channel = self.web_channel = ""

    def be_reached_at(self, url: str) -> None:
        """Be called so by browsers, which reach it over a line; what is asked here goes past that."""
        self.url = self.environment["SWITCHBOARD_PUBLIC_URL"] = url

    def open(self) -> None:
        """Start everything at once, and connect the number and the web chat."""
        self._spawn_phones()
        self._spawn_gateway()
        self.client.headers["Authorization"] = f"Bearer {run_apart(_make_key(self.database_url))}"
        self._wait_for("phones", f"{self.phones}/sim/handsets")
        self._wait_for("gateway", f"{self.local}/health/ready")
        self.sms_channel = self._connect_phone()
        self.web_channel = self.open_chat("Shop chat")

    def close(self) -> None:
        """End it."""
        self.client.close()
        self.processes.close()

    def restart(self) -> None:
        """kill -9, and start it again."""
        self.processes.kill("gateway")
        self._spawn_gateway()
        self._wait_for("gateway", f"{self.local}/health/ready")

    def call(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        """The JSON of an API call that has to succeed."""
        answer = self.client.request(method, path, json=body, params=params)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def hire(self, name: str, *, role: str = "admin") -> Person:
        """A new agent with a password."""
        email = f"{secrets.token_hex(4)}@desk.example"
        agent = self.call("POST", "/v1/agents", {"name": name, "email": email, "role": role})
        run_apart(_set_password(self.database_url, agent["id"]))
        return Person(id=agent["id"], name=name, email=email)

    def open_chat(self, name: str, **settings: Any) -> str:
        """A web chat of its own, which sites of this machine may frame; its channel's id."""
        given = {"name": name, "origins": ["http://127.0.0.1:*"], **settings}
        body = {"adapter": "webchat-widget", "name": name, "settings": given}
        return str(self.call("POST", "/v1/channels", body)["id"])

    def text_in(self, handset: str, words: str) -> None:
        """A text from a phone to the number."""
        path = f"{self.phones}/sim/handsets/{handset}/messages"
        answer = httpx.post(path, json={"to": NUMBER, "body": words}, timeout=ANSWER_SECONDS)
        assert answer.is_success, answer.text

    def texts_on(self, handset: str) -> list[Any]:
        """What a phone shows."""
        answer = httpx.get(f"{self.phones}/sim/handsets/{handset}/messages", timeout=ANSWER_SECONDS)
        return list(answer.json()["messages"])

    def tell_phones(self, what: str, how: dict[str, Any]) -> None:
        """Set up a number or the faults of the simulated network."""
        httpx.put(f"{self.phones}/sim/{what}", json=how, timeout=ANSWER_SECONDS).raise_for_status()

    def conversation_with(self, identity: str) -> Any:
        """The one conversation with somebody, as soon as there is one."""

        def found() -> Any:
            contacts = self.call("GET", "/v1/contacts", identity=identity)["data"]
            shown = contacts and self.call("GET", "/v1/conversations", contact=contacts[0]["id"])["data"]
            return shown[0] if shown else None

        return eventually(found)

    def _spawn_phones(self) -> None:
        command = [
            sys.executable, "-m", "channels.simulators.twilio", f"--port={self.phone_port}", f"--account={ACCOUNT}",
            f"--token={TOKEN}", "--pace=0.05", f"--number={NUMBER}",
        ]  # fmt: skip
        self.processes.spawn("phones", command, environment=dict(os.environ))

    def _spawn_gateway(self) -> None:
        command = [sys.executable, "-m", "gateway", "serve", "--with-worker"]
        self.processes.spawn("gateway", command, environment=self.environment)

    def _wait_for(self, name: str, url: str) -> None:
        process = self.processes.running[name]
        eventually(lambda: _answers(url) or process.poll() is not None, seconds=READY_SECONDS)
        assert process.poll() is None, f"{name} ended: see {self.processes.folder}"

    def _connect_phone(self) -> str:
        settings = {"account_sid": ACCOUNT, "auth_token": TOKEN, "numbers": [NUMBER], "api_url": self.phones}
        made = self.call("POST", "/v1/channels", {"adapter": "sms-twilio", "name": "Shop line", "settings": settings})
        hook = f"{self.url}/hooks/sms-twilio/{made['id']}/message"
        self.tell_phones(f"numbers/{NUMBER}", {"number": NUMBER, "account_sid": ACCOUNT, "hook": hook})
        return str(made["id"])


@contextmanager
def open_site(folder: Path, *, database_url: str, redis_url: str, **settings: str) -> Iterator[BrowserSite]:
    """The site, from its start to its end."""
    site = BrowserSite(folder, database_url=database_url, redis_url=redis_url, settings=settings)
    try:
        site.open()
        yield site
    finally:
        site.close()


@contextmanager
def cloned_apart(server_url: str) -> Iterator[str]:
    """A database of one's own, made and dropped in a thread: a browser's event loop may be running in this one."""
    clone = cloned_database(server_url)
    with ThreadPoolExecutor(1) as apart:
        database_url = apart.submit(clone.__enter__).result()
        try:
            yield database_url
        finally:
            apart.submit(clone.__exit__, None, None, None).result()


def eventually(found: Callable[[], Found], *, seconds: float = PATIENCE_SECONDS) -> Found:
    """What is found, as soon as it is; an error when it takes too long."""
    ends = time.monotonic() + seconds
    while not (result := found()):
        if time.monotonic() > ends:
            raise TimeoutError(f"nothing was found within {seconds:g} seconds")
        time.sleep(LOOK_SECONDS)
    return result


def artefacts() -> Path | None:
    """Where pictures are kept, if anybody wants them: the folder named by SWITCHBOARD_ARTEFACTS."""
    named = os.environ.get("SWITCHBOARD_ARTEFACTS")
    if not named:
        return None
    folder = Path(named)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def save_picture(page: Any, name: str) -> None:
    """Keep what the page shows."""
    folder = artefacts()
    if folder is not None:
        page.screenshot(path=str(folder / f"{re.sub(r'[^a-z0-9-]+', '-', name.lower())}.png"))


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def run_apart(work: Coroutine[Any, Any, Found]) -> Found:
    """What a coroutine returns, in a thread of its own: a browser's event loop may be running in this one."""
    with ThreadPoolExecutor(1) as apart:
        return apart.submit(asyncio.run, work).result()


async def _make_key(database_url: str) -> str:
    await open_database(database_url, size=2)
    try:
        async with tx():
            _, secret = await create_api_key(name="browser", scopes=["admin"])
        return secret
    finally:
        await close_database()


async def _set_password(database_url: str, agent_id: str) -> None:
    await open_database(database_url, size=2)
    try:
        async with tx():
            await set_password(read_id("agt", agent_id), PASSWORD)
    finally:
        await close_database()
