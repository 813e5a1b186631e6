"""What words a command takes, said once: as people read it, `elect UNIT [--no-wait]`.

A word in capitals is one of the line's; its name says what it must be (KINDS). `[WORD]` may be
left out; `WORD...` is one or more, and takes all that is left. `[--flag]` and `[key=WORD]` stand
anywhere after the command, and `[key=WORD...]` may be there several times.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tenure.durations import parse_duration
from tenure.errors import TenureError
from tenure.names import check_application, nearest, split_unit
from tenure.testing.drill.faults import WrongLine
from tenure.testing.drill.words import Word

MOST = 1000
"""Of units, orders and the like in one word."""


def _application(text: str) -> None:
    if "/" in text:
        raise ValueError(f"{text!r} is a unit: name its application, {text.partition('/')[0]}")
    check_application(text)


def _unit(text: str) -> None:
    split_unit(text)


def _span(text: str) -> None:
    parse_duration(text)


def _number(text: str) -> None:
    if not (text.isascii() and text.isdigit() and int(text) <= MOST):
        raise ValueError(f"{text!r} is no number from 0 to {MOST}")


def _pair(text: str) -> None:
    if text.find("=") < 1:
        raise ValueError(f"{text!r} is not like KEY=VALUE")


def _one_of(*known: str) -> Callable[[str], None]:
    def check(text: str) -> None:
        if text not in known:
            raise ValueError(f"{text!r} is none of {', '.join(known)}{meant(text, known)}")

    return check


KINDS: Mapping[str, Callable[[str], None]] = {
    "APP": _application, "UNIT": _unit, "SPAN": _span, "N": _number, "KEY=VALUE": _pair,
    "NAME=PATH": _pair, "WHEN": _one_of("before", "after"),
    "FIELD": _one_of("code", "stdout", "stderr", "args", "hook"), "DEED": _one_of("kill", "start"),
}  # fmt: skip
"""What a word must be; others may be anything."""


def meant(word: str, known: Sequence[str]) -> str:
    """`: did you mean "cut-off"?`, or nothing."""
    near = nearest(word, known)
    return "" if near is None else f': did you mean "{near}"?'


def check(kind: str, text: str) -> None:
    """Raises WrongLine if the word cannot be one of that kind."""
    try:
        if kind in KINDS:
            KINDS[kind](text)
    except (ValueError, TenureError) as fault:
        raise WrongLine(str(fault)) from None


@dataclass(frozen=True, slots=True)
class Place:
    """A positional word."""

    kind: str
    optional: bool
    rest: bool


@dataclass(frozen=True, slots=True)
class Args:
    """The words of a line, each at its place."""

    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        """The word that must be there."""
        return self.texts[name][0]

    def get(self, name: str) -> str | None:
        """The word, if it is there."""
        found = self.texts.get(name)
        return found[-1] if found else None

    def all(self, name: str) -> Sequence[str]:
        """All of them."""
        return self.texts.get(name, ())

    def __contains__(self, name: str) -> bool:
        return name in self.texts


class Given:
    """The words of a line at their places, some of which are not known yet."""

    def __init__(self) -> None:
        self._words: dict[str, list[tuple[str, Word]]] = {}

    def put(self, name: str, kind: str, word: Word) -> None:
        """Raises WrongLine if it is known, and cannot be there."""
        if word.is_known:
            check(kind, word.text)
        self._words.setdefault(name, []).append((kind, word))

    def __contains__(self, name: str) -> bool:
        return name in self._words

    def text_of(self, name: str) -> str:
        """The word as it is written; "" if it is not there."""
        found = self._words.get(name)
        return found[-1][1].text if found else ""

    def filled(self, values: Mapping[str, str]) -> Args:
        """All known. Raises WrongLine for what cannot be there."""
        texts: dict[str, list[str]] = {}
        for name, words in self._words.items():
            for kind, word in words:
                text = word.filled(values)
                check(kind, text)
                texts.setdefault(name, []).append(text)
        return Args(texts)


class Usage:
    """See the module. Options are kept by their names: `--no-wait`, `units=`."""

    def __init__(self, said: str) -> None:
        self.said = said
        self._places: list[Place] = []
        self._options: dict[str, tuple[str, bool]] = {}
        """Name -> what its word must be ("" for a flag), and whether it may be given twice."""
        for part in said.split()[1:]:
            self._take(part)

    def _take(self, part: str) -> None:
        optional = part.startswith("[")
        inner = part.strip("[]").removesuffix("...")
        many = "..." in part
        if inner.startswith("--") and "=" not in inner:
            self._options[inner] = ("", False)
        elif inner.startswith("--") or inner[0].islower():
            key, _, kind = inner.partition("=")
            self._options[f"{key}="] = (kind, many)
        else:
            self._places.append(Place(inner, optional, many))

    @property
    def least(self) -> int:
        """Words that must be there."""
        return sum(not place.optional for place in self._places)

    @property
    def most(self) -> int:
        """Words that may be there, options apart; only where there is no rest."""
        return len(self._places)

    def match(self, words: Sequence[Word]) -> Given:
        """Each word at its place. Raises WrongLine."""
        given = Given()
        places = list(self._places)
        for word in words:
            in_rest = bool(places) and places[0].rest and places[0].kind in given
            if not (in_rest and places[0].kind == "WORD") and self._is_option(word, given):
                continue
            if not places:
                raise WrongLine(f"{word.text!r} is a word too many: {self.said}")
            place = places[0] if places[0].rest else places.pop(0)
            given.put(place.kind, place.kind, word)
        missing = next((each for each in places if not each.optional), None)
        if missing is not None and missing.kind not in given:
            raise WrongLine(f"{missing.kind} is missing: {self.said}")
        return given

    def _is_option(self, word: Word, given: Given) -> bool:
        text = word.text
        if text in self._options:
            name, value = text, Word(("",))
        else:
            name = text.partition("=")[0] + "="
            value = word.after(len(name))
            if "=" not in word.texts[0] or name not in self._options:
                return self._refused(word)
        kind, many = self._options[name]
        if name in given and not many:
            raise WrongLine(f"{name.strip('=')} is given twice")
        given.put(name, kind, value)
        return True

    def _refused(self, word: Word) -> bool:
        if word.text.startswith("--") and len(word.text) > 2 and not word.quoted:
            known = list(self._options)
            raise WrongLine(f"no option {word.text!r}{meant(word.text, known) or f': {self.said}'}")
        return False
