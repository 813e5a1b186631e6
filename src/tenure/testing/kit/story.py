"""All that happened on a stage, in order, a line each."""

from __future__ import annotations

LAST = 200


class Story:
    """Lines like `12.300 web/1 leader-elected: leader-set owner=web/1 -> 1 not the leader`."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, at: float, line: str) -> None:
        """It happened just now."""
        self.lines.append(f"{at:.3f} {line}")

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def last(self, count: int = LAST) -> str:
        """The last lines, and how many came before them."""
        before = len(self.lines) - count
        head = [f"({before} lines before)"] if before > 0 else []
        return "\n".join([*head, *self.lines[-count:]])
