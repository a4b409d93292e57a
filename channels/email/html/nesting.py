"""Which tags stand open while HTML is written anew, so that all close rightly and none are nested without end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from channels.email.html.rules import BLOCKS, MAX_DEPTH, MAX_STYLED_DEPTH, STYLED, TABLE

_CELLS = frozenset({"td", "th", "caption"})
_ROWS = frozenset({"tr"}) | _CELLS
_GROUPS = frozenset({"thead", "tbody", "tfoot", "colgroup"}) | _ROWS
_LISTS = frozenset({"ul", "ol", "dl", "table"}) | _CELLS
CLOSED_BY: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "a": (frozenset({"a"}), _CELLS),
    "li": (frozenset({"li", "p"}), _LISTS),
    "dt": (frozenset({"dt", "dd", "p"}), _LISTS),
    "dd": (frozenset({"dt", "dd", "p"}), _LISTS),
    "td": (_CELLS, frozenset({"table", "tr"})),
    "th": (_CELLS, frozenset({"table", "tr"})),
    "tr": (_ROWS, frozenset({"table", "thead", "tbody", "tfoot"})),
    **dict.fromkeys(("thead", "tbody", "tfoot"), (_GROUPS, frozenset({"table"}))),
    **dict.fromkeys((BLOCKS - {"li", "dt", "dd"}) | {"hr"}, (frozenset({"p"}), _CELLS | {"table"})),
}
"""A tag that begins closes the outermost one of the first set that no tag of the second stands around (13.2.6.4)."""


class OpenTags:
    """The tags that are open, the innermost last; what closes is written by `write`."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self.too_deep = False
        self._write = write
        self._stack: list[str] = []
        self._counts: Counter[str] = Counter()
        self._unwritten: Counter[str] = Counter()
        self._styled = 0

    def holds(self, tag: str) -> bool:
        """Whether such a tag is open."""
        return self._counts[tag] > 0

    def begin(self, tag: str) -> bool:
        """Open a tag, which closes those it cannot stand in; False where it would be too deep, and is left out."""
        self.make_room(tag)
        styled = tag in STYLED
        if len(self._stack) >= MAX_DEPTH or (styled and self._styled >= MAX_STYLED_DEPTH):
            self.too_deep = True
            self._unwritten[tag] += 1
            return False
        self._stack.append(tag)
        self._counts[tag] += 1
        self._styled += styled
        return True

    def make_room(self, tag: str) -> None:
        """Close what a tag closes by beginning."""
        if tag not in CLOSED_BY:
            return
        closed, barriers = CLOSED_BY[tag]
        if not any(self._counts[name] for name in closed):
            return
        found = None
        for at in range(len(self._stack) - 1, -1, -1):
            if self._stack[at] in closed:
                found = at
            elif self._stack[at] in barriers:
                break
        if found is not None:
            self._close_from(found)

    def close(self, tag: str) -> None:
        """Close a tag and all inside it; one that is not open, or lies outside the cell we are in, changes nothing."""
        if self._unwritten[tag]:
            self._unwritten[tag] -= 1
            return
        if not self._counts[tag]:
            return
        for at in range(len(self._stack) - 1, -1, -1):
            if self._stack[at] == tag:
                self._close_from(at)
                return
            if self._stack[at] in _CELLS and tag not in TABLE:
                return

    def close_all(self) -> None:
        """Close what is open."""
        self._close_from(0)

    def _close_from(self, at: int) -> None:
        for tag in reversed(self._stack[at:]):
            self._counts[tag] -= 1
            self._styled -= tag in STYLED
            self._write(f"</{tag}>")
        del self._stack[at:]
