"""Which hooks there are for a charm, and which of its programs cannot be run.

A hook that has no executable bit would fail whenever it is due. Juju's packer gives the bit to the
hooks that it knows; here those of a unit's copy get it, and its actions. So does `dispatch`, but
where hooks can be run without it: they are what such a charm runs (H6). What has another name in
`hooks/` is left as it is: it may be a library.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from tenure.charms.facts import Facts, read_facts
from tenure.charms.fault import CharmError

RUN_BITS = 0o111

DISPATCH = "dispatch"
HOOKS = "hooks"
ACTIONS = "actions"

OF_EVERY_CHARM = (
    "install", "config-changed", "start", "stop", "remove", "update-status", "upgrade-charm",
    "leader-elected", "leader-deposed", "leader-settings-changed",
)  # fmt: skip
"""The hooks that Tenure runs, beside those of relations."""

ELSEWHERE = (
    "collect-metrics", "meter-status-changed", "pre-series-upgrade", "post-series-upgrade",
    "secret-changed", "secret-rotate", "secret-remove", "secret-expired",
)  # fmt: skip
"""Juju's others: right names, of which nothing comes here."""

OF_RELATIONS = ("created", "joined", "changed", "departed", "broken")
_OF_STORAGE = ("attached", "detaching")
_OF_CONTAINERS = (
    "pebble-ready", "pebble-check-failed", "pebble-check-recovered", "pebble-custom-notice",
)  # fmt: skip


def known_hooks(facts: Facts) -> frozenset[str]:
    """The names of all hooks that Juju may run for such a charm, and of ours."""
    named = {f"{end}-relation-{kind}" for end in facts.relations for kind in OF_RELATIONS}
    named |= {f"{store}-storage-{kind}" for store in facts.storage for kind in _OF_STORAGE}
    named |= {f"{each}-{kind}" for each in facts.containers for kind in _OF_CONTAINERS}
    return frozenset({*OF_EVERY_CHARM, *ELSEWHERE, *named})


def programs_without_bit(charm: Path) -> tuple[str, ...]:
    """The paths of `dispatch`, known hooks and actions that are files nobody may execute, in order.

    What the charm says of itself and cannot be read counts as nothing. Raises OSError.
    """
    try:
        facts = read_facts(charm)
    except CharmError:  # because whoever needs the facts says so
        facts = Facts()
    hooks = [f"{HOOKS}/{name}" for name in sorted(known_hooks(facts))]
    dispatch = [] if any(os.access(charm / name, os.X_OK) for name in hooks) else [DISPATCH]
    names = [*dispatch, *hooks, *(f"{ACTIONS}/{name}" for name in sorted(facts.actions))]
    return tuple(name for name in names if _lacks_bit(charm / name))


def is_executable(path: Path) -> bool:
    """Whether it is a file, or leads to one, that somebody may execute. Raises OSError."""
    return path.is_file() and bool(path.stat().st_mode & RUN_BITS)


def _lacks_bit(path: Path) -> bool:
    """Whether it is a file, and no link to one, that nobody may execute."""
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    return stat.S_ISREG(mode) and not mode & RUN_BITS
