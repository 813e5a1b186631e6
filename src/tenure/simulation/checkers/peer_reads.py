"""What hooks read of bags and of their configuration: what was durable, and nothing that is older
than what they were run for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from msgspec import Struct

from tenure.names import application_of
from tenure.simulation.checkers.common import Hears
from tenure.simulation.facts import Fact, HookBegan, HookEnded, Wrote
from tenure.simulation.judge import Checker
from tenure.simulation.peer_charm import DEFAULT
from tenure.simulation.peer_facts import (
    Bag,
    BagGone,
    BagRead,
    BagSet,
    BagWrote,
    ConfigRead,
    ConfigWrote,
    HookAims,
)

Settings = Mapping[str, str]
Versions = dict[int, Settings]


class _View(Struct):
    """A hook's view: what it set itself, and what there was when it began."""

    of: str
    began_with: Mapping[Bag, int] = {}
    own: dict[Bag, dict[str, str]] = {}
    shown: dict[Bag, Settings] = {}
    """What it was shown of each bag, before its own changes."""


class BagsReadDurable(Checker):
    """What a hook reads of a bag was there, all of it at once and durably, when the hook began or
    later; in a relation's hook it is the version that the hook is for, or a later one. It sees what
    it set itself, and else the same at each reading."""

    clause = "H5"

    def __init__(self) -> None:
        super().__init__()
        self._bags: dict[str, dict[Bag, Versions]] = {}
        self._views: dict[str, _View] = {}

    def _of(self, application: str) -> dict[Bag, Versions]:
        return self._bags.setdefault(application, {})

    # -- the store

    def _wrote(self, fact: BagWrote) -> None:
        versions = self._of(fact.application).setdefault((fact.relation, fact.owner), {})
        versions[fact.version] = fact.settings

    def _gone(self, fact: Fact) -> None:
        if isinstance(fact, BagGone):
            self._of(fact.application).pop((fact.relation, fact.owner), None)
        elif isinstance(fact, Wrote) and fact.removed:
            self._of(fact.application).clear()
            for context in [c for c, view in self._views.items() if view.of == fact.application]:
                del self._views[context]  # because what it is told now was true before

    # -- hooks

    def _began(self, fact: HookBegan) -> None:
        application = application_of(fact.unit)
        there = {bag: max(versions) for bag, versions in self._of(application).items()}
        self._views[fact.context] = _View(application, there)

    def _aims(self, fact: HookAims) -> None:
        view = self._views.get(fact.context)
        if view is not None and fact.version and fact.kind != "config":
            bag = fact.relation, fact.remote or application_of(fact.unit)
            known = view.began_with.get(bag, 0)
            view.began_with = {**view.began_with, bag: max(known, fact.version)}

    def _ended(self, fact: HookEnded) -> None:
        self._views.pop(fact.context, None)

    def _set(self, fact: BagSet) -> None:
        view = self._views.get(fact.context)
        if view is not None:
            view.own.setdefault((fact.relation, fact.owner), {}).update(fact.changes)

    def _read(self, fact: BagRead) -> None:
        view, bag = self._views.get(fact.context), (fact.relation, fact.owner)
        if view is None:
            return
        if bag in view.shown:
            fits = fact.settings == _with(view.shown[bag], view.own.get(bag, {}))
        else:
            fits = self._first(fact, view, bag)
        if not fits:
            self.broken(
                fact.at, f"{fact.context} reads {dict(fact.settings)} in the bag of {fact.owner}"
            )

    def _first(self, fact: BagRead, view: _View, bag: Bag) -> bool:
        versions = self._of(application_of(fact.unit)).get(bag, {})
        oldest, own = view.began_with.get(bag, 0), view.own.get(bag, {})
        for version in range(max(versions, default=0), oldest - 1, -1):
            settings = versions.get(version, {})
            if _with(settings, own) == fact.settings:
                view.shown[bag] = settings
                return True
        return False

    hears: ClassVar[Hears] = {
        BagWrote: _wrote,
        BagGone: _gone,
        Wrote: _gone,
        HookBegan: _began,
        HookAims: _aims,
        HookEnded: _ended,
        BagSet: _set,
        BagRead: _read,
    }


def _with(settings: Settings, own: Settings) -> Settings:
    return {key: value for key, value in {**settings, **own}.items() if value}


class ConfigReadNew(Checker):
    """What a hook reads of its configuration was set, and config-changed never reads what is older
    than the revision that it is run for."""

    clause = "H5"

    def __init__(self) -> None:
        super().__init__()
        self._values: dict[str, list[tuple[int, str]]] = {}
        """All revisions, also of an application that was removed: its agents may not know yet."""
        self._oldest: dict[str, int] = {}

    def _wrote(self, fact: ConfigWrote) -> None:
        value = DEFAULT if fact.value is None else fact.value
        self._values.setdefault(fact.application, [(0, DEFAULT)]).append((fact.revision, value))

    def _aims(self, fact: HookAims) -> None:
        if fact.kind == "config":
            self._oldest[fact.context] = fact.version

    def _ended(self, fact: HookEnded) -> None:
        self._oldest.pop(fact.context, None)

    def _read(self, fact: ConfigRead) -> None:
        values = self._values.get(application_of(fact.unit), [(0, DEFAULT)])
        oldest = self._oldest.get(fact.context, 0)
        if not any(value == fact.value for at, value in values if at >= oldest):
            self.broken(
                fact.at,
                f"{fact.context} reads {fact.value}, which was not set in revision {oldest} "
                "or later",
            )

    hears: ClassVar[Hears] = {
        ConfigWrote: _wrote,
        HookAims: _aims,
        HookEnded: _ended,
        ConfigRead: _read,
    }
