"""What a run did and saw, in numbers; printed at its end, the summary last."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Figures:
    """The driver counts what it does, the reader what was seen. Spans are in seconds."""

    seed: int
    began_at: float = 0.0
    ended_at: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    skipped: dict[str, str] = field(default_factory=dict)
    ended_by_itself: Counter[str] = field(default_factory=Counter)
    longest_gap: float = 0.0
    longest_heal: tuple[float, str] = (0.0, "none")
    fail_overs: int = 0
    hooks: Counter[str] = field(default_factory=Counter)
    promises: int = 0
    writes: Counter[str] = field(default_factory=Counter)
    reads: int = 0
    odd_words: Counter[str] = field(default_factory=Counter)
    facts: int = 0
    faults_found: list[str] = field(default_factory=list)

    def healed(self, after: float, fault: str) -> None:
        """Tenure was healthy again so long after a fault."""
        self.longest_heal = max(self.longest_heal, (after, fault))

    def lines(self) -> list[str]:
        """For people; the last one says it all."""
        took, fault = self.longest_heal
        return [
            *(f"skipped: {what}: {why}" for what, why in sorted(self.skipped.items())),
            f"faults: {_counts(self.faults)}",
            f"kills: {_counts(self.kills)}",
            f"hooks: {_counts(self.hooks)}",
            f"writes: {_counts(self.writes)}; whole reads: {self.reads}",
            *(f"{n} times: {words}" for words, n in sorted(self.ended_by_itself.items())),
            *(f"said {n} times: {words}" for words, n in sorted(self.odd_words.items())),
            f"longest time from a fault's end to health: {took:.1f} s (after {fault})",
            *self.faults_found,
            self.summary(),
        ]

    def summary(self) -> str:
        """One line."""
        minutes = (self.ended_at - self.began_at) / 60
        return (
            f"seed {self.seed}: {minutes:.1f} min, {self.faults.total()} faults, "
            f"{self.kills.total()} kills, {self.fail_overs} fail-overs, "
            f"longest leaderless gap beyond the lease {self.longest_gap:.2f} s, "
            f"{self.writes['done']} writes acknowledged, {self.promises} promises, "
            f"{self.hooks.total()} hooks, {self.facts} facts, "
            f"{len(self.faults_found)} violations"
        )


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counter.items())) or "none"
