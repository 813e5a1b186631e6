"""The moves of one claimant, one by one: what is said, saved, asked for, and when it acts again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tenure.core.effects import ClaimUnsure, Denied, Granted, Offer, Revision, Revoked, StepDown
from tenure.core.localstate import Deposition, LocalState
from tenure.core.tracker import Standing
from tenure.leadership.claimant import Claimant, Identity, LeadershipUnknown
from tenure.leadership.observer import Observer
from tenure.leadership.record import Record
from tenure.leadership.requests import Requests
from tenure.leadership.statefile import StateFile
from tenure.testing.time.clock import HandClock
from tenure.testing.time.waiting import in_virtual_time, settle
from tenure.wire.messages import Claim, Release, UnitHello, UnitWelcome

from .asked import Asked

AT = 1000.0
SURE = 59.4
PATIENCE = 10.0


class Disk(StateFile[LocalState]):
    """A file whose durable saves take a while."""

    def __init__(self, path: Path, clock: HandClock) -> None:
        super().__init__(path, LocalState)
        self._clock = clock
        self.takes = 0.0

    def save(self, value: LocalState) -> None:
        super().save(value)
        self._clock.at += self.takes


class Watcher(Observer):
    """Writes down each time that it hears of."""

    def __init__(self) -> None:
        self.heard: list[int | None] = []

    def steps_down(self, term: int | None) -> None:
        self.heard.append(term)


class Desk:
    """One claimant whose clock stands still, and all that it does."""

    def __init__(self, folder: Path, **state: Any) -> None:
        self.clock = HandClock(AT)
        self.folder = folder / "unit"
        self.folder.mkdir()
        self.file = Disk(self.folder / "state", self.clock)
        self.said: list[tuple[str, str]] = []
        self.wakes = 0
        self.watcher = Watcher()
        self.connection = Asked(self.clock.now)
        kept = LocalState(unit="web/0", **{"runs": 3, **state})
        self.file.save(kept)
        self.record = Record(kept, self.file, self.clock.now, lambda fault: None)
        self.requests = Requests(
            self.connection, lambda fault: self.said.append(("ASK", fault)), self.wake
        )
        self.claimant = Claimant(
            Identity(unit="web/0", instance="one", boot_id="boot-1"), self.record, self.connection,
            self.requests, clock=self.clock, rng=random.Random(1),
            say=lambda level, line: self.said.append((level, line)), wake=self.wake,
            observer=self.watcher,
        )  # fmt: skip

    def wake(self) -> None:
        self.wakes += 1

    def begin(self) -> None:
        """A conversation begins, and the unit is accepted."""
        assert self.claimant.welcomed(UnitWelcome(unit="web/0"))
        self.claimant.begin()

    def claim(self) -> Claim | None:
        return self.claimant.claim(self.clock.now())

    def grant(self, term: int, duration: float = 60.0) -> None:
        """Its claim is granted at once."""
        assert self.claim() is not None
        self.claimant.heard(
            Granted(unit="web/0", term=term, duration=duration, guarantee=duration / 2)
        )

    def deny(self) -> None:
        assert self.claim() is not None
        self.claimant.heard(Denied(unit="web/0", duration=60.0))

    def led(self, term: int = 1) -> None:
        self.begin()
        self.grant(term)
        assert self.claimant.tracker.believes(self.clock.now())
        self.said.clear()

    def lose_disk(self) -> None:
        self.folder.rename(self.folder.with_name("away"))

    def find_disk(self) -> None:
        self.folder.with_name("away").rename(self.folder)

    @property
    def kept(self) -> LocalState | None:
        assert self.file.settled(PATIENCE)
        return self.file.load()

    @property
    def releases(self) -> list[int]:
        return [each.term for each in self.connection.said if isinstance(each, Release)]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


# -- the conversation


def test_each_hello_names_a_newer_session_than_the_last_one_and_the_last_life(
    tmp_path: Path,
) -> None:
    """L9"""
    desk = Desk(tmp_path, seen_revision=7)
    first, second = desk.claimant.hello(), desk.claimant.hello()
    session = (3 << 32) + 1
    assert first == UnitHello(unit="web/0", instance="one", session=session, seen_revision=7)
    assert second.session == session + 1


def test_a_refusal_is_said_once_until_there_is_another_one(desk: Desk) -> None:
    """L9, T3"""
    claimant = desk.claimant
    assert claimant.why_unreachable() == "the controller did not answer in time"
    said: list[str] = []
    for reason in ("it is unknown", "it is unknown", "it is gone", None, "it is gone"):
        assert claimant.welcomed(UnitWelcome(unit="web/0", refused=reason)) is (reason is None)
        assert claimant.accepted is (reason is None)
        said.append(claimant.why_unreachable())
    assert desk.said == [
        ("ERROR", f"the controller refuses web/0: {reason}")
        for reason in ("it is unknown", "it is gone", "it is gone")
    ]
    late = "the controller did not answer in time"
    assert said == ["it is unknown", "it is unknown", "it is gone", late, "it is gone"]
    claimant.welcomed(UnitWelcome(unit="web/0"))
    desk.connection.ready, desk.connection.cause = False, "nobody answers"
    assert claimant.why_unreachable() == "nobody answers"


def test_only_who_is_accepted_claims_and_at_once(desk: Desk) -> None:
    """L9, G4"""
    assert not desk.claimant.accepted and desk.claim() is None
    desk.begin()
    assert desk.wakes == 1
    assert desk.claim() == Claim(unit="web/0", term=None, seen_term=0)
    assert desk.claim() is None, "one at a time"
    desk.claimant.disconnected()
    assert not desk.claimant.accepted and desk.wakes == 2 and desk.claim() is None
    desk.begin()
    assert desk.claim() is not None


@pytest.mark.parametrize(("push", "about_leadership"), [
    (Offer(unit="web/0"), True), (StepDown(unit="web/0"), True),
    (Revoked(unit="web/0", term=1), True), (Revision(unit="web/0", revision=1, keys=()), False),
])  # fmt: skip
def test_it_is_known_which_news_are_about_leadership(
    desk: Desk, push: object, about_leadership: bool
) -> None:
    """L4, L5, U4"""
    assert desk.claimant.pushed(push) is about_leadership


def test_an_offer_is_claimed_at_once(desk: Desk) -> None:
    """L4"""
    desk.begin()
    desk.deny()
    assert desk.claim() is None
    desk.claimant.pushed(Offer(unit="web/0"))
    assert desk.claim() == Claim(unit="web/0", term=None, seen_term=0)


def test_who_wants_an_answer_has_a_claim_sent(desk: Desk) -> None:
    """U2"""
    desk.begin()
    desk.deny()
    woken = desk.wakes
    desk.claimant.want_claim_this_turn()
    assert desk.wakes == woken and desk.claim() is not None
    desk.claimant.heard(Denied(unit="web/0", duration=60.0))
    woken = desk.wakes
    desk.claimant.want_claim()
    assert desk.wakes == woken + 1 and desk.claim() is not None


def test_an_agent_that_ends_keeps_its_lease_and_seeks_none(desk: Desk) -> None:
    """U4"""
    desk.begin()
    desk.claimant.seek_no_more()
    assert desk.claim() is None


def test_an_agent_that_ends_renews_what_it_has(desk: Desk) -> None:
    """U4"""
    desk.led()
    desk.claimant.seek_no_more()
    desk.clock.at += 20.0
    assert desk.claim() == Claim(unit="web/0", term=1, seen_term=1)


# -- how long an answer is waited for


def test_a_late_answer_is_doubted_then_overdue(desk: Desk) -> None:
    """G11, U2"""
    claimant = desk.claimant
    instants = (AT, AT + 2.499, AT + 2.5, AT + 4.999, AT + 5.0)
    assert [(claimant.doubts(at), claimant.overdue(at)) for at in instants] == [(False, False)] * 5
    desk.begin()
    assert desk.claim() is not None
    assert [(claimant.doubts(at), claimant.overdue(at)) for at in instants] == [
        (False, False), (False, False), (True, False), (True, False), (True, True),
    ]  # fmt: skip
    assert claimant.next_wake(AT) == (AT + 2.5, AT + 5.0, AT + SURE)
    desk.connection.heard_at = AT + 57.0
    instants = (AT + 59.4 - 0.001, AT + SURE)
    assert [claimant.overdue(at) for at in instants] == [False, True]


def test_it_looks_again_when_its_lease_is_to_be_renewed(desk: Desk) -> None:
    """L1"""
    assert desk.claimant.next_wake(AT) == ()
    desk.led()
    assert desk.claimant.next_wake(AT) == (AT + (SURE - 30.0) / 2,)


def test_who_was_told_unsure_waits_a_little_and_not_as_long_as_all_others(desk: Desk) -> None:
    """L8: 0.5 to 1 s, and a twentieth of a short lease at most"""
    desk.begin()
    draws = random.Random(1)
    for duration in (60.0, 60.0, 5.0):
        desk.claimant.tracker.duration = duration
        assert desk.claim() is not None
        desk.claimant.heard(ClaimUnsure(unit="web/0", cause="the disk"))
        wait = min(1.0, duration / 20) * draws.uniform(0.5, 1.0)
        assert desk.claimant.tracker.claim_at == pytest.approx(desk.clock.at + wait)
        desk.clock.at += wait + 0.001
    assert desk.claimant.tracker.standing(desk.clock.at) is Standing.WAITING


# -- belief


def test_a_new_term_is_saved_then_believed_and_said(desk: Desk) -> None:
    """H5, U1"""
    desk.begin()
    desk.grant(4)
    believed = LocalState(
        unit="web/0", runs=3, term=4, boot_id="boot-1", sure_until=AT + SURE, seen_term=4
    )
    assert desk.record.state == desk.kept == believed
    assert desk.said == [("INFO", "leader, term 4")]
    assert desk.claimant.tracker.sure_until == AT + SURE and desk.claimant.is_sure()


def test_a_renewal_is_believed_at_once_and_saved_beside(desk: Desk) -> None:
    """U1"""
    desk.led()
    desk.file.takes = 1000.0
    desk.clock.at += 20.0
    desk.grant(1)
    assert desk.clock.at == AT + 20.0, "nobody waited for the disk"
    assert desk.claimant.tracker.sure_until == AT + 20.0 + SURE and desk.said == []
    assert desk.record.state == desk.kept
    assert desk.record.state.sure_until == AT + 20.0 + SURE


def test_a_term_that_is_taken_up_again_is_as_before(tmp_path: Path) -> None:
    """U1, G8"""
    desk = Desk(tmp_path, term=4, sure_until=AT + 30.0, seen_term=4, boot_id="boot-1")
    desk.begin()
    assert desk.claim() == Claim(unit="web/0", term=4, seen_term=4)
    desk.claimant.heard(Granted(unit="web/0", term=4, duration=60.0, guarantee=30.0))
    assert desk.said == [("INFO", "leader, term 4 as before")]


@in_virtual_time
async def test_a_grant_that_cannot_be_saved_is_given_back_ever_more_slowly(tmp_path: Path) -> None:
    """G11, U1"""
    desk = Desk(tmp_path)
    desk.begin()
    desk.lose_disk()
    waits: list[float] = []
    for term in range(1, 7):
        desk.connection.heard_at = desk.clock.at
        desk.grant(term)
        waits.append(desk.claimant.tracker.claim_at - desk.clock.at)
        desk.clock.at = desk.claimant.tracker.claim_at
    assert waits == [1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    assert not desk.claimant.tracker.answered and desk.said == []
    desk.find_disk()
    desk.grant(7)
    assert desk.claimant.tracker.term == 7
    desk.claimant.revoked(7)
    desk.lose_disk()
    desk.grant(8)
    assert desk.claimant.tracker.claim_at == desk.clock.at + 1.0, "as if for the first time"


@in_virtual_time
async def test_what_is_given_back_is_released(tmp_path: Path) -> None:
    """G11"""
    desk = Desk(tmp_path)
    desk.begin()
    desk.lose_disk()
    desk.grant(1)
    assert desk.connection.said == [Release(id=1, unit="web/0", term=1)]


@in_virtual_time
async def test_a_term_of_an_earlier_life_is_not_given_back(tmp_path: Path) -> None:
    """U1: it may be believed in once the disk is back"""
    desk = Desk(tmp_path, term=4, sure_until=AT + 30.0, seen_term=4, boot_id="boot-1")
    desk.begin()
    desk.lose_disk()
    desk.grant(4)
    assert desk.releases == [] and not desk.claimant.tracker.answered


@in_virtual_time
async def test_a_grant_that_was_saved_too_late_is_given_back_and_owes_nothing(
    tmp_path: Path,
) -> None:
    """U1, H10"""
    desk = Desk(tmp_path, deposition=Deposition(2), seen_term=2)
    desk.begin()
    desk.file.takes = SURE
    woken = desk.wakes
    desk.grant(5)
    assert desk.said == [
        ("WARNING", "saving a grant took longer than it was good for: it is given back")
    ]
    assert desk.releases == [5] and not desk.claimant.tracker.answered
    owed = LocalState(unit="web/0", runs=3, deposition=Deposition(2), seen_term=5)
    assert desk.record.state == desk.kept == owed
    assert desk.wakes > woken


def test_a_grant_that_was_saved_in_the_last_instant_is_believed(desk: Desk) -> None:
    """U1"""
    desk.begin()
    desk.file.takes = SURE - 0.5
    desk.grant(5)
    assert desk.claimant.tracker.believes(desk.clock.at)


def test_a_resumed_term_that_was_saved_too_late_is_lost(tmp_path: Path) -> None:
    """U1, H10: it was believed in before, so a deposition is owed"""
    desk = Desk(tmp_path, term=4, sure_until=AT + 30.0, seen_term=4, boot_id="boot-1")
    desk.begin()
    desk.file.takes = SURE
    desk.grant(4)
    assert desk.said == [
        ("INFO", "no longer leader, term 4: saving the grant took longer than it was good for")
    ]
    assert desk.record.state.deposition == Deposition(4) and desk.record.state.term is None


# -- the end of belief


@pytest.mark.parametrize(("end", "cause"), [
    (lambda desk: desk.claimant.end_if_run_out(AT + SURE),
     "the lease ran out by this machine's clock"),
    (lambda desk: desk.claimant.pushed(Revoked(unit="web/0", term=1)),
     "an operator revoked the lease"),
    (lambda desk: (desk.claimant.want_claim(), desk.deny()), "the controller denied it"),
])  # fmt: skip
def test_the_end_of_a_term_is_said_with_its_cause_and_saved(
    desk: Desk, end: Callable[[Desk], object], cause: str
) -> None:
    """U1, U5, L5"""
    desk.led()
    woken = desk.wakes
    end(desk)
    assert desk.said == [("INFO", f"no longer leader, term 1: {cause}")]
    assert desk.claimant.tracker.term is None and desk.wakes > woken
    assert desk.record.state == desk.kept
    assert (desk.record.state.term, desk.record.state.deposition) == (None, Deposition(1))


def test_a_term_goes_on_until_its_last_instant_and_whatever_is_said_of_another(desk: Desk) -> None:
    """U5, L5"""
    desk.led()
    desk.claimant.end_if_run_out(AT + SURE - 0.001)
    desk.claimant.revoked(2)
    assert desk.claimant.tracker.believes(AT) and desk.said == []


def test_a_denial_of_who_does_not_lead_is_no_end_of_anything(desk: Desk) -> None:
    """L2"""
    desk.begin()
    desk.deny()
    assert desk.said == [] and desk.claimant.tracker.answered


# -- stepping down


@in_virtual_time
async def test_stepping_down_is_said_watched_saved_soon_and_released_when_all_is_over(
    tmp_path: Path,
) -> None:
    """U4, L5"""
    desk = Desk(tmp_path)
    desk.led()
    assert desk.claimant.promise("a hook", 1)
    woken = desk.wakes
    assert desk.claimant.step_down("it is time")
    assert desk.said == [("INFO", "stepping down: it is time")]
    assert desk.watcher.heard == [1] and desk.wakes > woken
    assert desk.record.save_at == AT + 0.05
    assert desk.record.state.deposition == Deposition(1)
    assert not desk.claimant.step_down("it is time"), "it leads no more"
    for at, over in ((AT + 29.0, True), (AT + 29.0, False), (AT + 30.0, False)):
        assert desk.releases == []
        desk.claimant.release_if_due(at, hooks_over=over)
    assert desk.releases == [1]
    assert desk.said[1:] == [("INFO", "released the lease, term 1")]
    assert desk.kept == desk.record.state and desk.claimant.tracker.term is None


@in_virtual_time
async def test_a_lease_is_kept_until_its_end_is_on_record(tmp_path: Path) -> None:
    """L5, H5"""
    desk = Desk(tmp_path)
    desk.led()
    desk.claimant.step_down("it is time")
    desk.lose_disk()
    desk.claimant.release_if_due(AT, hooks_over=True)
    assert desk.releases == [] and desk.claimant.tracker.term == 1
    desk.find_disk()
    woken = desk.wakes
    desk.claimant.release_if_due(AT, hooks_over=True)
    assert desk.releases == [1] and desk.wakes > woken


def test_who_leads_and_is_asked_to_steps_down(desk: Desk) -> None:
    """U4, O1"""
    desk.led()
    desk.claimant.pushed(StepDown(unit="web/0"))
    assert desk.said == [("INFO", "stepping down: an operator asked for it")]


def asked_before_it_took_up(folder: Path) -> Desk:
    """An agent is back, and was asked to step down before its first claim was answered."""
    desk = Desk(folder, term=4, sure_until=AT + 30.0, seen_term=4, boot_id="boot-1")
    desk.begin()
    desk.claimant.pushed(StepDown(unit="web/0"))
    return desk


AT_LAST = ("INFO", "stepping down: it was asked to before it took its term up again")


def test_who_was_asked_before_it_took_its_term_up_steps_down_then(tmp_path: Path) -> None:
    """U4, U1"""
    desk = asked_before_it_took_up(tmp_path)
    desk.grant(4)
    assert desk.said == [("INFO", "leader, term 4 as before"), AT_LAST]
    assert desk.claimant.tracker.standing(AT) is Standing.STEPPING_DOWN


@pytest.mark.parametrize("denied", [True, False])
def test_a_wish_of_an_earlier_term_means_nothing_in_a_new_one(tmp_path: Path, denied: bool) -> None:
    """U4"""
    desk = asked_before_it_took_up(tmp_path)
    if denied:
        desk.deny()
        desk.said.clear()
        desk.clock.at += 60.0
    desk.grant(5)
    assert desk.said[-1] == ("INFO", "leader, term 5")
    desk.claimant.revoked(5)
    desk.grant(6)
    assert desk.claimant.tracker.standing(desk.clock.at) is Standing.LEADER


def test_who_leads_no_more_for_good_steps_down_in_every_term(desk: Desk) -> None:
    """U4"""
    desk.begin()
    assert not desk.claimant.step_down("it leaves", for_good=True)
    assert desk.watcher.heard == []
    desk.claimant.step_down("once more")
    desk.grant(1)
    assert desk.said == [("INFO", "leader, term 1"), AT_LAST]


# -- who asks


async def asks(desk: Desk, within: float = 5.0, over: bool = False) -> object:
    """What `leader?` is answered, or the words of the fault."""
    try:
        return await desk.claimant.leads("a hook", within, lambda: over)
    except LeadershipUnknown as fault:
        return str(fault)


@in_virtual_time
async def test_who_leads_surely_is_told_so_and_holds_a_promise(tmp_path: Path) -> None:
    """G3, U2"""
    desk = Desk(tmp_path)
    desk.led()
    assert await asks(desk) is True
    assert desk.claimant.tracker.promised_until() == AT + 30.0
    desk.claimant.asker_ended("another hook")
    assert desk.claimant.tracker.promised_until() == AT + 30.0
    desk.claimant.asker_ended("a hook")
    assert desk.claimant.tracker.promised_until() == float("-inf")
    assert await asks(desk, over=True) == "the hook has ended"
    desk.claimant.step_down("it is time")
    assert await asks(desk) is False


@in_virtual_time
async def test_who_is_not_answered_in_time_is_told_why(tmp_path: Path) -> None:
    """T3, U2"""
    desk = Desk(tmp_path)
    desk.begin()
    assert await asks(desk, within=0.0) == "the controller did not answer in time"
    with pytest.raises(LeadershipUnknown, match="the controller did not answer in time"):
        await desk.claimant.believed_term(0.0)
    woken = desk.wakes
    asking = asyncio.ensure_future(asks(desk))
    believing = asyncio.ensure_future(desk.claimant.believed_term(1.0))
    await settle()
    assert desk.wakes == woken + 2 and not asking.done() and not believing.done()
    desk.grant(3)
    assert (await asking, await believing) == (True, 3)
    desk.clock.at += SURE
    assert await desk.claimant.believed_term(0.0) is None


@in_virtual_time
async def test_who_is_sure_for_less_than_the_guarantee_renews_first(tmp_path: Path) -> None:
    """G3, U2: and waits until it is not the leader any more at most"""
    desk = Desk(tmp_path)
    desk.led()
    desk.clock.at += 29.5
    assert not desk.claimant.promise("a hook", 1) and not desk.claimant.is_sure()
    asking = asyncio.ensure_future(asks(desk, within=100.0))
    await settle()
    assert not asking.done()
    desk.grant(1)
    assert await asking is True
    assert desk.claimant.promise("a hook", 1) and not desk.claimant.promise("a hook", 2)
    desk.claimant.asker_ended("a hook")
    assert desk.claimant.tracker.promised_until() == float("-inf")
    desk.clock.at += 40.0
    loop = asyncio.get_running_loop()
    began = loop.time()
    asking = asyncio.ensure_future(asks(desk, within=100.0))
    await settle()
    desk.clock.at = desk.claimant.tracker.sure_until
    assert await asking is False
    assert loop.time() - began == pytest.approx(SURE - 40.0)


@in_virtual_time
async def test_who_waits_goes_on_when_something_changes_or_its_time_is_over(tmp_path: Path) -> None:
    """U2"""
    desk, loop = Desk(tmp_path), asyncio.get_running_loop()
    began = loop.time()
    await desk.claimant.wait(2.0)
    assert loop.time() - began == pytest.approx(2.0)
    waiting = [asyncio.ensure_future(desk.claimant.wait(2.0)) for _ in range(2)]
    await settle()
    waiting[0].cancel()
    await settle()
    desk.begin()
    await waiting[1]
    assert loop.time() - began == pytest.approx(2.0)
