"""Fixtures every test can ask for, and the guard that keeps tests on this machine."""

from __future__ import annotations

import gc
import math
import os
import socket
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import pytest
import redis
import structlog
from hypothesis import settings

from tests.database import Servers, cloned_database, roomy_folder, running_servers

# The kit of this checkout, not the one that is installed: pyproject.toml keeps pytest from loading that.
pytest_plugins = ["channels.kit.plugin", "tests.mail.plugin"]

# The same examples every time, however slow the machine: a failure is a change's doing.
settings.register_profile("calm", derandomize=True, deadline=None)
settings.load_profile("calm")

REAL_CONNECT = socket.socket.connect
REAL_CONNECT_EX = socket.socket.connect_ex

# Log lines go nowhere unless a test configures them: the default prints tracebacks with all their values, slowly.
SILENCE = [structlog.processors.KeyValueRenderer()]
structlog.configure(processors=SILENCE, logger_factory=structlog.ReturnLoggerFactory())


# An application is some hundred thousand objects, made for nearly each test: looking through all of them as often as in
# a process that makes one costs a quarter of the run.
SELDOM = 20_000, 20, 20


def pytest_collection_finish() -> None:
    """What was imported and collected stays as long as the process: it need not be looked at for garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SELDOM)


WAITING_SHARE = 3 / 2
"""Tests wait as long as they compute, for servers and other processes: two cores are busy with three at a time."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """How many at a time where the command line does not say."""
    return math.ceil((os.cpu_count() or 1) * WAITING_SHARE)


class NetworkBlocked(Exception):
    """A test tried to speak to another machine."""


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """A private Postgres and Valkey, with the migrated template database."""
    with roomy_folder(tmp_path_factory.mktemp("servers")) as folder, running_servers(folder) as running:
        yield running


@pytest.fixture
def database_url(servers: Servers) -> Iterator[str]:
    """A migrated database of the test's own."""
    with cloned_database(servers.database_url) as url:
        yield url


@pytest.fixture
def empty_database_url(servers: Servers) -> Iterator[str]:
    """A database of the test's own, without a table."""
    with cloned_database(servers.database_url, template=None) as url:
        yield url


@pytest.fixture
def redis_url(servers: Servers) -> str:
    """The session's Valkey, empty: what an earlier test used up of a limit is not this one's."""
    with redis.Redis.from_url(servers.redis_url) as client:
        client.flushall()
    return servers.redis_url


@pytest.fixture(autouse=True)
def _stay_on_this_machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No socket of a test leaves the loopback interface."""
    if request.node.get_closest_marker("network"):
        return
    monkeypatch.setattr(socket.socket, "connect", _guarded_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", _guarded_connect_ex)


def _guarded_connect(sock: socket.socket, address: Any) -> None:
    _refuse_far(sock, address)
    REAL_CONNECT(sock, address)


def _guarded_connect_ex(sock: socket.socket, address: Any) -> int:
    _refuse_far(sock, address)
    return REAL_CONNECT_EX(sock, address)


def _refuse_far(sock: socket.socket, address: Any) -> None:
    if sock.family in {socket.AF_INET, socket.AF_INET6} and not ip_address(address[0]).is_loopback:
        raise NetworkBlocked(f"a test tried to reach {address}")
