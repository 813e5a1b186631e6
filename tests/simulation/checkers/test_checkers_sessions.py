"""The checkers of what the controller takes from whom."""

from __future__ import annotations

from tenure.simulation.checkers import OneInstance, TermNamed
from tenure.simulation.facts import (
    Asked,
    Believed,
    ControllerEnded,
    Doubted,
    Fact,
    Parted,
    Revoked,
    Welcomed,
)

from .traces import W0, W1, breaks, keeps, wrote


def asked(at: float, unit: str, term: int, **changes: str) -> Fact:
    return Asked(at=at, unit=unit, term=term, changes=changes)


def welcomed(at: float, agent: str) -> Fact:
    return Welcomed(at=at, unit=W0, agent=agent)


class TestTermNamed:
    """G6"""

    def test_a_write_under_the_term_that_it_named_is_right(self) -> None:
        assert keeps(TermNamed(), asked(1, W0, 3, k="v"), wrote(2, 1, W0, 3, k="v"))

    def test_a_write_that_named_an_older_term_of_the_same_unit_is_found(self) -> None:
        assert breaks(
            TermNamed(), asked(1, W0, 3, k="v"), wrote(2, 1, W0, 5, k="v"),
            says="under term 5, and had named term 3",
        )  # fmt: skip

    def test_where_two_writes_set_the_same_one_of_them_must_fit(self) -> None:
        assert keeps(
            TermNamed(), asked(1, W0, 3, k="v"), asked(2, W0, 5, k="v"), wrote(3, 1, W0, 5, k="v")
        )
        assert keeps(TermNamed(), asked(1, W1, 3, k="v"), wrote(3, 1, W0, 5, k="v"))


class TestOneInstance:
    """L9"""

    def test_the_same_instance_comes_back_and_another_after_it_has_gone(self) -> None:
        gone = Parted(at=3, unit=W0, agent="a")
        assert keeps(OneInstance(), welcomed(1, "a"), welcomed(2, "a"), gone, welcomed(4, "b"))
        assert keeps(OneInstance(), welcomed(1, "a"), ControllerEnded(at=2), welcomed(4, "b"))

    def test_another_beside_a_connected_one_is_found(self) -> None:
        assert breaks(
            OneInstance(), welcomed(1, "a"), welcomed(2, "b"), says="b was accepted while a was"
        )

    def test_another_beside_one_that_believes_is_found(self) -> None:
        believed = Believed(at=1, unit=W0, agent="a", term=4)
        assert breaks(OneInstance(), believed, welcomed(2, "b"), says="while a believed")
        assert keeps(OneInstance(slack=1.0), believed, welcomed(2, "b"))
        doubted = Doubted(at=1.5, unit=W0, agent="a", term=4)
        assert keeps(OneInstance(), believed, doubted, welcomed(2, "b"))

    def test_a_revoked_term_is_no_reason_to_refuse_until_it_is_over(self) -> None:
        believed = Believed(at=1, unit=W0, agent="a", term=4)
        revoked = Revoked(at=1.5, unit=W0, term=4, until=3.0)
        assert keeps(OneInstance(), believed, revoked, welcomed(2, "b"))
        assert breaks(OneInstance(), believed, revoked, welcomed(4, "b"), says="while a believed")
