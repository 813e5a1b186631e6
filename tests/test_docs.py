"""The docs name what there is: every command, every tool, every promise. Their links lead on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tenure.agent.tools import REFUSED, SUPPORTED
from tenure.cli.group import COMMANDS
from tenure.cli.words import juju
from tenure.client.watching import NotInTime
from tenure.errors import BY_CODE

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
DOCS = ROOT / "docs"
EXAMPLES = (
    "shared-secret",
    "once-a-minute",
    "helper-in-perl",
    "helper-in-rust",
    "ops-peers",
    "ops-leader-settings",
    "charmhelpers-restart",
    "who-is-who",
    "deferred-elected",
)
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted(DOCS.glob("*.md")),
    *(ROOT / "examples" / name / "README.md" for name in EXAMPLES),
]

CLAUSES = {
    "G": range(1, 12),
    "L": range(1, 10),
    "U": range(1, 6),
    "B": range(1, 7),
    "T": range(11),
    "H": range(1, 12),
    "P": range(1, 7),
    "O": range(1, 7),
}
"""The numbers of the promises."""

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def test_every_promise_has_its_place_in_guarantees() -> None:
    """All numbers, each once, in order"""
    told = re.findall(r"^- \*\*([A-Z]\d+)\*\*", (DOCS / "guarantees.md").read_text(), re.MULTILINE)
    assert told == [f"{kind}{number}" for kind, numbers in CLAUSES.items() for number in numbers]


def test_every_command_has_a_section_and_a_row() -> None:
    """In docs/commands.md and in the README"""
    commands = (DOCS / "commands.md").read_text()
    headings = " ".join(_HEADING.findall(commands))
    for name in COMMANDS:
        assert re.search(rf"tenure {name}(?![\w-])", headings), name
        for page in (commands, README.read_text()):
            assert re.search(rf"^\| \[?`tenure {name}[ `]", page, re.MULTILINE), name


def test_no_command_is_told_of_that_does_not_exist() -> None:
    """The tables have no other rows"""
    for page in (DOCS / "commands.md", README):
        rows = re.findall(r"^\| \[?`tenure ([\w-]+)[ `]", page.read_text(), re.MULTILINE)
        assert set(rows) == set(COMMANDS), page


def test_every_hook_tool_has_a_section() -> None:
    """And no other has"""
    page = (DOCS / "hook-tools.md").read_text()
    rows = re.findall(r"^\| \[`([\w-]+)`\]\(#", page, re.MULTILINE)
    assert set(rows) == set(SUPPORTED)
    assert set(SUPPORTED) <= set(_HEADING.findall(page))


def test_every_tool_that_is_refused_is_named() -> None:
    """In a section of their own"""
    page = (DOCS / "hook-tools.md").read_text()
    section = page.partition("### What there is not\n")[2].partition("\n### ")[0]
    assert set(REFUSED) <= set(re.findall("`([a-z0-9-]+)`", section))


def test_the_readmes_first_commands_exist() -> None:
    """What a newcomer types first"""
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    first = re.findall(r"^make ([a-z]+)", README.read_text(), re.MULTILINE)
    assert first[:2] == ["demo", "test"]
    assert set(first) <= set(targets)


def test_the_examples_are_all_told_of() -> None:
    """Each example has a README, and the README names it"""
    folders = {path.name for path in (ROOT / "examples").iterdir() if path.is_dir()}
    assert folders - {"__pycache__"} == set(EXAMPLES)
    assert all(f"examples/{name}" in README.read_text() for name in EXAMPLES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_resolve(page: Path) -> None:
    """A reader is never sent nowhere"""
    for link in _LINK.findall(_FENCE.sub("", page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = _HEADING.findall(_FENCE.sub("", page.read_text()))
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in kept}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_lines_of_prose_fit_a_terminal(page: Path) -> None:
    """Tables and examples apart"""
    text = _FENCE.sub("", page.read_text())
    long = [line for line in text.splitlines() if len(line) > 110 and not line.startswith("|")]
    assert not long


def test_every_word_of_juju_that_is_answered_has_its_row() -> None:
    """In docs/from-juju.md, with the same answer"""
    rows = set(
        re.findall(r"^\| `([^`]+)` \| (.*) \|$", (DOCS / "from-juju.md").read_text(), re.MULTILINE)
    )
    assert {*juju.COMMANDS.items(), *juju.OPTIONS.items()} <= rows


def test_every_exit_code_is_told() -> None:
    """As the command line's door has them"""
    codes = {1, 2, 3, 4, 130, *(kind.exit_code for kind in (*BY_CODE.values(), NotInTime))}
    told = re.findall(r"^\| (\d+) \| ", (DOCS / "commands.md").read_text(), re.MULTILINE)
    assert {str(code) for code in codes} <= set(told)
