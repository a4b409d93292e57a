"""A whole installation for a fault run: gateways and workers as processes, a simulated Twilio that keeps the ledger.

On the embedded default all share one data directory, and killing the process that owns Postgres kills Postgres, as in
life. Opened `apart`, Postgres and Redis belong to the run (servers.py) and stand behind proxies, as does the provider:
`proxies["postgres"]`, `["postgres-work"]` (the workers' own line), `["redis"]`, `["provider0"]` ... one a channel.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
from itertools import cycle
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from channels.simulators.twilio.simulator import PACE_SECONDS
from gateway.embedded import open_embedded
from tests.faults.processes import Processes
from tests.faults.proxy import FaultProxy, Target
from tests.faults.servers import Postgres, Valkey, postmaster_of
from tests.ports import free_ports

ACCOUNT = "AC" + "7" * 32
TOKEN = "5" * 32
NUMBER = "+15550001111"
PUBLIC_URL = "https://switchboard.test"
READY_SECONDS = 30.0
MOST_CHANNELS = 9
MOST_SERVERS = 6
SERVERS = 2
"""That are asked as a rule; the others are there to take over."""


def number_of(channel: int) -> str:
    """The number of the first, second, ... channel."""
    return NUMBER[:-1] + str(channel + 1)


class Site(Processes):
    """Processes by name; any of them can be killed and started again. `settings` go to every process of ours.

    `servers` are asked by everybody here, and told by the provider. `pace` is in seconds: from one of a message's
    delivery statuses to the next.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        super().__init__(folder)
        *self.ports, self.simulator_port, self.redis_port = free_ports(MOST_SERVERS + 2)
        self.servers = [f"http://127.0.0.1:{port}" for port in self.ports[:SERVERS]]
        self.simulator = f"http://127.0.0.1:{self.simulator_port}"
        self.proxies: dict[str, FaultProxy] = {}
        self.postgres: Postgres | None = None
        self.redis: Valkey | None = None
        self.pace = PACE_SECONDS
        self.key = ""
        self.channels: list[str] = []
        self.settings = settings
        self._secret = secrets.token_hex(32)

    @property
    def channel(self) -> str:
        """The first channel's id."""
        return self.channels[0]

    @property
    def data(self) -> Path:
        """The data directory all processes share."""
        return self.folder / "data"

    async def open(self, *, servers: int = 2, workers: int = 1, channels: int = 1, apart: bool = False) -> None:
        """Start everything, and connect the simulated numbers."""
        self.start_simulator()
        if apart:
            await self._open_apart(channels)
        for number in range(servers):
            self.start(f"serve{number}")
            await self.until_ready(number)
        for number in range(workers):
            self.start(f"work{number}")
        self.key = json.loads(self.run("keys", "create", "faults", "--scope", "admin", "--json"))["secret"]
        for number in range(channels):
            self.channels.append(await self._connect_channel(number))

    def start(self, name: str, *, module: str = "gateway", **settings: str) -> None:
        """Start `serve0`, `serve1`, `work0`, ..., with other settings than the site's where given."""
        kind, number = name[:-1], int(name[-1])
        port = self.ports[number] if kind == "serve" else self.ports[0]
        command = [sys.executable, "-m", module, kind]
        self.spawn(name, command, environment=self.environment(kind, port=port) | settings)

    def start_simulator(self) -> None:
        """The provider: its webhooks go to all `servers`, in turn."""
        command = [
            sys.executable, "-m", "channels.simulators.twilio", f"--port={self.simulator_port}", f"--account={ACCOUNT}",
            f"--token={TOKEN}", f"--pace={self.pace}",
            *(f"--number={number_of(channel)}" for channel in range(MOST_CHANNELS)),
            *(f"--route={PUBLIC_URL}={server}" for server in self.servers),
        ]  # fmt: skip
        self.spawn("simulator", command, environment=dict(os.environ))

    def kill_server_program(self, program: str) -> None:
        """SIGKILL the embedded `postgres` (its postmaster) or `valkey-server` of this site."""
        pid = postmaster_of(self.data) if program == "postgres" else self._valkey()
        os.kill(pid, signal.SIGKILL)

    def run(self, *arguments: str) -> str:
        """The output of a command of ours."""
        command = [sys.executable, "-m", "gateway", *arguments]
        environment = self.environment("run", port=self.ports[0])
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One API call, asked of either gateway until one answers; the idempotency key makes that safe."""
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": secrets.token_hex(8)}
        async with httpx.AsyncClient(timeout=5) as client, asyncio.timeout(READY_SECONDS):
            for server in cycle(self.servers):
                try:
                    answer = await client.request(method, server + path, headers=headers, **more)
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
                    continue
                if answer.status_code < 500 and answer.json().get("code") != "request_in_progress":
                    return answer
                await asyncio.sleep(0.1)
        raise RuntimeError(f"{method} {path} was never answered")

    async def until_ready(self, number: int) -> None:
        """Until this gateway serves with all its parts."""
        async with httpx.AsyncClient(timeout=3) as client, asyncio.timeout(READY_SECONDS):
            while True:
                try:
                    url = f"http://127.0.0.1:{self.ports[number]}/health/ready"
                    if (await client.get(url)).status_code == 200:
                        return
                except httpx.TransportError:
                    await asyncio.sleep(0.1)

    async def rows(self, sql: str, *args: object) -> list[Any]:
        """Look into the database, past everything of ours; the embedded one is started if nobody runs it."""
        if self.postgres is not None:
            return await _fetch(self.postgres.url, sql, *args)
        embedded = await open_embedded(self.data, redis=False)
        try:
            return await _fetch(str(embedded.database_url), sql, *args)
        finally:
            await embedded.close()

    async def spool_empty(self) -> bool:
        """Whether nothing waits in the spool."""
        return not any((self.data / "spool").glob("*.spool"))

    async def database_url(self) -> str:
        """Straight to the database, past every proxy; a process of ours has to keep it running."""
        if self.postgres is not None:
            return self.postgres.url
        embedded = await open_embedded(self.data, redis=False)
        await embedded.close()
        return str(embedded.database_url)

    async def ledger(self) -> list[dict[str, Any]]:
        """Every message the simulated provider accepted from us, in the order it took them."""
        async with httpx.AsyncClient(timeout=10) as client:
            answer = await client.get(f"{self.simulator}/sim/ledger")
            return [message for message in answer.json()["accepted"] if message["direction"] != "inbound"]

    async def provider_faults(self, **faults: Any) -> None:
        """Put these faults of the simulated provider in force (channels/simulators/faults.py), the others off."""
        async with httpx.AsyncClient(timeout=10) as client:
            (await client.put(f"{self.simulator}/sim/faults", json=faults)).raise_for_status()

    async def aclose(self) -> None:
        """End everything, the run's own servers last; in a thread, since what ends still speaks through our proxies."""
        await asyncio.to_thread(self.close)
        for proxy in self.proxies.values():
            await proxy.close()
        if self.redis is not None:
            self.redis.kill()
        if self.postgres is not None:
            await self.postgres.close()

    def environment(self, kind: str, *, port: int) -> dict[str, str]:
        """What a process of ours is started with; `kind` is serve, work or run."""
        line = "postgres-work" if kind == "work" else "postgres"
        apart = {
            "SWITCHBOARD_DATABASE_URL": f"postgresql://app@127.0.0.1:{self.proxies[line].port}/postgres?sslmode=disable",
            "SWITCHBOARD_REDIS_URL": f"redis://127.0.0.1:{self.proxies['redis'].port}",
        } if self.proxies and kind != "run" else self._past_proxies()  # fmt: skip
        return os.environ | apart | {
            "SWITCHBOARD_SECRET_KEY": self._secret,
            "SWITCHBOARD_DATA_DIR": str(self.data),
            "SWITCHBOARD_PORT": str(port),
            "SWITCHBOARD_PUBLIC_URL": PUBLIC_URL,
            "SWITCHBOARD_EGRESS_ALLOW": "127.0.0.0/8",
            "SWITCHBOARD_JOB_LEASE_SECONDS": "5",
            "SWITCHBOARD_SEND_TIMEOUT_SECONDS": "2",
            "SWITCHBOARD_JOURNAL_TIMEOUT_SECONDS": "1",
            "SWITCHBOARD_DRAIN_SECONDS": "1",
            "SWITCHBOARD_KEY_REQUESTS_PER_MINUTE": "1000000",
            "SWITCHBOARD_LOG_LEVEL": "warning",
        } | self.settings  # fmt: skip

    def _past_proxies(self) -> dict[str, str]:
        """For commands that are waited for: nobody serves the proxies meanwhile."""
        if self.postgres is None or self.redis is None:
            return {}
        return {
            "SWITCHBOARD_DATABASE_URL": self.postgres.url,
            "SWITCHBOARD_REDIS_URL": f"redis://127.0.0.1:{self.redis.port}",
        }

    async def _open_apart(self, channels: int) -> None:
        self.postgres = Postgres(self.folder / "servers")
        self.redis = Valkey(self.folder / "redis", self.redis_port)
        await self.postgres.open()
        await self.redis.open()
        provider = ("127.0.0.1", self.simulator_port)
        targets: dict[str, Target] = {
            "postgres": self.postgres.socket,
            "postgres-work": self.postgres.socket,
            "redis": ("127.0.0.1", self.redis.port),
            **{f"provider{channel}": provider for channel in range(channels)},
        }
        for name, target in targets.items():
            self.proxies[name] = FaultProxy(target)
            await self.proxies[name].open()

    async def _connect_channel(self, number: int) -> str:
        line = self.proxies.get(f"provider{number}")
        settings = {
            "account_sid": ACCOUNT,
            "auth_token": TOKEN,
            "numbers": [number_of(number)],
            "api_url": f"http://127.0.0.1:{line.port}" if line else self.simulator,
        }
        body = {"adapter": "sms-twilio", "name": f"Faults {number}", "settings": settings}
        return str((await self.ask("POST", "/v1/channels", json=body)).json()["id"])

    def _valkey(self) -> int:
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and _runs_valkey(entry, self.folder):
                return int(entry.name)
        raise RuntimeError("no valkey-server of this site runs")


async def _fetch(url: str, sql: str, *args: object) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(sql, *args))
    finally:
        await connection.close()


def _runs_valkey(entry: Path, folder: Path) -> bool:
    try:
        command = (entry / "cmdline").read_bytes()
    except OSError:
        return False
    return b"valkey" in command.split(b"\0")[0] and str(folder).encode() in command
