"""What an action answered, for people, in Juju's order: its results, its stdout, its stderr."""

from __future__ import annotations

import sys

from tenure.cli.show.text import plain
from tenure.jujuyaml.writer import dump
from tenure.wire.exec import WRITTEN, ActionDone


def text_of(outcome: ActionDone) -> str:
    """Results as YAML, then, after an empty line, what it printed."""
    results = {key: value for key, value in outcome.results.items() if key not in WRITTEN}
    printed = [
        _safe(str(outcome.results[name]).strip("\n"))
        for name in ("stdout", "stderr")
        if outcome.results.get(name)
    ]
    parts = [dump(results).rstrip("\n")] if results else []
    return "\n\n".join([*parts, *(["\n".join(printed)] if printed else [])])


def cuts(outcome: ActionDone, unit: str) -> list[str]:
    """A line for each stream that is not here as a whole, or not as it was written."""
    encoded = [
        f"the action wrote to {name} what is not UTF-8: it is shown in base64"
        for name in ("stdout", "stderr")
        if outcome.results.get(f"{name}-encoding") == "base64"
    ]
    return encoded + [
        f"the action wrote {size} bytes to {name}, and only the first of them are here: "
        f"`tenure log {unit}` has them all"
        for name, size in sorted(outcome.cut.items())
    ]


def _safe(text: str) -> str:
    """As it is where programs read it; on a terminal, nothing in it steers that."""
    if not sys.stdout.isatty():
        return text
    return "\n".join("\t".join(map(plain, line.split("\t"))) for line in text.split("\n"))
