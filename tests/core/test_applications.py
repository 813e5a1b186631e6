"""How applications and their units come and go: whole, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from tenure.core import application as applications
from tenure.core.changes import HistoryAdded, Option
from tenure.core.charms import CharmSpec
from tenure.core.effects import Remove
from tenure.errors import BadRequest, Refused

from .bench import APP, W0, W1, Bench
from .scenarios import with_peers


def given(*peers: str) -> CharmSpec:
    return CharmSpec(source="/srv/web", peers=peers, options={"port": Option(type="int")})


# -- an application with all that it needs


def test_an_application_begins_with_charm_configuration_and_units_in_one_step() -> None:
    """G7, O2"""
    bench = Bench(0)
    said = bench.orders.create(
        0.0, "db", 60.0, 30.0, charm=given("peers"), config={"port": "81"}, units=2, new=True
    )
    assert said == '"db" created with db/0, db/1'
    made = bench.leases.ledger.applications["db"]
    assert made.charm is not None and made.charm.revision == 1 and made.config is not None
    assert made.config.values == {"port": "81"} and list(made.units) == ["db/0", "db/1"]
    kinds = [change.kind for change in bench.committed() if isinstance(change, HistoryAdded)]
    assert kinds == ["created", "charm", "config", "unit-added", "unit-added"]


@pytest.mark.parametrize(
    "wrong",
    [{"config": {"port": "x"}}, {"units": 1001}, {"units": -1}, {"charm": given("../x")},
     {"charm": None}],
)  # fmt: skip
def test_an_application_that_cannot_begin_so_does_not_begin(wrong: dict[str, Any]) -> None:
    """G7"""
    bench = Bench(0)
    asked = {"charm": given(), "config": {"port": "1"}, "units": 1, **wrong}
    with pytest.raises(BadRequest):
        bench.orders.create(0.0, "db", 60.0, 30.0, **asked)
    assert "db" not in bench.leases.ledger.applications and bench.committed() == []


def test_an_application_that_exists_stays_as_it_is_or_is_refused_as_new() -> None:
    """G7"""
    bench, _ = with_peers()
    before = bench.application
    asked: dict[str, Any] = {"charm": given(), "units": 5}
    assert bench.orders.create(0.0, APP, 60.0, 30.0, **asked) == '"web" exists already'
    with pytest.raises(Refused, match='"web" exists already: choose another name'):
        bench.orders.create(0.0, APP, 60.0, 30.0, **asked, new=True)
    assert bench.application is before and bench.committed() == []


# -- leaving as a whole


def test_an_application_that_leaves_goes_with_the_last_of_its_units() -> None:
    """U4, B1, G8: all are asked, and the leader steps down first"""
    bench, _ = with_peers(2)
    term = bench.leads(0.0, W0)
    bench.waits(0.0, W1)
    bench.told()
    assert bench.orders.retire_application(1.0, APP) == '"web" goes with the last of its units'
    assert bench.told() == [Remove(unit=W0), Remove(unit=W1)]
    assert bench.application.removing and bench.holder == W0 and bench.lease.line == ()
    bench.leases.release(2.0, W0, term)
    assert bench.told() == [], "nobody is left who could lead"
    bench.orders.gone(W0)
    assert bench.application.alive
    bench.orders.gone(W1)
    gone = bench.application
    assert (gone.alive, gone.removing, gone.units, gone.charm) == (False, False, {}, None)
    assert gone.lease.term == term
    kinds = [entry.kind for entry in bench.history()]
    assert kinds == [
        "granted", "removing", "released", "unit-removed", "unit-removed", "removed"
    ]  # fmt: skip


def test_an_application_without_units_goes_at_once() -> None:
    """B1"""
    bench = Bench(0)
    assert bench.orders.retire_application(0.0, APP) == '"web" removed'
    assert not bench.application.alive


def test_an_application_that_leaves_gets_no_units_and_is_not_created_meanwhile() -> None:
    """G7"""
    bench, _ = with_peers()
    bench.orders.retire_application(1.0, APP)
    with pytest.raises(Refused, match="is being removed, so it gets no new units"):
        bench.orders.add_unit(APP)
    for new in (True, False):
        with pytest.raises(Refused, match="create it again once it is gone"):
            bench.orders.create(1.0, APP, 60.0, 30.0, new=new)


def test_asking_again_tells_the_units_again_and_nothing_else() -> None:
    """U4: and those that are to be dropped by force are named"""
    bench, _ = with_peers(2)
    bench.orders.retire_application(1.0, APP)
    bench.leases.disconnect(1.0, W1, 1)
    bench.told(), bench.committed()
    said = bench.orders.retire_application(2.0, APP)
    assert said.endswith("`tenure remove-unit web/1 --force`")
    assert bench.told() == [Remove(unit=W0)] and bench.committed() == []
    bench.orders.remove_unit(3.0, W1, force=True)
    bench.orders.gone(W0)
    assert not bench.application.alive


def test_a_restarted_controller_knows_that_an_application_leaves() -> None:
    """L7, U4"""
    bench, _ = with_peers()
    bench.orders.retire_application(1.0, APP)
    now = bench.application
    kept = applications.Persisted(applications={APP: applications.record_of(now)}, units=now.units)
    assert applications.restored(kept, APP, 0.0, 15.0).removing
