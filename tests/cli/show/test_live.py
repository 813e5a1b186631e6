"""The live view of `up`: what fits is shown, what does not is counted, and lines are in order."""

from __future__ import annotations

import asyncio
import io
import signal

import pytest
from rich.console import Console

from tenure.cli.show.live import LiveScreen
from tenure.statefolder import StateFolder
from tenure.wire.operators import Event, HookState, Status, UnitStatus
from tests.cli.commands.test_commands import CONTROLLER, application

FINE = UnitStatus(leader=False, agent="connected", hook=HookState(last="start"))
LOST = UnitStatus(leader=True, agent="lost", hook=HookState(error='hook failed: "start"'))


def screen_of(height: int, out: io.StringIO | None = None) -> LiveScreen:
    return LiveScreen(
        Console(
            file=out or io.StringIO(), force_terminal=True, width=100, height=height,
            highlight=False, color_system="standard", legacy_windows=False,
        )
    )  # fmt: skip


def shown(screen: LiveScreen, height: int, *, color: bool = False) -> list[str]:
    out = io.StringIO()
    system = "standard" if color else None
    console = Console(
        file=out, width=100, height=height, force_terminal=color, color_system=system,
    )  # fmt: skip
    console.print(screen.picture())
    return [line.rstrip() for line in out.getvalue().splitlines()]


def status(units: int, applications: int = 1) -> Status:
    found = {
        f"a{'abcdefghij'[each]}": application(
            units={f"a{'abcdefghij'[each]}/{number}": FINE for number in range(units)}
        )
        for each in range(applications)
    }
    return Status(controller=CONTROLLER, applications=found)


@pytest.mark.parametrize(("height", "units", "applications"), [
    (40, 3, 1), (24, 30, 1), (24, 100, 10), (12, 20, 2), (10, 5, 1),
])  # fmt: skip
def test_all_is_shown_or_counted_and_it_fits(height: int, units: int, applications: int) -> None:
    screen = screen_of(height)
    screen.status(status(units, applications))
    for number in range(50):
        screen.say(f"line {number}")
    lines = shown(screen, height)
    assert len(lines) <= height
    named = [line for line in lines if line.startswith("a") and "/" in line.split()[0]]
    below = sum(int(line.split()[0]) for line in lines if "more below" in line)
    led = [line for line in lines if line.startswith("a") and line not in named]
    assert len(named) + len(led) + below == units * applications + applications
    assert lines[-1].endswith("line 49")
    screen.close()


def test_units_are_in_order_of_their_numbers() -> None:
    screen = screen_of(40)
    screen.status(status(12))
    units = [line.split()[0] for line in shown(screen, 40) if line.startswith("aa/")]
    assert units == [f"aa/{number}" for number in range(12)]
    screen.close()


def test_lines_are_in_order_of_what_happened_not_of_what_was_heard() -> None:
    screen = screen_of(40)
    for second in (5, 1, 3, 2, 4):
        at = f"2026-11-23T12:00:0{second}.000Z"
        screen.event(Event(at=at, application="web", kind="granted", text=f"number {second}"))
    lines = [line for line in shown(screen, 40) if "number" in line]
    assert [line[-1] for line in lines] == ["1", "2", "3", "4", "5"]
    screen.close()


def test_a_leader_whose_hook_failed_has_a_mark_and_is_not_bold_green() -> None:
    screen = screen_of(40)
    web = application("web/0", units={"web/0": LOST, "web/1": FINE})
    screen.status(Status(controller=CONTROLLER, applications={"web": web}))
    line = next(line for line in shown(screen, 40, color=True) if "web/0*" in line)
    assert "! start failed" in line
    assert "\x1b[31m" in line and "32m" not in line
    screen.close()


class Written(io.StringIO):
    """Says when it was written to."""

    def __init__(self) -> None:
        super().__init__()
        self.again = asyncio.Event()

    def write(self, text: str) -> int:
        self.again.set()
        return super().write(text)


async def test_a_terminal_that_changes_its_size_is_drawn_anew(folder: StateFolder) -> None:
    out = Written()
    screen = screen_of(20, out)
    screen.begin(folder, status(2))
    before = len(out.getvalue())
    out.again.clear()
    signal.raise_signal(signal.SIGWINCH)
    await asyncio.wait_for(out.again.wait(), 10)
    screen.close()
    assert "UNIT" in out.getvalue()[before:]
