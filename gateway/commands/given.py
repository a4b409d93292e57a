"""The settings a command runs with, or the one failure that lists all that is wrong with them."""

from __future__ import annotations

import os

from gateway.commands.exits import WrongSettings
from gateway.commands.output import say_aside
from gateway.configuration import SettingsError, load_settings
from gateway.settings import Settings


def given_settings(*, demo: bool = False, serving: bool = True) -> Settings:
    """The environment's settings; warnings go to standard error. `serving` is False where no secret key is needed."""
    try:
        settings, warnings = load_settings(os.environ, demo=demo, serving=serving)
    except SettingsError as error:
        raise WrongSettings(str(error), hint="See `switchboard config show` and docs/reference/settings.md.") from error
    for warning in warnings:
        say_aside(warning, label="warning", color="yellow")
    return settings
