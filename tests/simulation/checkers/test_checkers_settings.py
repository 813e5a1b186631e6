"""The checkers of the bucket, write by write and call by call."""

from __future__ import annotations

from tenure.simulation.checkers import (
    NothingHalf,
    RefusedChangedNothing,
    WriterNotTold,
    WritesFenced,
)

from .traces import (
    W0,
    W1,
    asks,
    breaks,
    bucket_at_end,
    calls,
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
            NothingHalf(), self.CALL, wrote(2, 1, W0, 1, a="1", b="1"), returns(2.5, W0, "x"),
            calls(3, W0, "y", a="", b="1", c="2"), wrote(4, 2, W0, 1, b="1", c="2"),
            wrote(5, 3, W0, 1, b="1", c="2"), returns(6, W0, "nobody's"),
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

    def test_what_another_call_set_may_be_seen_before_this_one_is_refused(self) -> None:
        other = calls(0, W1, "y", a="1"), returns(0.5, W1, "y"), reads(0.6, W1, "r", a="1")
        assert keeps(RefusedChangedNothing(), *other, *self.REFUSED, returns(3, W0, "nobody's"))

    def test_it_is_told_once(self) -> None:
        seen = reads(4, W1, "r", a="1"), reads(5, W1, "s", a="1")
        assert breaks(RefusedChangedNothing(), *self.REFUSED, *seen, says="read by web/1")

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
