"""What the controller owes to units: a leader soon, offers one at a time, and no word of others."""

from __future__ import annotations

import re
from collections import Counter
from typing import ClassVar

from tenure.names import application_of
from tenure.simulation.checkers.common import EPSILON, Hears
from tenure.simulation.facts import (
    AgentEnded,
    Answered,
    Believed,
    ControllerBegan,
    ControllerEnded,
    Doubted,
    Healed,
    Heard,
    Led,
    Offered,
    Released,
    SaidTrue,
    UnitAtEnd,
    WriteBegan,
)
from tenure.simulation.judge import Checker


class LeaderComes(Checker):
    """After healing, each application with a sound unit is led by `lead_by`, and at the end.

    Where belief is not seen, who said True leads until it is gone or somebody else says so.
    """

    clause = "G11"

    def __init__(self) -> None:
        super().__init__()
        self._leading: dict[str, set[str]] = {}
        self._sees_belief = False
        self._healed: Healed | None = None
        self._waiting: set[str] = set()
        self._at_end: dict[str, bool] = {}
        self._end_at = float("-inf")

    def _believed(self, fact: Believed) -> None:
        self._sees_belief = True
        self._look(fact.at)
        application = application_of(fact.unit)
        self._leading.setdefault(application, set()).add(fact.agent)
        self._waiting.discard(application)

    def _said_true(self, fact: SaidTrue) -> None:
        if not self._sees_belief:
            self._look(fact.at)
            self._leading[application_of(fact.unit)] = {fact.agent}
            self._waiting.discard(application_of(fact.unit))

    def _leads_no_more(self, fact: Doubted | AgentEnded) -> None:
        self._leading.get(application_of(fact.unit), set()).discard(fact.agent)

    def _is_healed(self, fact: Healed) -> None:
        self._look(fact.at)
        self._healed = fact
        self._waiting = {name for name in fact.must_lead if not self._leading.get(name)}

    def _look(self, now: float) -> None:
        if self._healed is not None and now > self._healed.lead_by + EPSILON:
            for application in sorted(self._waiting):
                self.broken(self._healed.lead_by, f"nobody leads {application} by now")
            self._waiting.clear()

    def _unit_at_end(self, fact: UnitAtEnd) -> None:
        self._look(fact.at)
        self._end_at = fact.at
        application = application_of(fact.unit)
        self._at_end[application] = self._at_end.get(application, False) or fact.leads

    def close(self) -> None:
        """Somebody leads in the end."""
        if self._healed is None or self._end_at < self._healed.lead_by - EPSILON:
            return
        for application in self._healed.must_lead:
            if not self._at_end.get(application, True):
                self.broken(self._end_at, f"nobody leads {application} at the end")

    hears: ClassVar[Hears] = {
        Believed: _believed,
        SaidTrue: _said_true,
        Doubted: _leads_no_more,
        AgentEnded: _leads_no_more,
        Healed: _is_healed,
        UnitAtEnd: _unit_at_end,
    }


class OneOffer(Checker):
    """A free lease is on offer to one unit at a time, and granted to no other meanwhile.

    An offer is open for 0.98 of its time, since clocks differ, unless its unit was answered, has
    gone, or was `Released`: as also whoever's offer the controller took back, because the unit is
    stopping or being removed, or since an operator elected another. `lasts` is what was left of the
    offer when it was sent, since it may have waited for a commit: none if it had lapsed by then.
    """

    clause = "L4"

    def __init__(self) -> None:
        super().__init__()
        self._open: dict[str, dict[str, float]] = {}
        """The units of an application with an open offer, and until when it is open."""

    def _others(self, at: float, application: str, unit: str) -> list[str]:
        offers = self._open.get(application, {})
        return [other for other, until in offers.items() if other != unit and at < until - EPSILON]

    def _offered(self, fact: Offered) -> None:
        if fact.lasts <= 0:
            return
        application = application_of(fact.unit)
        for other in self._others(fact.at, application, fact.unit):
            self.broken(fact.at, f"the lease is on offer to {fact.unit} and to {other}")
        self._open.setdefault(application, {})[fact.unit] = fact.at + fact.lasts * 0.98

    def _led(self, fact: Led) -> None:
        for other in self._others(fact.at, fact.application, fact.unit):
            self.broken(fact.at, f"{fact.unit} was granted the lease, which is on offer to {other}")
        self._open.pop(fact.application, None)

    def _is_out(self, fact: Answered | AgentEnded | Released) -> None:
        self._open.get(application_of(fact.unit), {}).pop(fact.unit, None)

    def _controller_is_new_or_gone(self, fact: ControllerBegan | ControllerEnded) -> None:
        self._open.clear()

    hears: ClassVar[Hears] = {
        Offered: _offered,
        Led: _led,
        Answered: _is_out,
        AgentEnded: _is_out,
        Released: _is_out,
        ControllerBegan: _controller_is_new_or_gone,
        ControllerEnded: _controller_is_new_or_gone,
    }


class NobodyLearns(Checker):
    """No word that reaches a unit names another unit of its application.

    But a charm may write such names itself: settings' values are its own words. And a peer relation
    names its members: each as often as `Heard.named` says, and no more.
    """

    clause = "G10"

    def __init__(self) -> None:
        super().__init__()
        self._patterns: dict[str, re.Pattern[str]] = {}
        self._own_words: dict[str, set[str]] = {}

    def _wrote(self, fact: WriteBegan) -> None:
        application = application_of(fact.unit)
        named = {text for text in fact.changes.values() if f"{application}/" in text}
        if named:
            self._own_words.setdefault(application, set()).update(named)

    def _heard(self, fact: Heard) -> None:
        application = application_of(fact.unit)
        if f"{application}/" not in fact.text:
            return
        text = fact.text
        for word in sorted(self._own_words.get(application, ()), key=len, reverse=True):
            text = text.replace(word, "")
        others = Counter(self._pattern(application).findall(text))
        del others[fact.unit]
        others -= Counter(fact.named)
        if others:
            self.broken(fact.at, f"{fact.unit} heard of {', '.join(sorted(others))}")

    def _pattern(self, application: str) -> re.Pattern[str]:
        if application not in self._patterns:
            self._patterns[application] = re.compile(
                rf"(?<![A-Za-z0-9-]){re.escape(application)}/\d+(?!\d)"
            )
        return self._patterns[application]

    hears: ClassVar[Hears] = {WriteBegan: _wrote, Heard: _heard}
