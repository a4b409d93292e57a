"""The `switchboard` command."""

from __future__ import annotations

from gateway.commands.tree import switchboard


def main() -> None:
    """Run the command line; the process ends with the command's exit code (gateway/commands/exits.py)."""
    switchboard(prog_name="switchboard")


if __name__ == "__main__":
    main()
