"""Static files: named by their content, kept for ever, and no other than those in the sections."""

from __future__ import annotations

import gzip
from pathlib import Path

from gateway.web.assets import read_assets


def make_folder(folder: Path, **files: str) -> Path:
    """A folder with these files, whose names have `__` for a slash and `_` for a dot."""
    for name, content in files.items():
        *places, last = name.split("__")
        path = folder.joinpath(*places, last.replace("_", "."))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def test_a_changed_file_changes_the_path_of_all(tmp_path: Path) -> None:
    """A browser that keeps a file for ever never mixes two releases: one digest names them together."""
    before = read_assets(make_folder(tmp_path / "a", widget__app_js="1", console__main_js="1"))
    same = read_assets(make_folder(tmp_path / "b", widget__app_js="1", console__main_js="1"))
    after = read_assets(make_folder(tmp_path / "c", widget__app_js="2", console__main_js="1"))
    moved = read_assets(make_folder(tmp_path / "d", widget__app_js="", console__main_js="11"))
    assert before.base == same.base
    assert len({before.base, after.base, moved.base}) == 3


def test_only_known_kinds_of_the_sections_are_served(tmp_path: Path) -> None:
    """Nothing beside the sections and no file of another kind can be asked for."""
    folder = make_folder(tmp_path, widget__app_js="1", secret__key_js="1", widget__notes_txt="1", pages_py="1")
    assert list(read_assets(folder).files) == ["widget/app.js"]


def test_large_texts_are_kept_compressed(tmp_path: Path) -> None:
    """What is worth it is compressed once, at the start; the small stays as it is."""
    assets = read_assets(make_folder(tmp_path, widget__large_js="let a = 1;\n" * 500, widget__small_js="1"))
    packed = assets.files["widget/large.js"].compressed
    assert packed is not None
    assert gzip.decompress(packed) == assets.files["widget/large.js"].content
    assert assets.files["widget/small.js"].compressed is None


def test_a_page_names_the_release_it_belongs_to(tmp_path: Path) -> None:
    """The one placeholder of a page is where its files are."""
    assets = read_assets(make_folder(tmp_path, console__index_html="<script src={assets}/console/main.js></script>"))
    assert assets.page("console/index.html") == f"<script src={assets.base}/console/main.js></script>"
