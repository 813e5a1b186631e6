"""Folders that are made once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from tenure.charms.cache import Cache
from tests.support.patience import HANG


def test_of_two_who_want_the_same_one_makes_it(tmp_path: Path) -> None:
    """And the other waits until it is whole."""
    begin = Barrier(2)
    filled: list[Path] = []

    def fill(folder: Path) -> None:
        (folder / "half").touch()
        filled.append(folder)
        (folder / "whole").touch()

    def want() -> bool:
        begin.wait(HANG)
        path, is_new = Cache(tmp_path / "cache").get("key", fill)
        assert (path / "whole").exists()
        return is_new

    with ThreadPoolExecutor(2) as threads:
        done = [threads.submit(want), threads.submit(want)]
    assert sorted(each.result() for each in done) == [False, True]
    assert len(filled) == 1


def test_what_could_not_be_filled_is_not_there(tmp_path: Path) -> None:
    """The next one tries anew."""

    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise ValueError("half-way")

    cache = Cache(tmp_path)
    with pytest.raises(ValueError, match="half-way"):
        cache.get("key", fail)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]
    path, is_new = cache.get("key", lambda folder: (folder / "whole").touch())
    assert is_new
    assert [each.name for each in path.iterdir()] == ["whole"]
