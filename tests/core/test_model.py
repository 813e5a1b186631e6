"""The core's one face for the shell: what there is, and what the loop does with it."""

from __future__ import annotations

import pytest

from tenure.core.application import Application
from tenure.core.charms import CharmSpec
from tenure.core.effects import StepDown
from tenure.core.lease import Lease, LineOffer
from tenure.core.model import Model
from tenure.errors import BadName, NotFound

from .bench import APP, W0


class Watcher:
    """Remembers what was settled."""

    def __init__(self) -> None:
        self.offers: list[tuple[str | None, str | None]] = []

    def settled(self, now: float, before: Lease | None, after: Lease) -> None:
        self.offers.append((_offered(before), _offered(after)))


def _offered(lease: Lease | None) -> str | None:
    return lease.offer.unit if lease and lease.offer else None


def model(watcher: Watcher | None = None, units: int = 2) -> Model:
    """The application `web` with so many connected units; nothing is committed yet."""
    made = Model(observer=watcher)
    made.applications.create(0.0, APP, 60.0, 30.0, units=units)
    for number in range(units):
        made.leases.connect(0.0, f"{APP}/{number}", "one", 1)
    return made


def test_what_was_removed_is_known_and_not_living() -> None:
    """G8"""
    found = model()
    found.applications.remove_application(APP)
    assert [each.name for each in found.known()] == [APP]
    assert found.find(APP) is not None and found.find("db") is None
    for name, error in ((APP, NotFound), ("db", NotFound), ("No", BadName)):
        with pytest.raises(error):
            found.living(name)
    with pytest.raises(NotFound):
        found.living_with(W0)


def test_units_are_those_of_the_applications_that_there_are() -> None:
    """L8: a rolled back application is not there to be told"""
    assert model().units_of([APP, "db"]) == ["web/0", "web/1"]


def test_what_is_decided_gathers_until_it_is_taken() -> None:
    """L7"""
    found = model()
    assert APP in found.gathering() and "db" not in found.gathering()
    batch = found.take_batch()
    assert batch is not None and batch.applications == (APP,)
    assert APP not in found.gathering() and found.take_batch() is None


def test_pushes_are_taken_once_each_with_its_application() -> None:
    """B5, L7"""
    found = model()
    found.push(APP, StepDown(unit=W0))
    assert found.take_pushes() == [(APP, StepDown(unit=W0))]
    assert found.take_pushes() == []


def test_what_is_in_doubt_is_unsure_until_it_was_reloaded() -> None:
    """L8"""
    found = model()
    application = found.living(APP)
    found.doubt([APP], "the disk is gone")
    assert dict(found.unsure) == {APP: "the disk is gone"}
    found.leases.reload([APP], {APP: application})
    assert not found.unsure


def test_what_was_loaded_goes_on_with_its_pins() -> None:
    """L6, L8: what is left of them is saved every minute from then on"""
    lease = Lease(duration=60.0, guarantee=30.0, longest=60.0, pins={"upgrade": 1000.0})
    found = Model()
    found.begin(100.0, [Application(name=APP, lease=lease)])
    assert found.find(APP) is not None and found.leases.next_wake() == 160.0
    assert found.take_batch() is None, "to load is no change"


def test_an_observer_hears_of_offers_that_are_made_and_taken_back() -> None:
    """L4"""
    watcher = Watcher()
    found = model(watcher)
    term = found.leases.claim(0.0, W0, None).term
    found.leases.claim(0.0, "web/1", None)
    watcher.offers.clear()
    found.leases.release(1.0, W0, term)
    found.leases.disconnect(1.1, "web/1", 1)
    assert watcher.offers == [(None, "web/1"), ("web/1", None)]


def test_all_parts_of_a_model_step_the_same_leases() -> None:
    """And have what was asked for: how long an offer lasts, how short a lease may be"""
    found = Model(offer_for=7.0, least_duration=0.5)
    found.applications.create(0.0, APP, 1.0, 0.25, units=2)
    for unit in (W0, "web/1"):
        found.leases.connect(0.0, unit, "one", 1)
    found.charms.give(APP, CharmSpec(source="/srv/web"))
    found.orders.set_lease(0.0, APP, 0.5, 0.25)
    term = found.leases.claim(0.0, W0, None).term
    found.statuses.set(0.0, W0, term, "active", "")
    found.leases.claim(0.0, "web/1", None)
    found.leases.release(0.5, W0, term)
    assert found.leases.tell_offer(1.0, "web/1")
    application = found.living(APP)
    assert application.charm is not None and application.status is not None
    assert (application.lease.duration, application.lease.guarantee) == (0.5, 0.25)
    assert application.lease.offer == LineOffer("web/1", 8.0)
    assert found.sessions is found.leases.sessions
