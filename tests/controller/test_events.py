"""What happens, as operators' streams are told (O4)."""

from __future__ import annotations

from tenure.controller.events import MAX_BACKLOG, Events
from tenure.core.changes import HistoryAdded
from tenure.testing.time.clock import HandClock
from tenure.testing.time.waiting import in_virtual_time
from tests.support.charmed import asked, charmed


@in_virtual_time
async def test_no_value_of_the_configuration_reaches_an_event() -> None:
    """T10"""
    bench, service = await charmed()
    events = service.events.subscribe()
    await asked(bench, service, "POST", "/web/config", {"put": {"motd": "s3cret"}})
    event = events.get_nowait()
    assert event is not None and event.kind == "config"
    assert '"motd"' in event.text and "s3cret" not in event.text


def test_a_grant_is_told_with_the_unit_its_term_and_the_cause() -> None:
    """O4"""
    events = Events(HandClock())
    stream = events.subscribe()
    events.happened(
        HistoryAdded(
            application="web", at=0.0, kind="granted", cause="web/0 stepped down", unit_to="web/1",
            term=7,
        )
    )  # fmt: skip
    event = stream.get_nowait()
    assert event is not None and (event.kind, event.unit) == ("granted", "web/1")
    assert event.at == "1970-01-01T00:00:00.000Z"
    assert event.text == "web/1 leads, term 7: web/0 stepped down"


def test_a_stream_that_lags_behind_too_far_is_cut_off_and_others_go_on() -> None:
    """O4: or one listener that sleeps would hold all memory"""
    events = Events(HandClock())
    slow = events.subscribe()
    for number in range(MAX_BACKLOG):
        events.tell("web/0", "hook", str(number))
    quick = events.subscribe()
    events.tell("web/0", "hook", "one more")
    events.tell("web/0", "hook", "and one")
    assert quick.qsize() == 2
    heard = [slow.get_nowait() for _ in range(slow.qsize())]
    assert len(heard) == MAX_BACKLOG + 1 and heard[-1] is None


def test_who_does_not_listen_any_more_is_told_nothing() -> None:
    """O4"""
    events = Events(HandClock())
    stream = events.subscribe()
    events.unsubscribe(stream)
    events.tell("web/0", "hook", "install begins")
    assert stream.empty()
