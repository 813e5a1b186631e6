"""The checkers of what is read: snapshots, targets, and the order of all operations."""

from __future__ import annotations

import pytest

from tenure.simulation.checkers import (
    BucketLinear,
    HookSeesTarget,
    SnapshotStable,
)
from tenure.simulation.facts import Fact
from tenure.simulation.judge import Judge
from tenure.simulation.linear import SearchTooLarge

from .traces import (
    W0,
    W1,
    asks,
    breaks,
    bucket_at_end,
    calls,
    died,
    ended,
    fails_to_read,
    hook,
    keeps,
    reads,
    removed,
    returns,
    wrote,
)

SNAPSHOT = asks(1, W0, "r"), reads(2, W0, "r", a="1")


class TestSnapshotStable:
    """T4"""

    def test_reads_of_one_context_are_alike(self) -> None:
        again = asks(3, W0, "s", fresh=False), reads(4, W0, "s", a="1")
        assert keeps(SnapshotStable(), *SNAPSHOT, *again)

    def test_a_read_that_differs_is_found(self) -> None:
        again = asks(3, W0, "s", fresh=False), reads(4, W0, "s", a="2")
        assert breaks(SnapshotStable(), *SNAPSHOT, *again, says="and then {'a': '2'}")

    def test_another_context_reads_anew(self) -> None:
        other = asks(3, W0, "s", "d"), reads(4, W0, "s", "d", a="2")
        assert keeps(SnapshotStable(), *SNAPSHOT, *other)

    def test_what_the_context_wrote_it_reads(self) -> None:
        for outcome in ("done", "unknown", "refused"):
            write = calls(3, W0, "x", a="2"), returns(4, W0, "x", outcome)
            again = asks(5, W0, "s"), reads(6, W0, "s", a="2")
            third = asks(7, W0, "t", fresh=False), reads(8, W0, "t", a="2")
            assert keeps(SnapshotStable(), *SNAPSHOT, *write, *again, *third)

    def test_what_was_read_after_a_write_is_the_snapshot_from_then_on(self) -> None:
        write = calls(3, W0, "x", a="2"), returns(4, W0, "x")
        again = asks(5, W0, "s"), reads(6, W0, "s", a="2")
        third = asks(7, W0, "t", fresh=False), reads(8, W0, "t", a="1")
        assert breaks(SnapshotStable(), *SNAPSHOT, *write, *again, *third, says="{'a': '1'}")

    def test_a_failed_read_is_not_kept(self) -> None:
        failed = asks(0, W0, "q"), fails_to_read(0.5, W0, "q")
        assert keeps(SnapshotStable(), *failed, *SNAPSHOT)

    def test_two_first_reads_at_once_are_not_told_apart(self) -> None:
        """T9"""
        assert keeps(
            SnapshotStable(), asks(1, W0, "r"), asks(2, W0, "s", fresh=False),
            reads(3, W0, "s", a="1"), reads(4, W0, "r", a="1"),
            asks(5, W0, "t", fresh=False), reads(6, W0, "t", a="1"),
        )  # fmt: skip

    def test_a_write_during_a_read_blurs_it(self) -> None:
        """T9"""
        assert keeps(
            SnapshotStable(), *SNAPSHOT, asks(3, W0, "s", fresh=False), calls(4, W0, "x", a="2"),
            returns(5, W0, "x"), reads(6, W0, "s", a="2"),
        )  # fmt: skip

    def test_a_write_that_never_returns_ends_with_its_context(self) -> None:
        for end in (ended(4, W0, "c"), died(4, W0)):
            assert breaks(
                SnapshotStable(), *SNAPSHOT, calls(3, W0, "x", a="2"), end,
                asks(5, W0, "s", "d"), reads(6, W0, "s", "d", a="2"),
                asks(7, W0, "t", "d", fresh=False), reads(8, W0, "t", "d", a="3"),
                says="d read {'a': '2'} first",
            )  # fmt: skip


class TestBucketLinear:
    """G6, G8"""

    WRITTEN = calls(1, W0, "x", a="1"), returns(2, W0, "x")

    def test_what_was_written_is_read_and_is_there_at_the_end(self) -> None:
        assert keeps(
            BucketLinear(), *self.WRITTEN, asks(3, W1, "r"), reads(4, W1, "r", a="1"),
            bucket_at_end(5, 1, a="1"),
        )  # fmt: skip

    def test_a_lost_write_is_found_by_a_read_and_at_the_end(self) -> None:
        old: tuple[tuple[Fact, ...], ...] = (
            (asks(3, W1, "r"), reads(4, W1, "r")),
            (bucket_at_end(5, 1),),
        )
        for facts in old:
            assert breaks(BucketLinear(), *self.WRITTEN, *facts, says="can have been {'a':")

    def test_a_stale_read_is_found(self) -> None:
        newer = calls(3, W0, "y", a="2"), returns(4, W0, "y")
        stale = asks(5, W1, "r"), reads(6, W1, "r", a="1")
        assert breaks(BucketLinear(), *self.WRITTEN, *newer, *stale, says="read {'a': '1'}")

    def test_an_unknown_write_may_come_late_or_never_and_once(self) -> None:
        """G7"""
        for unknown in ((calls(3, W0, "y", a="2"),),
                        (calls(3, W0, "y", a="2"), returns(4, W0, "y", "unknown"))):  # fmt: skip
            old, new = (
                (asks(5 + n, W1, f"r{n}", f"c{n}"), reads(5.5 + n, W1, f"r{n}", f"c{n}", a=value))
                for n, value in enumerate("12")
            )
            back = asks(8, W1, "s", "d"), reads(9, W1, "s", "d", a="1")
            assert keeps(BucketLinear(), *self.WRITTEN, *unknown, *old)
            assert keeps(BucketLinear(), *self.WRITTEN, *unknown, *old, *new)
            assert breaks(BucketLinear(), *self.WRITTEN, *unknown, *new, *back, says="s of web/1")

    def test_a_refused_write_that_is_read_is_found(self) -> None:
        """G7"""
        refused = calls(3, W0, "y", a="2"), returns(4, W0, "y", "refused")
        seen = asks(5, W1, "r"), reads(6, W1, "r", a="2")
        assert breaks(BucketLinear(), *self.WRITTEN, *refused, *seen, says="r of web/1 read")

    def test_a_write_that_changes_nothing_is_fine(self) -> None:
        """B4"""
        again = (
            calls(3, W0, "y", a="1"),
            returns(4, W0, "y"),
            calls(5, W0, "z"),
            returns(6, W0, "z"),
        )
        assert keeps(BucketLinear(), *self.WRITTEN, *again, bucket_at_end(7, 1, a="1"))

    def test_only_fresh_reads_must_fit(self) -> None:
        """T4"""
        newer = calls(5, W0, "y", a="2"), returns(6, W0, "y")
        first = asks(3, W1, "r"), reads(4, W1, "r", a="1")
        repeated = asks(7, W1, "s", fresh=False), reads(8, W1, "s", a="1")
        assert keeps(BucketLinear(), *self.WRITTEN, *first, *newer, *repeated)

    def test_a_context_that_wrote_reads_anew(self) -> None:
        """T4"""
        own = asks(3, W0, "r"), reads(4, W0, "r", a="1"), calls(5, W0, "y", b="2")
        stale = asks(7, W0, "s"), reads(8, W0, "s", a="1")
        assert breaks(BucketLinear(), *self.WRITTEN, *own, returns(6, W0, "y"), *stale, says="s of")
        for outcome in ("refused", "unknown"):  # it may have dropped the snapshot, or not
            assert keeps(BucketLinear(), *self.WRITTEN, *own, returns(6, W0, "y", outcome), *stale)

    NEWER = calls(4, W0, "y", a="2"), returns(5, W0, "y")

    def test_first_reads_that_overlap_may_share_a_snapshot(self) -> None:
        """T9"""
        first, second = asks(3, W1, "r"), asks(6, W1, "s")
        over = reads(7, W1, "s", a="1"), reads(8, W1, "r", a="1")
        third = asks(9, W1, "t"), reads(10, W1, "t", a="1")
        assert keeps(BucketLinear(), *self.WRITTEN, first, *self.NEWER, second, *over, *third)

    def test_a_read_while_its_context_writes_may_come_before_or_after(self) -> None:
        """T9"""
        first = asks(2, W0, "q"), reads(2.5, W0, "q", a="1")
        during = calls(3, W0, "x2", b="2"), asks(3.5, W0, "s"), reads(6, W0, "s", a="1", b="2")
        after = returns(7, W0, "x2"), asks(8, W0, "t"), reads(9, W0, "t", a="1", b="2")
        newer = calls(4, W1, "y", a="2"), returns(5, W1, "y")
        run = *first, *during[:2], *newer, during[2], *after
        assert keeps(BucketLinear(), *self.WRITTEN, *run)

    def test_a_refused_write_may_have_dropped_the_snapshot_or_not(self) -> None:
        """T4"""
        first = asks(3, W1, "r"), reads(3.5, W1, "r", a="1")
        for outcome in ("refused", "unknown"):
            write = calls(6, W1, "x2", b="2"), returns(7, W1, "x2", outcome)
            for value in ("1", "2"):
                again = asks(8, W1, "s"), reads(9, W1, "s", a=value)
                assert keeps(BucketLinear(), *self.WRITTEN, *first, *self.NEWER, *write, *again)

    def test_a_write_that_ends_during_a_read_drops_nothing_for_sure(self) -> None:
        """T9"""
        first = asks(2, W0, "q"), reads(2.5, W0, "q", a="1"), calls(3, W0, "x2", b="2")
        during = asks(3.5, W0, "s"), returns(3.6, W0, "x2"), asks(3.7, W0, "t")
        over = reads(4, W0, "t", a="1", b="2"), reads(4.5, W0, "s", a="1", b="2")
        assert keeps(BucketLinear(), *self.WRITTEN, *first, *during, *over)

    def test_a_read_that_does_not_repeat_the_snapshot_is_fresh(self) -> None:
        """T4"""
        first = asks(3, W1, "r"), reads(3.5, W1, "r", a="1")
        refused = calls(6, W1, "x2", b="2"), returns(7, W1, "x2", "refused")
        newest = calls(8, W0, "z", a="3"), returns(9, W0, "z")
        stale = asks(10, W1, "s"), reads(11, W1, "s", a="2")
        run = *first, *self.NEWER, *refused, *newest
        assert breaks(BucketLinear(), *self.WRITTEN, *run, *stale, says="s of web/1 read")

    def test_what_is_not_said_to_be_fresh_is_not_judged(self) -> None:
        failed = asks(3, W1, "q"), fails_to_read(3.5, W1, "q")
        stale = asks(6, W1, "r", fresh=False), reads(7, W1, "r", a="1")
        assert keeps(BucketLinear(), *self.WRITTEN, *failed, *self.NEWER, *stale)
        unasked = reads(8, W1, "nobody's", a="7"), returns(9, W1, "nobody's")
        assert keeps(BucketLinear(), *self.WRITTEN, *unasked)

    def test_applications_are_apart(self) -> None:
        assert keeps(
            BucketLinear(), *self.WRITTEN, asks(3, "db/0", "r"), reads(4, "db/0", "r"),
        )  # fmt: skip

    def test_a_bucket_goes_with_its_application(self) -> None:
        """B1"""
        gone = asks(4, "web/7", "r"), reads(5, "web/7", "r"), bucket_at_end(6, 1)
        assert keeps(BucketLinear(), *self.WRITTEN, removed(3, 1), *gone)

    def test_a_search_that_is_too_large_is_never_taken_for_a_pass(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tenure.simulation.linear.BUDGET", -10_000)
        court = Judge([BucketLinear()])
        for fact in (*self.WRITTEN, asks(3, W1, "r"), reads(4, W1, "r", a="1")):
            court.hear(fact)
        with pytest.raises(SearchTooLarge):
            court.close()


class TestHookSeesTarget:
    """H5"""

    WRITES = wrote(1, 1, W0, 1, a="1"), wrote(2, 2, W0, 1, a="2"), wrote(3, 3, W0, 1, a="1")

    def test_a_hook_reads_its_target_or_a_later_revision(self) -> None:
        for target in (1, 2, 3):
            begun = hook(4, W1, "c", target=target)
            assert keeps(HookSeesTarget(), *self.WRITES, begun, reads(5, W1, "r", a="1"))

    def test_an_earlier_revision_is_found(self) -> None:
        begun = hook(4, W1, "c", target=3)
        assert breaks(
            HookSeesTarget(), *self.WRITES, begun, reads(5, W1, "r", a="2"), says="read revision 2"
        )
        assert breaks(HookSeesTarget(), *self.WRITES, begun, reads(5, W1, "r"), says="revision 0")

    def test_a_hook_without_target_may_read_anything(self) -> None:
        begun = hook(4, W1, "c"), fails_to_read(5, W1, "q"), reads(6, W1, "r")
        assert keeps(HookSeesTarget(), *self.WRITES, *begun)

    def test_a_context_that_is_over_is_forgotten(self) -> None:
        begun = hook(4, W1, "c", target=3), ended(5, W1, "c"), reads(6, W1, "r")
        assert keeps(HookSeesTarget(), *self.WRITES, *begun)
