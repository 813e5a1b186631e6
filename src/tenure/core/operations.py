"""What a unit may do next, and what is so when that is decided. Pure values.

`resolver.next_operation` compares what is recorded (`LocalState`) with a `Snapshot`, and returns
one operation, or none. The agent has one performer for each kind.
"""

from __future__ import annotations

from enum import Enum, auto

from msgspec import Struct

from tenure.core.localstate import RunHook
from tenure.core.relations import Relation
from tenure.core.tracker import Standing


class Surety(Enum):
    """Whether the guarantee is in hand for a `leader-elected` that is due (G3, H2)."""

    IN_HAND = auto()
    ASKING = auto()
    """A renewal is under way: wait for it."""
    UNKNOWN = auto()
    """It cannot be had now: postponed, other hooks go on."""


class Snapshot(Struct, frozen=True, kw_only=True):
    """What is so now, as the shell sees it. The first part is what the unit knows, the second what
    it can do at this moment."""

    standing: Standing
    term: int | None = None
    surety: Surety = Surety.UNKNOWN
    revision: int = 0
    leaving: bool = False
    heard: bool = True
    """The controller has spoken since the agent began."""
    relations: tuple[Relation, ...] = ()
    config_revision: int = 0
    charm_revision: int = 0

    may_retry: bool = False
    """The failed hook's time to be tried again has come, or an operator said so."""
    update_due: bool = False
    entering: bool = False
    """The controller was asked to let the unit into its peer relations: it will answer soon."""
    ending: bool = False
    """The agent stops, or halts with all others."""
    stopping: bool = False
    """It stops alone: it hands over, and runs no hooks but those that demote (U4)."""
    busy: bool = False
    """A context is open, the charm is being copied, or nothing may begin any more."""
    held: bool = False
    """No hook may begin yet: one was killed, or the disk refused a save."""
    may_ask_peers: bool = False
    """The controller can be asked now about taking part in peer relations."""
    may_say_gone: bool = False
    copy_lost: bool = False
    """The unit's copy of the charm is not whole: no hook may run before it was copied again."""
    may_copy: bool = False
    """The time to copy the charm has come, or to try again after a copy that failed."""
    wanted: bool = False
    """An operator waits for a context (exec, actions)."""


class EnterRelations(Struct, frozen=True):
    """Take part in all peer relations that are known; also while a hook runs."""

    relations: tuple[Relation, ...]


class LeaveRelations(Struct, frozen=True):
    """Take part in none any more."""


class PayFailed(Struct, frozen=True):
    """An operator skipped the failed hook: pay what it is owed for, as if it had run (H7)."""

    hook: RunHook


class DropFailed(Struct, frozen=True):
    """The failed hook is not owed any more (H2, H3)."""


class SayGone(Struct, frozen=True):
    """All is done that a unit does before it is removed: say so (U4)."""


class GiveContext(Struct, frozen=True):
    """Give the operator who waits longest a hook context (H6)."""


class CopyCharm(Struct, frozen=True):
    """Bring the unit's copy of the charm up to date, if it is not, and run the hook then: either
    `upgrade-charm`, or the one that is due and has no whole copy to run from.

    Without a hook, the unit is in error, or an operator skipped the upgrade: a new charm may mend
    what failed, and comes all the same (H7).
    """

    then: RunHook | None = None


Operation = (
    EnterRelations
    | LeaveRelations
    | PayFailed
    | DropFailed
    | SayGone
    | GiveContext
    | CopyCharm
    | RunHook
)
