"""The checkers of the bucket."""

from __future__ import annotations

import pytest

from tenure.testing.checkers import (
    BucketLinear,
    HookSeesTarget,
    NothingHalf,
    RefusedChangedNothing,
    SnapshotStable,
    WriterNotTold,
    WritesFenced,
)
from tenure.testing.facts import Fact
from tenure.testing.judge import Judge
from tenure.testing.linear import SearchTooLarge

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
    led,
    reads,
    removed,
    returns,
    told_revision,
    wrote,
)


class TestWritesFenced:
    """G6"""

    def test_the_leader_writes_revision_after_revision(self) -> None:
        assert keeps(
            WritesFenced(), led(1, W0, 1), calls(2, W0, "x", a="1"), wrote(3, 1, W0, 1, a="1"),
            returns(4, W0, "x"), led(5, W1, 2), calls(6, W1, "y", a="2"),
            wrote(7, 2, W1, 2, a="2"), returns(8, W1, "y"),
        )  # fmt: skip

    def test_a_write_under_an_earlier_term_is_found(self) -> None:
        late = wrote(3, 1, W0, 1, a="1")
        assert breaks(WritesFenced(), led(1, W0, 1), led(2, W1, 2), late, says="web/1 leads")

    def test_a_write_of_another_unit_is_found(self) -> None:
        """B2"""
        assert breaks(WritesFenced(), led(1, W0, 1), wrote(3, 1, W1, 1, a="1"), says="web/0 leads")

    def test_a_revision_that_is_not_the_next_is_found(self) -> None:
        """B4"""
        first = led(1, W0, 1), wrote(2, 1, W0, 1, a="1")
        for revision in (1, 3):
            again = wrote(3, revision, W0, 1, a="2")
            assert breaks(WritesFenced(), *first, again, says="after revision 1")

    def test_a_revision_that_changes_nothing_is_found(self) -> None:
        """B4"""
        same = wrote(2, 1, W0, 1, a="1"), wrote(3, 2, W0, 1, a="1")
        assert breaks(WritesFenced(), led(1, W0, 1), *same, says="changed nothing")

    def test_the_revision_goes_on_when_the_bucket_goes_with_its_application(self) -> None:
        """B1, G8"""
        assert keeps(
            WritesFenced(), led(1, W0, 1), wrote(2, 1, W0, 1, a="1"), removed(3, 1),
            led(4, W1, 2), wrote(5, 2, W1, 2, a="1"),
        )  # fmt: skip

    def test_what_is_acknowledged_and_not_in_the_store_is_found(self) -> None:
        begin = led(1, W0, 1), calls(2, W0, "x", a="1", b="")
        assert breaks(WritesFenced(), *begin, returns(4, W0, "x"), says="acknowledged")
        assert breaks(
            WritesFenced(), *begin, wrote(3, 1, W0, 1, c="1"), returns(4, W0, "x"), says="has not"
        )

    def test_what_was_there_already_may_be_acknowledged(self) -> None:
        """B4"""
        first = led(1, W0, 1), wrote(2, 1, W0, 1, a="1")
        assert keeps(WritesFenced(), *first, calls(3, W0, "x", a="1"), returns(4, W0, "x"))
        assert keeps(WritesFenced(), *first, calls(3, W0, "x"), returns(4, W0, "x"))

    def test_what_was_overwritten_since_may_be_acknowledged(self) -> None:
        assert keeps(
            WritesFenced(), led(1, W0, 1), calls(2, W0, "x", a="1"), wrote(3, 1, W0, 1, a="1"),
            wrote(4, 2, W0, 1, a="2"), returns(5, W0, "x"),
        )  # fmt: skip

    def test_what_was_not_acknowledged_may_be_lost(self) -> None:
        """G7"""
        for outcome in ("refused", "unknown"):
            lost = calls(2, W0, "x", a="1"), returns(3, W0, "x", outcome)
            assert keeps(WritesFenced(), led(1, W0, 1), *lost)


class TestNothingHalf:
    """G6, G7"""

    CALL = calls(1, W0, "x", a="1", b="1")

    def test_a_write_is_what_its_call_changes(self) -> None:
        assert keeps(
            NothingHalf(), self.CALL, wrote(2, 1, W0, 1, a="1", b="1"),
            calls(3, W0, "y", a="", b="1", c="2"), wrote(4, 2, W0, 1, b="1", c="2"),
        )  # fmt: skip

    def test_half_a_call_is_found(self) -> None:
        assert breaks(NothingHalf(), self.CALL, wrote(2, 1, W0, 1, a="1"), says="just that")

    def test_two_calls_in_one_revision_are_found(self) -> None:
        both = calls(1, W0, "y", c="2"), wrote(2, 1, W0, 1, a="1", b="1", c="2")
        assert breaks(NothingHalf(), self.CALL, *both, says="just that")

    def test_a_key_that_nobody_removed_is_found_missing(self) -> None:
        assert breaks(
            NothingHalf(), self.CALL, wrote(2, 1, W0, 1, a="1", b="1"), calls(3, W0, "y", c="2"),
            wrote(4, 2, W0, 1, a="1", c="2"), says="just that",
        )  # fmt: skip

    def test_a_write_in_another_units_name_is_found(self) -> None:
        assert breaks(NothingHalf(), self.CALL, wrote(2, 1, W1, 1, a="1", b="1"), says="of web/1")

    def test_a_call_that_takes_effect_twice_is_found(self) -> None:
        twice = (
            self.CALL, wrote(2, 1, W0, 1, a="1", b="1"), calls(3, W0, "y", a="2", b="2"),
            wrote(4, 2, W0, 1, a="2", b="2"), wrote(5, 3, W0, 1, a="1", b="1"),
        )  # fmt: skip
        assert breaks(NothingHalf(), *twice, says="x of web/0 took effect twice")

    def test_calls_that_ask_for_the_same_are_not_told_apart(self) -> None:
        assert keeps(
            NothingHalf(), self.CALL, calls(1, W0, "z", a="1", b="1"),
            wrote(2, 1, W0, 1, a="1", b="1"), calls(3, W0, "y", a="2"),
            wrote(4, 2, W0, 1, a="2", b="1"), wrote(5, 3, W0, 1, a="1", b="1"),
            returns(6, W0, "z", "refused"),
        )  # fmt: skip

    def test_a_refused_call_that_took_effect_is_found(self) -> None:
        write, refusal = wrote(2, 1, W0, 1, a="1", b="1"), returns(3, W0, "x", "refused")
        assert breaks(NothingHalf(), self.CALL, write, refusal, says="was refused, and took effect")
        assert breaks(NothingHalf(), self.CALL, refusal, write, says="after it was refused")

    def test_a_bucket_that_went_with_its_application_was_not_emptied_by_a_call(self) -> None:
        """B1"""
        assert keeps(
            NothingHalf(), self.CALL, wrote(2, 1, W0, 1, a="1", b="1"), removed(3, 1),
            calls(4, W0, "y", c="2"), wrote(5, 2, W0, 1, c="2"),
        )  # fmt: skip


class TestRefusedChangedNothing:
    """G7"""

    REFUSED = calls(1, W0, "x", a="1"), returns(2, W0, "x", "refused")

    def test_nobody_sees_what_was_refused(self) -> None:
        assert keeps(
            RefusedChangedNothing(), *self.REFUSED, asks(3, W1, "r"), reads(4, W1, "r", a="2"),
            wrote(5, 1, W0, 1, a="3"), bucket_at_end(6, 1, a="3"),
        )  # fmt: skip

    def test_it_is_found_wherever_it_is_seen(self) -> None:
        seen = {
            "read by web/1": reads(4, W1, "r", a="1"),
            "durable in revision 1": wrote(5, 1, W0, 1, a="1"),
            "there at the end": bucket_at_end(6, 1, a="1"),
        }
        for says, fact in seen.items():
            assert breaks(RefusedChangedNothing(), *self.REFUSED, fact, says=says)

    def test_it_is_found_when_it_was_seen_before_it_was_refused(self) -> None:
        assert breaks(
            RefusedChangedNothing(), self.REFUSED[0], reads(1.5, W1, "r", a="1"), self.REFUSED[1],
            says="before it was refused",
        )  # fmt: skip

    def test_another_call_may_set_the_same(self) -> None:
        for outcome in ("done", "unknown"):
            other = calls(1, W1, "y", a="1"), returns(3, W1, "y", outcome)
            assert keeps(RefusedChangedNothing(), *self.REFUSED, *other, reads(4, W1, "r", a="1"))

    def test_the_same_value_of_another_key_or_application_says_nothing(self) -> None:
        assert keeps(
            RefusedChangedNothing(), *self.REFUSED, reads(4, W1, "r", b="1"),
            reads(4, "db/0", "s", a="1"),
        )  # fmt: skip


class TestWriterNotTold:
    """B5"""

    def test_others_are_told(self) -> None:
        write = wrote(1, 1, W0, 1, a="1")
        assert keeps(WriterNotTold(), write, told_revision(2, W1, 1), told_revision(2, "db/0", 1))

    def test_the_writer_that_is_told_is_found(self) -> None:
        write, told = wrote(1, 1, W0, 1, a="1"), told_revision(2, W0, 1)
        assert breaks(WriterNotTold(), write, told, says="told of revision 1")
        assert breaks(WriterNotTold(), told, write, says="told of revision 1")

    def test_who_wrote_another_revision_is_told_of_this_one(self) -> None:
        writes = wrote(1, 1, W0, 1, a="1"), wrote(2, 2, W1, 2, a="2"), removed(3, 2)
        assert keeps(WriterNotTold(), *writes, told_revision(4, W0, 2))


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
        monkeypatch.setattr("tenure.testing.linear.BUDGET", -10_000)
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
