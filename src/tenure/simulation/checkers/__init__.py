"""The checkers: one small class for each promise, grouped by what they look at.

| module | what it looks at |
|---|---|
| `belief` | who believes to lead |
| `promises` | what True means to who was told |
| `terms` | terms, from grants to hooks |
| `settings`, `calls` | the bucket, write by write, and call by call |
| `reads`, `history` | what was read, and whether all of it fits one order |
| `hooks` | one hook at a time, and none twice |
| `elected`, `told`, `leaders` | the hooks of leadership: what is owed, and what must not run |
| `bags`, `peer_reads` | peers' bags: what is written, and what is read |
| `peers`, `peers_paid` | what units are told of peers and configuration, and what that pays |
| `pins`, `loading` | leases that may not run out |
| `charms` | what hooks run from |
| `pins` | leases that may not run out |
| `statuses` | how applications are, as their leaders say |
| `sessions` | what is taken from whom |
| `control` | what the controller owes to units |

A checker raises no false alarm: what it cannot see, it takes for kept. `all_checkers` is for runs
that see inside of everything; `real_checkers` for those of real processes, which see hooks, tools
and operators' commands, and no belief, no store, and no word on the wire.
"""

from __future__ import annotations

from tenure.simulation.checkers.bags import (
    ApplicationBagFenced,
    BagVersionsRise,
    HookLeavesAllOrNothing,
)
from tenure.simulation.checkers.belief import OneBeliever
from tenure.simulation.checkers.calls import NothingHalf, RefusedChangedNothing
from tenure.simulation.checkers.charms import CharmWhole
from tenure.simulation.checkers.control import LeaderComes, NobodyLearns, OneOffer
from tenure.simulation.checkers.elected import ElectedOncePerTerm
from tenure.simulation.checkers.history import BucketLinear, HookSeesTarget
from tenure.simulation.checkers.hooks import NothingTwice, OneHookAtATime
from tenure.simulation.checkers.leaders import LeaderNotTold
from tenure.simulation.checkers.loading import LeasesOutliveLoading
from tenure.simulation.checkers.paid import PaidForTarget
from tenure.simulation.checkers.peer_reads import BagsReadDurable, ConfigReadNew
from tenure.simulation.checkers.peers import (
    EnteredBeforeCreated,
    PeersNotToldTwice,
    PeersToldInTheEnd,
)
from tenure.simulation.checkers.peers_paid import NotToldOfOwnBag, PaidForVersion
from tenure.simulation.checkers.pins import PinsHold
from tenure.simulation.checkers.promises import GivesUpInTime, OnePromise, PromiseKept
from tenure.simulation.checkers.reads import SnapshotStable
from tenure.simulation.checkers.sessions import OneInstance, TermNamed
from tenure.simulation.checkers.settings import WriterNotTold, WritesFenced
from tenure.simulation.checkers.statuses import StatusKept
from tenure.simulation.checkers.terms import TermsRise
from tenure.simulation.checkers.told import ToldMinions
from tenure.simulation.judge import Checker

__all__ = [
    "ApplicationBagFenced",
    "BagVersionsRise",
    "BagsReadDurable",
    "BucketLinear",
    "CharmWhole",
    "ConfigReadNew",
    "ElectedOncePerTerm",
    "EnteredBeforeCreated",
    "GivesUpInTime",
    "HookLeavesAllOrNothing",
    "HookSeesTarget",
    "LeaderComes",
    "LeaderNotTold",
    "LeasesOutliveLoading",
    "NobodyLearns",
    "NotToldOfOwnBag",
    "NothingHalf",
    "NothingTwice",
    "OneBeliever",
    "OneHookAtATime",
    "OneInstance",
    "OneOffer",
    "OnePromise",
    "PaidForTarget",
    "PaidForVersion",
    "PeersNotToldTwice",
    "PeersToldInTheEnd",
    "PinsHold",
    "PromiseKept",
    "RefusedChangedNothing",
    "SnapshotStable",
    "StatusKept",
    "TermNamed",
    "TermsRise",
    "ToldMinions",
    "WriterNotTold",
    "WritesFenced",
    "all_checkers",
    "peer_checkers",
    "real_checkers",
]


def all_checkers(slack: float = 0.0) -> list[Checker]:
    """A new instance of each. `slack`: seconds by which beliefs may overlap in a world whose clocks
    differ by more than the margin."""
    return [
        OneBeliever(slack),
        OneInstance(slack),
        PromiseKept(slack),
        OnePromise(slack),
        GivesUpInTime(),
        TermsRise(),
        WritesFenced(),
        TermNamed(),
        NothingHalf(),
        RefusedChangedNothing(),
        WriterNotTold(),
        SnapshotStable(),
        BucketLinear(),
        HookSeesTarget(),
        OneHookAtATime(),
        NothingTwice(),
        PaidForTarget(),
        ElectedOncePerTerm(),
        ToldMinions(),
        LeaderNotTold(),
        LeaderComes(),
        OneOffer(),
        NobodyLearns(),
        *peer_checkers(),
    ]


def peer_checkers() -> list[Checker]:
    """A new instance of each that looks at what charms need beyond leadership."""
    return [
        HookLeavesAllOrNothing(),
        ApplicationBagFenced(),
        BagVersionsRise(),
        BagsReadDurable(),
        ConfigReadNew(),
        EnteredBeforeCreated(),
        PeersToldInTheEnd(),
        PeersNotToldTwice(),
        PaidForVersion(),
        NotToldOfOwnBag(),
        CharmWhole(),
        PinsHold(),
        LeasesOutliveLoading(),
        StatusKept(),
    ]


def real_checkers() -> list[Checker]:
    """A new instance of each that has something to judge in a run of real processes."""
    return [
        OnePromise(),
        TermsRise(),
        RefusedChangedNothing(),
        SnapshotStable(),
        BucketLinear(),
        OneHookAtATime(),
        NothingTwice(),
        ElectedOncePerTerm(belief_is_seen=False),
        ToldMinions(),
        LeaderComes(),
        NobodyLearns(),
    ]
