"""A whole installation for a fault run: gateways and workers as processes that share one data directory.

They run on the embedded default, so that killing the process that owns Postgres kills Postgres, as in life. A simulated
Twilio runs as a process of its own and keeps the ledger.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from gateway.embedded import open_embedded
from tests.bench.inbound import free_ports

ACCOUNT = "AC" + "7" * 32
TOKEN = "5" * 32
NUMBER = "+15550001111"
PUBLIC_URL = "https://switchboard.test"
READY_SECONDS = 30.0


class Site:
    """Processes by name; any of them can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = free_ports(3)
        self.servers = [f"http://127.0.0.1:{port}" for port in self.ports[:2]]
        self.simulator = f"http://127.0.0.1:{self.ports[2]}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.key = ""
        self.channel = ""
        self._secret = secrets.token_hex(32)

    async def open(self, *, servers: int = 2, workers: int = 1) -> None:
        """Start everything, and connect the simulated number."""
        self.start_simulator()
        for number in range(servers):
            self.start(f"serve{number}")
            await self.until_ready(number)
        for number in range(workers):
            self.start(f"work{number}")
        self.key = json.loads(self.run("keys", "create", "faults", "--scope", "admin", "--json"))["secret"]
        settings = {"account_sid": ACCOUNT, "auth_token": TOKEN, "numbers": [NUMBER], "api_url": self.simulator}
        body = {"adapter": "sms-twilio", "name": "Faults", "settings": settings}
        self.channel = (await self.ask("POST", "/v1/channels", json=body)).json()["id"]

    def start(self, name: str, **settings: str) -> None:
        """Start `serve0`, `serve1`, `work0`, ..., with other settings than the site's where given."""
        kind, number = name[:-1], int(name[-1])
        port = self.ports[number] if kind == "serve" else self.ports[0]
        command = [sys.executable, "-m", "gateway", kind]
        self._spawn(name, command, environment=self._environment(port) | settings)

    def start_simulator(self) -> None:
        """The provider: its webhooks go to both gateways in turn."""
        routes = [f"--route={PUBLIC_URL}={server}" for server in self.servers]
        command = [
            sys.executable, "-m", "channels.simulators.twilio", f"--port={self.ports[2]}", f"--account={ACCOUNT}",
            f"--token={TOKEN}", f"--number={NUMBER}", *routes,
        ]  # fmt: skip
        self._spawn("simulator", command, environment=dict(os.environ))

    def kill(self, name: str) -> None:
        """SIGKILL: no last word."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def stop(self, name: str) -> int:
        """SIGTERM, and the exit status."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(timeout=20)

    def kill_server_program(self, program: str) -> None:
        """SIGKILL the embedded `postgres` (its postmaster) or `valkey-server` of this site."""
        pid = self._postmaster() if program == "postgres" else self._valkey()
        os.kill(pid, signal.SIGKILL)

    def run(self, *arguments: str) -> str:
        """The output of a command of ours."""
        command = [sys.executable, "-m", "gateway", *arguments]
        done = subprocess.run(command, env=self._environment(self.ports[0]), check=True, capture_output=True, text=True)
        return done.stdout

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One API call, asked of either gateway until one answers; the idempotency key makes that safe."""
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": secrets.token_hex(8)}
        async with httpx.AsyncClient(timeout=5) as client, asyncio.timeout(READY_SECONDS):
            for attempt in range(1000):
                try:
                    answer = await client.request(method, self.servers[attempt % 2] + path, headers=headers, **more)
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
                    if (await client.get(f"{self.servers[number]}/health/ready")).status_code == 200:
                        return
                except httpx.TransportError:
                    await asyncio.sleep(0.1)

    async def rows(self, sql: str, *args: object) -> list[Any]:
        """Look into the database, past everything of ours; it is started if nobody runs it."""
        embedded = await open_embedded(self.folder / "data", redis=False)
        try:
            connection = await asyncpg.connect(embedded.database_url)
            try:
                return list(await connection.fetch(sql, *args))
            finally:
                await connection.close()
        finally:
            await embedded.close()

    async def ledger(self) -> list[dict[str, Any]]:
        """Every message the simulated provider accepted from us."""
        async with httpx.AsyncClient(timeout=10) as client:
            answer = await client.get(f"{self.simulator}/sim/ledger")
            return [message for message in answer.json()["accepted"] if message["direction"] != "inbound"]

    def close(self) -> None:
        """End everything that still runs."""
        for name in list(self.processes):
            self.processes[name].terminate()
        for process in self.processes.values():
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()

    def _environment(self, port: int) -> dict[str, str]:
        return os.environ | {
            "SWITCHBOARD_SECRET_KEY": self._secret,
            "SWITCHBOARD_DATA_DIR": str(self.folder / "data"),
            "SWITCHBOARD_PORT": str(port),
            "SWITCHBOARD_PUBLIC_URL": PUBLIC_URL,
            "SWITCHBOARD_EGRESS_ALLOW": "127.0.0.0/8",
            "SWITCHBOARD_JOB_LEASE_SECONDS": "5",
            "SWITCHBOARD_SEND_TIMEOUT_SECONDS": "2",
            "SWITCHBOARD_JOURNAL_TIMEOUT_SECONDS": "1",
            "SWITCHBOARD_LOG_LEVEL": "warning",
        }

    def _spawn(self, name: str, command: list[str], *, environment: dict[str, str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)

    def _postmaster(self) -> int:
        [pid_file] = (self.folder / "data").rglob("postmaster.pid")
        return int(pid_file.read_text().split()[0])

    def _valkey(self) -> int:
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and _runs_valkey(entry, self.folder):
                return int(entry.name)
        raise RuntimeError("no valkey-server of this site runs")


def _runs_valkey(entry: Path, folder: Path) -> bool:
    try:
        command = (entry / "cmdline").read_bytes()
    except OSError:
        return False
    return b"valkey" in command.split(b"\0")[0] and str(folder).encode() in command
