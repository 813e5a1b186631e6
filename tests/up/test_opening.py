"""What `up` was told, under the name that an earlier version gave it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tenure.errors import StateFolderUnusable
from tenure.statefolder import StateFolder
from tenure.up.opening import _keep
from tenure.uprecord import FORMER_RECORD, UpRecord


def test_a_record_under_its_former_name_is_read_and_then_replaced(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path)
    (tmp_path / FORMER_RECORD).write_text(
        '{"version": 1, "model_uuid": "u", "store_created": true, "juju_paths": true}'
    )
    folder.check_exists()
    record = folder.read()
    assert record == UpRecord(model_uuid="u", store_created=True, juju_paths=True)
    _keep(folder, record, record)
    assert {path.name for path in tmp_path.iterdir()} == {"up.json", FORMER_RECORD}
    assert folder.read() == record


def test_a_record_that_is_kept_already_is_not_written_again(tmp_path: Path) -> None:
    folder, record = StateFolder(tmp_path), UpRecord(model_uuid="u")
    _keep(folder, None, record)
    before = folder.record_file.stat().st_ino
    _keep(folder, record, record)
    assert folder.record_file.stat().st_ino == before


def test_with_both_names_there_the_newer_one_counts(tmp_path: Path) -> None:
    """A crash came between the write and the removal."""
    folder = StateFolder(tmp_path)
    folder.write(UpRecord(model_uuid="new"))
    (tmp_path / FORMER_RECORD).write_text('{"version": 1, "model_uuid": "old"}')
    assert folder.read() == UpRecord(model_uuid="new")


def test_a_former_record_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / FORMER_RECORD).write_text("junk")
    with pytest.raises(StateFolderUnusable, match=f"{FORMER_RECORD} cannot be used"):
        StateFolder(tmp_path).read()
