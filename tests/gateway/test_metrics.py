"""What the documents and the alert rules say of the measures is true of those there are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics_core import Metric

from gateway.metrics import REGISTRY

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations"
RULES = [
    rule for group in yaml.safe_load((OPERATIONS / "alerts.yaml").read_text())["groups"] for rule in group["rules"]
]
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
WORDS = frozenset({
    "abs", "and", "by", "clamp_min", "count", "ignoring", "increase", "max", "min", "on", "or", "rate", "sum",
    "unless", "up", "vector", "without", "time", "histogram_quantile",
})  # fmt: skip
PROMISED = (
    "inbound_received_total", "inbound_ack_seconds", "inbound_signature_failures_total", "inbound_duplicates_total",
    "inbound_parse_errors_total", "inbound_to_visible_seconds", "spool_items", "spool_bytes",
    "spool_oldest_age_seconds", "jobs_depth", "jobs_oldest_age_seconds", "jobs_retries_total", "jobs_dead",
    "send_attempts_total", "send_unknown", "send_latency_seconds", "provider_throttled_seconds_total",
    "webhook_attempts_total", "webhook_endpoints_disabled", "stream_connections", "stream_dropped_slow_total",
    "db_pool_in_use", "db_pool_wait_seconds", "redis_up", "redis_writable", "eventloop_lag_seconds",
    "replication_slot_bytes", "erasures_pending", "imap_lag_seconds", "imap_last_success_timestamp",
)  # fmt: skip


def families() -> list[Metric]:
    """Every measure, whether it has a value yet or not."""
    return list(REGISTRY.collect())


def sample_names() -> dict[str, tuple[str, ...]]:
    """The names Prometheus knows, with their labels."""
    names: dict[str, tuple[str, ...]] = {}
    for collector in set(REGISTRY._collector_to_names):
        inner: Any = collector
        suffixes = SUFFIXES[inner._type]
        names |= {f"{inner._name}{suffix}": tuple(inner._labelnames) for suffix in suffixes}
    return names


def test_every_measure_that_was_promised_exists() -> None:
    """The names are an interface: boards and rules of operators hang on them."""
    known = {family.name for family in families()} | set(sample_names())
    missing = [name for name in PROMISED if f"switchboard_{name}" not in known]
    assert not missing


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_an_alert_asks_only_for_what_there_is(rule: dict[str, Any]) -> None:
    """Every name in an expression is a measure or a word of PromQL, and every label is one that the measure has."""
    expression = re.sub(r'"[^"]*"', '""', rule["expr"])
    names = sample_names()
    asked = re.findall(r"switchboard_\w+", expression)
    assert asked or expression.startswith("up{")
    labels = {label for name in asked for label in names.get(name, ())}
    for name in asked:
        assert name in names, name
    for word in re.findall(r"[a-z_]\w*", re.sub(r"switchboard_\w+|\[\w+\]|\d\w*", "", expression)):
        assert word in WORDS | labels | {"job"}, word
    told = " ".join(rule["annotations"].values())
    assert set(re.findall(r"\$labels\.(\w+)", told)) <= labels | {"instance", "job"}


def test_every_alert_says_what_to_do() -> None:
    """Who is woken reads what is wrong and what to do first; names are unique, severities few."""
    assert len({rule["alert"] for rule in RULES}) == len(RULES) >= 10
    for rule in RULES:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert {"summary", "action"} <= rule["annotations"].keys()
        assert re.fullmatch(r"\d+[mh]", rule.get("for", "1m"))


def test_advice_names_commands_that_there_are() -> None:
    """Whoever is woken types what the alert says."""
    reference = (OPERATIONS.parent / "reference" / "commands.md").read_text()
    known = set(re.findall(r"^#+ (switchboard [a-z -]+)$", reference, re.MULTILINE))
    for rule in RULES:
        for told in re.findall(r"`(switchboard [^`]*)`", rule["annotations"]["action"]):
            words = told.split(" --")[0].split()
            assert " ".join(words[:3]) in known, told


def test_the_page_names_every_measure() -> None:
    """docs/operations/monitoring.md lists them all, and no others."""
    page = (OPERATIONS / "monitoring.md").read_text()
    listed = set(re.findall(r"^\| `(switchboard_\w+)`", page, re.MULTILINE))
    assert listed == {family.name + ("_total" if family.type == "counter" else "") for family in families()}


def test_labels_are_few_and_hold_no_words_of_people() -> None:
    """Only labels whose values are ours: ids of channels, providers, types, routes as written."""
    allowed = {"channel", "provider", "result", "code", "type", "outcome", "method", "route", "status", "le"}
    assert {label for labels in sample_names().values() for label in labels} <= allowed
