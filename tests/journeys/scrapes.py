"""What Prometheus would read: the samples of one scrape, by name and labels, and what changed between two."""

from __future__ import annotations

from typing import TypeAlias

import httpx
from prometheus_client.parser import text_string_to_metric_families

Sample: TypeAlias = tuple[str, frozenset[tuple[str, str]]]


class Scrape:
    """One reading of /metrics."""

    def __init__(self, text: str) -> None:
        families = list(text_string_to_metric_families(text))
        self.values: dict[Sample, float] = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
        }

    def of(self, name: str, **labels: str) -> float:
        """The sum over all samples of this name, without its prefix, that have these labels."""
        return sum(
            value
            for (found, given), value in self.values.items()
            if found == f"switchboard_{name}" and labels.items() <= dict(given).items()
        )

    def since(self, before: Scrape, name: str, **labels: str) -> float:
        """How much it grew."""
        return self.of(name, **labels) - before.of(name, **labels)


async def scrape(client: httpx.AsyncClient) -> Scrape:
    """One reading, as Prometheus makes it."""
    answer = await client.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return Scrape(answer.text)
