"""`switchboard config`: what is set, where it comes from, and whether it will do."""

from __future__ import annotations

import os

import rich_click as click

from gateway.commands.exits import WrongSettings
from gateway.commands.given import given_settings
from gateway.commands.output import count_things, json_option, print_json, print_line, print_table, say_aside
from gateway.configuration import SettingsError, describe_settings, load_settings
from gateway.settings import settings_schema


@click.group()
def config() -> None:
    """Show and check the settings: environment variables, SWITCHBOARD_*."""


@config.command(name="show")
@json_option
def show_config(*, as_json: bool) -> None:
    """Print every setting with the value in force, secrets masked, and where it comes from."""
    settings = given_settings(serving=False)
    rows = describe_settings(settings, os.environ)
    if as_json:
        print_json(rows)
    else:
        print_table(["NAME", "VALUE", "FROM", "UNIT"], [(row.name, row.value, row.source, row.unit) for row in rows])
    problems, _ = find_settings_problems()
    for problem in problems:
        say_aside(problem, label="problem", color="red")


@config.command(name="check")
@json_option
def check_config(*, as_json: bool) -> None:
    """Tell everything that is wrong with the settings, at once."""
    problems, warnings = find_settings_problems()
    if as_json:
        print_json({"ok": not problems, "problems": problems, "warnings": warnings})
    else:
        for warning in warnings:
            say_aside(warning, label="warning", color="yellow")
        for problem in problems:
            say_aside(problem, label="problem", color="red")
    if problems:
        raise WrongSettings(f"{count_things(len(problems), 'setting{s}')} to be corrected")
    if not as_json:
        print_line("The settings are complete.")


@config.command(name="schema")
def print_config_schema() -> None:
    """Print the settings as a JSON Schema."""
    print_json(settings_schema())


def find_settings_problems() -> tuple[list[str], list[str]]:
    """What is wrong with the settings of a serving process, and what is doubtful."""
    try:
        _, warnings = load_settings(os.environ)
    except SettingsError as error:
        return [f"{found.name} {found.problem}: {found.fix}" for found in error.problems], error.warnings
    return [], warnings
