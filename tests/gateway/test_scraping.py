"""A process that only works shows its measures and its health on a port of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from gateway.configuration import load_settings
from gateway.environment import SettingsError
from tests.gateway.commands.shell import KEY
from tests.journeys.scrapes import Scrape
from tests.ports import free_ports

PATIENCE_SECONDS = 120.0
TOKEN = "a-token-for-scrapes"


@contextmanager
def working(database_url: str, redis_url: str, folder: Path, *, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """`switchboard work` as a process of its own."""
    settings = {
        "SWITCHBOARD_SECRET_KEY": KEY,
        "SWITCHBOARD_DATABASE_URL": database_url,
        "SWITCHBOARD_REDIS_URL": redis_url,
        "SWITCHBOARD_DATA_DIR": str(folder),
        "SWITCHBOARD_WORK_METRICS_PORT": str(port),
        "SWITCHBOARD_METRICS_TOKEN": TOKEN,
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SWITCHBOARD_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "work"], env=inherited | settings, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def await_answer(url: str) -> None:
    """Return once somebody answers there."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            httpx.get(url, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(url)


def test_a_worker_shows_how_it_is(database_url: str, redis_url: str, tmp_path: Path) -> None:
    """/metrics with the token alone, health for a probe, and an orderly end on SIGTERM."""
    [port] = free_ports(1)
    with working(database_url, redis_url, tmp_path, port=port) as process:
        url = f"http://127.0.0.1:{port}"
        await_answer(f"{url}/health/live")
        with httpx.Client(base_url=url, trust_env=False) as client:
            assert client.get("/health/ready").status_code == 200
            assert client.get("/metrics").status_code == 404
            read = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
            assert client.get("/v1/conversations").status_code == 404
        found = Scrape(read.text)
        assert (found.of("db_up"), found.of("redis_writable"), found.of("jobs_dead")) == (1, 1, 0)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE_SECONDS) == 0


def test_a_token_that_can_be_guessed_is_refused(tmp_path: Path) -> None:
    """A short token keeps the process from starting; none at all is for this machine alone."""
    settings = {"SWITCHBOARD_SECRET_KEY": KEY, "SWITCHBOARD_DATA_DIR": str(tmp_path)}
    assert load_settings(settings)[0].metrics_token == ""
    with pytest.raises(SettingsError, match="SWITCHBOARD_METRICS_TOKEN"):
        load_settings({**settings, "SWITCHBOARD_METRICS_TOKEN": "short"})


def test_a_port_that_is_taken_is_told_in_a_line(tmp_path: Path) -> None:
    """Two workers of one machine need a port each: the second says so and does not start."""
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        working("postgresql://127.0.0.1:9/x", "redis://127.0.0.1:9", tmp_path, port=taken.getsockname()[1]) as process,
    ):
        _, told = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 1
        assert b"is taken by another process" in told
        assert b"Traceback" not in told
