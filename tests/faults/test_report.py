"""The README's reliability table says what was measured, and nothing else."""

from __future__ import annotations

from pathlib import Path

from tests.faults.report import (
    PROMISES,
    README,
    RESULTS,
    Results,
    missing_promises,
    read_results,
    render_table,
    write_table,
)

ROOT = Path(__file__).parents[2]
SAMPLE: Results = {
    "A": {
        "run": "A inbound storm",
        "kept": True,
        "promises": {
            "P1": {"lost": {"value": 0, "most": 0, "kept": True}},
            "P11": {"acknowledge_p99_ms": {"value": 31.62, "most": 500, "kept": True}},
        },
        "skipped": {"P2": "no Postgres"},
    }
}


def test_the_readme_shows_the_results_that_are_kept() -> None:
    """`python -m tests.faults.report --write` makes it anew; nobody writes figures by hand."""
    readme = (ROOT / README).read_text()
    assert write_table(readme, read_results(ROOT / RESULTS)) == readme


def test_every_promise_has_been_measured_in_whole_runs_and_kept() -> None:
    """No short run, no broken promise, and a figure for each."""
    results = read_results(ROOT / RESULTS)
    assert missing_promises(results) == []
    assert all(result["kept"] and not result.get("short") for result in results.values())


def test_a_row_tells_figure_unit_limit_and_run() -> None:
    """A figure that has to be 0 needs no limit beside it; what was not tried says why."""
    rows = {row.split(" | ")[0]: row for row in render_table(SAMPLE).splitlines()}
    assert rows["| P1"].endswith("| lost 0 | [A](tests/faults/inbound_storm.py) |")
    assert "acknowledge p99 31.6 ms (at most 500)" in rows["| P11"]
    assert "not tried: no Postgres" in rows["| P2"]
    assert "not measured yet" in rows["| P3"]
    assert len(rows) == len(PROMISES) + 2


def test_only_what_stands_between_the_markers_is_replaced() -> None:
    """The rest of the README is its authors'."""
    readme = "# Title\n<!-- reliability:begin -->\nold\n<!-- reliability:end -->\nthe end\n"
    made = write_table(readme, SAMPLE)
    assert made.startswith("# Title\n<!-- reliability:begin -->\n| | promise")
    assert made.endswith("<!-- reliability:end -->\nthe end\n")
    assert "\nold\n" not in made
    assert write_table(made, SAMPLE) == made
