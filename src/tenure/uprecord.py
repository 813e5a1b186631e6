"""What `tenure up` was told: a file in the state folder, and how an earlier version's is read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from tenure.defaults import HOOK_TIMEOUT, JUJU_VERSION, UPDATE_STATUS
from tenure.errors import StateFolderUnusable

RECORD_VERSION = 1
FORMER_RECORD = "house.json"
"""The record's name in version 0.1: still read. Once a record is written, this one says that the
folder is a newer version's, in a way that 0.1 refuses: else it would begin anew, silently."""


class FormerApplication(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an `up` of an earlier version was told of one application: an absolute path, seconds.

    It is the controller that keeps charms now; the next `up` hands this one to it.
    """

    charm: str
    update_status_interval: float = UPDATE_STATUS.value


class UpRecord(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """up.json. Once `store_created`, a missing store is a loss and no new beginning.

    `juju_version` is what hooks are told; with `juju_paths` they see Juju's own folders. A hook
    that runs for longer than `hook_timeout` seconds is ended; 0 for never.
    """

    version: int = RECORD_VERSION
    model_uuid: str
    store_created: bool = False
    applications: Mapping[str, FormerApplication] = {}
    juju_version: str = JUJU_VERSION.value
    juju_paths: bool = False
    hook_timeout: float = HOOK_TIMEOUT.value


class _Versioned(Struct, frozen=True):
    """What every version's record has."""

    version: int = RECORD_VERSION
    model_uuid: str = ""


class NamedCharm(Struct, frozen=True):
    """A charm that does not run as it is: the folder that was made of it, and its own path."""

    folder: str
    named: str


def encoded(record: UpRecord) -> bytes:
    """A record's file."""
    return msgspec.json.format(msgspec.json.encode(record)) + b"\n"


def warning(record: UpRecord) -> bytes:
    """What stands in the former record's place: version 0.1 refuses it."""
    newer = _Versioned(version=RECORD_VERSION + 1, model_uuid=record.model_uuid)
    return msgspec.json.encode(newer) + b"\n"


def decoded(path: Path, content: bytes) -> UpRecord:
    """A record that was read from `path`. Raises StateFolderUnusable."""
    try:
        version = msgspec.json.decode(content, type=_Versioned).version
        if version > RECORD_VERSION and path.name == FORMER_RECORD:
            raise _not_ours(path.with_name("up.json"), "it is gone")
        if version > RECORD_VERSION:
            raise StateFolderUnusable(
                f"{path} was written by a newer Tenure (version {version} of the file; this one "
                f"knows {RECORD_VERSION}): run that, or choose another state folder with --state"
            )
        record = msgspec.json.decode(content, type=UpRecord)
    except (msgspec.DecodeError, UnicodeError) as fault:
        raise StateFolderUnusable(
            f"{path} cannot be used: it is cut short, or not what `tenure up` wrote ({fault}): "
            "restore it from a backup, or move it away, and the next `tenure up` writes a new one"
        ) from fault
    if record.version != RECORD_VERSION:
        raise _not_ours(path, f"its version is {record.version}")
    return record


def _not_ours(path: Path, reason: str) -> StateFolderUnusable:
    return StateFolderUnusable(
        f"{path} cannot be used: {reason}: "
        "restore it from a backup, or choose another state folder with --state"
    )
