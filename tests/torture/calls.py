"""What a hook tool's exit code and words say, and no more.

A write is `refused` only if its words say that nothing was written; `done` only at exit 0. All else
is `unknown`, and words that are in no table here are `odd`: somebody should look at them, because
an error must say what may be concluded from it (G7).
"""

from __future__ import annotations

import re
from typing import Literal

Outcome = Literal["done", "refused", "unknown"]

_SAYS_NOTHING_WRITTEN = re.compile(
    r"cannot write settings: not the leader$"
    r"|prerequisites failed: .* is not leader of "
    r"|: nothing was (sent|written)\b"
    r"|: the hook has ended$"
    r"|: not tried, since a write before it failed"
    r"|: nothing can be written now: "
    r"|^ERROR bad request: wrong context ID; "
    r"|^ERROR dial unix "
    r"|lost before the request was sent$",
    re.MULTILINE,
)
_SAYS_UNKNOWN = re.compile(r"it is unknown whether the settings were written$|outcome is unknown$")
_KNOWN = re.compile(
    r"^ERROR (leadership status unknown: "
    r"|cannot (read|write) leadership settings: cannot (read|write) settings: "
    r"|bad request: wrong context ID; |dial unix |connection to the agent lost)"
)


def outcome_of(code: int, err: str) -> Outcome:
    """What a `leader-set` that returned may be taken for."""
    if code == 0:
        return "done"
    said = err.strip()
    refused = code > 0 and _SAYS_NOTHING_WRITTEN.search(said) and not _SAYS_UNKNOWN.search(said)
    return "refused" if refused else "unknown"


def odd_words(tool: str, code: int, err: str) -> str | None:
    """What was said, if no such thing is foreseen; numbers and names are left out."""
    said = err.strip()
    if code < 0 or (code == 0 and not said):
        return None
    foreseen = _KNOWN.search(said) and "\n" not in said
    if tool == "leader-set" and not (_SAYS_NOTHING_WRITTEN.search(said) or
                                     _SAYS_UNKNOWN.search(said)):  # fmt: skip
        foreseen = None
    if code == 1 and foreseen:
        return None
    return re.sub(r"\d+", "N", re.sub(r"/tmp/[\w./-]+", "PATH", f"{tool}: exit {code}: {said}"))
