"""Facts by hand, in few words: the instant first, then the unit. An agent is `web-0` by default."""

from __future__ import annotations

from tenure.simulation.facts import (
    AgentBegan,
    AgentEnded,
    Answered,
    Believed,
    BucketAtEnd,
    Doubted,
    Fact,
    Healed,
    HookBegan,
    HookEnded,
    Led,
    Offered,
    Paid,
    ReadBegan,
    ReadEnded,
    Released,
    Revoked,
    SaidTrue,
    ToldRevision,
    UnitAtEnd,
    WriteBegan,
    WriteEnded,
    Wrote,
)
from tenure.simulation.judge import Checker, judge

W0, W1, W2 = "web/0", "web/1", "web/2"
INSTALL, ELECTED, SETTINGS = "install", "leader-elected", "leader-settings-changed"


def found(checker: Checker, *facts: Fact) -> list[str]:
    """What the checker says of this run."""
    return [violation.text for violation in judge(facts, [checker])]


def keeps(checker: Checker, *facts: Fact) -> bool:
    """Whether it finds nothing; an assertion shows what it did find."""
    assert found(checker, *facts) == []
    return True


def breaks(checker: Checker, *facts: Fact, says: str) -> bool:
    """Whether it finds one thing, in these words."""
    texts = found(checker, *facts)
    assert len(texts) == 1 and says in texts[0], texts
    return True


def agent_of(unit: str, agent: str = "") -> str:
    return agent or unit.replace("/", "-")


def agent_began(at: float, unit: str, agent: str = "") -> Fact:
    return AgentBegan(at=at, unit=unit, agent=agent_of(unit, agent))


def died(at: float, unit: str, agent: str = "") -> Fact:
    return AgentEnded(at=at, unit=unit, agent=agent_of(unit, agent), how="died")


def stopped(at: float, unit: str) -> Fact:
    return AgentEnded(at=at, unit=unit, agent=agent_of(unit), how="stopped")


def believed(at: float, unit: str, term: int, agent: str = "") -> Fact:
    return Believed(at=at, unit=unit, agent=agent_of(unit, agent), term=term)


def doubted(at: float, unit: str, term: int, *, willing: bool = False) -> Fact:
    return Doubted(at=at, unit=unit, agent=agent_of(unit), term=term, willing=willing)


def revoked(at: float, unit: str, term: int, until: float) -> Fact:
    return Revoked(at=at, unit=unit, term=term, until=until)


def hook(
    at: float, unit: str, context: str, name: str = "update-status", *, term: int | None = None,
    reason: str = "", target: int = 0, agent: str = "",
) -> Fact:  # fmt: skip
    return HookBegan(
        at=at, unit=unit, agent=agent_of(unit, agent), context=context, hook=name, term=term,
        reason=reason, target=target,
    )  # fmt: skip


def ended(
    at: float, unit: str, context: str, how: str = "done", name: str = "update-status",
    agent: str = "",
) -> Fact:  # fmt: skip
    return HookEnded(
        at=at, unit=unit, agent=agent_of(unit, agent), context=context, hook=name, how=how
    )  # type: ignore[arg-type]


def paid(at: float, unit: str, name: str, *, term: int | None = None, revision: int = 0,
         agent: str = "") -> Fact:  # fmt: skip
    return Paid(at=at, unit=unit, hook=name, term=term, revision=revision, agent=agent)


def said_true(at: float, unit: str, context: str, until: float, term: int | None = None) -> Fact:
    return SaidTrue(at=at, unit=unit, agent=agent_of(unit), context=context, until=until, term=term)


def calls(at: float, unit: str, call: str, **changes: str) -> Fact:
    """A write is called."""
    return WriteBegan(at=at, unit=unit, agent=agent_of(unit), call=call, changes=changes)


def returns(at: float, unit: str, call: str, outcome: str = "done") -> Fact:
    """It returns."""
    return WriteEnded(at=at, unit=unit, call=call, outcome=outcome)  # type: ignore[arg-type]


def asks(at: float, unit: str, call: str, context: str = "c", *, fresh: bool = True) -> Fact:
    """A read is called."""
    return ReadBegan(at=at, unit=unit, context=context, call=call, fresh=fresh)


def reads(at: float, unit: str, call: str, context: str = "c", **settings: str) -> Fact:
    """It returns these settings."""
    return ReadEnded(at=at, unit=unit, context=context, call=call, settings=settings)


def fails_to_read(at: float, unit: str, call: str, context: str = "c") -> Fact:
    return ReadEnded(at=at, unit=unit, context=context, call=call, settings=None)


def wrote(at: float, revision: int, unit: str, term: int, **settings: str) -> Fact:
    return Wrote(
        at=at, application="web", revision=revision, unit=unit, term=term, settings=settings
    )


def removed(at: float, revision: int, term: int = 1) -> Fact:
    """The application was removed, and its bucket with it."""
    return Wrote(
        at=at, application="web", revision=revision, unit="", term=term, settings={}, removed=True
    )


def led(at: float, unit: str, term: int) -> Fact:
    return Led(at=at, application="web", unit=unit, agent=agent_of(unit), term=term)


def answered(at: float, unit: str, term: int | None, agent: str = "") -> Fact:
    return Answered(at=at, unit=unit, agent=agent_of(unit, agent), term=term)


def offered(at: float, unit: str, lasts: float = 1.0) -> Fact:
    return Offered(at=at, unit=unit, lasts=lasts)


def released(at: float, unit: str) -> Fact:
    return Released(at=at, unit=unit)


def told_revision(at: float, unit: str, revision: int) -> Fact:
    return ToldRevision(at=at, unit=unit, revision=revision)


def healed(at: float, lead_by: float, quiet_by: float, *must_lead: str) -> Fact:
    return Healed(at=at, lead_by=lead_by, quiet_by=quiet_by, must_lead=must_lead)


def unit_at_end(
    at: float, unit: str, *, leads: bool = False, term: int | None = None, quiet: bool = True,
    in_error: bool = False, elected_for: int = 0, seen: int = 0,
) -> Fact:  # fmt: skip
    return UnitAtEnd(
        at=at, unit=unit, leads=leads, term=term, quiet=quiet, in_error=in_error,
        elected_for=elected_for, seen_revision=seen,
    )  # fmt: skip


def bucket_at_end(at: float, revision: int, last_writer: str | None = None, **s: str) -> Fact:
    return BucketAtEnd(
        at=at, application="web", revision=revision, settings=s, last_writer=last_writer
    )
