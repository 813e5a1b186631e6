"""What can be seen of a Tenure from outside, as frozen values in order of time.

A run leaves facts, whether it was simulated or made of real processes; the checkers judge facts and
nothing else. So the same checkers judge both, and a checker can be tested with a list.

All facts of a run share one clock, `at` in seconds: true time in a simulation, which no process in
it can read; CLOCK_BOOTTIME where all processes ran on one machine. Units are named `web/0`; an
*agent* is one instance of a unit, so that a unit started twice is two agents (L9). A real run sees
less than a simulation: it has no `Believed`, no `Answered`, no `Paid`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct


class Fact(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Something that was so at the instant `at`."""

    at: float


# -- lives


class AgentBegan(Fact, frozen=True, kw_only=True):
    """An agent's process runs. Its context ids and promises are its own: an earlier life's are
    void."""

    unit: str
    agent: str


class AgentEnded(Fact, frozen=True, kw_only=True):
    """An agent's process is gone: `died` (killed, its hooks with it), `stopped` (it ended by
    itself), `left` (it was removed and ran its last hook)."""

    unit: str
    agent: str
    how: Literal["died", "stopped", "left"]


class ControllerBegan(Fact, frozen=True, kw_only=True):
    """A controller has its seat and has loaded. `longest`: of each application, how many seconds of
    its lease may still be believed in; it is not known of real runs."""

    longest: dict[str, float] = {}


class ControllerEnded(Fact, frozen=True, kw_only=True):
    """It is gone."""


# -- belief (seen by simulations only)


class Believed(Fact, frozen=True, kw_only=True):
    """From now on the agent believes to lead: were it asked, it could say so (U1)."""

    unit: str
    agent: str
    term: int


class Doubted(Fact, frozen=True, kw_only=True):
    """It believes no more. `willing`: it stepped down by itself and gave the lease up (U4). `late`:
    for how many seconds it had to and could, and did not: those in which it did not run apart."""

    unit: str
    agent: str
    term: int
    willing: bool = False
    late: float = 0.0


# -- hooks and their tools


class HookBegan(Fact, frozen=True, kw_only=True):
    """A hook's process runs. `term` is TENURE_TERM's, `reason` TENURE_REASON's; `target` is the
    revision that its first `leader-get` must show, where that is known (H5)."""

    unit: str
    agent: str
    context: str
    hook: str
    term: int | None = None
    reason: str = ""
    target: int = 0


class HookEnded(Fact, frozen=True, kw_only=True):
    """It ended, and with it its context; `killed` covers every end that was not its own."""

    unit: str
    agent: str
    context: str
    hook: str
    how: Literal["done", "failed", "killed"]


class Paid(Fact, frozen=True, kw_only=True):
    """The agent has durably recorded what a hook paid: it must not be run for this again (H4).

    `term` for leader-elected, `revision` for leader-settings-changed. `agent` is needed where
    several agents of one unit run hooks; "" is the one that ran this hook, if only one did.
    """

    unit: str
    hook: str
    term: int | None = None
    revision: int = 0
    agent: str = ""


class SaidTrue(Fact, frozen=True, kw_only=True):
    """A context was told that its unit leads: by `is-leader`, or since leader-elected began in it.

    `at` is the instant of deciding; `until` is the guarantee's end (G3), as the machine's own clock
    will show it.
    """

    unit: str
    agent: str
    context: str
    until: float
    term: int | None = None


class WriteBegan(Fact, frozen=True, kw_only=True):
    """A `leader-set` was called; "" removes a key. `call` is unique in the run."""

    unit: str
    agent: str
    call: str
    changes: Mapping[str, str]


class WriteEnded(Fact, frozen=True, kw_only=True):
    """It returned. `done`: exit 0. `refused`: an error that says that nothing was written.
    `unknown`: an error that says it cannot be known, or the caller did not live to hear (G7)."""

    unit: str
    call: str
    outcome: Literal["done", "refused", "unknown"]
    said: str = ""


class ReadBegan(Fact, frozen=True, kw_only=True):
    """A `leader-get` was called. `fresh`: it must ask the controller itself, because it is its
    context's first since that began, or since that context wrote (T4)."""

    unit: str
    context: str
    call: str
    fresh: bool


class ReadEnded(Fact, frozen=True, kw_only=True):
    """It returned all settings; None if it failed."""

    unit: str
    context: str
    call: str
    settings: Mapping[str, str] | None


class Heard(Fact, frozen=True, kw_only=True):
    """Words that reached a unit: a frame, a tool's output, a hook's environment (G10). `named` are
    the units that they may name because of a peer relation, each as often as it may be."""

    unit: str
    text: str
    named: tuple[str, ...] = ()


# -- the controller's words on the wire (seen by simulations only)


class Answered(Fact, frozen=True, kw_only=True):
    """The controller answered a claim: granted under `term`, or denied (None)."""

    unit: str
    agent: str
    term: int | None


class Offered(Fact, frozen=True, kw_only=True):
    """The controller offered the lease to a unit (L4), for `lasts` seconds."""

    unit: str
    lasts: float


class Released(Fact, frozen=True, kw_only=True):
    """The controller carried out the release, or the removal of a session, of a unit (L5)."""

    unit: str


class Asked(Fact, frozen=True, kw_only=True):
    """A write reached the controller, naming the term that its unit believed in (G6)."""

    unit: str
    term: int
    changes: Mapping[str, str]


class Welcomed(Fact, frozen=True, kw_only=True):
    """The controller accepted an agent's session for a unit (L9)."""

    unit: str
    agent: str


class Parted(Fact, frozen=True, kw_only=True):
    """The controller noted the end of an agent's session."""

    unit: str
    agent: str


class ToldRevision(Fact, frozen=True, kw_only=True):
    """The controller pushed a new revision of the bucket to a unit (B5)."""

    unit: str
    revision: int


class Wrote(Fact, frozen=True, kw_only=True):
    """The store made a write durable: the bucket of `application` has this revision and these
    settings; `unit` wrote it under `term`. Seen in the store, whether anybody was told or not.

    `removed`: nobody wrote; the application was removed, and its bucket with it (B1). Then the
    settings are none, the unit is "", and revision and term are those that its tombstone keeps.
    """

    application: str
    revision: int
    unit: str
    term: int
    settings: Mapping[str, str]
    removed: bool = False


class Led(Fact, frozen=True, kw_only=True):
    """The store made a grant durable."""

    application: str
    unit: str
    agent: str
    term: int


# -- operators, and the end


class Revoked(Fact, frozen=True, kw_only=True):
    """An operator took a term away. Its holder may believe until `until`, and only it (L5)."""

    unit: str
    term: int
    until: float


class Healed(Fact, frozen=True, kw_only=True):
    """Every fault is over. Each application in `must_lead` has a sound unit that seeks; one of its
    units must lead by `lead_by` (G11), and all that is owed must be paid by `quiet_by` (H2, H3)."""

    lead_by: float
    quiet_by: float
    must_lead: tuple[str, ...]


class UnitAtEnd(Fact, frozen=True, kw_only=True):
    """A unit at the end of the run. `quiet`: its agent runs, is connected, and is not leaving."""

    unit: str
    leads: bool
    term: int | None = None
    quiet: bool = True
    in_error: bool = False
    elected_for: int = 0
    seen_revision: int = 0


class BucketAtEnd(Fact, frozen=True, kw_only=True):
    """A bucket at the end of the run; `last_writer` wrote its revision."""

    application: str
    revision: int
    settings: Mapping[str, str]
    last_writer: str | None = None
