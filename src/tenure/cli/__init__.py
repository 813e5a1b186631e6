"""The command `tenure`: one file for each sub-command, loaded when it is called.

A command says what it wants of the controller and shows the answer; nothing is decided here. All
errors pass one door (`door.py`), where each becomes one line and a documented exit code.
"""

from __future__ import annotations

import sys

from tenure.cli.door import run

__all__ = ["main"]


def main() -> None:
    """Run the command that `sys.argv` names, and exit with its code."""
    sys.exit(run(sys.argv[1:]))
