"""Commands line by line, each answered with one line of JSON: for tests in any language."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from tenure.errors import TenureError
from tenure.testing.drill.faults import WrongLine
from tenure.testing.drill.parse import MAX_SIZE, Known, parse_line
from tenure.testing.drill.play import Play
from tenure.testing.kit.errors import Forbidden
from tenure.testing.kit.stage import Stage

Say = Callable[[str], None]


def answer_lines(lines: BinaryIO, say: Say, order: int = 0) -> None:
    """Answer every line, empty ones too, until there are no more. Raises OSError if nobody hears
    the answers any more."""
    with Stage(order=order) as stage:
        play, known, number = Play(stage, Path.cwd()), Known(), 0
        while line := lines.readline(MAX_SIZE + 1):
            number += 1
            answer = _answer(line, number, play, known)
            say(json.dumps(answer, ensure_ascii=False, separators=(",", ":")))
            if len(line) > MAX_SIZE:
                return


def _answer(line: bytes, number: int, play: Play, known: Known) -> dict[str, object]:
    try:
        return {"ok": True, "answer": _answered(line, number, play, known)}
    except (TenureError, Forbidden) as fault:
        return {"ok": False, "error": str(fault)}


def _answered(line: bytes, number: int, play: Play, known: Known) -> str:
    """Raises TenureError, Forbidden."""
    if len(line) > MAX_SIZE:
        raise WrongLine(f"a line has at most {MAX_SIZE} bytes: nothing more is read")
    try:
        command = parse_line(line.decode().rstrip("\r\n"), number, known)
    except UnicodeDecodeError:
        raise WrongLine("it is not text in UTF-8") from None
    if command is None:
        return ""
    try:
        answer = command.run(play)
    except TenureError as refusal:
        if not command.refused:
            raise
        play.answer = str(refusal)
        return play.answer
    if command.refused:
        raise WrongLine("it was not refused")
    return answer
