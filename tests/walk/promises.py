"""What must hold in every world: the promises that need more than one side to be seen broken.

What a side sees of itself is in `desk.py` and `agent.py`. A term that an operator revoked is exempt
until it must be over (L5).
"""

from __future__ import annotations

from .agent import AgentView
from .desk import DeskView
from .world import Nature, World


def broken(nature: Nature, world: World) -> str:
    """The first promise that is broken in this world; "" if all are kept."""
    pool = nature.pool
    for state in (world.desk, *world.agents):
        if wrong := pool.wrong(state):
            return wrong
    desk: DeskView = pool.view(world.desk)
    agents: list[AgentView] = [pool.view(state) for state in world.agents]
    believers = [
        who
        for who, agent in enumerate(agents)
        if agent.believes is not None and agent.believes != desk.revoked
    ]
    if len(believers) > 1:
        names = " and ".join(nature.names[who] for who in believers)
        return f"G1: {names} believe at once"
    for who in believers:
        if wrong := _backed(nature, desk, who, agents[who]):
            return wrong
    for who, agent in enumerate(agents):
        if agent.promised not in (None, desk.revoked, agent.believes):
            return f"G3: what was promised to the hook of {nature.names[who]} is not kept"
    return ""


def _backed(nature: Nature, desk: DeskView, who: int, agent: AgentView) -> str:
    """Who believes has the lease, in memory and on the store's disk, under that very term."""
    name = nature.names[who]
    wanted = name, f"instance-{who}", agent.believes
    if desk.kept != wanted:
        return f"G5: {name} believes in term {agent.believes}, and the store has {_told(desk.kept)}"
    if desk.up and not desk.unsure and desk.held != wanted:
        return f"G5: {name} believes in term {agent.believes}, and the lease is {_told(desk.held)}"
    return ""


def _told(held: tuple[str, str, int] | None) -> str:
    return f"term {held[2]} of {held[0]}" if held else "nobody's"
