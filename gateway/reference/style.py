"""How the pages look, light and dark."""

from __future__ import annotations

STYLE = """\
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #0a7a5a; }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; display: grid; grid-template-columns: 17rem minmax(0, 1fr); }
nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1rem; }
nav { border-inline-end: 1px solid var(--line); }
nav h2 { font-size: .85rem; margin: 1rem 0 .25rem; }
nav ul { list-style: none; margin: 0; padding: 0; }
nav a { display: block; padding: .15rem 0; text-decoration: none; color: inherit; }
nav a:hover, nav a:focus { text-decoration: underline; }
main { padding: 1rem 2rem 4rem; max-width: 60rem; }
section { border-top: 1px solid var(--line); padding: 1rem 0; }
h3 { margin: 0 0 .25rem; }
code, pre { font: .875rem/1.45 ui-monospace, monospace; }
pre { background: var(--soft); padding: .75rem; overflow-x: auto; border-radius: .4rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
th, td { text-align: start; vertical-align: top; padding: .25rem .5rem; border-bottom: 1px solid var(--line); }
.method { font-weight: 700; color: var(--accent); text-transform: uppercase; }
.quiet { opacity: .75; }
@media (max-width: 50rem) { body { display: block; } nav { position: static; height: auto; border: 0; } }
"""
