"""The TypeScript client: of this API, compiled strictly, tested by its own tests and against the real gateway."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.line import open_line_to
from tests.browser.stage import BrowserSite, open_site
from tests.database import Servers, cloned_database

CLIENT = Path(__file__).parents[2] / "clients" / "typescript"
FOLLOWER = Path(__file__).with_name("follow.mjs")
MISSING = "Node.js with npm is not installed: the TypeScript client was not tested"
NO_PACKAGES = "npm could not install the TypeScript client's packages: it was not tested"
CHECK_SECONDS = 240
FOLLOW_SECONDS = 60
TEXTS = 40
CUTS = 5


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the client is built, with its packages; skips aloud where there is no Node, but never in CI."""
    if not (shutil.which("node") and shutil.which("npm")):
        _give_up(MISSING)
    folder = tmp_path_factory.mktemp("typescript")
    for name in ("package.json", ".npmrc"):
        shutil.copy(CLIENT / name, folder)
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefer-offline"]
    if subprocess.run(command, cwd=folder, capture_output=True, timeout=CHECK_SECONDS, check=False).returncode:
        _give_up(NO_PACKAGES)
    return folder


@pytest.fixture(scope="module")
def gateway(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserSite]:
    """A running Switchboard with a simulated phone company."""
    with cloned_database(servers.database_url) as database_url:
        folder = tmp_path_factory.mktemp("site")
        with open_site(folder, database_url=database_url, redis_url=servers.redis_url) as opened:
            yield opened


def check(work: Path, *steps: str) -> None:
    """Run steps of the client's own check, as CI does."""
    environment = {**os.environ, "SWITCHBOARD": f"{sys.executable} -m gateway"}
    command = [str(CLIENT / "check.sh"), "--work", str(work), *steps]
    ran = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=CHECK_SECONDS, check=False,
        cwd=CLIENT.parents[1],
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]


def test_the_types_are_those_of_the_api(work: Path) -> None:
    """A change of the API that did not reach src/types.ts is found: what is generated anew is the committed file."""
    check(work, "types")


def test_it_compiles_strictly_and_passes_its_own_tests(work: Path) -> None:
    """No type error in client or tests; the client does what its tests say against a fake gateway."""
    check(work, "compile", "test")


def test_our_pages_use_the_api_as_it_is_described(work: Path) -> None:
    """Console, simulator and widget are checked as strictly, and against the same types."""
    check(work, "pages")


@pytest.mark.parametrize("way", ["sse", "socket"])
def test_every_message_comes_once_and_in_order_over_a_line_that_is_cut(
    work: Path, gateway: BrowserSite, way: str
) -> None:
    """By events or by socket: the line is reset again and again, and the follower has each message once, in order."""
    check(work, "compile")
    handset = f"+1555777{way == 'sse':04d}"
    with open_line_to(gateway.port) as line:
        follower = _follow(work / "dist", f"http://127.0.0.1:{line.port}", gateway, way)
        assert follower.stdout is not None
        assert json.loads(follower.stdout.readline())["after"]
        for number in range(TEXTS):
            gateway.text_in(handset, f"{way} {number}")
            if number % (TEXTS // CUTS) == 0:
                line.cut()
        told, errors = follower.communicate(timeout=FOLLOW_SECONDS)
    assert follower.returncode == 0, errors
    seen: dict[str, Any] = json.loads(told)
    assert seen["words"] == [f"{way} {number}" for number in range(TEXTS)]
    assert len(set(seen["contacts"])) == len(seen["contacts"]) >= 1
    assert seen["refused"] == {"code": "not_found", "status": 404}


def _follow(client: Path, url: str, gateway: BrowserSite, way: str) -> subprocess.Popen[str]:
    key = gateway.client.headers["Authorization"].removeprefix("Bearer ")
    command = ["node", "--experimental-websocket", str(FOLLOWER), str(client), url, key, way, str(TEXTS)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _give_up(why: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)
