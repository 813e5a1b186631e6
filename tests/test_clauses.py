"""Every clause of the specification has a test that names it.

A test names its clauses at the start of its docstring: `G3, U2` or `G3: and why`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.parsing import parsed

TESTS = Path(__file__).parent

CHAPTERS = {
    "G": (1, 11),
    "L": (1, 9),
    "U": (1, 5),
    "B": (1, 6),
    "T": (0, 10),
    "H": (1, 11),
    "O": (1, 6),
    "P": (1, 6),
}
CLAUSES = {f"{c}{n}" for c, (first, last) in CHAPTERS.items() for n in range(first, last + 1)}

NAMED = re.compile(r"[A-Z]\d+(?:,\s*[A-Z]\d+)*(?=\s*(?::|$|\n))")


def docstrings() -> Iterator[tuple[str, str]]:
    """Each test's place and docstring; a class of tests may speak for all of its tests."""
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(parsed(path)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            if node.name.lower().startswith("test"):
                yield f"{path.name}:{node.lineno}", ast.get_docstring(node) or ""


def named() -> dict[str, list[str]]:
    """The tests of each clause that is named."""
    found: dict[str, list[str]] = {}
    for place, docstring in docstrings():
        match = NAMED.match(docstring)
        for clause in re.split(r",\s*", match.group()) if match else ():
            found.setdefault(clause, []).append(place)
    return found


def test_every_clause_is_named_by_a_test() -> None:
    missing = sorted(CLAUSES - set(named()), key=lambda clause: (clause[0], int(clause[1:])))
    assert not missing, f"no test names {', '.join(missing)}"


def test_every_clause_that_is_named_exists() -> None:
    unknown = {clause: places for clause, places in named().items() if clause not in CLAUSES}
    assert not unknown
