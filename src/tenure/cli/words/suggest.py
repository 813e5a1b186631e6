"""What was probably meant, for words that no command knows."""

from __future__ import annotations

import re
from collections.abc import Collection

from tenure.cli.words import juju
from tenure.names import nearest

_NUMBER = re.compile(r"-[0-9.]+[a-z]*")
FIRST = ("--state", "--format")
"""Options that people put before the command."""


def for_command(word: str, known: Collection[str]) -> str:
    """What to say of a command that there is not; "" if nothing comes near."""
    near = nearest(word, [*known, *juju.COMMANDS])
    name = word if word in juju.COMMANDS or near is None else near
    if name in juju.COMMANDS:
        return f"that is Juju's; here: {juju.COMMANDS[name]}"
    return f"did you mean `tenure {name}`?" if near else ""


def for_option(word: str, known: Collection[str]) -> str:
    """What to say of an option that a command does not have; "" if nothing comes near."""
    word = word.partition("=")[0]
    if _NUMBER.fullmatch(word):
        return "what begins with a hyphen is an option, and no number here is below 0"
    if word in juju.OPTIONS:
        return f"that is Juju's; here: {juju.OPTIONS[word]}"
    if not word.startswith("--"):
        return ""
    near = nearest(word, [*known, *juju.OPTIONS], cutoff=0.7)
    if near is not None and near not in known:
        return f"{near} is Juju's; here: {juju.OPTIONS[near]}"
    return f"did you mean `{near}`?" if near else ""


def for_first_option(word: str) -> str:
    """What to say of an option before the command."""
    return "options stand after the command" if word.partition("=")[0] in FIRST else ""
