"""`python -m tenure.testing`: simulated worlds, judged."""

import sys

from tenure.testing.simulate import main

if __name__ == "__main__":
    sys.exit(main())
