"""Schemathesis over the running service: `python -m tests.contract.fuzz --seconds 180`, ending in one JSON line.

Everything the OpenAPI document allows, and much it does not, is asked of a real gateway with a worker, by two keys: one
that may do everything, following the document's links from what it made, and one that may only read conversations. An
answer of 500 or above, or a status the document does not name, is a failure (reliability.md, fuzzing).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.faults.site import NUMBER, Site

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance"
READER = ("conversations:read",)
READER_SHARE = 0.25
"""How much of the time is the limited key's."""
WITHOUT = ("streamEvents",)
"""An answer that never ends cannot be judged."""
MORE_SECONDS = 60.0
"""How long after its time Schemathesis may take to end."""
ANSWER_SECONDS = 10
NO_LIMITS = {
    "SWITCHBOARD_FAILED_KEYS_PER_MINUTE": "1000000",
    "SWITCHBOARD_SIGNIN_FAILURES_PER_ADDRESS": "100000",
    "SWITCHBOARD_SIGNIN_FAILURES_PER_EMAIL": "100000",
    "SWITCHBOARD_PASSWORD_RESETS_PER_ADDRESS": "100000",
}
"""What is turned away at the door is not judged."""
PEOPLE = ("+12125550100", "+12125550101", "+34600111222")


async def fuzz_site(folder: Path, *, seconds: int, seed: int) -> dict[str, Any]:
    """Fuzz a fresh installation with both keys; what was asked and what failed."""
    site = Site(folder, **NO_LIMITS)
    try:
        await site.open(servers=1, workers=1)
        await _fill(site)
        reader = json.loads(site.run("keys", "create", "reader", *_scopes(READER), "--json"))["secret"]
        spent = int(seconds * READER_SHARE)
        ran = [
            _run_schemathesis(site, key, folder / name, seconds=time, seed=seed)
            for name, key, time in (("admin", site.key, seconds - spent), ("reader", reader, spent))
        ]
        alive = (await site.ask("GET", "/v1/conversations")).status_code == 200
    finally:
        await site.aclose()
    return {
        "run": "contract_fuzz",
        "seed": seed,
        "alive": alive,
        "ok": alive and all(one["ok"] for one in ran),
        "keys": ran,
    }


async def _fill(site: Site) -> None:
    """Some people who wrote, and an answer, so that lists and links have something to go on from."""
    for number, phone in enumerate(PEOPLE):
        contact = {"name": f"Person {number}", "identities": [{"kind": "phone", "address": phone}]}
        made = (await site.ask("POST", "/v1/contacts", json=contact)).json()
        opened = {"contact_id": made["id"], "subject": "Order 8841"}
        thread = (await site.ask("POST", "/v1/conversations", json=opened)).json()
        await site.ask("POST", f"/v1/conversations/{thread['id']}/messages", json={"text": f"Hello from {NUMBER}"})


def _scopes(scopes: tuple[str, ...]) -> list[str]:
    return [word for scope in scopes for word in ("--scope", scope)]


def _run_schemathesis(site: Site, key: str, reports: Path, *, seconds: int, seed: int) -> dict[str, Any]:
    reports.mkdir()
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{site.servers[0]}/openapi.json", f"--seed={seed}",
        f"--max-time={seconds}", f"--checks={CHECKS}", f"--header=Authorization: Bearer {key}", "--workers=2",
        f"--request-timeout={ANSWER_SECONDS}", "--continue-on-failure", "--no-color",
        *(f"--exclude-operation-id={name}" for name in WITHOUT), "--suppress-health-check=all",
        "--report=json", f"--report-json-path={reports / 'report.json'}",
    ]  # fmt: skip
    ended = subprocess.run(
        command, cwd=reports, capture_output=True, text=True, check=False, timeout=seconds + MORE_SECONDS
    )
    (reports / "output.txt").write_text(ended.stdout + ended.stderr)
    return {"key": reports.name, "ok": ended.returncode == 0, "tail": ended.stdout.splitlines()[-12:]}


def main() -> int:
    """Run, print the line, and tell by the status whether the service kept to its description."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=int, default=180)
    arguments.add_argument("--seed", type=int, default=secrets.randbelow(2**31))
    arguments.add_argument("--keep", type=Path, help="A folder for the reports and logs.")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="switchboard-fuzz-") as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        report = asyncio.run(fuzz_site(folder, seconds=given.seconds, seed=given.seed))
        if not report["ok"]:
            for key in ("admin", "reader"):
                print((folder / key / "output.txt").read_text()[-20_000:], file=sys.stderr)  # noqa: T201 (the failures)
    print(json.dumps(report))  # noqa: T201 (the result)
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
