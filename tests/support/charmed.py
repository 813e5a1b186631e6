"""An application with a charm, and what agents and operators say about it."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from tenure.controller.access import OPERATOR
from tenure.controller.api import Api
from tenure.controller.desk import Desk
from tenure.core.changes import Option
from tenure.wire import operators as wire
from tenure.wire.messages import BagChange, Done, EnterPeers, ReadBag
from tests.support.bench import Bench
from tests.support.talk import Talk, connected, desk_with
from tests.support.virtual import settle

CHARM = wire.Charm(
    source="/srv/web", peers=("peers", "ring"),
    options={"port": Option(type="int", default="80", description="where"), "motd": Option()},
)  # fmt: skip


async def ask(desk: Desk, method: str, path: str, body: Any = None) -> Any:
    """An operator asks; its answer once it is durable."""
    encoded = msgspec.json.encode(body or {})
    return await Api(desk, "memory").call(OPERATOR, method, f"/v1/applications{path}", {}, encoded)


async def asked(bench: Bench, desk: Desk, method: str, path: str, body: Any = None) -> Any:
    """The same, with the turns that it takes."""
    task = asyncio.ensure_future(ask(desk, method, path, body))
    await settle()
    await bench.turn()
    return await task


async def charmed(units: int = 2) -> tuple[Bench, Desk]:
    """The application `web` with that charm; no unit is connected."""
    bench, desk = await desk_with("web", units=units)
    await asked(bench, desk, "POST", "/web/charm", CHARM)
    return bench, desk


async def member(bench: Bench, desk: Desk, unit: str) -> Talk:
    """A connected unit that takes part, and has an address."""
    talk = await connected(bench, desk, unit)
    talk.say(EnterPeers(id=90, unit=unit, settings={"address": unit}))
    await bench.turn()
    assert Done(id=90) in talk.heard
    return talk


def own(relation: int, **changes: str) -> BagChange:
    return BagChange(relation=relation, application=False, changes=changes)


def shared(relation: int, **changes: str) -> BagChange:
    return BagChange(relation=relation, application=True, changes=changes)


async def bag_of(bench: Bench, talk: Talk, unit: str, relation: int, owner: str) -> Any:
    """What the unit reads: a Bag, or the refusal."""
    number = 1000 + len(talk.heard)
    talk.say(ReadBag(id=number, unit=unit, relation=relation, owner=owner))
    await bench.turn()
    return next(m for m in talk.heard if getattr(m, "id", None) == number)
