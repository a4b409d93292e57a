"""The demo itself, as a newcomer runs it: real processes and servers, a provider that behaves and one that does not."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.commands.beacon import BEACON_NAME
from gateway.demo.seeding import DEMO_API_KEY
from tests.ports import free_ports

ENDS_WITHIN = 120.0
DELIVERED = 30
"""Reports of it, of which a message has several."""
STRANGER = "+447700900999"
KEYS = ["sent", "stored", "answered", "delivered", "lost", "doubled", "first_stored_seconds"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data directory for all runs, as with somebody who comes back."""
    return tmp_path_factory.mktemp("demo")


@contextmanager
def demo_process(folder: Path, port: int, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A demo that has been started, and is killed if it has not ended."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SWITCHBOARD_")}
    command = [sys.executable, "-m", "gateway", "demo", "--port", str(port), "--data-dir", str(folder), "--json"]
    with subprocess.Popen(
        [*command, *options], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def sent_by_hand(folder: Path) -> dict[str, Any]:
    """What `switchboard send` says of a message to somebody who has not written, to the demo it finds by itself."""
    ran = subprocess.run(
        [sys.executable, "-m", "gateway", "send", "--to", STRANGER, "--json", "Hello"],
        env=client_environment(folder), capture_output=True, text=True, check=True, timeout=ENDS_WITHIN,
    )  # fmt: skip
    delivery: dict[str, Any] = json.loads(ran.stdout)["delivery"]
    return delivery


def seen_by_tail(folder: Path) -> list[dict[str, Any]]:
    """What `switchboard tail` prints until enough was delivered."""
    tail = subprocess.Popen(
        [sys.executable, "-m", "gateway", "tail", "--json"],
        env=client_environment(folder), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    too_late = threading.Timer(ENDS_WITHIN, tail.kill)  # it follows a demo that is gone for ever
    too_late.start()
    events: list[dict[str, Any]] = []
    with tail:
        assert tail.stdout is not None
        while sum(event["type"] == "message.delivery_updated" for event in events) < DELIVERED:
            events.append(json.loads(tail.stdout.readline()))
        too_late.cancel()
        tail.kill()
    return events


def client_environment(folder: Path) -> dict[str, str]:
    """Nothing but where the demo keeps its data."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SWITCHBOARD_")}
    return environment | {"SWITCHBOARD_DATA_DIR": str(folder)}


def end_of(running: subprocess.Popen[str]) -> tuple[int, dict[str, Any], str]:
    """How it ended: exit code, the object on the last line, and what it told beside."""
    output, told = running.communicate(timeout=ENDS_WITHIN)
    return running.returncode, json.loads(output.splitlines()[-1]) if output else {}, told


def until_lit(folder: Path, running: subprocess.Popen[str]) -> dict[str, Any]:
    """The note a running demo leaves, as soon as it is there."""
    end = time.monotonic() + ENDS_WITHIN
    while time.monotonic() < end and running.poll() is None:
        if (folder / BEACON_NAME).exists():
            note: dict[str, Any] = json.loads((folder / BEACON_NAME).read_text())
            return note
        time.sleep(0.05)
    running.kill()
    raise AssertionError(running.communicate()[1])


def test_a_calm_run_is_flawless(folder: Path) -> None:
    """Texts become timelines and replies reach phones, each once; Ctrl-C ends it with the figures and a good exit."""
    with demo_process(folder, free_ports(1)[0], "--rate", "10") as running:
        note = until_lit(folder, running)
        headers = {"Authorization": f"Bearer {note['api_key']}"}
        assert note["api_key"] == DEMO_API_KEY
        assert httpx.get(f"{note['url']}/v1/channels", headers=headers).json()["data"][0]["adapter"] == "sms-twilio"
        assert sent_by_hand(folder)["state"] == "queued"
        assert {event["object"] for event in seen_by_tail(folder)} == {"event"}
        running.send_signal(signal.SIGINT)
        code, figures, told = end_of(running)
    assert list(figures) == KEYS, told
    assert (code, figures["lost"], figures["doubled"]) == (0, 0, 0), told
    assert figures["stored"] == figures["sent"] >= 15
    assert figures["delivered"] == figures["answered"] > 0
    assert 0 < figures["first_stored_seconds"] < 60
    assert not (folder / BEACON_NAME).exists()


def test_an_outage_loses_and_doubles_nothing(folder: Path) -> None:
    """It ends by itself; webhooks late, twice, out of order, calls cut and broken, same data: still once each."""
    options = "--duration", "4", "--rate", "10", "--scenario", "outage"
    with demo_process(folder, free_ports(1)[0], *options) as running:
        code, figures, told = end_of(running)
    assert (code, figures["lost"], figures["doubled"]) == (0, 0, 0), told
    assert figures["stored"] == figures["sent"] > 0


def test_a_port_that_is_taken_is_told_at_once(tmp_path: Path) -> None:
    """Nothing is started for nothing: the port is looked at first, and another one proposed."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with demo_process(tmp_path, port, "--duration", "3") as running:
            code, _, told = end_of(running)
    assert code == 1
    assert f"port {port}" in told
    assert f"--port {port + 1}" in told
    assert "Traceback" not in told
