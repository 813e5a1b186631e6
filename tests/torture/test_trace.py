"""From traces to facts: a fact claims no more than was seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tenure.simulation.checkers import real_checkers
from tenure.simulation.facts import Fact, HookBegan, HookEnded, ReadBegan, SaidTrue, WriteEnded
from tenure.simulation.judge import judge
from tests.torture.calls import odd_words, outcome_of
from tests.torture.figures import Figures
from tests.torture.trace import Reader, read_traces
from tests.torture.watch import Life, Stop

F = TypeVar("F", bound=Fact)

GUARANTEE = 2.0
AGENTS = {"web/0": 100, "web/1": 101}

NO_LEADER = "ERROR cannot write leadership settings: cannot write settings: not the leader\n"
UNREACHED = (
    "ERROR cannot write leadership settings: cannot write settings: failed to call leadership api: "
)


class Hook:
    """Writes one process's trace, line by line, as `dispatch.py` does."""

    def __init__(
        self, folder: Path, at: float, unit: str = "web/0", *, hook: str = "config-changed",
        pid: int = 7, helper: bool = False, term: int | None = None,
    ) -> None:  # fmt: skip
        self._path = folder / f"{unit.replace('/', '-')}-{pid}-{at}.jsonl"
        self._calls = 0
        env = {
            "JUJU_UNIT_NAME": unit,
            "JUJU_HOOK_NAME": hook,
            "JUJU_CONTEXT_ID": f"{unit}-{hook}",
        }
        if term is not None:
            env["TENURE_TERM"] = str(term)
        self.line(
            "began", at, pid=pid, parent=AGENTS[unit], instance=f"instance of {unit}", env=env,
            helper=helper,
        )  # fmt: skip

    def line(self, what: str, at: float, **facts: Any) -> Hook:
        with self._path.open("a") as file:
            file.write(json.dumps({"what": what, "at": at, **facts}) + "\n")
        return self

    def call(
        self, at: float, after: float, *argv: str, code: int = 0, out: str = "", err: str = ""
    ) -> Hook:
        self._calls += 1
        self.line("call", at, n=self._calls, argv=argv)
        return self.line("answer", after, n=self._calls, code=code, out=out, err=err)

    def asks(self, at: float, after: float, out: str = "True\n") -> Hook:
        return self.call(at, after, "is-leader", out=out)

    def ends(self, at: float, code: int = 0) -> Hook:
        return self.line("ended", at, code=code)


def lives(killed_at: float | None = None) -> list[Life]:
    """Both agents' lives; web/0's may be killed."""
    first, second = (Life(unit, pid, 0.0, -1) for unit, pid in AGENTS.items())
    first.killed_at, first.ended_at = killed_at, killed_at and killed_at + 0.01
    return [first, second]


def facts_of(
    folder: Path, there: list[Life] | None = None, kills: list[tuple[int, float]] | None = None
) -> list[Fact]:
    reader = Reader(Figures(0), there or lives(), kills or [], GUARANTEE)
    return reader.facts(read_traces(folder), [])


def only(facts: list[Fact], kind: type[F]) -> list[F]:
    return [fact for fact in facts if isinstance(fact, kind)]


def test_a_promise_counts_from_before_the_call_and_is_noted_after_it(tmp_path: Path) -> None:
    """G3"""
    Hook(tmp_path, 10.0).asks(10.1, 10.3).ends(11.0)
    (said,) = only(facts_of(tmp_path), SaidTrue)
    assert (said.at, said.until) == (10.3, 12.1)


@pytest.mark.parametrize(
    ("at", "after", "why"),
    [(10.1, 12.2, "the call took longer than the promise"), (10.9, 11.1, "its agent was killed")],
)
def test_a_promise_that_cannot_accuse_anybody_is_left_out(
    tmp_path: Path, at: float, after: float, why: str
) -> None:
    """G3"""
    Hook(tmp_path, 10.0).asks(at, after).ends(12.5)
    assert only(facts_of(tmp_path, lives(killed_at=11.0)), SaidTrue) == [], why


def test_what_was_called_while_the_agent_stood_still_was_decided_when_it_woke(
    tmp_path: Path,
) -> None:
    """G3, U1"""
    Hook(tmp_path, 10.0).asks(10.5, 20.1).ends(20.2)
    stopped = lives()
    stopped[0].stops.append(Stop(10.3, 10.4, 20.0, 20.05))
    (said,) = only(facts_of(tmp_path, stopped), SaidTrue)
    assert (said.at, said.until) == (20.1, 22.0)
    stopped[0].stops[:] = [Stop(10.3, 10.6, 20.0, 20.05)]
    assert only(facts_of(tmp_path, stopped), SaidTrue) == []


def test_leader_elected_begins_with_a_promise_unless_its_agent_was_stopped(tmp_path: Path) -> None:
    """G3, H2"""
    Hook(tmp_path, 10.0, hook="leader-elected", term=3).ends(10.5)
    facts = facts_of(tmp_path)
    (said,) = only(facts, SaidTrue)
    assert 11.5 < said.until < 12.0
    assert isinstance(facts[facts.index(said) - 2], HookBegan)
    stopped = lives()
    stopped[0].stops.append(Stop(3.0, 3.1, 9.8, 9.9))
    (said,) = only(facts_of(tmp_path, stopped), SaidTrue)
    assert said.until == said.at == 10.0


def test_a_helper_is_promised_something_only_while_its_hook_is_there(tmp_path: Path) -> None:
    """G3, T8"""
    Hook(tmp_path, 10.0).asks(10.1, 10.2).ends(10.5)
    Hook(tmp_path, 10.2, pid=8, helper=True).asks(10.3, 10.4).asks(10.5, 10.6)
    assert [said.at for said in only(facts_of(tmp_path), SaidTrue)] == [10.2, 10.4]


@pytest.mark.parametrize(
    ("killed_at", "kills", "how"),
    [
        (None, [], "done"),
        (11.1, [], "done"),
        (10.9, [], "killed"),
        (None, [(7, 10.95)], "killed"),
        (None, [(8, 10.95)], "done"),
        (None, [(7, 5.0)], "done"),
    ],
)
def test_a_hook_ended_well_only_if_its_agent_was_there_to_see_it(
    tmp_path: Path, killed_at: float | None, kills: list[tuple[int, float]], how: str
) -> None:
    """H4"""
    Hook(tmp_path, 10.0).ends(11.0)
    (ended,) = only(facts_of(tmp_path, lives(killed_at), kills), HookEnded)
    assert ended.how == how


def test_a_hook_without_a_last_line_ended_at_its_last_sign_of_life(tmp_path: Path) -> None:
    """H6"""
    hook = Hook(tmp_path, 10.0).asks(10.1, 10.2).line("call", 10.3, n=2, argv=["is-leader"])
    with hook._path.open("a") as file:
        file.write('{"what": "ans')
    (ended,) = only(facts_of(tmp_path), HookEnded)
    assert (ended.at, ended.how) == (10.3, "killed")


@pytest.mark.parametrize(
    ("code", "err", "outcome"),
    [
        (0, "", "done"),
        (1, NO_LEADER, "refused"),
        (1, f"{UNREACHED}no answer within 5 s: nothing was sent\n", "refused"),
        (1, f"{UNREACHED}database or disk is full: nothing was written\n", "refused"),
        (1, f"{UNREACHED}lost: it is unknown whether the settings were written\n", "unknown"),
        (1, "ERROR connection to the agent lost: the outcome is unknown\n", "unknown"),
        (1, "ERROR connection to the agent lost before the request was sent\n", "refused"),
        (1, 'ERROR bad request: wrong context ID; got "web/0-start-1"\n', "refused"),
        (-9, "", "unknown"),
        (1, "ERROR something else\n", "unknown"),
    ],
)
def test_a_write_was_refused_only_if_it_says_so(code: int, err: str, outcome: str) -> None:
    """G7"""
    assert outcome_of(code, err) == outcome


def test_words_that_nobody_foresaw_are_shown() -> None:
    """T2, G7"""
    assert odd_words("leader-set", 1, NO_LEADER) is None
    assert odd_words("is-leader", 0, "") is None
    assert odd_words("leader-set", 1, f"{UNREACHED}a fault\n") is not None
    assert odd_words("is-leader", 1, "ERROR internal fault in the agent; see its log\n") is not None


def test_a_call_that_nobody_lived_to_hear_is_of_unknown_outcome(tmp_path: Path) -> None:
    """G7"""
    Hook(tmp_path, 10.0).line("call", 10.1, n=1, argv=["leader-set", "a=1"])
    (ended,) = only(facts_of(tmp_path), WriteEnded)
    assert ended.outcome == "unknown"


def test_reads_after_a_write_that_was_not_acknowledged_are_left_out(tmp_path: Path) -> None:
    """T4"""

    def read(at: float) -> None:
        hook.call(at, at + 0.01, "leader-get", "--format", "json", "-", out="{}")

    hook = Hook(tmp_path, 10.0)
    hook.call(10.01, 10.02, "leader-set", "a=1", code=1, err=NO_LEADER)
    read(10.1)
    read(10.2)
    hook.call(10.25, 10.26, "leader-set", "a=1", code=1, err=NO_LEADER)
    read(10.3)
    hook.call(10.35, 10.36, "leader-set", "a=1")
    read(10.4)
    began = [(each.at, each.fresh) for each in only(facts_of(tmp_path), ReadBegan)]
    assert began == [(10.1, True), (10.2, False), (10.4, True)]


def test_two_units_that_were_told_true_at_once_are_found(tmp_path: Path) -> None:
    """G1, G3"""
    Hook(tmp_path, 10.0).asks(10.1, 10.2).ends(11.0)
    Hook(tmp_path, 10.0, "web/1", pid=8).asks(10.3, 10.4, "False\n").ends(11.0)
    assert judge(facts_of(tmp_path), real_checkers()) == []
    Hook(tmp_path, 10.45, "web/1", pid=9).asks(10.5, 10.6).ends(10.8)
    found = {each.checker for each in judge(facts_of(tmp_path), real_checkers())}
    assert "OnePromise" in found
