"""What can be looked at: subjects, and how a value is compared."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tenure.testing.drill.faults import Unmet, WrongLine
from tenure.testing.drill.play import Play
from tenure.testing.drill.usage import Args, Given, Usage, meant
from tenure.testing.drill.words import Word
from tenure.testing.kit.errors import KitError

NOBODY = "nobody"
MAX_FILE = 1_000_000

OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "~": operator.contains,
    "!~": lambda value, part: part not in value,
    "starts": str.startswith,
    "ends": str.endswith,
}


def _leader(play: Play, args: Args) -> str:
    leader = play.app(args["APP"]).leader
    return NOBODY if leader is None else leader.name


def _config(play: Play, args: Args) -> str:
    return _one_or_all(play.app(args["APP"]).config, args.get("KEY"))


def _call(play: Play, args: Args) -> str:
    tool = args["TOOL"]
    calls = [call for call in play.unit(args["UNIT"]).calls if call.tool == tool]
    if not calls:
        raise KitError(f"{args['UNIT']} has not called {tool}")
    value = getattr(calls[-1], args["FIELD"])
    return " ".join(value) if isinstance(value, tuple) else str(value)


def _count(play: Play, args: Args) -> str:
    unit, hook, tool = play.unit(args["UNIT"]), args["HOOK"], args.get("TOOL")
    if tool is None:
        return str(unit.hooks.names.count(hook))
    return str(sum((call.hook, call.tool) == (hook, tool) for call in unit.calls))


def _file(play: Play, args: Args) -> str:
    path = play.unit(args["UNIT"]).charm / args["PATH"]
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE).decode("utf-8", "replace")
    except OSError as fault:
        raise KitError(f"cannot read {path}: {(fault.strerror or str(fault)).lower()}") from fault


def _one_or_all(values: Mapping[str, str], key: str | None) -> str:
    if key is not None:
        return values.get(key, "")
    return " ".join(f"{key}={value}" for key, value in sorted(values.items()))


Read = Callable[[Play, Args], str]

SUBJECTS: Mapping[str, tuple[Usage, Read]] = {
    usage.split()[0]: (Usage(usage), read)
    for usage, read in {
        "leader APP": _leader,
        "term APP": lambda play, args: str(play.app(args["APP"]).term),
        "setting APP KEY": lambda play, args: play.app(args["APP"]).settings.get(args["KEY"], ""),
        "settings APP": lambda play, args: _one_or_all(play.app(args["APP"]).settings, None),
        "config APP [KEY]": _config,
        "bag UNIT ENDPOINT [KEY]": lambda play, args: _one_or_all(
            play.unit(args["UNIT"]).bag(args["ENDPOINT"]), args.get("KEY")
        ),
        "app-bag APP ENDPOINT [KEY]": lambda play, args: _one_or_all(
            play.app(args["APP"]).bag(args["ENDPOINT"]), args.get("KEY")
        ),
        "leads UNIT": lambda play, args: str(play.unit(args["UNIT"]).leads),
        "status UNIT": lambda play, args: play.unit(args["UNIT"]).status.current,
        "message UNIT": lambda play, args: play.unit(args["UNIT"]).status.message,
        "error UNIT": lambda play, args: play.unit(args["UNIT"]).error,
        "hooks UNIT": lambda play, args: " ".join(play.unit(args["UNIT"]).hooks.names),
        "count UNIT HOOK [TOOL]": _count,
        "call UNIT TOOL FIELD": _call,
        "log UNIT": lambda play, args: play.unit(args["UNIT"]).log,
        "file UNIT PATH": _file,
        "answer": lambda play, args: play.answer,
        "story": lambda play, args: play.stage.story.last(),
    }.items()
}
"""What each is followed by, and how it is read; `[KEY]` left out means all, as `KEY=VALUE`."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a line looks at."""

    read: Read
    given: Given

    def value(self, play: Play) -> str:
        """As a text, without the end of its last line. Raises KitError if there is none."""
        return self.read(play, self.given.filled(play.values)).rstrip("\n")


@dataclass(frozen=True, slots=True)
class Check:
    """A subject, an operator and a value."""

    subject: Subject
    operator: str
    words: Sequence[Word]

    def check(self, play: Play) -> str:
        """The value found. Raises Unmet, KitError."""
        found = self.subject.value(play)
        if not OPERATORS[self.operator](found, self._wanted(play)):
            raise Unmet(found)
        return found

    def holds(self, play: Play) -> bool:
        """What cannot be looked at is not so."""
        try:
            self.check(play)
        except KitError:
            return False
        return True

    def _wanted(self, play: Play) -> str:
        return " ".join(word.filled(play.values) for word in self.words)


def subject_of(words: Sequence[Word]) -> Subject:
    """Raises WrongLine."""
    usage, read = _known(words)
    return Subject(read, usage.match(words[1:]))


def check_of(words: Sequence[Word]) -> Check:
    """Raises WrongLine."""
    usage, read = _known(words)
    at = _operator_at(words, usage)
    if at + 1 == len(words):
        raise WrongLine('the value is missing: write "" for nothing')
    return Check(Subject(read, usage.match(words[1:at])), words[at].text, words[at + 1 :])


def _known(words: Sequence[Word]) -> tuple[Usage, Read]:
    if not words:
        raise WrongLine(f"the subject is missing: one of {', '.join(SUBJECTS)}")
    name = words[0].text
    if name not in SUBJECTS:
        known = f": there are {', '.join(SUBJECTS)}"
        raise WrongLine(f'no subject "{name}"{meant(name, list(SUBJECTS)) or known}')
    return SUBJECTS[name]


def _operator_at(words: Sequence[Word], usage: Usage) -> int:
    for at in range(1 + usage.least, min(2 + usage.most, len(words))):
        if words[at].text in OPERATORS and not words[at].quoted:
            return at
    found = [word.text for word in words[1:] if word.text in OPERATORS and not word.quoted]
    if found:
        raise WrongLine(f"wrong number of words before {found[0]!r}: {usage.said}")
    stands = words[1 + usage.most].text if len(words) > 1 + usage.most else ""
    instead = f", and not {stands!r}" if stands else ""
    raise WrongLine(f'after "{usage.said}" comes one of {" ".join(OPERATORS)}{instead}')
