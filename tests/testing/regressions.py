"""Worlds that once broke a promise, each with the sentence that it taught.

They are lived again in every run of the tests. A world changes when what is drawn in it changes:
then its seed says nothing any more, and the sentence must have a test of its own beside the code.
"""

from __future__ import annotations

REGRESSIONS: list[tuple[int, str]] = []
