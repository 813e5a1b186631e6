"""The checkers of what the controller owes to units, and the lists of all checkers."""

from __future__ import annotations

import re

from tenure.simulation import checkers
from tenure.simulation.checkers import (
    LeaderComes,
    NobodyLearns,
    OneOffer,
    all_checkers,
    real_checkers,
)
from tenure.simulation.facts import ControllerBegan, ControllerEnded, Fact, Heard

from .traces import (
    W0,
    W1,
    W2,
    answered,
    believed,
    breaks,
    calls,
    died,
    doubted,
    found,
    healed,
    keeps,
    led,
    offered,
    released,
    said_true,
    unit_at_end,
)


class TestLeaderComes:
    """G11"""

    HEALED = healed(10, 20, 30, "web")

    def test_somebody_leads_in_time_and_at_the_end(self) -> None:
        assert keeps(
            LeaderComes(), self.HEALED, believed(20, W0, 1), unit_at_end(40, W0, leads=True),
            unit_at_end(40, W1),
        )  # fmt: skip

    def test_who_led_before_is_a_leader_too(self) -> None:
        assert keeps(
            LeaderComes(), believed(1, W0, 1), self.HEALED, unit_at_end(40, W0, leads=True)
        )

    def test_who_ceased_to_lead_before_is_none(self) -> None:
        for end in (doubted(5, W0, 1), died(5, W0)):
            assert breaks(
                LeaderComes(), believed(1, W0, 1), end, self.HEALED,
                unit_at_end(40, W0, leads=True), says="nobody leads web by now",
            )  # fmt: skip

    def test_a_leader_that_comes_too_late_is_found(self) -> None:
        assert breaks(LeaderComes(), self.HEALED, believed(21, W0, 1), says="nobody leads web")

    def test_it_is_told_once(self) -> None:
        late = believed(21, "db/0", 1), believed(22, "db/0", 2)
        assert breaks(LeaderComes(), self.HEALED, *late, says="nobody leads web")

    def test_a_second_healing_does_not_excuse_the_first(self) -> None:
        assert breaks(LeaderComes(), self.HEALED, healed(25, 35, 45, "web"), says="nobody leads")

    def test_an_application_without_a_leader_at_the_end_is_found(self) -> None:
        lost = believed(11, W0, 1), doubted(12, W0, 1), unit_at_end(40, W0), unit_at_end(40, W1)
        assert breaks(LeaderComes(), self.HEALED, *lost, says="at the end")

    def test_an_application_without_a_sound_unit_need_not_be_led(self) -> None:
        assert keeps(LeaderComes(), healed(10, 20, 30), unit_at_end(40, W0))

    def test_a_run_that_ends_before_its_time_says_nothing(self) -> None:
        assert keeps(LeaderComes(), self.HEALED, unit_at_end(15, W0))

    def test_where_belief_is_not_seen_who_says_true_leads(self) -> None:
        end = unit_at_end(40, W0, leads=True)
        assert keeps(LeaderComes(), self.HEALED, said_true(15, W0, "c", until=45), end)
        assert keeps(LeaderComes(), said_true(5, W0, "c", until=35), self.HEALED, end)
        assert breaks(
            LeaderComes(), said_true(5, W0, "c", until=35), died(6, W0), self.HEALED, end,
            says="by now",
        )  # fmt: skip

    def test_where_belief_is_seen_what_was_said_counts_for_nothing(self) -> None:
        """It may be told after the belief has ended."""
        assert breaks(
            LeaderComes(), believed(1, W0, 1), doubted(2, W0, 1), said_true(2, W0, "c", until=3),
            self.HEALED, unit_at_end(40, W0, leads=True), says="by now",
        )  # fmt: skip


class TestOneOffer:
    """L4"""

    OFFER = offered(1, W0)

    def test_offers_come_one_after_the_other(self) -> None:
        assert keeps(OneOffer(), self.OFFER, offered(2, W1), led(2.5, W1, 1), answered(2.5, W1, 1))

    def test_two_open_offers_are_a_herd(self) -> None:
        assert breaks(OneOffer(), self.OFFER, offered(1.9, W1), says="to web/1 and to web/0")
        assert len(found(OneOffer(), self.OFFER, offered(1, W1), offered(1, W2))) == 3

    def test_a_grant_to_another_than_it_was_offered_to_is_found(self) -> None:
        assert breaks(OneOffer(), self.OFFER, led(1.5, W1, 1), says="on offer to web/0")

    def test_a_grant_ends_the_offer(self) -> None:
        assert keeps(OneOffer(), self.OFFER, led(1.1, W0, 1), offered(1.2, W1), led(1.3, W1, 2))

    def test_clocks_differ_a_little(self) -> None:
        """G4"""
        assert keeps(OneOffer(), self.OFFER, offered(1.985, W1))

    def test_an_offer_is_over_when_its_unit_was_answered_or_has_gone(self) -> None:
        ends: list[Fact] = [
            answered(1.1, W0, None),
            released(1.1, W0),
            died(1.1, W0),
            ControllerEnded(at=1.1),
            ControllerBegan(at=1.1),
        ]
        for end in ends:
            assert keeps(OneOffer(), self.OFFER, end, offered(1.2, W1), led(1.3, W1, 1))

    def test_an_offer_that_had_lapsed_when_it_was_sent_is_none(self) -> None:
        late = offered(1.5, W1, 0.0)
        assert keeps(OneOffer(), self.OFFER, late)
        assert keeps(OneOffer(), late, offered(1.5, W0))

    def test_the_same_unit_may_be_offered_again_and_other_applications_meanwhile(self) -> None:
        assert keeps(OneOffer(), self.OFFER, offered(1.5, W0), offered(1.5, "db/0"))


class TestNobodyLearns:
    """G10"""

    @staticmethod
    def heard(text: str, unit: str = W1) -> Fact:
        return Heard(at=1, unit=unit, text=text)

    def test_a_unit_hears_of_itself_and_of_other_applications(self) -> None:
        texts = ("True", 'unit "web/1" is fine', "web/1-leader-elected-ab12", "db/0", "myweb/0",
                 "my-web/0", "web/ 0", "web")  # fmt: skip
        for text in texts:
            assert keeps(NobodyLearns(), self.heard(text))

    def test_every_other_unit_of_its_application_is_found(self) -> None:
        texts = ("web/0", '{"unit":"web/0"}', "leader=web/0", "held by web/0.", "web/0-install-ab")
        for text in texts:
            assert breaks(NobodyLearns(), self.heard(text), says="web/1 heard of web/0")

    def test_numbers_are_compared_whole(self) -> None:
        assert keeps(NobodyLearns(), self.heard("web/10", "web/10"))
        assert breaks(NobodyLearns(), self.heard("web/10"), says="heard of web/10")
        assert breaks(NobodyLearns(), self.heard("web/1", "web/10"), says="heard of web/1")

    def test_what_a_charm_writes_is_its_own(self) -> None:
        said = calls(0, W0, "x", leader="I am web/0")
        assert keeps(NobodyLearns(), said, self.heard("leader: I am web/0"))
        assert breaks(NobodyLearns(), said, self.heard("I am web/0, web/0"), says="of web/0")


class TestTheLists:
    """The lists of all checkers."""

    def test_every_list_has_new_checkers_of_its_own(self) -> None:
        for make in (all_checkers, real_checkers):
            for one, other in zip(make(), make(), strict=True):
                assert one is not other and type(one) is type(other)

    def test_all_are_all(self) -> None:
        public = {name for name in checkers.__all__ if name[0].isupper()}
        assert {type(checker).__name__ for checker in all_checkers()} == public
        assert {type(checker).__name__ for checker in real_checkers()} <= public

    def test_each_names_its_clauses_and_hears_something(self) -> None:
        for checker in all_checkers():
            assert re.fullmatch(r"[A-Z]\d+(, [A-Z]\d+)*", checker.clause)
            assert checker.hears and type(checker).__doc__

    def test_a_run_without_facts_breaks_nothing(self) -> None:
        for checker in (*all_checkers(0.5), *real_checkers()):
            assert keeps(checker)
