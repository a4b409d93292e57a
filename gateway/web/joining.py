"""The console's modules in few files, joined as they are read at the start: four requests, not a hundred. Pure.

The sources are plain ES modules that run as they stand, and there is no build: the gateway reads them, leaves out what
only people read, and puts what is loaded together into one file. Each module becomes a function that answers with what
it exports, in the order in which they need each other; what is imported by `import()` becomes a file of its own, which
takes from the first what both need. Only the forms of import and export that our modules use are understood (FORMS);
any other is refused.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from gateway.web.squeezing import squeeze_script, squeeze_style, uncomment_script

IMPORT = re.compile(r"^import \{([^}]*)\} from '([^']+)';?\n", re.M)
LATER = re.compile(r"\bimport\('([^']+)'\)")
EXPORT = re.compile(r"^export ((?:async )?(?:function\*?|const|class) )([\w$]+)", re.M)
FORMS = "import { a, b as c } from './x.js'; export function, async function, const and class; import('./x.js')"
OTHER_FORMS = re.compile(r"^(?:import\b(?!\()|export\b).*", re.M)
STYLE_IMPORT = re.compile(r'@import "([^"]+)";\n?')
SHARED = "$shared"
"""What the first file hands to the later ones: every module's exports by its path."""


class CannotJoin(ValueError):
    """A module is written in a form that is not understood here, is missing, or needs itself."""


def join_section(files: Mapping[str, str], *, script: str, style: str) -> dict[str, str]:
    """What is served of a section's texts: those its entries reach are in the joined files, the others stay."""
    scripts = join_modules(files, script) if script in files else {}
    styles = {style: join_styles(files, style)} if style in files else {}
    gone = _styles_of(files, style) | (modules_of(files, script) if scripts else set())
    return {path: text for path, text in files.items() if path not in gone} | scripts | styles


def join_modules(files: Mapping[str, str], entry: str) -> dict[str, str]:
    """The files a page loads, by the paths of their entries: `entry`, and each module that is imported later."""
    modules = {path: uncomment_script(text) for path, text in files.items() if path.endswith(".js")}
    first = _in_order(modules, entry, known=())
    joined = {entry: _file(modules, first, entry=entry, given=())}
    waiting = list(_later(modules, first))
    while waiting:
        path = waiting.pop()
        if path not in joined:
            own = _in_order(modules, path, known=first)
            joined[path] = _file(modules, own, entry=path, given=first, main=entry)
            waiting += _later(modules, own)
    return joined


def join_styles(files: Mapping[str, str], entry: str) -> str:
    """A style sheet with those it imports in their places."""
    whole = STYLE_IMPORT.sub(lambda found: join_styles(files, _beside(entry, found[1])), files[entry])
    return squeeze_style(whole)


def _styles_of(files: Mapping[str, str], entry: str) -> set[str]:
    if entry not in files:
        return set()
    targets = [_beside(entry, target) for target in STYLE_IMPORT.findall(files[entry])]
    return {entry}.union(*(_styles_of(files, target) for target in targets))


def modules_of(files: Mapping[str, str], entry: str) -> set[str]:
    """Everything a page may load beginning with this module."""
    modules = {path: uncomment_script(text) for path, text in files.items() if path.endswith(".js")}
    found, waiting = set[str](), [entry]
    while waiting:
        reached = set(_in_order(modules, waiting.pop(), known=found))
        waiting += _later(modules, reached - found)
        found |= reached
    return found


def _in_order(modules: Mapping[str, str], entry: str, *, known: tuple[str, ...] | set[str]) -> tuple[str, ...]:
    """A module and those it needs that are not yet known, each behind those it needs itself."""
    ordered: dict[str, None] = {}
    open_ones: list[str] = []

    def visit(path: str) -> None:
        if path in known or path in ordered:
            return
        if path in open_ones:
            raise CannotJoin(f"{path} needs itself: {' -> '.join([*open_ones, path])}")
        if path not in modules:
            raise CannotJoin(f"{open_ones[-1] if open_ones else entry} imports {path}, which is not there")
        open_ones.append(path)
        for _, target in IMPORT.findall(modules[path]):
            visit(_beside(path, target))
        open_ones.pop()
        ordered[path] = None

    visit(entry)
    return tuple(ordered)


def _later(modules: Mapping[str, str], paths: tuple[str, ...] | set[str]) -> Iterator[str]:
    for path in paths:
        yield from (_beside(path, target) for target in LATER.findall(modules[path]))


def _file(
    modules: Mapping[str, str], ordered: tuple[str, ...], *, entry: str, given: tuple[str, ...], main: str = ""
) -> str:
    """One file of modules, named by their numbers; what it is imported for is exported at its end."""
    names = {path: f"$m{number}" for number, path in enumerate((*given, *ordered))}
    used = {_beside(path, target) for path in ordered for _, target in IMPORT.findall(modules[path])}
    lines = [f"import {{{SHARED}}} from '{_from(entry, main)}';\n"] if given else []
    lines += [f"const {names[path]}={SHARED}['{path}'];\n" for path in given if path in used]
    lines += [_wrapped(modules[path], path, names, entry=entry) for path in ordered]
    if given:
        lines.append(f"export const {{{','.join(_exports(modules[entry]))}}}={names[entry]};\n")
    else:
        shared = ",".join(f"'{path}':{names[path]}" for path in ordered)
        lines.append(f"export const {SHARED}={{{shared}}};\n")
    return squeeze_script("".join(lines))


def _wrapped(text: str, path: str, names: Mapping[str, str], *, entry: str) -> str:
    """A module as a function that is called at once."""

    def take(found: re.Match[str]) -> str:
        return f"const {{{found[1].strip().replace(' as ', ':')}}}={names[_beside(path, found[2])]};\n"

    exported = ",".join(_exports(text))
    body = EXPORT.sub(r"\1\2", IMPORT.sub(take, text))
    body = LATER.sub(lambda found: f"import('{_from(entry, _beside(path, found[1]))}')", body)
    if foreign := OTHER_FORMS.search(body):
        raise CannotJoin(f"{path}: only {FORMS} are joined, not: {foreign[0][:80]}")
    if path != entry:
        body = body.replace("import.meta.url", f"new URL('{_from(entry, path)}',import.meta.url)")
    return f"const {names[path]}=(()=>{{{body}return{{{exported}}}}})();\n"


def _exports(text: str) -> list[str]:
    return [name for _, name in EXPORT.findall(text)]


def _beside(path: str, target: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), target))


def _from(path: str, target: str) -> str:
    """The way from one file to another, as an import writes it."""
    way = posixpath.relpath(target, posixpath.dirname(path) or ".")
    return way if way.startswith(".") else f"./{way}"
