"""`python -m tenure.simulation`: simulated worlds, judged."""

import sys

from tenure.simulation.simulate import main

if __name__ == "__main__":
    sys.exit(main())
