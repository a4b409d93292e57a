"""The console's modules as two scripts, what is first needed and what is fetched later, and its styles as one. Pure.

The sources are plain ES modules that run as they stand, and there is no build: the gateway puts them behind each other,
each after those it needs, into one scope. So a name at the top of a module must be the only one in all of them, and
only the forms of import and export that our modules use are understood (FORMS); anything else is refused.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

IMPORT = re.compile(r"^import \{(?P<names>\s*[\w$]+(?:,\s*[\w$]+)*,?\s*)\} from '(?P<target>[^']+)';\n", re.M)
EXPORT = re.compile(r"^export (?=(?:async )?function\b|const\b|class\b)", re.M)
FORMS = "import { a, b } from './x.js'; export function, async function, const and class"
EXPORTED = re.compile(r"^export (?:async )?(?:function\*? ?|const |class )([\w$]+)", re.M)
OTHER_FORMS = re.compile(r"^(?:import|export)\b.*", re.M)
NAME = re.compile(r"^(?:async )?(?:function\*? ?|class |const |let )([\w$]+)", re.M)
WORD = re.compile(r"[\w$]+")
STYLE_IMPORT = re.compile(r'^@import "(?P<target>[^"]+)";\n', re.M)


class CannotJoin(ValueError):
    """A module is written in a form that is not understood here, is missing, needs itself, or takes another's name."""


def join_section(files: Mapping[str, str], *, scripts: tuple[str, str], style: str) -> dict[str, str]:
    """What is served of a section's texts: those its entries reach are in the joined files, the others stay."""
    first, sheets = order_files(files, scripts[0], IMPORT), order_files(files, style, STYLE_IMPORT)
    later = [path for path in order_files(files, scripts[1], IMPORT) if path not in first]
    others = {path: text for path, text in files.items() if path not in {*first, *later, *sheets}}
    joined = zip(scripts, join_modules(files, first, later), strict=True)
    return {**others, **dict(joined), style: join_styles(files, sheets)}


def order_files(files: Mapping[str, str], entry: str, imports: re.Pattern[str]) -> list[str]:
    """A file and all it needs, each once and behind those it needs itself."""
    ordered: dict[str, None] = {}
    open_ones: list[str] = []

    def visit(path: str) -> None:
        if path in ordered:
            return
        if path in open_ones:
            raise CannotJoin(f"{path} needs itself: {' -> '.join([*open_ones, path])}")
        if path not in files:
            raise CannotJoin(f"{open_ones[-1] if open_ones else 'nobody'} imports {path}, which is not there")
        open_ones.append(path)
        for found in imports.finditer(files[path]):
            visit(posixpath.normpath(posixpath.join(posixpath.dirname(path), found["target"])))
        open_ones.pop()
        ordered[path] = None

    visit(entry)
    return list(ordered)


def join_modules(files: Mapping[str, str], first: list[str], later: list[str]) -> tuple[str, str]:
    """Two scripts, whose names nobody outside can see; the first hands the second what that imports from it.

    Each stands where the last of its modules stood, and the second exports what that one did.
    """
    bodies = {path: _body(files[path], path, beside=ordered[-1]) for ordered in (first, later) for path in ordered}
    owners = _owners(bodies)
    asked = {path: _asked(files[path], path, owners) for path in bodies}
    shared = ", ".join(sorted({name for path in later for name in asked[path] if owners[name] in first}))
    made = ", ".join(EXPORTED.findall(files[later[-1]]))
    way = posixpath.relpath(first[-1], posixpath.dirname(later[-1]) or ".")
    return (
        f"export const shared = (() => {{\n{''.join(bodies[path] for path in first)}return {{ {shared} }};\n}})();\n",
        f"import {{ shared }} from './{way}';\nexport const {{ {made} }} = (() => {{\nconst {{ {shared} }} = shared;\n"
        f"{''.join(bodies[path] for path in later)}return {{ {made} }};\n}})();\n",
    )


def _owners(bodies: Mapping[str, str]) -> dict[str, str]:
    """Which module has a name at its top; there may be no other."""
    owners: dict[str, str] = {}
    for path, body in bodies.items():
        for name in NAME.findall(body):
            if (owner := owners.setdefault(name, path)) != path:
                raise CannotJoin(f"{name} is a name of both {owner} and {path}")
    return owners


def _asked(text: str, path: str, owners: Mapping[str, str]) -> list[str]:
    names = [name for found in IMPORT.finditer(text) for name in WORD.findall(found["names"])]
    if unknown := [name for name in names if name not in owners]:
        raise CannotJoin(f"{path} imports {unknown[0]}, which no module has")
    return names


def join_styles(files: Mapping[str, str], ordered: list[str]) -> str:
    """Of two rules of one weight the later wins, joined or not."""
    return "".join(STYLE_IMPORT.sub("", files[path]) for path in ordered)


def _body(text: str, path: str, *, beside: str) -> str:
    """A module without its imports and exports; what it names beside itself is named from where the joined one is."""
    body = EXPORT.sub("", IMPORT.sub("", text))
    if foreign := OTHER_FORMS.search(body):
        raise CannotJoin(f"{path}: only {FORMS} are joined, not: {foreign[0][:80]}")
    way = posixpath.relpath(path, posixpath.dirname(beside) or ".")
    return body.replace("import.meta.url", f"new URL('{way}', import.meta.url)")
