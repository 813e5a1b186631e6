"""A duration as a word of the command line."""

from __future__ import annotations

import click

from tenure.durations import parse_duration


def duration(value: str) -> float:
    """A duration on the command line, in seconds."""
    try:
        return parse_duration(value)
    except ValueError as fault:
        raise click.BadParameter(str(fault)) from fault
