"""`switchboard doctor`: what is wrong, and how to mend it."""

from __future__ import annotations

import click as plain
import rich_click as click

from gateway.commands.channel_care import opened_runtime
from gateway.commands.checkup import examine
from gateway.commands.config import find_settings_problems
from gateway.commands.exits import CommandFailed
from gateway.commands.findings import Finding, Verdict
from gateway.commands.given import given_settings
from gateway.commands.output import count_things, json_option, print_json, print_line
from gateway.commands.running import run_operator
from gateway.settings import Settings

MARKS: dict[Verdict, tuple[str, str]] = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "problem": ("✗", "red")}


@click.command()
@click.option("--offline", is_flag=True, help="Ask neither the gateway, the public URL nor any provider.")
@json_option
def doctor(*, offline: bool, as_json: bool) -> None:
    """Look at settings, servers, clock, disk, public URL, channels and queues, and say how to mend what is wrong.

    Providers are asked whether our credentials and webhook URLs are right. It works while the gateway is down. It exits
    with 1 if there are problems; warnings are none.
    """
    settings = given_settings()
    findings = [*judge_settings(), *run_operator(settings, lambda: _examine(settings, outside=not offline))]
    problems = sum(finding.verdict == "problem" for finding in findings)
    if as_json:
        print_json({"problems": problems, "findings": findings})
    else:
        width = max(len(finding.name) for finding in findings)
        for finding in findings:
            _print_finding(finding, width)
    if problems:
        raise CommandFailed(f"found {count_things(problems, 'problem{s}')}")


def judge_settings() -> list[Finding]:
    """The doubts about the settings; what is wrong with them has ended the command before."""
    _, warnings = find_settings_problems()
    doubts = [Finding(name="settings", verdict="warning", detail=warning) for warning in warnings]
    return doubts or [Finding(name="settings", verdict="ok", detail="complete")]


async def _examine(settings: Settings, *, outside: bool) -> list[Finding]:
    async with opened_runtime(settings) as runtime:
        return await examine(runtime, outside=outside)


def _print_finding(finding: Finding, width: int) -> None:
    mark, color = MARKS[finding.verdict]
    print_line(f"{plain.style(mark, fg=color, bold=True)} {finding.name:<{width}}  {finding.detail}")
    if finding.fix:
        print_line(f"{'':{width + 4}}{plain.style(f'→ {finding.fix}', fg=color)}")
