"""Durations as people write them: `60s`, `5m`, `2h`, `1h30m`, `500ms`.

A number without unit is refused: of "60" nobody can know whether it means seconds or minutes, and
a lease that is off by a factor of sixty is found out late.
"""

from __future__ import annotations

import re

_WORDS = re.compile(
    r"(?:(?P<h>\d+(?:\.\d+)?)h)?(?:(?P<m>\d+(?:\.\d+)?)m(?!s))?"
    r"(?:(?P<s>\d+(?:\.\d+)?)s)?(?:(?P<ms>\d+(?:\.\d+)?)ms)?",
    re.ASCII,
)
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PLAIN = re.compile(r"\d+(?:\.\d+)?", re.ASCII)


def parse_duration(text: str) -> float:
    """Seconds. Raises ValueError, whose text says what is allowed."""
    if _PLAIN.fullmatch(text):
        raise ValueError(f"{text!r} has no unit: write {text}s, {text}m or {text}h")
    found = _WORDS.fullmatch(text)
    if not text or found is None:
        raise ValueError(f"{text!r} is not a duration: write it like 60s, 5m, 1h30m or 500ms")
    return sum(
        float(number) * _SECONDS[unit]
        for unit, number in found.groupdict().items()
        if number is not None
    )


def format_duration(seconds: float) -> str:
    """As short as people say it: `0.5s`, `47s`, `1m30s`, `2h`; never finer than it matters."""
    if seconds < 9.95:
        return f"{max(seconds, 0):.1f}".removesuffix(".0") + "s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "m"), (rest, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number)
