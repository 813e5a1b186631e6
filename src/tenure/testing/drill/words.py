"""A line's words, as a shell has them: quotes, backslashes, comments, and nothing is expanded but
`$NAME`, which stands for what a `let` kept. In single quotes, and after a backslash, `$` is itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tenure.testing.drill.faults import WrongLine

_REF = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})", re.ASCII)
NAME = re.compile(r"[A-Za-z_]\w*\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Word:
    """Texts, and between them the names of what stands there: one text more than names."""

    texts: tuple[str, ...]
    names: tuple[str, ...] = ()
    quoted: bool = False
    """Whether any of it is: it is no operator and no option then."""

    @property
    def is_known(self) -> bool:
        """Whether it says all by itself."""
        return not self.names

    @property
    def text(self) -> str:
        """As it is written, for messages and for what is known."""
        parts = [f"{text}${name}" for text, name in zip(self.texts, self.names, strict=False)]
        return "".join([*parts, self.texts[-1]])

    def filled(self, values: Mapping[str, str]) -> str:
        """With what the names stand for."""
        parts = [text + values[name] for text, name in zip(self.texts, self.names, strict=False)]
        return "".join([*parts, self.texts[-1]])

    def after(self, count: int) -> Word:
        """Without so many characters at its begin, which are known."""
        return Word((self.texts[0][count:], *self.texts[1:]), self.names, self.quoted)


class _Maker:
    """A word that is being read."""

    def __init__(self) -> None:
        self._texts = [""]
        self._names: list[str] = []
        self.quoted = False

    def add(self, text: str) -> None:
        self._texts[-1] += text

    def refer(self, name: str) -> None:
        self._names.append(name)
        self._texts.append("")

    def made(self) -> Word:
        return Word(tuple(self._texts), tuple(self._names), self.quoted)


def split(line: str) -> list[Word]:
    """The words of a line; none of a comment. Raises WrongLine."""
    if "\0" in line:
        raise WrongLine("it has a null byte: take it out")
    words: list[Word] = []
    at = 0
    while True:
        while at < len(line) and line[at].isspace():
            at += 1
        if at == len(line) or line[at] == "#":
            return words
        at, word = _word(line, at)
        words.append(word)


def _word(line: str, at: int) -> tuple[int, Word]:
    word = _Maker()
    while at < len(line) and not line[at].isspace():
        char = line[at]
        if char == "'":
            end = _closing(line, at)
            word.quoted = True
            word.add(line[at + 1 : end])
            at = end + 1
        elif char == '"':
            word.quoted = True
            at = _double(line, at, word)
        elif char == "\\":
            if at + 1 == len(line):
                raise WrongLine("it ends with a backslash, and each line stands alone")
            word.add(line[at + 1])
            word.quoted = True
            at += 2
        else:
            at = _plain(line, at, word)
    return at, word.made()


def _double(line: str, start: int, word: _Maker) -> int:
    at = start + 1
    while at < len(line) and line[at] != '"':
        if line[at] == "\\" and line[at + 1 : at + 2] in ('"', "\\", "$", "`"):
            word.add(line[at + 1])
            at += 2
        else:
            at = _plain(line, at, word)
    if at == len(line):
        raise WrongLine(f"the quote before {_shown(line[start + 1 :])} is not closed")
    return at + 1


def _plain(line: str, at: int, word: _Maker) -> int:
    found = _REF.match(line, at)
    if found is None:
        word.add(line[at])
        return at + 1
    word.refer(found[1] or found[2])
    return found.end()


def _closing(line: str, start: int) -> int:
    end = line.find("'", start + 1)
    if end < 0:
        raise WrongLine(f"the quote before {_shown(line[start + 1 :])} is not closed")
    return end


def _shown(text: str) -> str:
    return repr(text if len(text) <= 20 else f"{text[:20]}...")
