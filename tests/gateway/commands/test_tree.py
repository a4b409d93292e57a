"""The command's tree: quick to list, loaded when used, and plain about what it does not know."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from gateway.commands.lazy import LazyGroup
from gateway.commands.tree import COMMANDS, PANELS, switchboard
from tests.gateway.commands.shell import Shell

HEAVY = ("litestar", "piccolo", "asyncpg", "twilio", "httpx", "rich.live", "uvicorn", "gateway.settings")
ASKED = "import sys; from gateway.commands.tree import switchboard; {}; print([m for m in {!r} if m in sys.modules])"


def loaded_by(code: str) -> str:
    """Which of the heavy modules a fresh process has after this."""
    ran = subprocess.run(
        [sys.executable, "-c", ASKED.format(code, HEAVY)], capture_output=True, text=True, check=True, timeout=120
    )
    return ran.stdout.splitlines()[-1]


def test_help_lists_every_command_and_loads_none() -> None:
    """`switchboard --help` is quick: it names all commands without importing what they need."""
    output = Shell({}).run("--help").output
    assert all(name in output for name in COMMANDS)
    assert loaded_by("switchboard.main(['--help'], standalone_mode=False)") == "[]"


def test_every_command_is_on_one_panel() -> None:
    """The help shows each command once, under the heading where it is looked for."""
    assert sorted(name for names in PANELS.values() for name in names) == sorted(COMMANDS)


def test_serve_and_work_carry_no_demo() -> None:
    """The processes that serve for months do not hold what only the demo and other commands need."""
    code = "import gateway.commands.serve, gateway.commands.work, sys; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    loaded = ran.stdout.split()
    assert not [name for name in loaded if name.startswith(("gateway.demo", "channels.simulators"))]
    ours = {name for name in loaded if name.startswith("gateway.commands.")}
    assert not {name for name in ours if name.endswith((".client", ".running", ".doctor", ".timeline"))}


@pytest.mark.parametrize("name", list(COMMANDS))
def test_each_command_loads_and_says_what_it_does(name: str) -> None:
    """Every line of the table leads to a command with a description."""
    group: click.Command = switchboard
    assert isinstance(group, LazyGroup)
    command = group.load_command(name)
    assert command.help
    assert command.name == name


def test_an_unknown_command_is_a_usage_error_with_the_nearest_one() -> None:
    """A slip of the finger gets the exit code 2 and the right spelling."""
    output = Shell({}).run("demoo", code=2).output
    assert "demo" in output.replace("demoo", "")


def test_the_version_is_told() -> None:
    """`--version` prints name and version, installed or not."""
    assert Shell({}).run("--version").stdout.startswith("switchboard ")
