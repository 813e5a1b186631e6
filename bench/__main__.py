"""All figures, one after the other: `make bench`, or `python -m bench tools whole` for some."""

from __future__ import annotations

import importlib
import sys

PARTS = ("tools", "hooks", "stores", "leases", "whole", "charms", "testing")


def main() -> None:
    """Measure what is named, or everything."""
    for part in sys.argv[1:] or PARTS:
        if part not in PARTS:
            raise SystemExit(f"there is no figure {part!r}: choose among {', '.join(PARTS)}")
        print(f"{part}:", flush=True)
        for name, figure in importlib.import_module(f"bench.{part}").measure().items():
            print(f"  {name:<62} {figure:>12,.2f}", flush=True)


if __name__ == "__main__":
    main()
