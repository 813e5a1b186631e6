"""The ports of a unit, by endpoint."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.agent.context.ports import ALL, Opened, PortChange, after, limited, opened, unknown
from tenure.testing.time.waiting import in_virtual_time
from tests.support.charmstage import busy, charmed, end, said
from tests.support.steady import steady

ENDPOINTS = ("peer", "site", "web")


def opens(endpoint: str, port: str = "80/tcp") -> PortChange:
    return PortChange(True, port, endpoint)


def closes(endpoint: str, port: str = "80/tcp") -> PortChange:
    return PortChange(False, port, endpoint)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ([opens(ALL)], (ALL,)),
        ([opens("peer")], ("peer",)),
        ([opens("web"), opens("peer")], ("peer", "web")),
        ([opens("peer"), opens(ALL)], (ALL,)),
        ([opens(ALL), opens("peer")], (ALL,)),
        ([opens("peer"), closes("web")], ("peer",)),
        ([opens("peer"), closes("peer")], ()),
        ([opens("peer"), closes(ALL)], ()),
        ([opens(ALL), closes("web")], ("peer", "site")),
        ([opens(ALL), closes("web"), opens("web")], ("peer", "site", "web")),
        ([opens(ALL), *map(closes, ENDPOINTS)], ()),
        ([opens("peer"), opens(ALL), closes("peer")], ("site", "web")),
        ([closes(ALL), opens("peer")], ("peer",)),
        ([closes("peer")], ()),
    ],
)
def test_a_port_is_open_for_all_endpoints_or_for_some(
    changes: list[PortChange], found: tuple[str, ...]
) -> None:
    """G7: what is left when the hook ended well."""
    after_all = after({}, changes, ENDPOINTS)
    assert after_all.get("80/tcp", ()) == found
    step: Opened = {}
    for change in changes:
        kept = opened(tuple(step), limited(step))  # as it is recorded between two hooks
        step = after(kept, [change], ENDPOINTS)
    assert step == after_all, "it makes no difference whether one hook does it or several"


CHANGES = st.builds(
    PortChange,
    st.booleans(),
    st.sampled_from(["80/tcp", "443/tcp"]),
    st.sampled_from([ALL, *ENDPOINTS]),
)


@steady
@given(st.lists(CHANGES, max_size=12))
def test_each_endpoint_s_last_word_counts(changes: list[PortChange]) -> None:
    """G7: looked at from one endpoint, only what names it or all counts."""
    found = after({}, changes, ENDPOINTS)
    for port in ("80/tcp", "443/tcp"):
        for endpoint in ENDPOINTS:
            about = [each for each in changes if each.port == port]
            last = [each.opens for each in about if each.endpoint in (endpoint, ALL)][-1:]
            is_open = endpoint in found.get(port, ()) or ALL in found.get(port, ())
            assert is_open == (last == [True])


def test_an_endpoint_that_there_is_not_is_named_in_juju_s_words() -> None:
    """T0"""
    assert unknown([opens("peer"), closes(ALL)], ENDPOINTS, "web/0") == ""
    told = unknown([closes("x"), opens("y")], ENDPOINTS, "web/0")
    assert told == (
        'cannot open/close ports: open port range: endpoint "y" for unit "web/0" not found'
    )
    assert "close port range" in unknown([closes("x")], ENDPOINTS, "web/0")


@in_virtual_time
async def test_ports_of_endpoints_outlive_the_agent_and_count_once_for_operators(
    tmp_path: Path,
) -> None:
    """H5"""
    stage = await charmed(tmp_path, units=1)
    metadata = stage.machines[0].folder / "charm" / "metadata.yaml"
    metadata.write_text("name: web\npeers: {peers: {interface: x}}\nprovides: {site: http}\n")
    [unit] = await stage.led()
    await busy(stage, unit)
    await said(unit, "open-port", "7766", "--endpoints", "peers")
    await said(unit, "open-port", "80")
    assert await said(unit, "opened-ports", "--endpoints") == "80/tcp (*)\n7766/tcp (peers)\n"
    await end(unit)
    await unit.crash()
    unit.start()
    await stage.until(lambda: unit.unit.claimant.accepted)
    await busy(stage, unit)
    assert await said(unit, "opened-ports", "--endpoints") == "80/tcp (*)\n7766/tcp (peers)\n"
    await said(unit, "close-port", "80", "--endpoints", "peers")
    assert await said(unit, "opened-ports", "--endpoints") == "80/tcp (site)\n7766/tcp (peers)\n"
    status = (await stage.get("/v1/status"))["applications"]["web"]
    assert status["units"]["web/0"]["ports"] == ("7766/tcp", "80/tcp")


@in_virtual_time
async def test_an_endpoint_that_the_charm_has_not_fails_the_hook_at_its_end(tmp_path: Path) -> None:
    """G7: nothing else of it is kept."""
    stage = await charmed(tmp_path, units=1)
    [unit] = await stage.led()
    await busy(stage, unit)
    await said(unit, "open-port", "80")
    await said(unit, "open-port", "81", "--endpoints", "nope")
    await said(unit, "state-set", "a=1")
    await end(unit)
    assert 'open port range: endpoint "nope" for unit "web/0" not found' in unit.log_text()
    assert unit.unit.state.failure is not None and unit.unit.state.ports == ()
