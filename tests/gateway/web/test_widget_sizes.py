"""What the widget weighs on a site: each file gzipped by itself, as it is served. Over budget is a failure."""

from __future__ import annotations

import gzip
import json
import re
import sys

import pytest

from gateway.web.assets import FOLDER, own_assets

WIDGET = FOLDER / "widget"
LOADER_BYTES = 2 * 1024
CHAT_BYTES = 15 * 1024
LOCALE_BYTES = 1536
NOTIFY_BYTES = 4 * 1024
"""The window that asks whether notices may be shown is a page of its own, opened by those who want them."""

NOTIFY = {"notify.html", "notify.js", "notify.css", "push-worker.js"}
SOURCES = sorted(path for path in WIDGET.rglob("*") if path.suffix in {".js", ".css", ".html", ".json"})
LOCALES = sorted(WIDGET.glob("locales/*.json"))
WORDS_ASKED = re.compile(r"(?<![\w.])(?:t|ask|item)\('(\w+)'")


def test_the_loader_the_chat_and_the_rest_are_within_their_budgets(capsys: pytest.CaptureFixture[str]) -> None:
    """2 KB before anybody chats, 15 KB when somebody does, whatever files that is split into."""
    files = own_assets().files
    names = [path.relative_to(WIDGET).as_posix() for path in SOURCES]
    sizes = {name: _size(files[f"widget/{name}"].content) for name in names}
    chat = {name: size for name, size in sizes.items() if name not in NOTIFY | {"loader.js"} and "locales" not in name}
    notify = sum(sizes[name] for name in NOTIFY & sizes.keys())
    table = _table({"loader.js": sizes["loader.js"], **chat, "the chat in all": sum(chat.values()), "notices": notify})
    with capsys.disabled():
        sys.stdout.write(f"\n{table}\n")
    assert {"app.js", "app.css", "frame.html"} <= chat.keys()
    assert sizes["loader.js"] <= LOADER_BYTES
    assert sum(chat.values()) <= CHAT_BYTES
    assert notify <= NOTIFY_BYTES


@pytest.mark.parametrize("path", LOCALES, ids=lambda path: path.stem)
def test_a_locale_is_small_and_whole(path: object) -> None:
    """Each has all the words, none of them empty, and names the same facts in them."""
    file = WIDGET / "locales" / str(path).rsplit("/", 1)[1]
    words, english = json.loads(file.read_text()), json.loads((WIDGET / "locales/en.json").read_text())
    assert _size(file.read_bytes()) <= LOCALE_BYTES
    assert words.keys() == english.keys()
    assert all(words.values())
    assert all(re.findall(r"\{\w+\}", words[key]) == re.findall(r"\{\w+\}", english[key]) for key in english)


def test_the_seven_locales_are_there() -> None:
    """en es de fr pt ar zh."""
    assert {path.stem for path in LOCALES} == {"en", "es", "de", "fr", "pt", "ar", "zh"}


def test_every_word_that_is_asked_for_is_there() -> None:
    """No view shows a gap where a word is missing."""
    asked = {found for path in WIDGET.glob("*.js") if path.name not in NOTIFY | {"loader.js"}
             for found in WORDS_ASKED.findall(path.read_text())}  # fmt: skip
    assert len(asked) > 20
    assert asked <= json.loads((WIDGET / "locales/en.json").read_text()).keys()


def test_nothing_writes_markup_or_names_another_origin() -> None:
    """No file of the chat knows innerHTML and its kin, eval, or an address of anybody else (security.md T31)."""
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|https?://(?!www\.w3\.org)"
    )
    for path in SOURCES:
        assert not forbidden.search(path.read_text()), path.name


def test_the_licence_lets_sites_use_it() -> None:
    """The widget is MIT, so that no site becomes GPL by embedding it."""
    assert (WIDGET / "LICENSE").read_text().startswith("MIT License")


def _size(content: bytes) -> int:
    return len(gzip.compress(content, 9, mtime=0))


def _table(sizes: dict[str, int]) -> str:
    return "\n".join(f"{name:20} {size:7,} B" for name, size in sizes.items())
