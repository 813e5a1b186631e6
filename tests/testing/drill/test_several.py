"""Drills are run each on a stage of its own, one after the other or side by side."""

from __future__ import annotations

from pathlib import Path

import pytest

from tenure.testing.drill.parse import Drill
from tenure.testing.drill.several import find, run_all

from .conftest import Files

STORY = ("deploy job web units=2", "elect web/1", "expect leader web = web/1")


def drills(*paths: Path) -> list[Drill]:
    found, faults = find([str(each) for each in paths])
    assert not faults
    return found


def test_each_runs_on_a_stage_of_its_own_and_in_order(file: Files) -> None:
    paths = [file(*STORY, name="a.drill"), file("elect web/1", name="b.drill")]
    results = list(run_all(drills(*paths)))
    assert [each.name for each in results] == [str(path) for path in paths]
    assert results[0].failure is None
    assert results[1].failure is not None
    assert results[1].failure.found == "there is no application web: there are none"


def test_a_file_that_is_named_twice_runs_once(file: Files) -> None:
    path = file(*STORY)
    assert len(drills(path, path.parent, path)) == 1


def test_side_by_side_they_go_as_one_after_the_other(file: Files) -> None:
    for name in "abc":
        file(*STORY, *(["elect web/9"] if name == "b" else []), name=f"{name}.drill")
    found = drills(file(*STORY, name="d.drill").parent)
    alone, together = (list(run_all(found, orders=2, jobs=jobs)) for jobs in (1, 3))
    assert [(each.name, each.failure) for each in alone] == [
        (each.name, each.failure) for each in together
    ]
    assert [each.name.rpartition("/")[2] for each in alone[:3]] == [
        "a.drill [order-0]", "a.drill [order-1]", "b.drill [order-0]",
    ]  # fmt: skip


def test_a_process_that_dies_fails_its_drills_and_ends_no_other(file: Files) -> None:
    """As when memory is short"""
    found = drills(file("sh 'kill -9 $PPID'", name="a.drill"), file("settle", name="b.drill"))
    first, _ = run_all(found, jobs=2)
    assert first.failure is not None and "was killed" in first.failure.found


def test_a_stage_is_gone_unless_it_is_to_be_kept(file: Files) -> None:
    found = drills(file(*STORY, "sh 'echo $TENURE_UNIT_0 >&2; exit 1'"))
    [gone] = run_all(found)
    assert gone.failure is not None and gone.folder == ""
    assert not Path(gone.failure.found.rpartition(": ")[2]).exists()
    [kept] = run_all(found, keep=True)
    assert kept.failure is not None
    assert kept.failure.found.rpartition(": ")[2].startswith(kept.folder)
    assert (Path(kept.folder) / "units" / "web-0" / "log").exists()


def test_a_faulty_file_and_an_empty_folder_are_told(tmp_path: Path) -> None:
    found, faults = find([str(tmp_path), str(tmp_path / "x.drill")])
    assert not found
    assert [str(each) for each in faults] == [
        f"{tmp_path}: no file below it is named like NAME.drill",
        f"{tmp_path}/x.drill: no such file or directory",
    ]


def test_processes_side_by_side_leave_no_folder(
    file: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of a charm that was made for the stage"""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    source = tmp_path / "py"
    (source / "src").mkdir(parents=True)
    (source / "src" / "charm.py").write_text("#!/usr/bin/env python3\n")
    (source / "metadata.yaml").write_text("name: py\nsummary: s\ndescription: d\n")
    for name in ("a.drill", "b.drill"):
        file("deploy py", name=name)
    results = list(run_all(drills(tmp_path), jobs=2))
    assert not any(each.failure for each in results)
    assert not list((tmp_path / "temporary").iterdir())
