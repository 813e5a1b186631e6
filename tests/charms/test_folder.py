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


def test_a_dispatch_is_asked_for_a_hook_of_ours_only_where_the_charm_has_it(
    tmp_path: Path,
) -> None:
    """H10, H6: one that is strict would fail on a name that Juju does not know"""
    dispatch = str(executable(tmp_path / "dispatch"))
    assert find_hook(tmp_path, "leader-deposed") is None
    assert find_hook(tmp_path, "leader-elected") == (dispatch,)
    assert find_hook(tmp_path, "leader-deposed", ("leader-deposed",)) == (dispatch,)
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks" / "leader-deposed").touch()
    assert find_hook(tmp_path, "leader-deposed") == (dispatch,)


def test_a_declared_hook_without_dispatch_or_file_is_missing(tmp_path: Path) -> None:
    """H10, H6"""
    executable(tmp_path / "hooks" / "install")
    assert find_hook(tmp_path, "leader-deposed", ("leader-deposed",)) is None


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
