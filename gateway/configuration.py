"""The environment becomes Settings: complete, or everything that is wrong with it at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from gateway.environment import (
    SettingRow,
    SettingsError,
    name_unknown,
    read_env_file,
    read_environment,
    show_settings,
)
from gateway.setting_rules import RULES, find_doubts
from gateway.settings import DEMO_SECRET_KEY, PREFIX, Settings, default_data_dir

__all__ = ["SettingsError", "describe_settings", "load_settings"]

NOT_SETTINGS = frozenset({"SWITCHBOARD_TESTDATA"})
"""Names with our prefix that only the tests read."""
ENV_FILE = Path(".env")


def load_settings(
    environ: Mapping[str, str], *, demo: bool = False, serving: bool = True, env_file: Path = ENV_FILE
) -> tuple[Settings, list[str]]:
    """The settings, and warnings about what is set but doubtful; SettingsError with everything that is wrong.

    `demo` is the demo command's wish, as SWITCHBOARD_DEMO is the operator's: only then is `env_file` read, and may the
    secret key be missing. `serving` is False for commands that only speak to a gateway over HTTP and need no key.
    """
    demo = demo or _asks_for_demo(environ)
    file, problems = read_env_file(env_file) if demo else ({}, [])
    merged = {**file, **{name: value for name, value in environ.items() if value.strip()}}
    values, wrong = read_environment(Settings, merged)
    settings = _with_defaults(values, merged, demo=demo)
    problems += wrong
    named = {problem.name for problem in problems}
    rules = RULES if serving else RULES[1:]
    problems += [problem for rule in rules for problem in rule(settings) if problem.name not in named]
    warnings = [*name_unknown(Settings, set(merged) - NOT_SETTINGS, prefix=PREFIX), *find_doubts(settings)]
    if problems:
        raise SettingsError(problems, warnings)
    return settings, warnings


def describe_settings(settings: Settings, environ: Mapping[str, str], *, env_file: Path = ENV_FILE) -> list[SettingRow]:
    """Every setting as `switchboard config show` prints it: name, masked value, source, unit, help."""
    file, _ = read_env_file(env_file) if settings.demo else ({}, [])
    return show_settings(settings, env=environ, file=file)


def _asks_for_demo(environ: Mapping[str, str]) -> bool:
    return environ.get("SWITCHBOARD_DEMO", "").strip().lower() in {"1", "true"}


def _with_defaults(values: dict[str, Any], environ: Mapping[str, str], *, demo: bool) -> Settings:
    """The values with the defaults that depend on the surroundings, and addresses without their last slash."""
    defaults = {
        "data_dir": default_data_dir(environ, demo=demo),
        "secret_key": DEMO_SECRET_KEY if demo else "",
    }
    settings = Settings(**{**defaults, **values, "demo": demo})
    return msgspec.structs.replace(
        settings,
        public_url=settings.public_url.rstrip("/"),
        gateway_url=settings.gateway_url.rstrip("/"),
        egress_allow=tuple(host.lower() for host in settings.egress_allow),
    )
