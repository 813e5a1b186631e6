"""The same commands by lines, for tests in any language."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from tenure.testing.drill.lines import answer_lines
from tenure.testing.drill.parse import MAX_SIZE


def asked(*lines: str | bytes) -> list[dict[str, Any]]:
    content = b"".join(line if isinstance(line, bytes) else line.encode() + b"\n" for line in lines)
    said: list[str] = []
    answer_lines(io.BytesIO(content), said.append)
    assert not any("\n" in line for line in said)
    return [json.loads(line) for line in said]


def good(answer: str) -> dict[str, Any]:
    return {"ok": True, "answer": answer}


def test_each_line_is_answered_with_one(charm: Path) -> None:
    assert asked(
        f"deploy {charm} web units=2",
        "get leader web",
        "",
        "# a comment",
        "expect leader web = web/0",
        "let one = leader web",
        "get message $one",
        "elect web/1",
        "get leader web",
        "! elect web/9",
        "exec web/1 is-leader",
    ) == [
        good("web"), good("web/0"), good(""), good(""), good("web/0"), good("web/0"),
        good("is red"), good(""), good("web/1"),
        good("there is no unit web/9: there are web/0, web/1"), good("True"),
    ]  # fmt: skip


def test_what_is_refused_is_told_and_the_next_line_is_heard(charm: Path) -> None:
    *errors, last = asked(
        "get leader web", "cutoff web/1", f"deploy {charm} web", "elect web/7",
        "expect leader web = web/9", "! settle", b"get \xff\n", "never leader web = web/0",
        "get leader web",
    )  # fmt: skip
    assert [each.get("error", each.get("answer")) for each in errors] == [
        "there is no application web: there are none",
        'no command "cutoff": did you mean "cut-off"?',
        "web",
        "there is no unit web/7: there are web/0",
        "it is 'web/0'",
        "it was not refused",
        "it is not text in UTF-8",
        "",
    ]
    assert last == good("web/0")


def test_a_line_without_end_is_refused_and_ends_it() -> None:
    [answer] = asked(b"x" * (MAX_SIZE + 5))
    assert not answer["ok"] and "a line has at most" in answer["error"]


def test_the_last_line_needs_no_end() -> None:
    assert asked(b"settle") == [good("")]


def test_the_answers_are_written_as_the_docs_show_them(capsys: pytest.CaptureFixture[str]) -> None:
    answer_lines(io.BytesIO(b"settle\nreached\n"), print)
    assert capsys.readouterr().out == (
        '{"ok":true,"answer":""}\n'
        '{"ok":false,"error":"no line before asks for a halt without a name: write '
        'halt UNIT HOOK TOOL first"}\n'
    )
