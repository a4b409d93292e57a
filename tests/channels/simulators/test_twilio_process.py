"""The simulator as a process of its own, driven over HTTP."""

from __future__ import annotations

import base64
import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.channels.simulators.twilio_receiver import ACCOUNT, HANDSET, MESSAGES, NUMBER, TOKEN

STOP_SECONDS = 30


@contextlib.contextmanager
def simulator_process(*options: str) -> Iterator[tuple[dict[str, Any], httpx.Client]]:
    """A running process, its ready line, and a client with the account's credentials; ended by SIGTERM."""
    command = [sys.executable, "-m", "channels.simulators.twilio", "--account", ACCOUNT, "--token", TOKEN, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            ready = json.loads(process.stdout.readline())
            with httpx.Client(base_url=ready["url"], auth=(ACCOUNT, TOKEN), trust_env=False, timeout=30) as client:
                yield ready, client
            process.terminate()
            assert process.wait(STOP_SECONDS) in (0, -signal.SIGTERM)
            assert process.stdout.read() == ""
        finally:
            process.kill()


def test_a_process_is_driven_over_http() -> None:
    """A process says where it listens, takes messages and texts, shows ledger and handsets, and ends on SIGTERM."""
    with simulator_process("--number", NUMBER, "--pace", "0") as (ready, client):
        assert ready == {"url": str(client.base_url), "account": ACCOUNT, "token": TOKEN, "numbers": [NUMBER]}
        sent = client.post(MESSAGES, data={"To": HANDSET, "From": NUMBER, "Body": "out"})
        assert sent.status_code == 201
        text = client.post(f"/sim/handsets/{HANDSET}/messages", json={"body": "in"})
        assert (text.status_code, text.json()["acknowledged"]) == (201, False)  # no hook: nobody to tell
        ledger = _settled_ledger(client)
        assert [message["body"] for message in ledger["accepted"]] == ["out"]
        assert [message["body"] for message in ledger["inbound"]] == ["in"]
        shown = client.get(f"/sim/handsets/{HANDSET}/messages").json()["messages"]
        assert {message["body"]: message["author"] for message in shown} == {"out": "business", "in": "handset"}
        assert client.get("/sim/handsets").json() == {"handsets": [HANDSET]}


def test_a_process_stops_with_a_call_unanswered() -> None:
    """SIGTERM ends the process although a call hangs without an answer."""
    with (
        simulator_process("--number", NUMBER, "--faults", '{"hanging": 1}') as (_, client),
        contextlib.suppress(httpx.ReadTimeout),
    ):
        client.post(MESSAGES, data={"To": HANDSET, "From": NUMBER, "Body": "out"}, timeout=0.2)


def test_numbers_tokens_and_faults_are_set_over_http() -> None:
    """Numbers, tokens and faults may be changed while it runs; faults that make no sense are refused."""
    with simulator_process("--number", NUMBER) as (_, client):
        described = {"number": "+15550100009", "account_sid": ACCOUNT, "hook": "http://127.0.0.1:1/x"}
        assert client.put("/sim/numbers/+15550100009", json=described).status_code == 200
        assert [number["number"] for number in client.get("/sim/numbers").json()["numbers"]] == [NUMBER, "+15550100009"]
        ambiguous = client.post(f"/sim/handsets/{HANDSET}/messages", json={"body": "to whom?"})
        assert ambiguous.status_code == 404
        assert client.put("/sim/faults", json={"throttled": 1.5}).status_code == 400
        assert (
            client.put("/sim/faults", json={"next_calls": ["error", "drop"], "broken_status": 503}).status_code == 200
        )
        assert client.get("/sim/faults").json()["next_calls"] == ["error", "drop"]
        message = {"To": HANDSET, "From": NUMBER, "Body": "out"}
        assert client.post(MESSAGES, data=message).status_code == 503
        with pytest.raises(httpx.RemoteProtocolError):
            client.post(MESSAGES, data=message)
        assert client.put(f"/sim/accounts/{ACCOUNT}", json={"sid": ACCOUNT, "token": "new"}).status_code == 200
        assert client.get(MESSAGES).status_code == 401
        assert client.get(MESSAGES, auth=(ACCOUNT, "new")).status_code == 200


def test_a_handset_sends_files_over_http() -> None:
    """Files of a text come as base64 and are kept byte for byte at the address the handset shows."""
    content = bytes(range(256))
    with simulator_process("--number", NUMBER) as (_, client):
        media = [{"content_type": "image/png", "content": base64.b64encode(content).decode()}]
        sent = client.post(f"/sim/handsets/{HANDSET}/messages", json={"media": media, "wait": False})
        assert sent.json()["media"][0]["size"] == len(content)
        shown = client.get(f"/sim/handsets/{HANDSET}/messages").json()["messages"][0]["media_urls"]
        with httpx.Client(trust_env=False) as anybody:
            assert anybody.get(shown[0]).content == content


def _settled_ledger(client: httpx.Client) -> dict[str, Any]:
    while True:
        ledger: dict[str, Any] = client.get("/sim/ledger").json()
        if not ledger["under_way"]:
            return ledger
