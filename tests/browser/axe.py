"""axe-core, the usual checker of accessibility, run in a page or a frame."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
STILL = """async () => {
  const ends = document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime !== Infinity);
  await Promise.allSettled(ends.map((one) => one.finished));
}"""
"""Half-way through a change of colour there is contrast that nobody sees for longer than a blink."""
RUN = "async (tags) => (await axe.run(document, {runOnly: {type: 'tag', values: tags}})).violations"


def check_axe(frame: Any, *, leave_out: frozenset[str] = frozenset()) -> None:
    """Fail with everything axe finds in this page or frame by WCAG 2.2 AA and good practice, but the rules left out."""
    frame.evaluate(STILL)
    if not frame.evaluate("'axe' in globalThis"):
        frame.evaluate(_source())
    found = [one for one in frame.evaluate(RUN, RULES) if one["id"] not in leave_out]
    assert not found, "\n".join(f"{one['id']}: {one['help']}\n{_places(one)}" for one in found)


def _places(violation: dict[str, Any]) -> str:
    return "\n".join(f"  {node['html'][:200]} {node.get('failureSummary', '')}" for node in violation["nodes"][:5])


@cache
def _source() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
