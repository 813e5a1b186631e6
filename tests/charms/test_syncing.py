"""Waiting for one file system."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

from tenure.charms.syncing import sync_file_system


def test_one_file_system_can_be_waited_for(tmp_path: Path) -> None:
    """On Linux, with either C library."""
    assert sync_file_system(tmp_path)


def test_a_c_library_without_it_is_told_and_not_fatal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller has other ways."""
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert not sync_file_system(tmp_path)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """It is the caller's mistake, and not the C library's."""
    with pytest.raises(FileNotFoundError):
        sync_file_system(tmp_path / "gone")
