"""What can be seen of peer relations, of configuration, and of pins: facts as in `facts.py`.

Relations have numbers; the *owner* of a bag is a unit or, for the application's bag, the
application. Whatever is said of the store is told when it is durable. All of it is seen by
simulations only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from tenure.core.relations import Told
from tenure.simulation.facts import Fact

Bag = tuple[int, str]
"""A relation's number and the owner of a bag in it."""


# -- hooks and their tools


class HookAims(Fact, frozen=True, kw_only=True):
    """What a hook that has just begun is for: `config` (config-changed, `version` is the revision),
    or an event of a peer relation, of unit `remote` or, if that is "", of none."""

    unit: str
    agent: str
    context: str
    kind: str
    relation: int = -1
    remote: str = ""
    version: int = 0


class HookRunsFrom(Fact, frozen=True, kw_only=True):
    """What the copy of the charm holds that a hook begins to run from: of each file, the source
    that it is from, also if a hook changed it since. `unfinished`: a copy ended in the middle.
    `source` is the charm that upgrade-charm tells of, where that is known."""

    unit: str
    context: str
    hook: str
    files: Mapping[str, str]
    unfinished: bool
    source: str | None = None


class HookSettled(Fact, frozen=True, kw_only=True):
    """What the agent makes of a hook that has ended, and of what it left pending: `said` is why it
    counts as failed."""

    unit: str
    agent: str
    context: str
    how: Literal["done", "failed", "killed"]
    said: str = ""


class BagSet(Fact, frozen=True, kw_only=True):
    """A `relation-set` returned with exit 0: this is pending now; "" removes a key. Each has a
    value that nothing else ever sets."""

    unit: str
    agent: str
    context: str
    relation: int
    owner: str
    changes: Mapping[str, str]


class BagRead(Fact, frozen=True, kw_only=True):
    """A `relation-get` returned all settings of a bag."""

    unit: str
    context: str
    relation: int
    owner: str
    settings: Mapping[str, str]


class ConfigRead(Fact, frozen=True, kw_only=True):
    """A `config-get` returned this as the value of the charm's option."""

    unit: str
    context: str
    value: str


class StatusSaid(Fact, frozen=True, kw_only=True):
    """A `status-set --application` returned with exit 0. Each message is said once, and no more."""

    unit: str
    application: str
    message: str


# -- what agents recorded


class PeersTold(Fact, frozen=True, kw_only=True):
    """An agent durably recorded what its charm was told of each relation, and of which revision of
    the configuration; `configured`: its config-changed is not owed for its own sake."""

    unit: str
    agent: str
    relations: Mapping[int, Told]
    config: int
    configured: bool


class PeersAtEnd(Fact, frozen=True, kw_only=True):
    """The same of a quiet unit at the end of the run, and the charm that it has taken up."""

    unit: str
    relations: Mapping[int, Told]
    config: int
    charm: int
    in_error: bool = False


# -- the controller's words on the wire


class CommitAsked(Fact, frozen=True, kw_only=True):
    """What a hook left pending reached the controller, and the term that it names. `number` is the
    request's, of this agent."""

    unit: str
    agent: str
    number: int
    term: int | None
    bags: Mapping[Bag, Mapping[str, str]]


class CommitAnswered(Fact, frozen=True, kw_only=True):
    """The controller's answer to it. `refused`: nothing of it was written, or ever will be."""

    unit: str
    agent: str
    number: int
    outcome: Literal["done", "refused", "unknown"]


class SkipSaid(Fact, frozen=True, kw_only=True):
    """A unit was told that an operator skips its failed hook (H7)."""

    unit: str


# -- the store


class BagWrote(Fact, frozen=True, kw_only=True):
    """A bag is this from now on. `present`: its unit takes part."""

    application: str
    relation: int
    owner: str
    version: int
    present: bool
    settings: Mapping[str, str]


class BagsLanded(Fact, frozen=True, kw_only=True):
    """The bags that were told since the last such fact became durable together."""


class BagGone(Fact, frozen=True, kw_only=True):
    """The bag is no more."""

    application: str
    relation: int
    owner: str


class ConfigWrote(Fact, frozen=True, kw_only=True):
    """The configuration has this revision, and the option this value: None is the default's."""

    application: str
    revision: int
    value: str | None


class CharmWrote(Fact, frozen=True, kw_only=True):
    """The application runs this revision of its charm, which has these peer endpoints."""

    application: str
    revision: int
    peers: Mapping[str, int]


class StatusWrote(Fact, frozen=True, kw_only=True):
    """The application's status has this message from now on."""

    application: str
    message: str


class StatusAtEnd(Fact, frozen=True, kw_only=True):
    """What operators are shown of it at the end of the run; None: nothing was ever set."""

    application: str
    message: str | None


class Pinned(Fact, frozen=True, kw_only=True):
    """The lease cannot run out before `until`, on behalf of `reason` (L6)."""

    application: str
    reason: str
    until: float


class Unpinned(Fact, frozen=True, kw_only=True):
    """It can again, as far as this reason goes."""

    application: str
    reason: str


class Expired(Fact, frozen=True, kw_only=True):
    """The lease of a unit ran out."""

    application: str
    unit: str
