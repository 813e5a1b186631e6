"""A small world at one moment, and all that may happen next.

A world is a value: the numbers of its sides' states (`pool`), the lines between them, and how often
each thing may still happen. A move is a name, an agent's number and more; `moves` yields each with
the world that it leads to.

A line keeps the order of what is said on it. An agent that gave a line up may have another, while
what it said on the old one still arrives: that is how a superseded session is heard.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from msgspec import Struct

from .agent import Agent, AgentView
from .desk import Desk, DeskView
from .pool import Pool
from .still import BLINK, TICK

Move = tuple[Any, ...]


class Line(NamedTuple):
    """A connection: frames under way, and whether each end has it."""

    number: int
    up: tuple[int, ...] = ()
    down: tuple[int, ...] = ()
    known: bool = False
    """The controller has heard of it."""
    open: bool = True
    """The controller has not closed it."""


class World(NamedTuple):
    """See the module. `left` says how often what `Bounds` names may still happen."""

    desk: int
    agents: tuple[int, ...]
    lines: tuple[Line | None, ...]
    old: tuple[Line | None, ...]
    left: tuple[int, ...]


class Bounds(Struct, frozen=True, kw_only=True):
    """How often each thing may happen."""

    ticks: int = 6
    delays: int = 1
    """How many of the ticks may pass while something is under way."""
    blinks: int = 1
    drops: int = 0
    crashes: int = 0
    desk_crashes: int = 0
    refusals: int = 0
    doubts: int = 0
    full_disks: int = 0
    full_stores: int = 0
    elects: int = 0
    step_downs: int = 0
    revokes: int = 0
    stops: int = 0
    asks: int = 0
    writes: int = 0
    leases: int = 0
    batches: int = 0
    lags: int = 0
    """How often an agent's loop may turn late, or not at all, after a tick."""


LIMITS = Bounds.__struct_fields__
PLACE = {name: number for number, name in enumerate(LIMITS)}


class Setting(Struct, frozen=True, kw_only=True):
    """Who is in a world: units with their clocks' rates; the lease in ticks; what may happen."""

    bounds: Bounds
    rates: tuple[float, ...] = (0.99, 1.0)
    clone: bool = False
    """The last agent is another instance of the first unit (L9)."""
    duration: int = 4
    guarantee: int = 2
    led: bool = True
    """It begins with all connected, and the first leading."""
    so_far: tuple[Move, ...] = ()
    """What has happened already when the walk begins, within `bounds`."""


class Nature:
    """The laws of one setting."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.pool = Pool()
        count = len(setting.rates)
        self.names = [f"web/{number}" for number in range(count)]
        if setting.clone:
            self.names[-1] = self.names[0]
        bounds = setting.bounds
        goes_on = bounds.asks or bounds.writes  # the hook that asks and writes is leader-elected
        self._natural = ("up", "down") if goes_on else ("up", "down", "hook")
        self._units = list(dict.fromkeys(self.names))

    # -- the beginning

    def first(self) -> World:
        """The world that a walk begins with."""
        setting, pool = self.setting, self.pool
        desk = Desk(self._units, setting.duration * TICK, setting.guarantee * TICK)
        agents = [
            pool.put(Agent(name, f"instance-{number}")) for number, name in enumerate(self.names)
        ]
        none = (None,) * len(agents)
        left = tuple(getattr(setting.bounds, name) for name in LIMITS)
        world = World(pool.put(desk), tuple(agents), none, none, left)
        world = self._led(world) if setting.led else world
        for move in setting.so_far:
            world = dict(self.moves(world))[move]
        return world

    def _led(self, world: World) -> World:
        """All that happens by itself has happened, to one agent after the other."""
        for who in range(len(world.agents)):
            world = self._dial(world, who)
            while (after := self._by_itself(world)) is not None:
                world = after
        return world

    def _by_itself(self, world: World) -> World | None:
        for move, after in self.moves(world):
            if move[0] in self._natural or move == ("commit", "none"):
                return after
        return None

    # -- what may happen

    def moves(self, world: World) -> Iterator[tuple[Move, World]]:
        """All moves, each with the world after it."""
        desk: DeskView = self.pool.view(world.desk)
        for who, state in enumerate(world.agents):
            yield from self._of_lines(world, who, desk)
            yield from self._of_agent(world, who, self.pool.view(state), desk)
        yield from self._of_store(world, desk)
        yield from self._of_operators(world, desk)
        yield from self._of_time(world, desk)

    def _of_lines(self, world: World, who: int, desk: DeskView) -> Iterator[tuple[Move, World]]:
        line, old = world.lines[who], world.old[who]
        if old is not None:
            if old.up and desk.up:
                yield ("old-up", who), self._old_up(world, who, old, "hear")
            if desk.up:
                yield ("old-closed", who), self._old_closed(world, who)
            if old.up and desk.up and (after := self._spent(world, "batches")):
                yield ("old-arrives", who), self._old_up(after, who, old, "arrive")
        if line is None:
            return
        if line.up and desk.up:
            yield ("up", who), self._up(world, who, line, "hear")
            if after := self._spent(world, "batches"):
                yield ("arrives", who), self._up(after, who, line, "arrive")
        if line.down:
            yield ("down", who), self._down(world, who, line)
        elif not line.open:
            yield ("lost", who), self._lost(world, who)
        if line.open and (after := self._spent(world, "drops")):
            yield ("drop", who), self._lost(after, who)

    def _of_agent(
        self, world: World, who: int, agent: AgentView, desk: DeskView
    ) -> Iterator[tuple[Move, World]]:
        if agent.full:
            yield ("room", who), self._agent(world, who, "fill", False)
        elif after := self._spent(world, "full_disks"):
            yield ("full", who), self._agent(after, who, "fill", True)
        if not agent.up:
            if not agent.full:
                yield ("begin", who), self._agent(world, who, "begin")
            return
        if world.lines[who] is None and desk.up and not agent.stopping:
            yield ("dial", who), self._dial(world, who)
        if self.setting.bounds.lags:
            turned = self._agent(world, who, "turn")
            if turned != world:
                yield ("turn", who), turned
        if after := self._spent(world, "crashes"):
            for landed in (False, True) if agent.beside else (False,):
                yield ("crash", who, landed), self._agent(after, who, "crash", landed)
        if not agent.stopping and (after := self._spent(world, "stops")):
            yield ("stop", who), self._agent(after, who, "stop")
        if agent.running:
            yield from self._of_hook(world, who, agent)

    def _of_hook(self, world: World, who: int, agent: AgentView) -> Iterator[tuple[Move, World]]:
        yield ("hook", who), self._agent(world, who, "hook_ends")
        if after := self._spent(world, "asks"):
            yield ("ask", who), self._agent(after, who, "ask")
        if agent.believes is not None and (after := self._spent(world, "writes")):
            yield ("write", who), self._agent(after, who, "write", after.left[PLACE["writes"]])

    def _of_store(self, world: World, desk: DeskView) -> Iterator[tuple[Move, World]]:
        if desk.full:
            yield ("store-room",), self._desk(world, "fill", False)
        elif after := self._spent(world, "full_stores"):
            yield ("store-full",), self._desk(after, "fill", True)
        if desk.late:
            yield ("late",), self._desk(world, "late")
        if not desk.up:
            if not desk.full:
                yield ("desk-begin",), self._desk(world, "start")
            return
        if desk.has_mail:
            yield ("desk-turn",), self._desk(world, "turn")
        if desk.commits:
            yield from self._of_commit(world, desk)
        if desk.unsure and not desk.full:
            yield ("recover",), self._desk(world, "recover")
        if after := self._spent(world, "desk_crashes"):
            for landed in (False, True) if desk.commits else (False,):
                yield ("desk-crash", landed), self._desk_crash(after, landed)

    def _of_commit(self, world: World, desk: DeskView) -> Iterator[tuple[Move, World]]:
        yield ("commit", "none"), self._desk(world, "commit", "none")
        if after := self._spent(world, "refusals"):
            yield ("commit", "refused"), self._desk(after, "commit", "refused")
        if after := self._spent(world, "doubts"):
            for fault in ("unsure-landed", "unsure-not-landed", "unsure-late"):
                yield ("commit", fault), self._desk(after, "commit", fault)

    def _of_operators(self, world: World, desk: DeskView) -> Iterator[tuple[Move, World]]:
        if not desk.up:
            return
        if after := self._spent(world, "elects"):
            for unit in self._units:
                yield ("elect", unit), self._desk(after, "order", "elect", unit)
        for limit, order in (("step_downs", "step_down"), ("revokes", "revoke")):
            if desk.held and (after := self._spent(world, limit)):
                yield (order,), self._desk(after, "order", order, "web")
        if after := self._spent(world, "leases"):
            short = self.setting.duration * TICK / 2
            yield ("shorter",), self._desk(after, "order", "set_lease", "web", short, short / 2)

    def _of_time(self, world: World, desk: DeskView) -> Iterator[tuple[Move, World]]:
        after = self._spent(world, "ticks")
        if after and self._is_busy(world, desk):
            after = self._spent(after, "delays")
        if after:
            yield ("tick",), self._passed(after, TICK)
            if self._spent(world, "lags"):
                for who in range(len(world.agents)):
                    lagging = self._spent(after, "lags")
                    assert lagging is not None
                    yield ("lag", who), self._passed(lagging, TICK, but=who)
        ends = desk.ends_now or any(self.pool.view(state).ends_now for state in world.agents)
        if ends and (after := self._spent(world, "blinks")):
            yield ("blink",), self._passed(after, BLINK)

    def _is_busy(self, world: World, desk: DeskView) -> bool:
        """Whether anything is under way."""
        lines = (*world.lines, *world.old)
        return (
            desk.commits or desk.has_mail or any(line and (line.up or line.down) for line in lines)
        )

    def _spent(self, world: World, limit: str) -> World | None:
        place = PLACE[limit]
        left = world.left
        if not left[place]:
            return None
        return world._replace(left=(*left[:place], left[place] - 1, *left[place + 1 :]))

    # -- how it happens

    def _passed(self, world: World, span: float, *, but: int = -1) -> World:
        for who, rate in enumerate(self.setting.rates):
            world = self._agent(world, who, "time_passes", span * rate)
        world = self._desk(world, "time_passes", span)
        for who, state in enumerate(world.agents):
            if who != but and self.pool.view(state).up:
                world = self._agent(world, who, "turn")
        return world

    def _agent(self, world: World, who: int, move: str, *args: Any) -> World:
        state, said = self.pool.act(world.agents[who], move, *args)
        world = world._replace(agents=_with(world.agents, who, state))
        for frame in said:
            line = world.lines[who]
            if frame is None:
                world = self._given_up(world, who)
            elif line is not None and line.open:
                line = line._replace(up=(*line.up, frame))
                world = world._replace(lines=_with(world.lines, who, line))
        return world

    def _desk(self, world: World, move: str, *args: Any) -> World:
        state, said = self.pool.act(world.desk, move, *args)
        world = world._replace(desk=state)
        for (who, number), frame, closed in said:
            line, old = world.lines[who], world.old[who]
            if line is not None and line.number == number:
                down = line.down if frame is None else (*line.down, frame)
                up = () if closed else line.up
                line = line._replace(down=down, up=up, open=line.open and not closed)
                world = world._replace(lines=_with(world.lines, who, line))
            elif closed and old is not None and old.number == number:
                world = world._replace(old=_with(world.old, who, None))
        return world

    def _dial(self, world: World, who: int) -> World:
        old = world.old[who]
        line = Line(0 if old is None or old.number else 1)
        return self._agent(world._replace(lines=_with(world.lines, who, line)), who, "dial")

    def _up(self, world: World, who: int, line: Line, how: str) -> World:
        after = line._replace(up=line.up[1:], known=True)
        world = world._replace(lines=_with(world.lines, who, after))
        return self._desk(world, how, (who, line.number), line.up[0])

    def _old_up(self, world: World, who: int, line: Line, how: str) -> World:
        after = line._replace(up=line.up[1:], known=True)
        world = world._replace(old=_with(world.old, who, after))
        return self._desk(world, how, (who, line.number), line.up[0])

    def _old_closed(self, world: World, who: int) -> World:
        old = world.old[who]
        world = world._replace(old=_with(world.old, who, None))
        if old is None or not old.known:
            return world
        return self._desk(world, "closed", (who, old.number))

    def _down(self, world: World, who: int, line: Line) -> World:
        after = line._replace(down=line.down[1:])
        world = world._replace(lines=_with(world.lines, who, after))
        return self._agent(world, who, "hear", line.down[0])

    def _lost(self, world: World, who: int) -> World:
        return self._agent(self._given_up(world, who), who, "lost")

    def _given_up(self, world: World, who: int) -> World:
        """The agent has its line no more; the controller does not know yet."""
        line = world.lines[who]
        if line is None:
            return world
        world = world._replace(lines=_with(world.lines, who, None))
        if not line.open or (not line.known and not line.up):
            return world
        if world.old[who] is not None:
            world = self._old_closed(world, who)
        return world._replace(old=_with(world.old, who, line._replace(down=())))

    def _desk_crash(self, world: World, landed: bool) -> World:
        none = (None,) * len(world.agents)
        lines = world.lines
        world = self._desk(world._replace(lines=none, old=none), "crash", landed)
        for who, line in enumerate(lines):
            if line is not None and self.pool.view(world.agents[who]).up:
                world = self._agent(world, who, "lost")
        return world


def _with(values: tuple[Any, ...], place: int, value: Any) -> tuple[Any, ...]:
    return (*values[:place], value, *values[place + 1 :])
