"""Modules joined into few files: each still runs once, in order, and sees what it imports."""

from __future__ import annotations

import re

import pytest

from gateway.web.assets import own_assets
from gateway.web.joining import CannotJoin, join_modules, join_section, join_styles

MODULES = {
    "main.js": "import { b, one as c } from './part/b.js';\nb(c);\nconst go = () => import('./later.js');\n",
    "part/b.js": "import { a } from '../a.js';\nexport function b(x) { return a + x; }\nexport const one = 1;\n",
    "a.js": "/** Why. */\nexport const a = new URL('x.svg', import.meta.url).href;\n",
    "later.js": "import { a } from './a.js';\nimport { own } from './own.js';\nexport const later = { a, own };\n",
    "own.js": "export class own {}\n",
}


def test_modules_stand_in_the_order_in_which_they_need_each_other() -> None:
    """What is imported stands before whoever imports it, and each module once."""
    main = join_modules(MODULES, "main.js")["main.js"]
    assert re.findall(r"const (\$m\d)=\(\(\)=>", main) == ["$m0", "$m1", "$m2"]
    assert main.index("x.svg") < main.index("function b") < main.index("b(c)")
    assert "const{b,one:c}=$m1;" in main
    assert "new URL('x.svg',new URL('./a.js',import.meta.url))" in main


def test_what_is_imported_later_is_a_file_that_shares_what_is_there() -> None:
    """A module of the first file is not loaded twice: the later one is handed the same."""
    joined = join_modules(MODULES, "main.js")
    assert set(joined) == {"main.js", "later.js"}
    assert "import('./later.js')" in joined["main.js"]
    assert joined["later.js"].startswith("import{$shared}from'./main.js';")
    assert "$shared['a.js']" in joined["later.js"]
    assert "x.svg" not in joined["later.js"]
    assert "export const{later}=" in joined["later.js"]


@pytest.mark.parametrize(
    ("module", "told"),
    [
        ("import b from './b.js';\n", "are joined, not: import b"),
        ("export default 1;\n", "are joined, not: export default"),
        ("import { x } from './gone.js';\n", "imports gone.js, which is not there"),
        ("import { x } from './main.js';\nexport const b = 1;\n", "main.js -> b.js"),
    ],
)
def test_what_cannot_be_joined_is_refused(module: str, told: str) -> None:
    """An unknown form, a missing module and a circle are told, not served."""
    with pytest.raises(CannotJoin, match=re.escape(told)):
        join_modules({"main.js": "import { b } from './b.js';\n", "b.js": module}, "main.js")


def test_styles_stand_in_the_order_of_their_imports() -> None:
    """Of two rules of one weight the later wins, joined or not."""
    files = {
        "all.css": '@import "./a.css";\n@import "./p/b.css";\n',
        "a.css": ".a { x: 1; }\n",
        "p/b.css": ".b { x: 2; }",
    }
    assert join_styles(files, "all.css") == ".a{x:1}.b{x:2}\n"


def test_what_no_entry_reaches_is_served_as_it_is() -> None:
    """The page in the sandboxed frame of a mail has files of its own."""
    served = join_section({**MODULES, "frame.js": "'use strict';\n"}, script="main.js", style="all.css")
    assert set(served) == {"main.js", "later.js", "frame.js"}
    assert served["frame.js"] == "'use strict';\n"


def test_the_console_is_joined() -> None:
    """All its modules are written in the forms that can be joined, and nothing of them is served twice."""
    scripts = [name for name in own_assets().files if name.startswith("console/") and name.endswith(".js")]
    assert "console/main.js" in scripts
    assert "console/later.js" in scripts
    assert len(scripts) <= 8, scripts
