"""A story in plain words: what happened, one line each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .world import Move

WORDS: dict[str, str] = {
    "up": "the controller hears what {agent} says",
    "arrives": "what {agent} says arrives, to be heard in the next turn",
    "old-up": "the controller hears what {agent} says on the connection that it gave up",
    "old-arrives": "what {agent} says on the connection that it gave up arrives, to be heard later",
    "old-closed": "the controller notices that {agent} gave its connection up",
    "down": "{agent} hears what the controller says",
    "lost": "{agent} notices that the controller closed the connection",
    "drop": "the connection of {agent} breaks",
    "dial": "{agent} connects",
    "turn": "the loop of {agent} turns",
    "lag": "a tick passes, and the loop of {agent} does not turn",
    "crash": "the agent of {agent} is killed",
    "begin": "the agent of {agent} is started",
    "stop": "the agent of {agent} is told to stop",
    "full": "the disk of {agent} is full",
    "room": "there is room on the disk of {agent}",
    "hook": "the hook of {agent} ends",
    "ask": "the hook of {agent} asks is-leader",
    "write": "the hook of {agent} says leader-set",
    "store-full": "the store's disk is full",
    "store-room": "there is room on the store's disk",
    "late": "a commit arrives late at the store",
    "desk-begin": "a controller is started",
    "desk-turn": "the controller's loop turns",
    "desk-crash": "the controller is killed",
    "recover": "the controller takes its seat anew",
    "elect": "an operator elects {0}",
    "step_down": "an operator asks the leader to step down",
    "revoke": "an operator revokes the lease",
    "shorter": "an operator makes the lease half as long",
    "tick": "a tick passes",
    "blink": "a blink passes",
    "commit": "the commit ends: {0}",
}

ENDS: dict[str, str] = {
    "none": "it is durable",
    "refused": "refused",
    "unsure-landed": "nobody knows, and it has landed",
    "unsure-not-landed": "nobody knows, and it has not landed",
    "unsure-late": "nobody knows, and it may still come",
}

_OF_AGENTS = frozenset(name for name, words in WORDS.items() if "{agent}" in words)


def told(story: Iterable[Move], names: Sequence[str]) -> list[str]:
    """Each move as a sentence."""
    return [_told(move, names) for move in story]


def _told(move: Move, names: Sequence[str]) -> str:
    kind, *more = move
    if kind in _OF_AGENTS:
        words = WORDS[kind].format(agent=names[more[0]])
        return words + (", and what it was saving has landed" if more[1:] == [True] else "")
    if kind == "desk-crash":
        return WORDS[kind] + (", and the commit under way has landed" if more[0] else "")
    return WORDS[kind].format(*(ENDS.get(each, each) for each in more))
