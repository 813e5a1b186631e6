"""What is decided and not durable yet, and who waits for it (L7)."""

from __future__ import annotations

from typing import Any

from tenure.controller.inputs import Answer
from tenure.controller.pending import Pending, answer_all
from tenure.core.model import Model
from tenure.errors import StoreRefused

REFUSAL = StoreRefused("no space left")


class Desk:
    """What is pending over a real model; `heard` are the answers that have left, in order."""

    def __init__(self) -> None:
        self.model = Model()
        self.pending = Pending(self.model)
        self.heard: list[tuple[str, Any]] = []

    def decide(self, name: str) -> None:
        self.model.applications.create(0.0, name, 60.0, 30.0)

    def answerer(self, word: str) -> Answer:
        return lambda result: self.heard.append((word, result))

    def answer(self, word: str, *names: str) -> None:
        """Something is answered, and it is about these applications."""
        self.pending.answer(names, self.answerer(word), word)

    def commit(self) -> list[tuple[str, Any]]:
        """The commit under way is durable; what was heard because of that."""
        waiting, self.pending.committing = self.pending.committing, None
        assert waiting is not None
        before = len(self.heard)
        for answer, result in waiting.answers:
            answer(result)
        return self.heard[before:]


def test_an_answer_waits_for_the_last_commit_that_it_depends_on() -> None:
    """L7"""
    desk = Desk()
    desk.answer("clean", "web")
    desk.decide("web")
    desk.answer("with web", "web")
    desk.answer("with neither", "db")
    desk.answer("with nothing")
    first = desk.pending.take()
    assert first is not None and first is desk.pending.committing
    desk.decide("db")
    desk.answer("saw web", "other", "web")
    desk.answer("saw both", "web", "db")
    desk.answer("saw db", "db")
    desk.answer("saw none", "other")
    assert [word for word, _ in desk.heard] == ["clean", "with neither", "with nothing", "saw none"]
    assert desk.commit() == [("with web", "with web"), ("saw web", "saw web")]
    assert desk.pending.take() is not first
    assert desk.commit() == [("saw both", "saw both"), ("saw db", "saw db")]
    assert desk.pending.take() is None


def test_the_commit_under_way_stays_until_something_else_is_taken() -> None:
    """L7"""
    desk = Desk()
    assert (desk.pending.take(), desk.pending.batch()) == (None, None)
    desk.decide("web")
    taken = desk.pending.take()
    assert taken is not None and desk.pending.take() is taken
    assert desk.pending.batch() is taken.batch
    assert taken.batch.applications == ("web",)


def test_what_was_before_is_told_of_both_batches_and_the_older_one_counts() -> None:
    """L8"""
    desk = Desk()
    assert desk.pending.before() == {}
    desk.decide("web")
    assert desk.pending.before() == {"web": None}
    desk.pending.take()
    desk.model.applications.add_unit("web")
    desk.decide("db")
    assert desk.model.gathering()["web"] is not None
    assert desk.pending.before() == {"web": None, "db": None}


def test_who_waits_no_more_is_forgotten_in_both_places_and_nobody_else() -> None:
    """L7"""
    desk = Desk()
    gone, stays = desk.answerer("gone"), desk.answerer("stays")
    for name in ("web", "db"):
        desk.decide(name)
        desk.pending.answer((name,), gone, name)
        desk.pending.answer((name,), stays, name)
        if name == "web":
            desk.pending.take()
    desk.pending.forget(gone)
    assert desk.commit() == [("stays", "web")]
    desk.pending.forget(stays)
    desk.pending.take()
    assert desk.commit() == []


def test_what_has_gathered_is_refused_and_the_commit_under_way_is_not() -> None:
    """G7"""
    desk = Desk()
    assert desk.pending.refuse(REFUSAL) is None
    desk.decide("web")
    desk.answer("first", "web")
    desk.pending.take()
    desk.decide("db")
    desk.answer("second", "db")
    batch = desk.pending.refuse(REFUSAL)
    assert batch is not None and batch.applications == ("db",)
    assert desk.heard == [("second", REFUSAL)]
    assert desk.commit() == [("first", "first")]
    desk.answer("third", "db")
    assert desk.heard[-1] == ("third", "third")
    desk.decide("late")
    assert desk.pending.take() is not None
    assert desk.commit() == [], "what was refused is not answered twice"


def test_all_who_waited_hear_of_the_same_fault() -> None:
    """G7"""
    desk = Desk()
    answer_all([(desk.answerer("a"), 1), (desk.answerer("b"), 2)], REFUSAL)
    assert desk.heard == [("a", REFUSAL), ("b", REFUSAL)]
