"""Torture: real processes, killed, stopped and cheated by their disk, and then judged.

`python -m tests.torture --minutes N` starts the real thing (`tenure up` with three units), lets a
charm call the hook tools as often as it can, and meanwhile does the worst that one machine can do
to its processes. Whatever is seen is written down with CLOCK_BOOTTIME by who saw it:

- each hook's process (`dispatch.py`) traces what it did and was told, tool call by tool call;
- the driver traces what it did to whom, and when a process began and was gone.

Afterwards `trace.py` reads all of it as the facts of `tenure.simulation.facts`, and the same
checkers that judge the simulation judge them. A fact claims no more than was seen: what may have
happened earlier or later than it was noted is noted at the end that accuses nobody wrongly.

| file | knows |
|---|---|
| `dispatch.py` | the charm: one program for every hook, alone under `python -IS` |
| `shim.c`, `shim.py` | a disk that fails on demand, for processes that run already |
| `tenure.py`, `watch.py` | Tenure, and the life of each of its processes |
| `table.py` | what is done to it, in one look |
| `scene.py`, `faults.py`, `disks.py` | how that is done |
| `driver.py` | the loop: a fault, healing, the next; and the end of all |
| `trace.py`, `calls.py` | from traces to facts |
| `figures.py` | what is printed |

Where the folder of a unit or of the controller is made read-only, that is done by the shim, which
refuses to open for writing, to rename and to remove below it: root is refused as others are, and
nothing needs to be mounted. Where there is no compiler, the kernel's limit on file sizes stands in.
"""
