"""What operators ask about charms, their configuration, and whole applications (O6)."""

from __future__ import annotations

import msgspec
import pytest

from tenure.controller.access import OPERATOR
from tenure.controller.api import Api
from tenure.controller.server import MAX_BODY
from tenure.core.changes import Option
from tenure.core.config import MAX_CONFIG
from tenure.core.effects import CharmChanged, Configured
from tenure.errors import BadRequest, NotFound, Refused
from tenure.testing.time.waiting import in_virtual_time
from tenure.wire import operators as wire
from tenure.wire.messages import Done, Gone, Remove, Report, Superseded, Welcome
from tests.support.charmed import CHARM, asked, bag_of, charmed, member
from tests.support.talk import connected, leader, service_with


@in_virtual_time
async def test_an_application_is_made_with_all_that_it_needs() -> None:
    """O6, G7"""
    bench, service = await service_with()
    made = wire.CreateApplication(name="db", charm=CHARM, config={"port": "81"}, units=2, new=True)
    answer = await asked(bench, service, "POST", "", made)
    assert answer == wire.Ok(note='"db" created with db/0, db/1')
    with pytest.raises(Refused, match="exists already"):
        await asked(bench, service, "POST", "", made)
    kept = bench.disk.persisted()
    assert kept.configs["db"].values == {"port": "81"} and list(kept.units) == ["db/0", "db/1"]


@in_virtual_time
async def test_a_configuration_is_told_with_defaults_types_and_what_is_set() -> None:
    """O6"""
    bench, service = await charmed()
    talk = await connected(bench, service, "web/0")
    await asked(bench, service, "POST", "/web/config", {"put": {"port": "81"}})
    assert await asked(bench, service, "GET", "/web/config") == wire.Config(
        application="web", revision=1,
        options={
            "motd": wire.OptionValue(type="string", value=None),
            "port": wire.OptionValue(
                type="int", value=81, default=80, is_set=True, description="where"
            ),
        },
    )  # fmt: skip
    await asked(bench, service, "POST", "/web/config", {"reset": ["port"]})
    port = (await asked(bench, service, "GET", "/web/config")).options["port"]
    assert (port.value, port.is_set) == (80, False)
    assert [told.values for told in talk.of(Configured)] == [{"port": "81"}, {}]
    with pytest.raises(BadRequest, match='option "port" expected int, got "x"'):
        await asked(bench, service, "POST", "/web/config", {"put": {"port": "x"}})


@in_virtual_time
async def test_an_application_without_charm_has_an_empty_configuration() -> None:
    """O6"""
    bench, service = await service_with("web")
    found = await asked(bench, service, "GET", "/web/config")
    assert found == wire.Config(application="web", revision=0, options={})
    with pytest.raises(NotFound):
        await asked(bench, service, "GET", "/db/config")


@in_virtual_time
async def test_a_new_charm_is_told_to_connected_units_and_in_the_next_welcome() -> None:
    """O6"""
    bench, service = await charmed()
    talk = await connected(bench, service, "web/0")
    charm = wire.Charm(source="/srv/new", peers=("peers", "ring"), resources={"a": "/a"})
    answer = await asked(bench, service, "POST", "/web/charm", charm)
    assert answer == wire.Ok(note='"web" runs revision 2 of its charm')
    [given] = talk.of(CharmChanged)
    assert (given.revision, given.source, given.resources) == (2, "/srv/new", {"a": "/a"})
    other = await connected(bench, service, "web/1")
    assert other.of(Welcome)[0].units[0].charm.revision == 2


@in_virtual_time
async def test_status_tells_what_an_application_and_its_units_run() -> None:
    """O3"""
    bench, service = await charmed()
    lead, _ = await leader(bench, service, "web/0")
    lead.say(Report(unit="web/0", version="1.2", ports=("80/tcp",), charm_revision=1))
    await bench.turn()
    applications = bench.controller.model.applications
    bench.give("web", lambda now: applications.retire_application(now, "web"))
    await bench.turn()
    status = await Api(service, "memory").call(OPERATOR, "GET", "/v1/status", {}, b"")
    web = status.applications["web"]
    assert web.charm == wire.CharmStatus(source="/srv/web", revision=1, peers=("peers", "ring"))
    assert (web.version, web.removing) == ("1.2", True)
    unit = web.units["web/0"]
    assert (unit.address, unit.ports, unit.charm_revision) == ("127.1.0.1", ("80/tcp",), 1)
    assert unit.removing and web.units["web/1"].address == "127.1.0.2"


@in_virtual_time
@pytest.mark.parametrize("force", [False, True])
async def test_an_application_is_removed_when_its_units_have_left_or_at_once(force: bool) -> None:
    """U4, B1"""
    bench, service = await charmed()
    talks = [await member(bench, service, f"web/{n}") for n in range(2)]
    await asked(bench, service, "POST", "/web/remove", {"force": force})
    if not force:
        for number, talk in enumerate(talks):
            assert talk.of(Remove) == [Remove(unit=f"web/{number}")]
            talk.say(Gone(id=7, unit=f"web/{number}"))
            await bench.turn()
            assert talk.heard[-1] == Done(id=7)
    kept = bench.disk.persisted()
    assert not kept.applications["web"].alive
    assert (kept.units, kept.charms, kept.configs, kept.bags) == ({}, {}, {}, {})


@in_virtual_time
async def test_a_last_unit_s_goodbye_that_was_not_saved_keeps_its_application() -> None:
    """G7, U4: both come back, with the bags"""
    bench, service = await charmed(1)
    talk = await member(bench, service, "web/0")
    await asked(bench, service, "POST", "/web/remove", {})
    bench.disk.faults = ["refused"]
    talk.say(Gone(id=7, unit="web/0"))
    await bench.turn()
    assert talk.ended and talk.of(Superseded)
    talk.hang_up()
    again = await connected(bench, service, "web/0", session=2)
    assert again.of(Welcome)[0].units[0].removing
    assert (await bag_of(bench, again, "web/0", 0, "web/0")).settings == {"address": "web/0"}
    await bench.pass_time(0.5)
    again.say(Gone(id=8, unit="web/0"))
    await bench.turn()
    assert not bench.disk.persisted().applications["web"].alive


@in_virtual_time
async def test_all_of_it_is_there_after_a_restart() -> None:
    """G6, L7"""
    bench, service = await charmed()
    await member(bench, service, "web/0")
    await asked(bench, service, "POST", "/web/config", {"put": {"motd": "hi"}})
    before = bench.controller.model.find("web")
    after = (await bench.restarted()).controller.model.find("web")
    assert (after.charm, after.config, after.bags) == (before.charm, before.config, before.bags)


def test_a_whole_configuration_fits_into_a_request_however_it_is_escaped() -> None:
    """F: beside a charm with much to say about its options"""
    options = {f"option-{n}": Option(description="d" * 1000) for n in range(1000)}
    request = wire.CreateApplication(
        name="web", charm=wire.Charm(source="/srv/web", options=options),
        config={"option-1": "\x01" * (MAX_CONFIG - 10)},
    )  # fmt: skip
    assert len(msgspec.json.encode(request)) < MAX_BODY
