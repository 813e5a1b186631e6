"""How drills went, as TAP 14."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tenure.testing.drill.runner import Failure, Result

TAP = "TAP version 14"


def plan(count: int) -> str:
    """What comes first."""
    return f"{TAP}\n1..{count}"


def point(number: int, result: Result) -> str:
    """A test point, and where it failed a YAML block."""
    verdict = "not ok" if result.failure is not None else "ok"
    lines = [f"{verdict} {number} - {_described(result.name)}"]
    if result.failure is not None:
        lines += _block(result.failure, result.folder)
    elif result.folder:
        lines.append(f"# kept {printable(result.folder)}")
    return "\n".join(lines)


def _described(name: str) -> str:
    return printable(name).replace("\\", "\\\\").replace("#", "\\#")


def _block(failure: Failure, folder: str) -> Iterator[str]:
    """A text in JSON is one in YAML."""
    yield "  ---"
    yield f"  line: {failure.line}"
    yield f"  said: {_quoted(failure.said)}"
    yield f"  found: {_quoted(failure.found)}"
    if folder:
        yield f"  folder: {_quoted(folder)}"
    if failure.story:
        yield "  story: |"
        yield from (f"    {printable(line)}" for line in failure.story.split("\n"))
    yield "  ..."


def _quoted(text: str) -> str:
    return json.dumps(printable(text, "\n\t"), ensure_ascii=False)


def printable(text: str, also: str = "") -> str:
    """With what cannot be printed written out: neither YAML nor XML may hold it."""
    return "".join(
        char if char.isprintable() or char in also else char.encode("unicode_escape").decode()
        for char in text
    )
