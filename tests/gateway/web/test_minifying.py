"""Scripts and styles made smaller by a program of its own; where that fails, they are served as they stand."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.web.assets import read_assets
from gateway.web.minifying import minify_texts

SCRIPT = "/** Why. */\n(() => {\n  const first = [1];\n  for (const word of first) console.log(`${word}  `);\n})();\n"
STYLE = "/* why */\n.a {\n  color: light-dark(#ffffff, #000000);\n  margin: 0px;\n}\n"


def test_scripts_and_styles_get_smaller() -> None:
    """Comments, blanks and names that nobody else sees are gone; what is quoted stays."""
    smaller = minify_texts({"a.js": SCRIPT, "b.css": STYLE})
    assert "first" not in smaller["a.js"]
    assert "Why" not in smaller["a.js"]
    assert "}  `" in smaller["a.js"]
    assert smaller["b.css"].startswith(".a{color:light-dark(")
    assert all(len(smaller[path]) < len(text) for path, text in {"a.js": SCRIPT, "b.css": STYLE}.items())


def test_a_refused_text_stays_as_it_is() -> None:
    """One that cannot be read is told, and the others are smaller all the same."""
    broken = "const a = ;\n"
    with capture_logs() as told:
        smaller = minify_texts({"a.js": SCRIPT, "broken.js": broken})
    assert smaller["broken.js"] == broken
    assert len(smaller["a.js"]) < len(SCRIPT)
    assert [(one["event"], one["reason"].split(":")[0]) for one in told] == [("assets_not_minified", "broken.js")]


@pytest.mark.parametrize("program", ["import no_such_minifier", "print('no texts')", None])
def test_without_a_minifier_everything_is_there(program: str | None, tmp_path: Path) -> None:
    """Where the package is missing, or its program fails or says nonsense, whole texts are served."""
    child = tmp_path / "child.py"
    if program:
        child.write_text(program)
    assert minify_texts({"a.js": SCRIPT, "b.css": STYLE}, child=child) == {"a.js": SCRIPT, "b.css": STYLE}


def test_assets_are_served_small(tmp_path: Path) -> None:
    """What browsers get is what the minifier made, compressed."""
    (tmp_path / "widget").mkdir()
    (tmp_path / "widget/app.js").write_text(SCRIPT * 20)
    asset = read_assets(tmp_path).files["widget/app.js"]
    assert len(asset.content) < len(SCRIPT * 20)
    assert asset.compressed is not None
    assert gzip.decompress(asset.compressed) == asset.content
