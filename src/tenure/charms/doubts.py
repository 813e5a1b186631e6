"""Files in `hooks/` that nobody will ever run, though they look as if they were meant to be.

A file that is not executable is no hook, unless known hooks of the charm lack that bit, too; nor is
a library or a helper that hooks call. So a doubt needs a name that comes near a hook's, or ends as
only hooks' names end. A charm with a `dispatch` that runs decides by itself what it runs.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import SequenceMatcher
from pathlib import Path

from tenure.charms.facts import Facts
from tenure.charms.hooks import (
    DISPATCH,
    ELSEWHERE,
    HOOKS,
    OF_EVERY_CHARM,
    OF_RELATIONS,
    is_executable,
    programs_without_bit,
)

_OTHER = re.compile(r".+-(storage-(attached|detaching)|pebble-\w+(-\w+)*|workload-event)\Z")
_RELATION = re.compile(rf"(?P<endpoint>.+)-relation-({'|'.join(OF_RELATIONS)})\Z")
_LIKE_A_HOOK = re.compile(r"[a-z][a-z0-9-]*-(elected|deposed|changed|joined|departed|broken)\Z")
_ASIDE = re.compile(r"[._~-]")
"""What a name goes on with that was made of a hook's: `install.real`, `start~`."""

NEAR, NEAR_SHORT = 0.8, 0.85


def doubtful_hooks(charm: Path, facts: Facts, *, bare: bool = False) -> tuple[str, ...]:
    """Lines for people, one for each such file, with the nearest name. Raises nothing: who cannot
    read a charm's hooks finds that out when they are to run.

    `bare`: it is a copy of a charm that is (`is_bare`), which a copy does not show.
    """
    try:
        names = _programs(charm, bare)
    except OSError:
        return ()
    known = {*OF_EVERY_CHARM, *_of_relations(facts.endpoints)}
    right = {name for name in names if _is_right(name, known)}
    doubts = (_doubt(name, known, right, facts.endpoints) for name in sorted(names - right))
    return tuple(doubt for doubt in doubts if doubt)


def is_bare(lacking: Collection[str]) -> bool:
    """Whether known hooks are among the programs of a charm that lack the executable bit, as all
    are that come out of some zips: then the bit tells nothing of the other files."""
    return any(name.startswith(f"{HOOKS}/") for name in lacking)


def _programs(charm: Path, bare: bool) -> set[str]:
    lacking = programs_without_bit(charm)
    if is_executable(charm / DISPATCH) or DISPATCH in lacking:
        return set()
    bare = bare or is_bare(lacking)
    folder = charm / HOOKS
    found = folder.iterdir() if folder.is_dir() else ()
    return {path.name for path in found if (bare and path.is_file()) or is_executable(path)}


def _of_relations(endpoints: Collection[str]) -> list[str]:
    return [f"{name}-relation-{kind}" for name in endpoints for kind in OF_RELATIONS]


def _is_right(name: str, known: Collection[str]) -> bool:
    if name in known or name in ELSEWHERE or name.startswith("juju-info-relation-"):
        return True
    return _OTHER.match(name) is not None


def _doubt(name: str, known: Collection[str], right: Collection[str],
           endpoints: Collection[str]) -> str:  # fmt: skip
    """A line for people; "" if the file seems to be something else."""
    if any(name.startswith(hook) and _ASIDE.match(name[len(hook) :]) for hook in right):
        return ""
    near = _nearest(name, known)
    found = _RELATION.match(name)
    if found is not None and found["endpoint"] not in endpoints:
        has = f"it has {', '.join(sorted(endpoints))}" if endpoints else "it has none"
        why = f"the charm has no relation {found['endpoint']!r}: {has}"
    elif near or _LIKE_A_HOOK.match(name):
        why = "there is no such hook"
    else:
        return ""
    return f"hooks/{name} never runs: {why}" + (f"; did you mean {near}?" if near else "")


def _nearest(name: str, known: Collection[str]) -> str:
    """The hook that the name was probably meant to be; "" if none comes near."""
    least = NEAR if "-" in name or "_" in name else NEAR_SHORT
    word = name.partition(".")[0].replace("_", "-").lower()
    rated = [(_likeness(word, hook), hook) for hook in sorted(known)]
    best, hook = max(rated, default=(0.0, ""))
    return hook if best >= least else ""


def _likeness(word: str, hook: str) -> float:
    if sorted(word) == sorted(hook):  # two letters changed places
        return 1.0
    return SequenceMatcher(None, word, hook).ratio()
