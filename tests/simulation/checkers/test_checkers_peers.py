"""The checkers of bags, peers, configuration and pins: a good and a bad list of facts for each."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from tenure.core.relations import Told
from tenure.simulation.checkers import (
    ApplicationBagFenced,
    BagsReadDurable,
    BagVersionsRise,
    CharmWhole,
    ConfigReadNew,
    EnteredBeforeCreated,
    GivesUpInTime,
    HookLeavesAllOrNothing,
    LeasesOutliveLoading,
    NobodyLearns,
    NothingTwice,
    NotToldOfOwnBag,
    PaidForTarget,
    PaidForVersion,
    PeersNotToldTwice,
    PeersToldInTheEnd,
    PinsHold,
)
from tenure.simulation.facts import ControllerBegan, Doubted, Fact, Heard
from tenure.simulation.peer_facts import (
    BagRead,
    BagSet,
    BagsLanded,
    BagWrote,
    CharmWrote,
    CommitAnswered,
    CommitAsked,
    ConfigRead,
    ConfigWrote,
    Expired,
    HookAims,
    HookRunsFrom,
    HookSettled,
    PeersAtEnd,
    PeersTold,
    Pinned,
    SkipSaid,
    Unpinned,
)
from tests.simulation.checkers.traces import (
    SETTINGS,
    W0,
    W1,
    agent_of,
    breaks,
    died,
    ended,
    found,
    hook,
    keeps,
    led,
    paid,
    removed,
    wrote,
)

CHANGED, CONFIG = "peers-relation-changed", "config-changed"


def sets(at: float, unit: str, context: str, owner: str = "", **changes: str) -> Fact:
    return BagSet(
        at=at, unit=unit, agent=agent_of(unit), context=context, relation=0, owner=owner or unit,
        changes=changes,
    )  # fmt: skip


def commits(
    at: float, unit: str, *, term: int | None = None, number: int = 1,
    **bags: Mapping[str, str],
) -> Fact:  # fmt: skip
    """`web` stands for the application's bag, `own` for the unit's."""
    asked = {(0, unit if owner == "own" else owner): changes for owner, changes in bags.items()}
    return CommitAsked(at=at, unit=unit, agent=agent_of(unit), number=number, term=term, bags=asked)


def answered(at: float, unit: str, outcome: str = "done") -> Fact:
    return CommitAnswered(at=at, unit=unit, agent=agent_of(unit), number=1, outcome=outcome)  # type: ignore[arg-type]


def settled(at: float, unit: str, context: str, how: str = "done", said: str = "") -> Fact:
    return HookSettled(at=at, unit=unit, agent=agent_of(unit), context=context, how=how, said=said)  # type: ignore[arg-type]


def bag(at: float, owner: str, version: int, *, present: bool = True, **settings: str) -> Fact:
    return BagWrote(
        at=at, application="web", relation=0, owner=owner, version=version, present=present,
        settings=settings,
    )  # fmt: skip


def landed(at: float) -> Fact:
    return BagsLanded(at=at)


def aims(at: float, unit: str, context: str, kind: str, remote: str = "", version: int = 0) -> Fact:
    relation = -1 if kind == "config" else 0
    return HookAims(
        at=at, unit=unit, agent=agent_of(unit), context=context, kind=kind, relation=relation,
        remote=remote, version=version,
    )  # fmt: skip


def told(at: float, unit: str, *, application: int = 0, config: int = 0, **members: int) -> Fact:
    """Members are named `w1` for `web/1`."""
    return PeersTold(
        at=at, unit=unit, agent=agent_of(unit), config=config, configured=True,
        relations={0: of(application, **members)},
    )  # fmt: skip


def of(application: int = 0, **members: int) -> Told:
    named = {f"web/{name[1:]}": version for name, version in members.items()}
    return Told(entered=True, created=True, application=application, members=named)


def at_end(at: float, unit: str, record: Told, *, config: int = 0, charm: int = 1) -> Fact:
    return PeersAtEnd(at=at, unit=unit, relations={0: record}, config=config, charm=charm)


def configured(at: float, revision: int, value: str | None = None) -> Fact:
    return ConfigWrote(at=at, application="web", revision=revision, value=value)


def charm(at: float, revision: int = 1) -> Fact:
    return CharmWrote(at=at, application="web", revision=revision, peers={"peers": 0})


# -- what a hook leaves

HOOK = (
    sets(1, W0, "c", a="v1"),
    sets(1, W0, "c", "web", a="v2"),
    ended(2, W0, "c"),
    commits(2, W0, term=1, own={"a": "v1"}, web={"a": "v2"}),
)


def test_what_a_hook_sets_lands_at_once_when_it_has_ended_well() -> None:
    """G6, H7"""
    both = (bag(3, W0, 2, a="v1"), bag(3, "web", 1, a="v2"), landed(3))
    assert keeps(HookLeavesAllOrNothing(), *HOOK, *both, answered(3, W0), settled(4, W0, "c"))
    half = (bag(3, W0, 2, a="v1"), landed(3))
    assert breaks(HookLeavesAllOrNothing(), *HOOK, *half, says="not all of it")


def test_what_was_acknowledged_is_there() -> None:
    """G6"""
    there = (bag(0, W0, 2, a="v1"), bag(0, "web", 1, a="v2"))
    assert keeps(HookLeavesAllOrNothing(), *there, *HOOK, answered(3, W0), settled(4, W0, "c"))
    assert breaks(HookLeavesAllOrNothing(), *HOOK, answered(3, W0), says="store lacks")
    assert breaks(HookLeavesAllOrNothing(), *HOOK, settled(4, W0, "c"), says="nobody acknowledged")


def test_a_later_write_of_the_same_commit_may_change_it_again() -> None:
    """G6, G7: the first one's answer was late, and its hook ran again"""
    first = (sets(1, W0, "c", a="v1", b=""), ended(2, W0, "c"), commits(2, W0, own={"a": "v1"}))
    late = settled(7, W0, "c", "failed", "it is unknown whether they were written")
    second = (sets(8, W0, "d", a="v3"), ended(8, W0, "d"))
    both = (bag(9, W0, 2, a="v1"), bag(9, W0, 3, a="v3"), landed(9))
    assert keeps(HookLeavesAllOrNothing(), *first, late, *second, *both, answered(9, W0))


def test_nothing_of_a_failed_hook_is_asked_for_or_lands() -> None:
    """H7"""
    failed = (sets(1, W0, "c", a="v1"), ended(2, W0, "c", "failed"))
    assert keeps(HookLeavesAllOrNothing(), *failed, settled(2, W0, "c", "failed"))
    assert breaks(
        HookLeavesAllOrNothing(), *failed, commits(3, W0, own={"a": "v1"}), says="is committed"
    )
    lands = (bag(3, W0, 2, a="v1"), landed(3))
    assert breaks(HookLeavesAllOrNothing(), *failed, *lands, says="is failed, and what it set")
    assert breaks(HookLeavesAllOrNothing(), failed[0], *lands, says="is not over")


def test_what_was_refused_never_lands_and_what_is_unknown_may() -> None:
    """G7"""
    both = (bag(5, W0, 2, a="v1"), bag(5, "web", 1, a="v2"), landed(5))
    unknown = (answered(3, W0, "unknown"), settled(3, W0, "c", "failed", "it is unknown"))
    assert keeps(HookLeavesAllOrNothing(), *HOOK, *unknown, *both)
    assert breaks(
        HookLeavesAllOrNothing(), *HOOK, answered(3, W0, "refused"), *both, says="refused it"
    )
    said = settled(3, W0, "c", "failed", "no room: nothing was written")
    assert breaks(HookLeavesAllOrNothing(), *HOOK, said, *both, says="nothing was written")
    assert breaks(HookLeavesAllOrNothing(), *HOOK, *both, said, says="and all was")


def test_a_hook_writes_no_bag_that_it_did_not_set() -> None:
    """B2"""
    lands = (bag(3, W1, 2, a="v1"), landed(3))
    facts = (sets(1, W0, "c", a="v1"), ended(2, W0, "c"), *lands)
    assert any("not its own" in text for text in found(HookLeavesAllOrNothing(), *facts))


def test_the_application_bag_is_the_latest_leaders() -> None:
    """G6"""
    asked = commits(2, W0, term=1, web={"a": "v1"})
    mine = bag(3, "web", 1, a="v1")
    assert keeps(ApplicationBagFenced(), led(1, W0, 1), asked, mine)
    assert breaks(
        ApplicationBagFenced(), led(1, W0, 1), asked, led(2, W1, 2), mine,
        says="web/1 leads in term 2",
    )  # fmt: skip
    assert breaks(
        ApplicationBagFenced(), led(1, W0, 1), led(2, W0, 2), asked, mine, says="under term 1"
    )
    other = commits(2, W0, own={"a": "v1"})
    assert breaks(ApplicationBagFenced(), other, bag(3, W1, 2, a="v1"), says="web/0 wrote")


def test_a_bags_version_rises_by_one_with_each_change() -> None:
    """B4"""
    first, second = bag(1, W0, 1, a="1"), bag(2, W0, 2, a="2")
    left = bag(3, W0, 2, present=False, a="2")
    assert keeps(BagVersionsRise(), first, second, left, bag(4, W0, 3))
    assert keeps(BagVersionsRise(), first, removed(2, 1), bag(3, W0, 1, a="2"))
    assert breaks(BagVersionsRise(), first, bag(2, W0, 3, a="2"), says="after version 1")
    assert breaks(BagVersionsRise(), first, second, bag(3, W0, 1, a="3"), says="after version 2")
    assert breaks(BagVersionsRise(), first, bag(2, W0, 2, a="1"), says="nothing changed")
    assert breaks(
        BagVersionsRise(), first, bag(2, W0, 2, present=False, a="1"), says="when its unit left"
    )


# -- what hooks read


def reads(at: float, owner: str, context: str = "c", **settings: str) -> Fact:
    return BagRead(at=at, unit=W0, context=context, relation=0, owner=owner, settings=settings)


def test_a_hook_reads_what_is_durable_and_its_own_writing_and_the_same_again() -> None:
    """H5"""
    began = (bag(1, W1, 1, a="1"), hook(2, W0, "c"))
    later = bag(3, W1, 2, a="2")
    assert keeps(BagsReadDurable(), *began, later, reads(4, W1, a="1"), reads(5, W1, a="1"))
    assert keeps(BagsReadDurable(), *began, later, reads(4, W1, a="2"))
    assert breaks(
        BagsReadDurable(), *began, later, reads(4, W1, a="1"), reads(5, W1, a="2"), says="reads"
    )
    assert breaks(BagsReadDurable(), *began, reads(4, W1, a="9"), says="reads {'a': '9'}")
    own = (bag(1, W0, 1, a="1"), hook(2, W0, "c"), sets(3, W0, "c", a="", b="v"))
    assert keeps(BagsReadDurable(), *own, reads(4, W0, b="v"))
    assert breaks(BagsReadDurable(), *own, reads(4, W0, a="1"), says="reads")


def test_a_hook_reads_nothing_older_than_its_beginning_or_its_event() -> None:
    """H5"""
    began = (bag(1, W1, 1, a="1"), bag(2, W1, 2, a="2"), hook(3, W0, "c"))
    assert breaks(BagsReadDurable(), *began, reads(4, W1, a="1"), says="reads")
    early = (bag(1, W1, 1, a="1"), hook(3, W0, "c"), aims(3, W0, "c", "changed", W1, 2))
    assert breaks(BagsReadDurable(), *early, bag(4, W1, 2), reads(5, W1, a="1"), says="reads")
    assert keeps(BagsReadDurable(), *early, bag(4, W1, 2), reads(5, W1))


def test_config_changed_reads_the_revision_that_it_is_for_or_a_later_one() -> None:
    """H5"""

    def read(value: str) -> Fact:
        return ConfigRead(at=9, unit=W0, context="c", value=value)

    was = (configured(1, 1, "1"), configured(2, 2, "2"), aims(3, W0, "c", "config", version=2))
    assert keeps(ConfigReadNew(), *was, read("2"))
    assert keeps(ConfigReadNew(), *was, configured(4, 3), read("0"))
    assert breaks(ConfigReadNew(), *was, read("1"), says="revision 2 or later")
    assert keeps(ConfigReadNew(), was[0], was[1], read("1"))


# -- what is told, and what that pays


def test_a_unit_takes_part_before_its_charm_hears_of_the_relation() -> None:
    """H5"""
    created = aims(2, W0, "c", "created")
    assert keeps(EnteredBeforeCreated(), bag(1, W0, 1), created)
    assert breaks(EnteredBeforeCreated(), created, bag(3, W0, 1), says="is not in relation 0")


STORED = (charm(1), bag(1, W0, 1), bag(1, W1, 2), bag(1, "web", 3, a="x"), configured(1, 4))


def test_in_the_end_a_unit_was_told_of_everything() -> None:
    """H3"""
    assert keeps(PeersToldInTheEnd(), *STORED, at_end(9, W0, of(3, w1=2), config=4))
    for record, says in (
        (of(3, w1=1), "version 1, not 2"), (of(3), "version None, not 2"),
        (of(2, w1=2), "version 2, not 3, of its application"), (of(3, w1=2, w7=1), "web/7"),
    ):  # fmt: skip
        assert breaks(PeersToldInTheEnd(), *STORED, at_end(9, W0, record, config=4), says=says)
    good = of(3, w1=2)
    assert breaks(PeersToldInTheEnd(), *STORED, at_end(9, W0, good, config=3), says="configuration")
    new = at_end(9, W0, good, config=4, charm=1)
    assert breaks(PeersToldInTheEnd(), *STORED, charm(2, 2), new, says="charm")


def test_in_the_end_nobody_counts_who_left_or_misses_what_it_wrote_itself() -> None:
    """H3, P2"""
    left = bag(2, W1, 2, present=False)
    assert keeps(PeersToldInTheEnd(), *STORED, left, at_end(9, W0, of(3), config=4))
    assert breaks(
        PeersToldInTheEnd(), *STORED, left, at_end(9, W0, of(3, w1=2), config=4), says="it left"
    )
    own = (sets(2, W0, "c", "web", a="v"), bag(3, "web", 4, a="v"))
    assert keeps(PeersToldInTheEnd(), *STORED, *own, at_end(9, W0, of(4, w1=2), config=4))
    assert breaks(
        PeersToldInTheEnd(), *STORED, *own, at_end(9, W0, of(3, w1=2), config=4), says="not 4"
    )


def test_what_was_recorded_as_told_is_not_told_again() -> None:
    """H4"""
    record = told(1, W0, application=3, config=4, w1=2)
    for again in (
        aims(2, W0, "c", "created"), aims(2, W0, "c", "joined", W1),
        aims(2, W0, "c", "changed", W1, 2), aims(2, W0, "c", "changed", "", 3),
        aims(2, W0, "c", "config", version=4),
    ):  # fmt: skip
        assert breaks(PeersNotToldTwice(), record, died(2, W0), again, says="recorded as told")
    for new in (
        aims(2, W0, "c", "joined", "web/2"), aims(2, W0, "c", "changed", W1, 3),
        aims(2, W0, "c", "changed", "", 4), aims(2, W0, "c", "config", version=5),
    ):  # fmt: skip
        assert keeps(PeersNotToldTwice(), record, new)


def test_a_record_that_was_lost_excuses_nothing_and_a_failed_hook_is_tried_again() -> None:
    """H4, H7"""
    lost = (told(1, W0, w1=2), told(2, W0))
    assert breaks(
        PeersNotToldTwice(), *lost, aims(3, W0, "c", "joined", W1), says="recorded as told"
    )
    failed = (aims(2, W0, "c", "config", version=5), settled(3, W0, "c", "failed"))
    assert keeps(
        PeersNotToldTwice(), told(1, W0, config=4), *failed, aims(4, W0, "d", "config", version=0)
    )


def test_a_hook_pays_for_what_it_was_run_for() -> None:
    """H5"""
    joined = (aims(1, W0, "j", "joined", W1), settled(1, W0, "j"), told(1, W0, w1=0))
    changed = (*joined, aims(2, W0, "c", "changed", W1, 3), settled(3, W0, "c"))
    assert keeps(PaidForVersion(), *changed, told(3, W0, w1=3))
    assert breaks(PaidForVersion(), *changed, told(3, W0, w1=4), says="version 4 of web/1")
    assert breaks(PaidForVersion(), *changed, told(3, W0, w1=3, w2=0), says="web/2 as a member")
    assert breaks(PaidForVersion(), told(3, W0, config=1), says="revision 1")
    assert breaks(PaidForVersion(), told(3, W0, application=1), says="its application's bag")
    killed = (*changed[:-1], settled(3, W0, "c", "killed"))
    assert breaks(PaidForVersion(), *killed, told(3, W0, w1=3), says="version 3")


def test_a_skip_pays_too_and_own_writing_does_not() -> None:
    """H5, H7, P2"""
    assert keeps(PaidForVersion(), SkipSaid(at=1, unit=W0), told(3, W0, config=1))
    own = (sets(1, W0, "c", "web", a="v"), bag(2, "web", 1, a="v"))
    assert breaks(PaidForVersion(), *own, told(3, W0, application=1), says="its application's bag")


def test_a_unit_is_not_told_of_its_own_bag() -> None:
    """P2"""
    for kind in ("joined", "changed"):
        assert breaks(NotToldOfOwnBag(), aims(4, W0, "d", kind, W0, 1), says="its own bag")
        assert keeps(NotToldOfOwnBag(), aims(4, W0, "d", kind, W1, 1))
    assert keeps(NotToldOfOwnBag(), aims(4, W0, "d", "changed", "", 1))


# -- what earlier checkers must know of this


def test_a_hook_whose_commit_was_refused_may_run_again() -> None:
    """H4, H7"""
    first = (hook(1, W0, "c", "start"), ended(2, W0, "c", name="start"))
    again = (hook(4, W0, "e", "install"), hook(5, W0, "d", "start"))
    assert keeps(NothingTwice(), *first, settled(3, W0, "c", "failed"), *again)
    assert breaks(NothingTwice(), *first, settled(3, W0, "c"), *again, says="start again")


def test_config_changed_runs_again_for_news_and_after_an_upgrade() -> None:
    """H4"""
    first = (hook(1, W0, "c", CONFIG, reason="started"), paid(2, W0, CONFIG, agent="web-0"))
    assert keeps(NothingTwice(), *first, hook(3, W0, "d", CONFIG))
    again = hook(4, W0, "e", CONFIG, reason="started")
    assert keeps(NothingTwice(), *first, hook(3, W0, "d", "upgrade-charm"), again)
    assert breaks(NothingTwice(), *first, again, says="config-changed again")


def test_a_refused_commit_pays_no_revision_unless_an_operator_skips_it() -> None:
    """H5"""
    ran = (
        hook(1, W0, "c", SETTINGS, target=1), ended(2, W0, "c", name=SETTINGS),
        wrote(2, 2, W1, 1, a="1"),
    )  # fmt: skip
    seen = paid(4, W0, SETTINGS, revision=2, agent="web-0")
    assert breaks(PaidForTarget(), *ran, settled(3, W0, "c"), seen, says="counts revision 2")
    assert keeps(PaidForTarget(), *ran, settled(3, W0, "c", "failed"), seen)


def test_a_peer_relation_names_its_members_as_often_as_it_must() -> None:
    """G10"""

    def heard(text: str, *named: str) -> Fact:
        return Heard(at=1, unit=W0, text=text, named=named)

    assert keeps(NobodyLearns(), heard('{"owner":"web/1","unit":"web/0"}', W1))
    assert breaks(
        NobodyLearns(), heard('{"owner":"web/1","by":"web/1"}', W1), says="heard of web/1"
    )
    assert breaks(NobodyLearns(), heard("JUJU_REMOTE_UNIT=web/1"), says="heard of web/1")


def test_loading_frees_no_lease() -> None:
    """G9, L8"""
    began = ControllerBegan(at=10, longest={"web": 5.0})
    held, soon, late = led(1, W0, 1), ran_out(11), ran_out(15)
    assert breaks(LeasesOutliveLoading(), held, began, soon, says="1.000 s after its controller")
    assert keeps(LeasesOutliveLoading(), held, began, late)
    assert keeps(LeasesOutliveLoading(), held, began, led(10.1, W1, 2), soon), "another's lease"


def ran_out(at: float) -> Expired:
    return Expired(at=at, application="web", unit=W0)


def test_who_steps_down_gives_up_in_time() -> None:
    """U4"""
    lost = Doubted(at=5, unit=W0, agent="one", term=1)
    assert keeps(GivesUpInTime(), lost)
    assert breaks(GivesUpInTime(), replace(lost, late=0.5), says="gave term 1 up 0.500 s too late")


def test_a_pinned_lease_does_not_run_out() -> None:
    """L6"""
    pinned = Pinned(at=1, application="web", reason="upgrade", until=20)
    ran_out = Expired(at=10, application="web", unit=W0)
    assert breaks(PinsHold(), pinned, ran_out, says="on behalf of upgrade")
    assert keeps(PinsHold(), pinned, Unpinned(at=9, application="web", reason="upgrade"), ran_out)
    assert keeps(PinsHold(), pinned, Expired(at=20, application="web", unit=W0))
    assert keeps(PinsHold(), pinned, removed(5, 1), ran_out)


def test_hooks_run_from_a_charm_that_is_whole() -> None:
    """P3"""

    def runs(hook: str = "start", *, told: str | None = None, unfinished: bool = False,
             **files: str) -> HookRunsFrom:  # fmt: skip
        return HookRunsFrom(
            at=1, unit=W0, context="c", hook=hook, files=files, unfinished=unfinished, source=told
        )

    assert keeps(CharmWhole(), runs(), runs(a="/1", b="/1"), runs("upgrade-charm", a="/2", b="/2"))
    assert keeps(CharmWhole(), runs("upgrade-charm", told="/2", a="/2", b="/2"))
    for broken in (
        runs(a="/1", b="/2"),
        runs(a="/1", b="/1", unfinished=True),
        runs("upgrade-charm", told="/2", a="/1", b="/1"),
    ):
        assert breaks(CharmWhole(), broken, says="runs from")
