"""The bucket: merge, revisions, limits."""

from __future__ import annotations

import pytest

from tenure.core.bucket import MAX_BUCKET, merge, real_changes, size_of
from tenure.core.changes import Bucket, SettingsCleared, SettingsMerged
from tenure.errors import BucketFull

from . import scenarios
from .bench import APP, W0, CoreBench


def test_a_write_merges_per_key_and_an_empty_value_removes() -> None:
    """B3"""
    bucket = merge(Bucket(settings={"a": "1", "b": "2"}), {"b": "", "c": "3"}, APP)
    assert bucket == Bucket(revision=1, settings={"a": "1", "c": "3"})


@pytest.mark.parametrize("key", ["a.b", "$x", "é", "a b", "a=b", "\U0001f600"])
def test_keys_are_opaque(key: str) -> None:
    """B3"""
    assert merge(Bucket(), {key: key}, APP).settings == {key: key}


def test_a_real_change_raises_the_revision_by_one_and_no_change_by_none() -> None:
    """B4"""
    scenarios.no_change_raises_nothing()
    bucket = merge(Bucket(), {"a": "1", "b": "2"}, APP)
    assert bucket.revision == 1 and merge(bucket, {"a": "2", "b": "3"}, APP).revision == 2
    assert real_changes(bucket, {"a": "1", "b": "", "c": ""}) == {"b": ""}


def test_a_bucket_is_created_empty_kept_across_leaders_and_gone_with_its_application() -> None:
    """B1"""
    bench = CoreBench()
    assert bench.application.bucket == Bucket()
    term = bench.leads(0.0, W0)
    bench.leases.write(0.0, W0, term, {"k": "v"})
    bench.leases.release(1.0, W0, term)
    bench.leads(2.0, "web/1")
    assert bench.leases.read(W0).settings == {"k": "v"}
    bench.applications.remove_application(APP)
    assert bench.application.bucket == Bucket(revision=1)
    assert SettingsCleared(APP) in bench.committed()


def test_what_is_persisted_of_a_write_is_the_change_alone() -> None:
    """B3, B4, G6"""
    bench = CoreBench()
    term = bench.leads(0.0, W0)
    bench.leases.write(0.0, W0, term, {"a": "1", "b": "2"})
    bench.committed()
    bench.leases.write(0.0, W0, term, {"a": "", "b": "2", "c": "3"})
    assert bench.committed()[0] == SettingsMerged(APP, 2, {"c": "3"}, ("a",))


def test_a_bucket_holds_exactly_one_mebibyte() -> None:
    """B6"""
    full = merge(Bucket(), {"k": "v" * (MAX_BUCKET - 1)}, APP)
    assert size_of(full.settings) == MAX_BUCKET
    with pytest.raises(BucketFull, match=f"{MAX_BUCKET + 2} bytes, more than the limit of 1048576"):
        merge(full, {"x": "y"}, APP)


def test_bytes_count_not_letters() -> None:
    """B6"""
    assert size_of({"é": "é"}) == 4


def test_a_full_bucket_can_be_emptied() -> None:
    """B6, B3"""
    full = merge(Bucket(), {"k": "v" * (MAX_BUCKET - 1)}, APP)
    assert merge(full, {"k": "", "x": "y"}, APP).settings == {"x": "y"}
