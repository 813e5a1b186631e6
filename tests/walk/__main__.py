"""`python -m tests.walk`: walk every world to its end, or those that are named, or one of your own.

Prints what each came to: how many worlds, how deep, and, if a promise is broken, the shortest story
of it. Exit code 1 then.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from .search import Outcome, walk
from .story import told
from .world import LIMITS, Bounds, Nature, Setting
from .worlds import SMALL, WIDE

RATES = (0.99, 1.0, 1.0, 1.0)


def main(argv: Sequence[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(argv)
    unknown = [name for name in options.worlds if name not in WIDE]
    if unknown:
        parser.error(f"no world is called {unknown[0]!r}: choose from {', '.join(WIDE)}")
    broken = 0
    for name, setting in _chosen(options):
        broken += _walked(name, setting, options.most)
    return 1 if broken else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.walk", description="Walk small worlds in all orders of events."
    )
    parser.add_argument("worlds", nargs="*", help=f"which: {', '.join(WIDE)}")
    parser.add_argument("--small", action="store_true", help="as small as in `make test`")
    parser.add_argument("--most", type=int, default=300_000, help="stop after so many worlds")
    own = parser.add_argument_group("a world of your own: how often each thing may happen")
    for name in LIMITS:
        own.add_argument(f"--{name.replace('_', '-')}", type=int, dest=name)
    own.add_argument("--units", type=int, default=2, choices=range(1, len(RATES) + 1))
    own.add_argument("--lease", type=int, default=4, help="ticks that a lease lasts")
    own.add_argument("--guarantee", type=int, default=2, help="ticks")
    own.add_argument("--clone", action="store_true", help="the last agent is a clone")
    own.add_argument("--cold", action="store_true", help="nobody is connected at first")
    return parser


def _chosen(options: argparse.Namespace) -> list[tuple[str, Setting]]:
    given = {name: value for name in LIMITS if (value := getattr(options, name)) is not None}
    if given:
        own = Setting(
            bounds=Bounds(**given), rates=RATES[: options.units], duration=options.lease,
            guarantee=options.guarantee, clone=options.clone, led=not options.cold,
        )  # fmt: skip
        return [("your own", own)]
    worlds = SMALL if options.small else WIDE
    return [(name, worlds[name]) for name in options.worlds or worlds]


def _walked(name: str, setting: Setting, most: int) -> bool:
    began = time.monotonic()
    outcome = walk(setting, most=most, told=_progress)
    print(_summed_up(name, outcome, time.monotonic() - began), flush=True)
    if outcome.wrong:
        print(f"  {outcome.wrong}. The shortest story of it:")
        for number, line in enumerate(told(outcome.story, Nature(setting).names), 1):
            print(f"  {number:3}. {line}")
    return bool(outcome.wrong)


def _progress(worlds: int, depth: int) -> None:
    if sys.stderr.isatty():
        print(f"  {worlds:,} worlds, {depth} moves deep\r", end="", file=sys.stderr, flush=True)


def _summed_up(name: str, outcome: Outcome, seconds: float) -> str:
    how = "to the end" if outcome.ended else "not to the end"
    if outcome.wrong:
        how = "a promise is broken"
    return (
        f"{name}: {outcome.worlds:,} worlds, {outcome.depth} moves deep, {how}"
        f" ({outcome.sides:,} states of single sides, {seconds:.0f} s)"
    )


if __name__ == "__main__":
    sys.exit(main())
