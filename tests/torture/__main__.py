"""`python -m tests.torture --minutes N [--seed N]`: torture for so long, then the figures.

Exit code 0 if no promise was broken. 1 if one was: then the traces are kept, and the folder named.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys

from tests.torture.run import torture
from tests.torture.table import FAULTS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture")
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--only", default="", help="faults whose name holds this text")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):  # because a KeyboardInterrupt leaves nothing
        signal.signal(number, signal.default_int_handler)
    print(f"seed {options.seed}", flush=True)
    kinds = [kind for kind in FAULTS if options.only in kind]
    if not kinds:
        parser.error(f"no fault is called {options.only!r}: see tests/torture/table.py")
    ended = torture(
        options.seed, kinds, seconds=options.minutes * 60, say=lambda line: print(line, flush=True)
    )
    print("\n".join(ended.figures.lines()))
    return 1 if ended.figures.faults_found else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
