"""What runs in a charm's folder. Whether it is one, and its name: tests/agent/test_charm.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tenure.charms.folder import CharmError, find_action, find_hook


def executable(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_hooks_of_relations_are_found_like_any_other(tmp_path: Path) -> None:
    """H6"""
    for hook in ("cluster-relation-changed", "upgrade-charm"):
        path = executable(tmp_path / "hooks" / hook)
        assert find_hook(tmp_path, hook) == (str(path),)


def test_dispatch_wins_over_actions(tmp_path: Path) -> None:
    """H6: an action is found as a hook is."""
    path = executable(tmp_path / "actions/backup")
    assert find_action(tmp_path, "backup") == (str(path),)
    assert find_action(tmp_path, "pause") is None
    dispatch = executable(tmp_path / "dispatch")
    assert find_action(tmp_path, "backup") == (str(dispatch),)


def test_an_action_that_cannot_run_is_an_error(tmp_path: Path) -> None:
    """H6"""
    executable(tmp_path / "actions/backup").chmod(0o644)
    with pytest.raises(CharmError, match=r"actions/backup is not executable"):
        find_action(tmp_path, "backup")
