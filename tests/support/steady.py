"""For examples that are the same on each run, whatever the machine is busy with."""

from hypothesis import settings

steady = settings(deadline=None, derandomize=True)
