"""A path that no unit could copy is named before anything is done."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tenure.charms.fault import CharmError
from tenure.charms.paths import MAX_FOLDERS, check_path, check_paths

NOT_TEXT = os.fsdecode(b"caf\xe9")


@pytest.mark.parametrize(
    "name", [NOT_TEXT, f"hooks/{NOT_TEXT}", f"{NOT_TEXT}/inner", "data/a/b/\udcff"]
)
def test_a_name_that_is_not_utf_8_is_named_with_its_bytes(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).touch()
    with pytest.raises(CharmError, match=r'"[a-z/]*(caf\\xe9|\\xff)" is not UTF-8: rename it'):
        check_paths(tmp_path)


def test_what_a_link_leads_to_is_looked_at_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(".")
    check_paths(tmp_path)
    (tmp_path / "link").symlink_to(NOT_TEXT)
    with pytest.raises(CharmError, match='the link "link" leads to is not UTF-8: make it anew'):
        check_paths(tmp_path)


def test_what_no_copy_has_may_have_any_name(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / NOT_TEXT).touch()
    (tmp_path / "é").touch()
    check_paths(tmp_path)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a/" * (MAX_FOLDERS + 1) + "a", "lies deeper than 100 folders: move it up"),
        ("a" * 1025, "is longer than 1024 bytes: give it a shorter path"),
    ],
)
def test_a_path_that_leads_too_far_says_what_to_do(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(CharmError, match=said) as caught:
        check_path(tmp_path, name)
    assert len(str(caught.value)) < len(str(tmp_path)) + 200
