"""What holds for the whole run: nothing is skipped unseen, and nobody waits for the longest test.

A skipped test looks like a passed one to who reads the last line only. So skips are printed with
their reasons, and what may be skipped, and why, stands here; any other fails the run. An expected
failure counts as a skip.

Tests that take long are marked `long`. Where several workers share the run, each begins with its
share of those; who has done all of its own takes over what another has not begun.
"""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from fnmatch import fnmatch
from itertools import islice

import pytest

from tenure import children

pytest_plugins = ("tenure.pytestplugin",)  # as who has installed Tenure has it; never twice

MAY_BE_SKIPPED: tuple[tuple[str, str, str], ...] = (
    (
        "tests/torture/test_*.py::*disk*",
        "there is no C compiler to build the failing disk with",
        "an fsync that fails on demand is a library in C; the disk that is full is tested anyway",
    ),
    (
        "tests/stores/sqlite/test_power_loss.py::*",
        "there is no C compiler to record a disk with",
        "what is recorded is the same everywhere; kills of the real process are tested anyway",
    ),
    (
        "tests/examples/test_helper_in_rust.py::*",
        "there is no rustc here",
        "the helper is built by its charm; a charm in perl shows the same tools from any language",
    ),
    (
        "tests/whole/test_children.py::*process_1*",
        "this kernel lets nobody have processes of its own",
        "to be process 1 needs a namespace; the reaping itself is tested anyway",
    ),
    (
        "tests/examples/test_charmhelpers_restart.py::*",
        "this kernel lets nobody have a view of the file system of its own",
        "--juju-paths needs a mount namespace; that it is refused clearly is tested anyway",
    ),
)
"""Pattern of the test's name, its reason, and why that is no reason to worry."""

_SKIPPED = pytest.StashKey[dict[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: takes long; begins first")
    # because who runs the tests may ignore signals (a script's `&`, nohup), and what they start
    # would, too
    children.ignore_nothing()
    children.block_nothing()
    config.stash[_SKIPPED] = {}
    config.pluginmanager.register(_Skips(config.stash[_SKIPPED]), "skips")


@pytest.fixture
def full_disk() -> Iterator[None]:
    """Every write of this process past a few bytes fails, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    if workers > 1:
        items[:] = spread(
            [item for item in items if item.get_closest_marker("long")],
            [item for item in items if not item.get_closest_marker("long")],
            workers,
        )


def spread(long: list[pytest.Item], short: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """What each worker is first given, in a row, its share of the long ones in front."""
    order: list[pytest.Item] = []
    rest = iter(short)
    for worker in range(workers):
        mine = long[worker::workers]
        share = (len(long) + len(short) - len(order)) // (workers - worker)
        order += [*mine, *islice(rest, share - len(mine))]
    return order


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two for each core: most of a test on real processes is waiting for them."""
    return 2 * (os.cpu_count() or 1)


class _Skips:
    """Gathers what is skipped; under xdist the reports of all workers come by here."""

    def __init__(self, skipped: dict[str, str]) -> None:
        self._skipped = skipped

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped or hasattr(report, "wasxfail"):
            self._skipped[report.nodeid] = _reason(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self._skipped[report.nodeid] = _reason(report)


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    if hasattr(report, "wasxfail"):
        return f"expected to fail: {report.wasxfail}"
    where = report.longrepr
    return (where[2] if isinstance(where, tuple) else str(where)).removeprefix("Skipped: ")


def may_be_skipped(name: str, reason: str) -> bool:
    """Whether the list above knows of it."""
    return any(fnmatch(name, pattern) and reason == known for pattern, known, _ in MAY_BE_SKIPPED)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    skipped = session.config.stash[_SKIPPED]
    if not all(may_be_skipped(*each) for each in skipped.items()) and exitstatus in (
        pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED,
    ):  # fmt: skip
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    skipped = config.stash[_SKIPPED]
    if skipped:
        terminalreporter.section("skipped:")
    for name, reason in sorted(skipped.items()):
        known = "" if may_be_skipped(name, reason) else " - NOT ON THE LIST of tests/conftest.py"
        terminalreporter.line(f"{name}: {reason}{known}")
