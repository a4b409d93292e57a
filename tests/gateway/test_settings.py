"""Settings: read from the environment alone, complete or refused as a whole, and never shown with their secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.pretty import pretty_repr

from gateway.configuration import SettingsError, describe_settings, load_settings
from gateway.environment import mask_address
from gateway.settings import DEMO_SECRET_KEY, SECTIONS, Settings, settings_page, settings_schema

KEY = "9f2c4e71b8d05a36e4c1f7082d9b6a53"
NO_FILE = Path("/nonexistent/.env")
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


def load(**variables: str) -> Settings:
    """Settings of a service whose environment holds a good key and these variables."""
    return load_settings({"SWITCHBOARD_SECRET_KEY": KEY, **variables})[0]


def problems_of(environ: dict[str, str]) -> dict[str, str]:
    """What is wrong with an environment: the problem by the variable's name."""
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    return {found.name: found.problem for found in caught.value.problems}


def test_a_secret_key_is_all_that_must_be_set() -> None:
    """Every other setting has a default that works on one machine."""
    settings, warnings = load_settings({"SWITCHBOARD_SECRET_KEY": KEY, "HOME": "/home/ana"})
    assert warnings == []
    assert settings.secret_key == KEY
    assert settings.data_dir == Path("/home/ana/.local/share/switchboard")
    assert (settings.host, settings.port, settings.public_url) == ("127.0.0.1", 8000, "http://127.0.0.1:8000")
    assert settings.database_url is None
    assert not settings.demo


def test_values_are_read_by_type() -> None:
    """Text becomes numbers, switches, paths and lists; blanks around it do not matter; case of hosts neither."""
    settings = load(
        SWITCHBOARD_PORT=" 9000 ",
        SWITCHBOARD_JOURNAL_TIMEOUT_SECONDS="0.5",
        SWITCHBOARD_DATA_DIR="/srv/switchboard",
        SWITCHBOARD_EGRESS_ALLOW="CRM.internal, 10.0.0.8:8080,,",
        SWITCHBOARD_LOG_FORMAT="text",
        SWITCHBOARD_DEFAULT_COUNTRY="GB",
        SWITCHBOARD_URL="https://inbox.example.org/",
    )
    assert settings.port == 9000
    assert settings.journal_timeout_seconds == 0.5
    assert settings.data_dir == Path("/srv/switchboard")
    assert settings.egress_allow == ("crm.internal", "10.0.0.8:8080")
    assert settings.log_format == "text"
    assert settings.default_country == "GB"
    assert settings.gateway_url == "https://inbox.example.org"


def test_an_empty_value_counts_as_not_set() -> None:
    """`SWITCHBOARD_REDIS_URL=` in a compose file means the private Valkey, not a broken address."""
    assert load(SWITCHBOARD_REDIS_URL="", SWITCHBOARD_PORT="  ") == load()


def test_all_problems_are_reported_at_once() -> None:
    """An operator corrects everything in one go: each wrong variable is named with what it should be and what to do."""
    environ = {
        "SWITCHBOARD_PORT": "eighty",
        "SWITCHBOARD_SEND_ATTEMPTS": "0",
        "SWITCHBOARD_LOG_LEVEL": "loud",
        "SWITCHBOARD_DATABASE_URL": "mysql://u:hunter2@db/x",
        "SWITCHBOARD_DEFAULT_COUNTRY": "UK",
        "SWITCHBOARD_PUBLIC_URL": "https://inbox.example.org/?a=1",
    }
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    assert {found.name for found in caught.value.problems} == {*environ, "SWITCHBOARD_SECRET_KEY"}
    assert all(found.problem and found.fix for found in caught.value.problems)
    text = str(caught.value)
    assert "SWITCHBOARD_PORT is not a whole number from 1 to 65535: correct or remove it (the default is 8000)" in text
    assert "one of debug, error, info, warning" in text
    assert "hunter2" not in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "99999999999999999999"),
        ("PORT", "80.5"),
        ("DEMO", "perhaps"),
        ("POLL_SECONDS", "nan"),
        ("POLL_SECONDS", "inf"),
        ("POLL_SECONDS", "-1"),
        ("WORKER_CHANNEL_SHARE", "1.5"),
        ("DEFAULT_COUNTRY", "gb"),
        ("DEFAULT_COUNTRY", "ZZ"),
        ("PUBLIC_URL", "inbox.example.org"),
        ("PUBLIC_URL", "ftp://inbox.example.org"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "https://ana:pw@inbox.example.org"),
        ("PUBLIC_URL", "https://inbox.example.org/#top"),
        ("PUBLIC_URL", "https://inbox.example.org:port"),
        ("PUBLIC_URL", "https://inbox.example org"),
        ("PUBLIC_URL", "https://[::1"),
        ("URL", "localhost:8000"),
        ("DATABASE_URL", "postgres://user:pass/word@db/x"),
        ("DATABASE_URL", "postgresql://"),
        ("REDIS_URL", "http://cache"),
        ("STORAGE_URL", "/srv/files"),
        ("EGRESS_ALLOW", "http://crm.internal"),
        ("EGRESS_ALLOW", "crm internal"),
        ("SEND_RETRY_MAX_SECONDS", "1"),
        ("JOB_LEASE_SECONDS", "15"),
    ],
)
def test_a_value_out_of_bounds_refuses_to_start(name: str, value: str) -> None:
    """Nothing is rounded, cut or ignored: exactly the variable that is wrong is named."""
    variable = f"SWITCHBOARD_{name}"
    assert list(problems_of({"SWITCHBOARD_SECRET_KEY": KEY, variable: value})) == [variable]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://switchboard:pw@db:5432/inbox?sslmode=require"),
        ("DATABASE_URL", "postgresql:///inbox?host=/run/postgresql"),
        ("REDIS_URL", "unix:///run/valkey.sock"),
        ("STORAGE_URL", "s3://bucket/folder"),
        ("PUBLIC_URL", "https://[2001:db8::1]:8443"),
        ("EGRESS_ALLOW", "[::1]:9000,10.0.0.0/8"),
    ],
)
def test_the_usual_addresses_are_taken(name: str, value: str) -> None:
    """Sockets, IPv6, parameters and prefixes are in use out there."""
    settings = load(**{f"SWITCHBOARD_{name}": value})
    shown = getattr(settings, name.lower())
    assert (",".join(shown) if isinstance(shown, tuple) else shown) == value


@pytest.mark.parametrize(
    "key",
    [
        "",
        "too-short",
        KEY[:31],
        "a" * 64,
        "abababababababababababababababababab",
        DEMO_SECRET_KEY,
        "change-me-to-something-long-and-random-please",
        "CHANGEME-9f2c4e71b8d05a36e4c1f7082d9b6a53",
        "your-secret-key-goes-here-0123456789abcdef",
        "example-9f2c4e71b8d05a36e4c1f7082d9b6a53",
    ],
)
def test_a_missing_short_or_example_key_refuses_to_start(key: str) -> None:
    """T61: no service ever runs with a key that stands in some documentation, and the message does not show it."""
    with pytest.raises(SettingsError, match="SWITCHBOARD_SECRET_KEY") as caught:
        load_settings({"SWITCHBOARD_SECRET_KEY": key})
    assert not key or key not in str(caught.value)


def test_the_demo_needs_no_key_and_keeps_its_own_data() -> None:
    """The demo starts from nothing; its published key never meets the data of a real set-up, and is refused there."""
    asked, _ = load_settings({"HOME": "/home/ana"}, demo=True, env_file=NO_FILE)
    told, _ = load_settings({"HOME": "/home/ana", "SWITCHBOARD_DEMO": "1"}, env_file=NO_FILE)
    assert asked == told
    assert asked.demo
    assert asked.secret_key == DEMO_SECRET_KEY
    assert asked.data_dir == Path("/home/ana/.local/share/switchboard-demo")
    assert "SWITCHBOARD_SECRET_KEY" in problems_of({"SWITCHBOARD_DEMO": "0"})


def test_the_demo_warns_when_others_can_reach_it() -> None:
    """A published key behind an open port is said aloud."""
    _, warnings = load_settings({"SWITCHBOARD_HOST": "0.0.0.0"}, demo=True, env_file=NO_FILE)
    assert any("published" in warning for warning in warnings)
    _, quiet = load_settings(
        {"SWITCHBOARD_HOST": "0.0.0.0", "SWITCHBOARD_SECRET_KEY": KEY}, demo=True, env_file=NO_FILE
    )
    assert quiet == []


def test_a_command_that_only_calls_a_gateway_needs_no_key() -> None:
    """`switchboard tail` on a laptop has an API key, not the server's secret; all else is still checked."""
    settings, _ = load_settings({"SWITCHBOARD_API_KEY": "sk_1"}, serving=False)
    assert settings.api_key == "sk_1"
    with pytest.raises(SettingsError):
        load_settings({"SWITCHBOARD_URL": "nowhere"}, serving=False)


def test_an_unknown_name_warns_with_the_nearest_match() -> None:
    """A slip is named with what was meant; other programs' variables are none of our business."""
    environ = {
        "SWITCHBOARD_SECRET_KEY": KEY,
        "SWITCHBOARD_DATABSE_URL": "x",
        "SWITCHBOARD_QZX": "x",
        "SWITCHBOARD_TESTDATA": "x",
        "PATH": "/bin",
    }
    _, warnings = load_settings(environ)
    assert warnings == [
        "SWITCHBOARD_DATABSE_URL is not a setting; did you mean SWITCHBOARD_DATABASE_URL?",
        "SWITCHBOARD_QZX is not a setting",
    ]


def test_a_misspelt_name_is_mentioned_when_it_makes_one_missing() -> None:
    """The refusal for want of a key also shows the key under its wrong name."""
    with pytest.raises(SettingsError, match="did you mean SWITCHBOARD_SECRET_KEY") as caught:
        load_settings({"SWITCHBOARD_SECRETKEY": KEY})
    assert KEY not in str(caught.value)


def test_a_public_address_in_clear_warns() -> None:
    """http:// beyond this machine works, for a test behind a tunnel, but nobody runs it unknowingly."""
    _, warnings = load_settings({"SWITCHBOARD_SECRET_KEY": KEY, "SWITCHBOARD_PUBLIC_URL": "http://inbox.example.org"})
    assert len(warnings) == 1
    assert "SWITCHBOARD_PUBLIC_URL" in warnings[0]


def test_an_env_file_is_read_in_demo_mode_only(tmp_path: Path) -> None:
    """A stray .env never configures a real service; in the demo it does, and the environment wins over it."""
    file = tmp_path / ".env"
    file.write_text(
        "# mine\n\nexport SWITCHBOARD_PORT=9001 # here\nSWITCHBOARD_HOST='::1'\nOTHER=x\nSWITCHBOARD_PROT=1\n"
    )
    demo, warnings = load_settings({"SWITCHBOARD_HOST": "127.0.0.1"}, demo=True, env_file=file)
    assert (demo.host, demo.port) == ("127.0.0.1", 9001)
    assert warnings == ["SWITCHBOARD_PROT is not a setting; did you mean SWITCHBOARD_PORT?"]
    service, warnings = load_settings({"SWITCHBOARD_SECRET_KEY": KEY}, env_file=file)
    assert (service.port, warnings) == (8000, [])


@pytest.mark.parametrize("content", [b"SWITCHBOARD_PORT 9001\n", b"\xff\xfe"])
def test_an_env_file_that_cannot_be_read_is_a_problem(tmp_path: Path, content: bytes) -> None:
    """A line that sets nothing, or a file that is no text, is reported and not skipped."""
    file = tmp_path / ".env"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=r"\.env"):
        load_settings({}, demo=True, env_file=file)


def test_secrets_are_masked_where_settings_are_shown(tmp_path: Path) -> None:
    """`config show` gives every setting with its source; keys not at all, addresses without their credentials."""
    file = tmp_path / ".env"
    file.write_text("SWITCHBOARD_PORT=9001\n")
    environ = {
        "SWITCHBOARD_SECRET_KEY": KEY,
        "SWITCHBOARD_API_KEY": "canary-api-key",
        "SWITCHBOARD_DATABASE_URL": "postgresql://ana:canary@db:5432/inbox?password=canary&sslmode=require",
        "SWITCHBOARD_REDIS_URL": "redis://:canary@cache:6379/0",
        "SWITCHBOARD_STORAGE_URL": "az://files/x?sig=canary",
    }
    settings, _ = load_settings(environ, demo=True, env_file=file)
    rows = {row.name: row for row in describe_settings(settings, environ, env_file=file)}
    assert len(rows) == len(msgspec.structs.fields(Settings))
    shown = msgspec.json.encode(list(rows.values())).decode()
    assert "canary" not in shown
    assert KEY not in shown
    assert rows["SWITCHBOARD_SECRET_KEY"].value == "***"
    assert rows["SWITCHBOARD_DATABASE_URL"].value == "postgresql://***@db:5432/inbox?password=***&sslmode=***"
    assert rows["SWITCHBOARD_REDIS_URL"].value == "redis://***@cache:6379/0"
    assert [rows[f"SWITCHBOARD_{name}"].source for name in ("API_KEY", "PORT", "HOST")] == ["env", ".env", "default"]
    assert rows["SWITCHBOARD_SPOOL_LIMIT_BYTES"].unit == "bytes"


@pytest.mark.parametrize(
    "url",
    [
        "redis://:canary@h",
        "postgres://u:can@ry:canary@h/d",
        "postgres://u:canary/x@h/d",
        "s3://b?a=1&key=canary#canary=1",
    ],
)
def test_no_credential_survives_the_mask(url: str) -> None:
    """Also a password with the very characters that end one."""
    assert "canary" not in mask_address(url).replace("#canary=***", "")
    assert "can@ry" not in mask_address(url)


def test_settings_never_show_themselves() -> None:
    """A traceback, a debugger or rich's pretty printer that meets the settings shows no secret."""
    settings = load(SWITCHBOARD_DATABASE_URL="postgresql://ana:canary@db/inbox")
    for shown in (repr(settings), str(settings), pretty_repr(settings)):
        assert KEY not in shown
        assert "canary" not in shown


def test_the_schema_names_every_variable_with_its_bounds() -> None:
    """`config schema` is what an editor or a deployment tool checks against."""
    schema = settings_schema()
    properties: dict[str, Any] = schema["$defs"]["Settings"]["properties"]
    assert set(properties) == {field.encode_name for field in msgspec.structs.fields(Settings)}
    assert properties["SWITCHBOARD_PORT"]["minimum"] == 1
    assert properties["SWITCHBOARD_PORT"]["maximum"] == 65535
    assert all(found["description"].endswith(".") for found in properties.values())


def test_every_number_has_a_unit_and_bounds() -> None:
    """Whoever sets a number knows what it counts and how far it may go."""
    environ = {"SWITCHBOARD_SECRET_KEY": KEY}
    for row in describe_settings(load(), environ):
        value = getattr(load(), next(f.name for f in msgspec.structs.fields(Settings) if f.encode_name == row.name))
        numeric = isinstance(value, int | float) and not isinstance(value, bool)
        assert row.unit or not numeric or row.name.endswith("_PORT"), row.name
    assert set(SECTIONS) <= {field.name for field in msgspec.structs.fields(Settings)}


def test_the_reference_page_is_up_to_date() -> None:
    """docs/reference/settings.md says what the code does; make it anew with `settings_page()` after a change."""
    assert PAGE.read_text() == settings_page()
