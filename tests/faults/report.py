"""Makes the README's reliability table from what the fault runs measured, and from nothing else.

`python -m tests.faults.report` runs all of them (about ten minutes), keeps their lines in docs/reliability.json and
writes the table between its two markers; `--runs A F` runs only these, `--read FILE` takes JSON lines of runs that have
been made, and `--write` makes the table anew from what is kept.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias
from xml.etree import ElementTree

from tests.faults.run import say

RESULTS = Path("docs/reliability.json")
README = Path("README.md")
BEGIN, END = "<!-- reliability:begin -->", "<!-- reliability:end -->"

RUNS = {
    "A": "inbound_storm",
    "B": "outbound_crashes",
    "C": "database_down",
    "D": "imap_outage",
    "E": "integrator_webhooks",
    "F": "rolling_restart",
    "G": "overload",
    "H": "backup_restore",
}
"""The letters of the runs, and their modules in tests/faults."""
TESTS = {"P5": "tests/journeys/test_hostile_webhooks.py", "P18": "tests/journeys/test_replays.py"}
"""Promises that tests show without a fault run."""

PROMISES = {
    "P1": "Acknowledged messages survive `kill -9` of our processes",
    "P2": "… and of Postgres, and its standing still",
    "P3": "Without the database: a durable spool or an honest refusal, never a false 200",
    "P4": "A full disk is an error, not a loss",
    "P5": "Each webhook gets the answer that keeps its message",
    "P6": "The same event told again and again makes one message",
    "P7": "A customer never gets an answer twice because of us",
    "P8": "No accepted send disappears",
    "P9": "A conversation keeps its order, on every read",
    "P10": "Answers leave in the order they were written",
    "P11": "Redis may be dead, mute or empty",
    "P12": "A Redis that refuses writes is not called healthy",
    "P13": "A mailbox is read whole and once, over any line",
    "P15": "A hanging provider slows no other channel",
    "P16": "Retry-After is obeyed",
    "P17": "Integrators get every event, signed",
    "P18": "A retried API call acts once",
    "P19": "A deployment refuses nobody",
    "P20": "A live client misses nothing and hears nothing twice",
    "P21": "Overload is refused, not swallowed",
    "P22": "A loud channel does not starve a quiet one",
    "P23": "Wrong clocks do no harm",
    "P24": "Migrations stop nobody, killed in the middle or not",
    "P25": "A backup made at work restores to a working system",
}
UNITS = {"s": "s", "ms": "ms", "mib": "MiB"}
Results: TypeAlias = dict[str, dict[str, Any]]


def render_table(results: Results) -> str:
    """The table of the README, a row a promise, from the results by run."""
    rows = [
        f"| {promise} | {words} | {_figures(promise, results)} | {_where(promise, results)} |"
        for promise, words in PROMISES.items()
    ]
    return "\n".join(["| | promise | measured | by |", "| --- | --- | --- | --- |", *rows])


def write_table(readme: str, results: Results) -> str:
    """The README with the table between its markers."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{render_table(results)}\n{END}{after}"


def missing_promises(results: Results) -> list[str]:
    """The promises no result tells of."""
    told = {promise for one in results.values() for promise in one["promises"]}
    return [promise for promise in PROMISES if promise not in told]


def read_results(path: Path = RESULTS) -> Results:
    """What is kept, by run."""
    return json.loads(path.read_text()) if path.exists() else {}


def _figures(promise: str, results: Results) -> str:
    figures = [
        _shown(name, figure)
        for result in results.values()
        for name, figure in result["promises"].get(promise, {}).items()
    ]
    reasons = [result["skipped"][promise] for result in results.values() if promise in result.get("skipped", {})]
    return "; ".join([*figures, *(f"not tried: {reason}" for reason in reasons)]) or "not measured yet"


def _shown(name: str, figure: dict[str, Any]) -> str:
    """`first 200: 0.05 s (at most 10)`; a number that has to be 0 needs no limit beside it."""
    words, _, unit = name.rpartition("_")
    words, unit = (words, f" {UNITS[unit]}") if unit in UNITS else (name, "")
    limit = figure.get("most", figure.get("least"))
    bound = "" if not limit else f" (at {'most' if 'most' in figure else 'least'} {_number(limit)})"
    return f"{words.replace('_', ' ')} {_number(figure['value'])}{unit}{bound}"


def _number(value: float) -> str:
    return f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}"


def _where(promise: str, results: Results) -> str:
    found = [letter for letter, result in results.items() if promise in result["promises"] and letter in RUNS]
    links = [f"[{letter}](tests/faults/{RUNS[letter]}.py)" for letter in found]
    return ", ".join([*links, *([f"[tests]({TESTS[promise]})"] if promise in TESTS else [])])


def run_all(letters: Iterable[str]) -> Results:
    """Run them one after the other; each result, kept promises or not."""
    results: Results = {}
    for letter in letters:
        say(f"run {letter}: {RUNS[letter]}")
        command = [sys.executable, "-m", f"tests.faults.{RUNS[letter]}"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        results[letter] = json.loads(done.stdout.splitlines()[-1])
    return results


def run_tests(folder: Path) -> dict[str, Any]:
    """The promises that tests show: how many passed, and that none failed or was skipped."""
    promises: dict[str, Any] = {}
    for promise, path in TESTS.items():
        report = folder / f"{promise}.xml"
        subprocess.run([sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", path], check=False)
        [suite] = ElementTree.parse(report).getroot().iter("testsuite")
        count = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
        bad = count["failures"] + count["errors"] + count["skipped"]
        promises[promise] = {
            "tests_passed": {"value": count["tests"] - bad, "least": 1, "kept": count["tests"] > bad},
            "tests_failed": {"value": bad, "most": 0, "kept": bad == 0},
        }
    kept = all(figure["kept"] for figures in promises.values() for figure in figures.values())
    return {"run": "tests", "kept": kept, "promises": promises}


def read_lines(path: Path) -> Results:
    """JSON lines of runs, by the letter or the module their name begins with."""
    letters = {module: letter for letter, module in RUNS.items()} | {letter: letter for letter in RUNS}
    lines = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    return {letters[line["run"].split(" ")[0]]: line for line in lines}


def keep_results(results: Results) -> None:
    """Write them down, and the table with them."""
    ordered = {letter: results[letter] for letter in [*RUNS, "tests"] if letter in results}
    RESULTS.write_text(json.dumps(ordered, indent=1) + "\n")
    README.write_text(write_table(README.read_text(), ordered))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run or read, keep, and say what is broken or missing; 0 if nothing is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", nargs="*", choices=[*RUNS, "tests"], default=[*RUNS, "tests"])
    parser.add_argument("--read", type=Path, help="JSON lines of runs that have been made")
    parser.add_argument("--write", action="store_true", help="run nothing: the table from what is kept")
    options = parser.parse_args(arguments)
    results = read_results()
    if options.read:
        results |= read_lines(options.read)
    elif not options.write:
        results |= run_all(letter for letter in options.runs if letter in RUNS)
        if "tests" in options.runs:
            with tempfile.TemporaryDirectory() as folder:
                results["tests"] = run_tests(Path(folder))
    keep_results(results)
    wrong = [letter for letter, result in results.items() if not result["kept"]] + missing_promises(results)
    say(f"broken or missing: {', '.join(wrong)}" if wrong else "every promise kept")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
