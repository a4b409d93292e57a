"""No module of ours needs, however indirectly, a module that needs it: type-only and local imports counted."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

import grimp


def test_modules_import_each_other_in_no_circle() -> None:
    """Every module can be understood from those below it alone."""
    graph = grimp.build_graph("gateway", "inbox", "channels", "migrations")
    needs = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    # A package's __init__ offers what its modules hold; what counts is between modules, so both are looked at alike.
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        raise AssertionError(f"a circle of imports: {' -> '.join(error.args[1])}") from None
