"""Drill files: all that is wrong with one is found before anything of it runs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tenure.testing.drill.commands import COMMANDS, OF_SUBJECTS, Do
from tenure.testing.drill.faults import LineFault, WrongLine
from tenure.testing.drill.play import Play
from tenure.testing.drill.subjects import Check, Subject, check_of, subject_of
from tenure.testing.drill.usage import Given, check, meant
from tenure.testing.drill.words import NAME, Word, split
from tenure.testing.kit.errors import KitError

MAX_SIZE = 1_000_000
"""Bytes of a drill file, and of one line."""

Act = Callable[[Play], str | None]
"""What a line does; it answers a text."""


@dataclass(frozen=True, slots=True)
class Line:
    """One command. `refused`: it is to be refused. `lets` is the name that it keeps a value by."""

    number: int
    said: str
    act: Act
    refused: bool = False
    lets: str = ""

    def run(self, play: Play) -> str:
        """What it answers. Raises KitError and other TenureErrors, Forbidden."""
        play.line = self.number
        play.answer = self.act(play) or ""
        return play.answer


@dataclass(frozen=True, slots=True)
class Drill:
    """A file that is right."""

    path: str
    folder: Path
    lines: tuple[Line, ...]


class Known:
    """What the lines before have named: values of `let`, and halts."""

    def __init__(self) -> None:
        self.values: set[str] = set()
        self.halts: set[str] = set()

    def check_values(self, words: Sequence[Word]) -> None:
        """Raises WrongLine for a `$NAME` that no line before has kept."""
        for name in (name for word in words for name in word.names):
            if name not in self.values:
                hint = meant(name, sorted(self.values))
                raise WrongLine(
                    f'no line before says "let {name} = ..."'
                    f"{hint or ': for a $ as it is, write the word in single quotes'}"
                )

    def check_halt(self, name: str) -> None:
        """Raises WrongLine for a halt that no line before has asked for."""
        if name not in self.halts:
            what = f'a halt "{name}"' if name else "a halt without a name"
            hint = meant(name, sorted(self.halts)) if name else ": write halt UNIT HOOK TOOL first"
            raise WrongLine(f"no line before asks for {what}{hint}")


def parse_file(path: str) -> tuple[Drill | None, list[LineFault]]:
    """The drill, or all that is wrong with it."""
    text = _read(path)
    if isinstance(text, LineFault):
        return None, [text]
    lines, faults, known = [], [], Known()
    for number, said in enumerate(text.split("\n"), 1):
        try:
            line = parse_line(said, number, known)
        except WrongLine as fault:
            faults.append(LineFault(path, number, str(fault)))
        else:
            lines += [] if line is None else [line]
    if not lines and not faults:
        faults = [LineFault(path, 0, "it has no command")]
    drill = Drill(path, Path(path).resolve().parent, tuple(lines))
    return (None if faults else drill), faults


def _read(path: str) -> str | LineFault:
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_SIZE + 1)
    except OSError as fault:
        return LineFault(path, 0, (fault.strerror or str(fault)).lower())
    if len(content) > MAX_SIZE:
        return LineFault(path, 0, f"it is larger than {MAX_SIZE} bytes: is it a drill?")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        return LineFault(path, content.count(b"\n", 0, fault.start) + 1, "it is not text in UTF-8")


def parse_line(said: str, number: int, known: Known) -> Line | None:
    """The command; None for an empty line. Raises WrongLine."""
    words = split(said)
    if not words:
        return None
    refused = words[0].text == "!" and not words[0].quoted
    if refused:
        words = words[1:]
    if not words:
        raise WrongLine("a command is missing after !")
    known.check_values(words)
    line = _command(words[0].text, words[1:], known)
    if refused and words[0].text in OF_SUBJECTS:
        raise WrongLine(f"! wants a refusal, and {words[0].text} refuses nothing: see != and !~")
    if line.lets:
        known.values.add(line.lets)
    return replace(line, number=number, said=said.strip(), refused=refused)


def _command(name: str, words: Sequence[Word], known: Known) -> Line:
    if name in OF_SUBJECTS:
        return _OF_SUBJECTS[name](words)
    if name not in COMMANDS:
        hint = meant(name, [*COMMANDS, *OF_SUBJECTS]) or ": see `tenure drill --help`"
        raise WrongLine(f'no command "{name}"{hint}')
    usage, do = COMMANDS[name]
    label, words = _labelled(words) if name == "halt" else ("", words)
    given = usage.match(words)
    _note_halts(name, label, given, known)
    if label:
        given.put("NAME:", "NAME", Word((label,)))
    return _line(_deed(do, given))


def _labelled(words: Sequence[Word]) -> tuple[str, Sequence[Word]]:
    """`halt first: web/1 ...` has a name."""
    if words and words[0].is_known and words[0].text.endswith(":"):
        return words[0].text.removesuffix(":"), words[1:]
    return "", words


def _note_halts(name: str, label: str, given: Given, known: Known) -> None:
    if name == "halt":
        known.halts.add(label)
    elif name in ("reached", "go-on", "fail"):
        known.check_halt(given.text_of("NAME"))


def _deed(do: Do, given: Given) -> Act:
    return lambda play: do(play, given.filled(play.values))


def _line(act: Act, lets: str = "") -> Line:
    return Line(0, "", act, lets=lets)


# -- those that look at something


def _expect(words: Sequence[Word]) -> Line:
    return _line(check_of(words).check)


def _get(words: Sequence[Word]) -> Line:
    return _line(subject_of(words).value)


def _let(words: Sequence[Word]) -> Line:
    if len(words) < 3 or words[1].text != "=":
        raise WrongLine("write it like let NAME = SUBJECT")
    name = words[0].text
    if not NAME.match(name):
        raise WrongLine(f"{name!r} is no name: use letters, digits and _")
    return _line(_kept(name, subject_of(words[2:])), name)


def _kept(name: str, subject: Subject) -> Act:
    def keep(play: Play) -> str:
        play.values[name] = value = subject.value(play)
        return value

    return keep


def _until(words: Sequence[Word]) -> Line:
    within = "10m"
    if words and words[-1].text.startswith("within=") and words[-1].is_known:
        within = words[-1].text.removeprefix("within=")
        check("SPAN", within)
        words = words[:-1]
    return _line(_awaited(check_of(words), within))


def _awaited(wanted: Check, within: str) -> Act:
    def wait(play: Play) -> str:
        try:
            play.stage.until(lambda: wanted.holds(play), within)
        except KitError as fault:
            if wanted.holds(play):
                raise
            raise KitError(f"{fault}: {_how_it_is(wanted, play)}") from fault
        return wanted.subject.value(play)

    return wait


def _how_it_is(wanted: Check, play: Play) -> str:
    try:
        return f"it is {wanted.subject.value(play)!r}"
    except KitError as fault:
        return str(fault)


def _never(words: Sequence[Word]) -> Line:
    forbidden = check_of(words)
    why = "never " + " ".join(word.text for word in words)
    return _line(lambda play: play.stage.never(lambda: forbidden.holds(play), why))


_OF_SUBJECTS: Mapping[str, Callable[[Sequence[Word]], Line]] = {
    "expect": _expect, "get": _get, "let": _let, "until": _until, "never": _never,
}  # fmt: skip


def files_below(path: str) -> Collection[str]:
    """A file, or all `*.drill` below a folder, in order. Hidden folders are not looked into."""
    folder = Path(path)
    if not folder.is_dir():
        return [path]
    found = (each.relative_to(folder) for each in folder.rglob("*.drill") if each.is_file())
    visible = sorted(each for each in found if not any(p.startswith(".") for p in each.parts))
    return [str(folder / each) for each in visible]
