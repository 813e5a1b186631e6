"""The bucket: one application's leader settings. Pure.

Keys and values are opaque strings; an empty value removes its key (B3). A revision counts real
changes only: setting what is already there changes nothing and wakes nobody (B4). Who may write is
not decided here but by the lease, in the same step (G6).
"""

from __future__ import annotations

from collections.abc import Mapping

from tenure.core.changes import Bucket
from tenure.defaults import MOST_SETTINGS
from tenure.errors import BucketFull

MAX_BUCKET = MOST_SETTINGS.value
"""Bytes of all keys and values in UTF-8 (B6)."""


def size_of(settings: Mapping[str, str]) -> int:
    """Bytes that count towards the limit (B6)."""
    return sum(len(key.encode()) + len(value.encode()) for key, value in settings.items())


def real_changes(bucket: Bucket, changes: Mapping[str, str]) -> dict[str, str]:
    """The part of `changes` that would change something (B4); "" still stands for removal."""
    return {key: value for key, value in changes.items() if bucket.settings.get(key, "") != value}


def merge(bucket: Bucket, changes: Mapping[str, str], application: str) -> Bucket:
    """The bucket after a write: the same object if nothing really changes (B3, B4).

    Raises BucketFull, naming the size and the limit (B6).
    """
    real = real_changes(bucket, changes)
    if not real:
        return bucket
    settings = {**bucket.settings, **real}
    merged = {key: value for key, value in settings.items() if value}
    size = size_of(merged)
    if size > MAX_BUCKET:
        raise BucketFull(
            f'settings of "{application}" would take {size} bytes, more than the limit of '
            f"{MAX_BUCKET}: remove keys or keep large values elsewhere"
        )
    return Bucket(revision=bucket.revision + 1, settings=merged)
