"""Spans of virtual time, as tests write them: `61s`, `5m`, or a timedelta."""

from __future__ import annotations

from datetime import timedelta

from tenure.durations import parse_duration
from tenure.testing.kit import given
from tenure.testing.kit.errors import KitError

Span = str | timedelta


def seconds_of(span: Span) -> float:
    """Raises KitError for what is no span, or a negative one."""
    if isinstance(span, timedelta):
        seconds = span.total_seconds()
    elif isinstance(span, str):
        try:
            seconds = parse_duration(span)
        except ValueError as fault:
            raise KitError(str(fault)) from None
    else:
        raise KitError(f"{span!r} is no span: write it like '61s', or give a timedelta")
    if seconds < 0:
        raise KitError(f"time does not go back, and {span} is less than nothing: give a longer one")
    if seconds > given.LONGEST:
        raise KitError(f"{span} is too long: a year at most")
    return seconds
