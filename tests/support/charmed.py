"""An application with a charm, and what agents and operators say about it."""

from __future__ import annotations

from typing import Any

from tenure.controller.service import Service
from tenure.core.changes import Option
from tenure.wire import operators as wire
from tenure.wire.messages import BagChange, Done, EnterPeers, ReadBag
from tests.support import talk
from tests.support.bench import LoopBench
from tests.support.talk import Talk, connected, service_with

CHARM = wire.Charm(
    source="/srv/web", peers=("peers", "ring"),
    options={"port": Option(type="int", default="80", description="where"), "motd": Option()},
)  # fmt: skip


async def asked(
    bench: LoopBench, service: Service, method: str, path: str, body: Any = None
) -> Any:
    """An operator asks about applications; its answer once it is durable."""
    return await talk.asked(bench, f"/v1/applications{path}", method, body)


async def charmed(units: int = 2) -> tuple[LoopBench, Service]:
    """The application `web` with that charm; no unit is connected."""
    bench, service = await service_with("web", units=units)
    await asked(bench, service, "POST", "/web/charm", CHARM)
    return bench, service


async def member(bench: LoopBench, service: Service, unit: str) -> Talk:
    """A connected unit that takes part, and has an address."""
    talk = await connected(bench, service, unit)
    talk.say(EnterPeers(id=90, unit=unit, settings={"address": unit}))
    await bench.turn()
    assert Done(id=90) in talk.heard
    return talk


def own(relation: int, **changes: str) -> BagChange:
    return BagChange(relation=relation, application=False, changes=changes)


def shared(relation: int, **changes: str) -> BagChange:
    return BagChange(relation=relation, application=True, changes=changes)


async def bag_of(bench: LoopBench, talk: Talk, unit: str, relation: int, owner: str) -> Any:
    """What the unit reads: a Bag, or the refusal."""
    number = 1000 + len(talk.heard)
    talk.say(ReadBag(id=number, unit=unit, relation=relation, owner=owner))
    await bench.turn()
    return next(m for m in talk.heard if getattr(m, "id", None) == number)
