"""Modules joined into two scripts: each still runs once, in order, and sees what it imports."""

from __future__ import annotations

import re

import pytest

from gateway.web.assets import LENT, SCRIPTS, own_assets
from gateway.web.joining import CannotJoin, join_section

MODULES = {
    "c/main.js": "import { b } from './part/b.js';\nimport { a } from './a.js';\nb(a);\n",
    "c/part/b.js": "import {\n  a,\n} from '../a.js';\nexport async function b(x) { return a + x; }\n",
    "c/a.js": "/** Why. */\nexport const a = new URL('x.svg', import.meta.url).href;\n",
    "c/later.js": "import { a } from './a.js';\nimport { own } from './own.js';\nexport const later = { a, own };\n",
    "c/own.js": "import { a } from './a.js';\nexport class own {}\n",
    "c/frame.js": "'use strict';\n",
}
STYLES = {
    "c/all.css": '@import "./a.css";\n@import "./p/b.css";\n.c { x: 3; }\n',
    "c/a.css": ".a { x: 1; }\n",
    "c/p/b.css": ".b { x: 2; }\n",
}


def join(**others: str) -> dict[str, str]:
    """Those above and others, by their names below `c/`."""
    more = {f"c/{name}.js": text for name, text in others.items()}
    return join_section({**MODULES, **STYLES, **more}, scripts=("c/main.js", "c/later.js"), style="c/all.css")


def test_modules_stand_in_the_order_in_which_they_need_each_other() -> None:
    """What is imported stands before whoever imports it, each once, in a scope nobody else sees."""
    main = join()["c/main.js"]
    assert main.startswith("export const shared = (() => {")
    assert main.index("const a = ") < main.index("async function b(") < main.index("b(a);")
    assert main.count("const a = ") == 1
    assert re.findall(r"^(?:import|export)\b.*", main, re.M) == ["export const shared = (() => {"]


def test_what_is_fetched_later_shares_what_is_there() -> None:
    """A module of the first script is not loaded twice: the second is handed what it imports of it, and no more."""
    joined = join()
    assert joined["c/main.js"].endswith("return { a };\n})();\n")
    assert joined["c/later.js"] == (
        "import { shared } from './main.js';\nexport const { later } = (() => {\nconst { a } = shared;\n"
        "class own {}\nconst later = { a, own };\nreturn { later };\n})();\n"
    )


def test_what_a_module_names_beside_itself_is_found_from_the_joined_one() -> None:
    """A file beside a module is asked for where it is, wherever the joined script stands."""
    main = join(**{"part/b": "export const b = () => import.meta.url;\n"})["c/main.js"]
    assert "new URL('x.svg', new URL('a.js', import.meta.url))" in main
    assert "() => new URL('part/b.js', import.meta.url)" in main


@pytest.mark.parametrize(
    ("module", "told"),
    [
        ("import a from './a.js';\n", "are joined, not: import a"),
        ("import { a as c } from './a.js';\n", "are joined, not: import { a as c }"),
        ("export default 1;\n", "are joined, not: export default"),
        ("export { x };\n", "are joined, not: export { x }"),
        ("import { x } from './gone.js';\n", "imports c/part/gone.js, which is not there"),
        ("import { x } from '../main.js';\nexport const b = 1;\n", "c/main.js -> c/part/b.js"),
        ("import { x } from '../a.js';\n", "c/part/b.js imports x, which no module has"),
        ("export const b = 1;\nfunction a() {}\n", "a is a name of both c/part/b.js and c/a.js"),
    ],
)
def test_what_cannot_be_joined_is_refused(module: str, told: str) -> None:
    """An unknown form, a missing module, a circle and a name of two modules are told, not served."""
    with pytest.raises(CannotJoin, match=re.escape(told)):
        join(**{"part/b": module})


def test_styles_stand_in_the_order_of_their_imports() -> None:
    """Of two rules of one weight the later wins, joined or not."""
    assert join()["c/all.css"] == ".a { x: 1; }\n.b { x: 2; }\n.c { x: 3; }\n"


def test_what_no_entry_reaches_is_served_as_it_is() -> None:
    """The page in the sandboxed frame of a mail has files of its own."""
    assert set(join()) == {"c/main.js", "c/later.js", "c/all.css", "c/frame.js"}
    assert join()["c/frame.js"] == "'use strict';\n"


def test_the_console_is_joined() -> None:
    """All its modules can be joined, no other is fetched by any of them, and nothing is served twice."""
    files = own_assets().files
    scripts = {name for name in files if name.startswith("console/") and name.endswith(".js")}
    assert scripts - LENT == {*SCRIPTS, "console/timeline/mail.js"}
    fetched = [re.findall(rb"""\bimport\b(?!\.meta)[^"']*["']([^"']+)""", files[name].content) for name in SCRIPTS]
    assert fetched == [[b"./later.js"], [b"./main.js"]]
