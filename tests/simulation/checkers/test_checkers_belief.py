"""The checkers of belief, of promises and of terms."""

from __future__ import annotations

from tenure.simulation.checkers import OneBeliever, OnePromise, PromiseKept, TermsRise

from .traces import (
    ELECTED,
    W0,
    W1,
    agent_began,
    answered,
    believed,
    breaks,
    died,
    doubted,
    ended,
    found,
    healed,
    hook,
    keeps,
    led,
    revoked,
    said_true,
    stopped,
    unit_at_end,
)


class TestOneBeliever:
    """G1"""

    def test_one_after_the_other_believes(self) -> None:
        assert keeps(
            OneBeliever(), believed(1, W0, 1), doubted(2, W0, 1), believed(3, W1, 2),
            died(4, W1), believed(5, W0, 3), stopped(6, W0), agent_began(7, W0),
            believed(8, W1, 4),
        )  # fmt: skip

    def test_two_at_once_are_found(self) -> None:
        assert breaks(
            OneBeliever(), believed(1, W0, 1), believed(2, W1, 2), doubted(3, W0, 1),
            says="web-0 in term 1 and web-1 in term 2 believe at once",
        )  # fmt: skip

    def test_two_at_the_very_end_are_found(self) -> None:
        assert breaks(OneBeliever(), believed(1, W0, 1), believed(2, W1, 2), says="at once")

    def test_two_agents_of_one_unit_are_two(self) -> None:
        """L9"""
        assert breaks(
            OneBeliever(), believed(1, W0, 1), believed(2, W0, 2, "clone"), says="clone in term 2"
        )

    def test_units_of_different_applications_may_believe_at_once(self) -> None:
        assert keeps(OneBeliever(), believed(1, W0, 1), believed(2, "db/0", 1))

    def test_doubt_and_belief_at_one_instant_come_in_any_order(self) -> None:
        assert keeps(OneBeliever(), believed(1, W0, 1), believed(2, W1, 2), doubted(2, W0, 1))

    def test_the_doubt_of_an_earlier_term_ends_no_later_one(self) -> None:
        assert breaks(
            OneBeliever(), believed(1, W0, 1), believed(2, W0, 2), doubted(2, W0, 1),
            believed(3, W1, 3), says="web-0 in term 2 and web-1",
        )  # fmt: skip

    def test_a_revoked_term_is_excused_until_it_cannot_be_believed_in(self) -> None:
        """L5"""
        begin = believed(1, W0, 1), revoked(2, W0, 1, until=10), believed(3, W1, 2)
        assert keeps(OneBeliever(), *begin, doubted(9, W0, 1))
        assert breaks(OneBeliever(), *begin, doubted(11, W0, 1), says="at once")

    def test_only_the_revoked_term_is_excused(self) -> None:
        """L5"""
        assert breaks(
            OneBeliever(), believed(1, W0, 1), revoked(2, W0, 1, until=10), doubted(2, W0, 1),
            believed(3, W0, 2), believed(4, W1, 3), doubted(5, W0, 2), says="web-0 in term 2",
        )  # fmt: skip

    def test_a_revoked_term_is_excused_also_when_it_is_believed_in_to_the_end(self) -> None:
        """L5"""
        run = believed(1, W0, 1), revoked(2, W0, 1, until=10), believed(3, W1, 2)
        assert keeps(OneBeliever(), *run, unit_at_end(9, W0))
        assert breaks(OneBeliever(), *run, unit_at_end(11, W0), says="at once")

    def test_an_overlap_is_told_once(self) -> None:
        two = believed(1, W0, 1), believed(2, W1, 2)
        times = [healed(at, 60, 70) for at in (3, 4)]
        assert breaks(OneBeliever(), *two, *times, says="at once")

    def test_an_overlap_before_the_revocation_is_not_excused(self) -> None:
        """L5"""
        assert breaks(
            OneBeliever(), believed(1, W0, 1), believed(2, W1, 2), revoked(3, W0, 1, until=10),
            doubted(4, W0, 1), says="at once",
        )  # fmt: skip

    def test_a_revocation_excuses_what_the_slack_excused_until_then(self) -> None:
        """L5, G4"""
        two = believed(1, W0, 1), believed(2, W1, 2), revoked(2.4, W0, 1, until=10)
        assert keeps(OneBeliever(0.5), *two, doubted(10.4, W0, 1))
        assert breaks(OneBeliever(0.5), *two, doubted(10.6, W0, 1), says="at once")

    def test_a_short_overlap_is_excused_where_clocks_are_too_wrong(self) -> None:
        """G4"""
        two = believed(1, W0, 1), believed(2, W1, 2)
        assert keeps(OneBeliever(0.5), *two, doubted(2.4, W0, 1))
        assert breaks(OneBeliever(0.5), *two, doubted(2.6, W0, 1), says="at once")
        assert keeps(OneBeliever(0.5), *two, unit_at_end(2.4, W0))
        assert breaks(OneBeliever(0.5), *two, unit_at_end(9, W0), says="at once")
        assert breaks(OneBeliever(0.5), *two, healed(9, 10, 11), says="at once")


class TestPromiseKept:
    """G3"""

    BEGIN = believed(0, W0, 1), hook(1, W0, "c"), said_true(2, W0, "c", until=32)

    def test_it_leads_until_the_promise_is_over(self) -> None:
        assert keeps(PromiseKept(), *self.BEGIN, doubted(32, W0, 1), believed(33, W1, 2))

    def test_it_gives_up_willingly_once_the_context_has_ended(self) -> None:
        """U4"""
        assert keeps(
            PromiseKept(), *self.BEGIN, ended(5, W0, "c"), doubted(6, W0, 1, willing=True),
            believed(7, W1, 2),
        )  # fmt: skip

    def test_giving_up_while_the_context_goes_on_is_found(self) -> None:
        """U4"""
        assert breaks(
            PromiseKept(), *self.BEGIN, doubted(6, W0, 1, willing=True), believed(7, W1, 2),
            says="which goes on, and gave the lease up",
        )  # fmt: skip

    def test_losing_it_against_its_will_is_found_also_when_the_context_has_ended(self) -> None:
        for end in ((), (ended(5, W0, "c"),)):
            assert breaks(
                PromiseKept(), *self.BEGIN, *end, doubted(31, W0, 1), says="believes no more"
            )

    def test_another_that_believes_before_its_end_is_found(self) -> None:
        """The agent has died and was not there to believe."""
        assert breaks(
            PromiseKept(), *self.BEGIN, died(5, W0), believed(31, W1, 2), says="web-1 leads, term 2"
        )
        assert keeps(PromiseKept(), *self.BEGIN, died(5, W0), believed(33, W1, 2))

    def test_who_was_killed_and_said_nothing_has_not_doubted(self) -> None:
        assert keeps(PromiseKept(), *self.BEGIN, died(5, W0), doubted(5, W0, 1))

    def test_a_new_life_may_give_up_what_an_earlier_one_held(self) -> None:
        """U4, L2: it was asked to step down, died, and came back believing in nothing"""
        assert keeps(
            PromiseKept(), *self.BEGIN, died(5, W0), agent_began(6, W0), believed(7, W1, 2)
        )

    def test_another_term_is_another_tenure(self) -> None:
        """G8"""
        assert breaks(PromiseKept(), *self.BEGIN, believed(5, W0, 2), says="believes no more")

    def test_the_next_hook_ends_the_context_before_it(self) -> None:
        """H6"""
        assert keeps(PromiseKept(), *self.BEGIN, hook(5, W0, "d"), doubted(6, W0, 1, willing=True))

    def test_each_promise_is_its_own_agents(self) -> None:
        other = believed(0, "db/0", 1), hook(1, "db/0", "d"), said_true(2, "db/0", "d", until=32)
        over = ended(5, W0, "c"), doubted(6, W0, 1, willing=True)
        assert keeps(PromiseKept(), *self.BEGIN, *other, *over)
        shared = believed(0.5, W1, 2), hook(1, W1, "d"), said_true(2, W1, "d", until=32)
        texts = found(PromiseKept(), *shared, *self.BEGIN[1:], hook(3, W0, "e"), died(4, W0),
                      doubted(5, W1, 2, willing=True))  # fmt: skip
        assert len(texts) == 1 and "said True to d" in texts[0], texts

    def test_a_promise_of_the_dead_needs_no_belief(self) -> None:
        assert keeps(
            PromiseKept(), hook(1, W0, "c"), said_true(2, W0, "c", until=32), died(2.01, W0),
            said_true(3, W0, "d", until=33), agent_began(3.01, W0), unit_at_end(5, W0),
        )  # fmt: skip

    def test_the_longest_of_several_promises_counts(self) -> None:
        again = said_true(10, W0, "c", until=40)
        for lost in (doubted(35, W0, 1), doubted(11, W0, 1)):
            assert breaks(PromiseKept(), *self.BEGIN, again, lost, says="until 40.000")

    def test_saying_true_without_believing_is_found(self) -> None:
        assert breaks(
            PromiseKept(), hook(1, W0, "c"), said_true(2, W0, "c", until=32), says="not believe"
        )
        assert breaks(
            PromiseKept(), *self.BEGIN[:2], said_true(2, W0, "c", until=32, term=7),
            unit_at_end(5, W0), says="not believe",
        )  # fmt: skip

    def test_belief_may_be_told_a_moment_later_than_what_was_said(self) -> None:
        said = hook(1, W0, "c"), said_true(2, W0, "c", until=32)
        assert keeps(PromiseKept(), *said, believed(2, W0, 1), doubted(33, W0, 1))
        assert breaks(PromiseKept(), *said, believed(2, W0, 1), doubted(30, W0, 1), says="no more")
        assert breaks(PromiseKept(), *said, believed(3, W0, 1), says="not believe")

    def test_what_is_said_to_a_context_that_is_over_is_no_promise(self) -> None:
        assert keeps(
            PromiseKept(), believed(0, W0, 1), hook(1, W0, "c"), ended(1.5, W0, "c"),
            said_true(2, W0, "c", until=32), doubted(3, W0, 1),
        )  # fmt: skip

    def test_a_revoked_term_may_break_its_promises_and_no_other(self) -> None:
        """L5"""
        revocation = revoked(3, W0, 1, until=60)
        assert keeps(PromiseKept(), *self.BEGIN, revocation, believed(4, W1, 2),
                     said_true(5, W0, "c", until=35), doubted(6, W0, 1))  # fmt: skip
        assert breaks(
            PromiseKept(), *self.BEGIN, revoked(3, W0, 9, until=60), doubted(6, W0, 1),
            says="believes no more",
        )  # fmt: skip

    def test_who_believes_in_a_revoked_term_breaks_no_promise_of_the_next(self) -> None:
        """L5: its grant was still on the way when it was revoked"""
        assert keeps(
            PromiseKept(), revoked(0, W1, 1, until=60), believed(0, W0, 2), hook(1, W0, "c"),
            said_true(2, W0, "c", until=32), believed(3, W1, 1),
        )  # fmt: skip

    def test_a_promise_may_be_broken_by_the_slack_where_clocks_are_too_wrong(self) -> None:
        """G4"""
        assert keeps(PromiseKept(2), *self.BEGIN, doubted(31, W0, 1), believed(31, W1, 2))
        assert breaks(PromiseKept(2), *self.BEGIN, doubted(29, W0, 1), says="no more")


class TestOnePromise:
    """G1, G3"""

    BEGIN = hook(1, W0, "c"), said_true(2, W0, "c", until=32), hook(3, W1, "d")

    def test_the_next_says_true_when_the_first_promise_is_over(self) -> None:
        assert keeps(OnePromise(), *self.BEGIN, said_true(33, W1, "d", until=63))

    def test_two_open_promises_are_found(self) -> None:
        assert breaks(
            OnePromise(), *self.BEGIN, said_true(31, W1, "d", until=61), says="said it to c at 2"
        )

    def test_one_whose_context_has_ended_claims_nothing(self) -> None:
        for end in (ended(5, W0, "c"), died(5, W0), agent_began(5, W0), hook(5, W0, "e")):
            assert keeps(OnePromise(), *self.BEGIN, end, said_true(6, W1, "d", until=36))

    def test_what_is_said_to_a_context_that_is_over_is_no_promise(self) -> None:
        assert keeps(
            OnePromise(), *self.BEGIN, said_true(4, W0, "c", until=34), ended(5, W0, "c"),
            said_true(6, W0, "c", until=36), said_true(7, W1, "d", until=37),
        )  # fmt: skip

    def test_the_dead_promise_nothing_more(self) -> None:
        late = died(4, W0), said_true(4.01, W0, "c", until=34)
        assert keeps(OnePromise(), *self.BEGIN, *late, said_true(5, W1, "d", until=35))

    def test_another_context_of_the_same_agent_may_end(self) -> None:
        for end in (ended(5, W0, "b"), hook(5, W0, "c"), ended(5, W1, "c")):
            later = said_true(6, W1, "d", until=36)
            assert breaks(OnePromise(), *self.BEGIN, end, later, says="said it to c")

    def test_the_longest_promise_of_a_context_counts(self) -> None:
        longer = said_true(4, W0, "c", until=40), said_true(5, W0, "c", until=35)
        later = said_true(38, W1, "d", until=68)
        assert breaks(OnePromise(), *self.BEGIN, *longer, later, says="until 40.000")

    def test_one_agent_may_promise_again(self) -> None:
        assert keeps(OnePromise(), *self.BEGIN, said_true(4, W0, "c", until=34))

    def test_a_revoked_unit_is_excused_until_it_cannot_believe(self) -> None:
        """L5"""
        revocation = revoked(4, W0, 1, until=50)
        later = said_true(6, W0, "c", until=36), said_true(7, W1, "d", until=37)
        assert keeps(OnePromise(), *self.BEGIN, revocation, *later)
        assert breaks(
            OnePromise(), *self.BEGIN, revocation, said_true(6, W1, "d", until=60),
            said_true(51, W0, "c", until=81), says="web-0 said True",
        )  # fmt: skip

    def test_the_revoked_unit_is_not_excused_for_its_next_term(self) -> None:
        """L5"""
        assert breaks(
            OnePromise(), *self.BEGIN, revoked(4, W0, 1, until=50),
            said_true(5, W0, "c", until=35, term=2), said_true(6, W1, "d", until=36),
            says="web-1 said True",
        )  # fmt: skip

    def test_the_end_of_a_promise_is_excused_where_clocks_are_too_wrong(self) -> None:
        """G4"""
        assert keeps(OnePromise(2), *self.BEGIN, said_true(31, W1, "d", until=61))


class TestTermsRise:
    """G8"""

    def test_terms_rise_from_grant_to_grant(self) -> None:
        assert keeps(
            TermsRise(), led(1, W0, 1), answered(1, W0, 1), believed(1, W0, 1),
            hook(2, W0, "c", ELECTED, term=1), answered(3, W0, 1), answered(3, W1, None),
            doubted(4, W0, 1), led(5, W1, 2), answered(5, W1, 2), believed(5, W1, 2),
            hook(6, W1, "d", ELECTED, term=2), hook(7, W1, "e", ELECTED, term=2),
        )  # fmt: skip

    def test_a_term_that_does_not_rise_is_found(self) -> None:
        for term in (3, 2):
            assert breaks(TermsRise(), led(1, W0, 3), led(2, W0, term), says="after term 3")

    def test_each_application_has_its_own(self) -> None:
        assert keeps(TermsRise(), believed(1, W0, 3), believed(2, "db/0", 3))

    def test_a_term_is_one_agents_for_ever(self) -> None:
        assert breaks(TermsRise(), answered(1, W0, 1), answered(2, W1, 1), says="web-1's too")
        assert breaks(
            TermsRise(), answered(1, W0, 1), answered(2, W0, 1, "clone"), says="clone's too"
        )
        assert breaks(TermsRise(), answered(1, W0, 1), believed(2, W1, 1), says="web-1's too")

    def test_a_new_grant_below_an_earlier_one_is_found(self) -> None:
        assert breaks(TermsRise(), answered(1, W0, 2), answered(2, W1, 1), says="after term 2")

    def test_a_term_that_is_extended_after_a_later_one_was_granted_is_found(self) -> None:
        run = answered(1, W0, 1), answered(2, W1, 2), answered(3, W0, 1)
        assert breaks(TermsRise(), *run, says="web-0 was granted term 1, after term 2")

    def test_grants_told_at_one_instant_come_in_any_order(self) -> None:
        """L5: one was revoked before it was answered"""
        assert keeps(TermsRise(), answered(1, W0, 2), answered(1, W1, 1))

    def test_a_grant_that_is_answered_before_it_is_durable_is_found(self) -> None:
        late = led(1, W0, 1), answered(1, W0, 1), answered(2, W1, 2), led(2.1, W1, 2)
        lost = led(1, W0, 1), answered(1, W0, 1), answered(2, W1, 2)
        for run in (late, late[2:], lost):
            assert breaks(TermsRise(), *run, says="term 2 of web was answered, and was not durable")

    def test_a_grant_that_is_answered_to_another_unit_is_found(self) -> None:
        assert breaks(TermsRise(), led(1, W0, 1), answered(1, W1, 1), says="web/1 was granted it")

    def test_a_term_that_was_doubted_is_not_believed_in_again(self) -> None:
        assert breaks(
            TermsRise(), believed(1, W0, 1), doubted(2, W0, 1), believed(3, W0, 1),
            says="again, which was over",
        )  # fmt: skip

    def test_a_new_life_may_take_its_term_up_again_once(self) -> None:
        """U1"""
        again = believed(1, W0, 1), died(2, W0), agent_began(3, W0), believed(4, W0, 1)
        assert keeps(TermsRise(), *again)
        assert breaks(TermsRise(), *again, doubted(5, W0, 1), believed(6, W0, 1), says="again")

    def test_the_doubt_of_the_dead_says_nothing(self) -> None:
        assert keeps(
            TermsRise(), believed(1, W0, 1), died(2, W0), agent_began(3, W0), doubted(3, W0, 1),
            believed(4, W0, 1),
        )  # fmt: skip

    def test_a_term_that_was_replaced_is_over(self) -> None:
        run = believed(1, W0, 1), believed(2, W0, 2), doubted(3, W0, 2)
        assert breaks(TermsRise(), *run, believed(4, W0, 1), says="again, which was over")

    def test_a_term_that_was_given_up_stays_so_in_every_life(self) -> None:
        """L5: forgotten durably before the release"""
        assert breaks(
            TermsRise(), believed(1, W0, 1), doubted(2, W0, 1, willing=True), died(3, W0),
            agent_began(4, W0), believed(5, W0, 1), says="given up",
        )  # fmt: skip

    def test_an_agent_does_not_go_back_to_an_earlier_term(self) -> None:
        assert breaks(TermsRise(), believed(1, W0, 2), believed(2, W0, 1), says="after term 2")

    def test_other_hooks_have_no_term(self) -> None:
        run = hook(1, W0, "c", term=2), hook(2, W1, "d", term=2), hook(3, W0, "e", ELECTED)
        assert keeps(TermsRise(), *run, hook(4, W1, "f", ELECTED))

    def test_leader_elected_does_not_go_back_to_an_earlier_term(self) -> None:
        """H2"""
        first = hook(1, W0, "c", ELECTED, term=2)
        assert breaks(TermsRise(), first, hook(2, W0, "d", ELECTED, term=1), says="after term 2")

    def test_two_units_do_not_run_leader_elected_for_one_term(self) -> None:
        """H2"""
        first = hook(1, W0, "c", ELECTED, term=2)
        assert breaks(
            TermsRise(), first, hook(2, W1, "d", ELECTED, term=2), says="on web/0 and on web/1"
        )

    def test_a_hook_that_is_told_of_after_its_end_never_ran(self) -> None:
        """H5"""
        assert keeps(
            TermsRise(), hook(1, W0, "c", ELECTED, term=2), ended(2, W0, "d"),
            hook(3, W0, "d", ELECTED, term=1),
        )  # fmt: skip
