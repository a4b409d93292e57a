"""Scripts and styles made smaller: what people read goes, what machines read stays."""

from __future__ import annotations

import pytest

from gateway.web.squeezing import squeeze_script, squeeze_style, uncomment_script


@pytest.mark.parametrize(
    ("written", "squeezed"),
    [
        ("const a = 1; // why\nconst b = 2;", "const a=1;const b=2;"),
        ("/** What for. */\nfunction f(a, b) {\n  return a + b;\n}", "function f(a,b){return a+b}"),
        ("a = b\n++c", "a=b\n++c"),
        ("a + +b - -c", "a+ +b- -c"),
        ("return [1]\nfoo()", "return[1]\nfoo()"),
        ("if (a) b\nelse c", "if(a)b\nelse c"),
        ("x = a /* one */ b", "x=a b"),
        ("for (const a of b) {\n  go(a);\n}\nif (a) ;\n}", "for(const a of b){go(a);}\nif(a);}"),
        ("{ a = 1; }", "{a=1}"),
    ],
)
def test_blanks_and_comments_go_and_statements_stay(written: str, squeezed: str) -> None:
    """A line break stays where it may end a statement, a blank where two words or signs would become one."""
    assert squeeze_script(written) == squeezed + "\n"


@pytest.mark.parametrize(
    "text",
    [
        "'// no comment'",
        '"a  /* b */  c"',
        "`two  spaces // ${one(`in  ${'}'} side`)} and  more`",
        "/[/]  \\/ '/g",
        "'it\\'s  //'",
    ],
)
def test_what_is_quoted_is_left_alone(text: str) -> None:
    """Strings, templates within templates, and regular expressions keep every character."""
    assert squeeze_script(f"x = {text};") == f"x={text};\n"


def test_a_slash_divides_after_a_value_and_begins_an_expression_after_a_sign() -> None:
    """`a / b / c` is no regular expression; after `return` or a bracket that opens, a slash begins one."""
    assert squeeze_script("n = a / b / c // d") == "n=a/b/c\n"
    assert squeeze_script("return /a  b/.test(c) // d") == "return/a  b/.test(c)\n"
    assert squeeze_script("f(/'/, x) /* ' */") == "f(/'/,x)\n"
    assert squeeze_script("m = (a) / 2; s = '/';") == "m=(a)/2;s='/';\n"


def test_without_comments_a_statement_still_begins_a_line() -> None:
    """What joins modules finds imports and exports where lines begin."""
    text = "/**\n * For.\n */\nimport { a } from './a.js';\n\n  // why\n  export const b = a;\n"
    assert uncomment_script(text) == "import { a } from './a.js';\nexport const b = a;\n"


def test_styles_keep_their_rules() -> None:
    """Of a style sheet only comments and blanks around braces and semicolons go: others mean something."""
    text = "/* why */\n:root {\n  --a: light-dark(#fff, #000);\n}\n.a .b > i,\n.c:hover { margin: 0 1px; }\n"
    assert squeeze_style(text) == ":root{--a:light-dark(#fff,#000)}.a .b > i,.c:hover{margin:0 1px}\n"
