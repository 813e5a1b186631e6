"""Parsing Python in the middle of a test run."""

from __future__ import annotations

import ast
import gc
from pathlib import Path


def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    # because CPython 3.11's ast.parse fails if it is entered a second time while it runs, and the
    # collector can do that: it finds a forgotten task, whose traceback is printed, which parses
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    finally:
        if was_enabled:
            gc.enable()
