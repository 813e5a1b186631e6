"""pytest's side of the test kit: the fixtures `stage` and `make_stage`, orders, and the story of a
test that failed.

Every run of pytest loads this, also one that tests no charm: so the kit is imported only once a
test asks for a stage.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tenure.testing import Stage
    from tenure.testing.kit.spans import Span

MARK = "tenure"
SECTION = "tenure story"
MAX_NAME = 30

_STAGES = pytest.StashKey[list["Stage"]]()
_FAILED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--tenure-orders`"""
    parser.getgroup("tenure").addoption(
        "--tenure-orders", type=_count, metavar="N",
        help="run each test that has a stage N times, with its hooks' turns in another order each "
        "(0 is the plain one); comes before what a test's mark says",
    )  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """The mark is known."""
    config.addinivalue_line(
        "markers",
        f"{MARK}(orders=N, patience='10s'): run the test N times, with its hooks' turns in another "
        "order each; how long, in real time, a hook may work without calling a tool",
    )


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of orders: say 1 or more")
    return int(text)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test of several orders is several tests."""
    has_stage = "tenure_order" in metafunc.fixturenames
    orders = _orders(metafunc.definition)
    if not has_stage and any(mark.name == MARK for mark in metafunc.definition.own_markers):
        _wrong(metafunc.definition, "has no stage: ask for the fixture `stage` or `make_stage`")
    if has_stage and orders is not None:
        ids = [f"order-{order}" for order in range(orders)]
        metafunc.parametrize("tenure_order", range(orders), ids=ids, indirect=True)


def _orders(node: pytest.Item) -> int | None:
    """How many; None for a plain test."""
    marked = _marked(node, "orders", None)
    if marked is not None and (type(marked) is not int or marked < 1):
        _wrong(node, f"orders={marked!r} is no number of orders: say 1 or more")
    asked: int | None = node.config.getoption("--tenure-orders")
    return marked if asked is None else asked


def _marked(node: pytest.Item, key: str, default: Any) -> Any:
    """What the nearest mark says that says it."""
    for mark in node.iter_markers(MARK):
        if mark.args or set(mark.kwargs) - {"orders", "patience"}:
            _wrong(node, "it takes orders= and patience=")
        if key in mark.kwargs:
            return mark.kwargs[key]
    return default


def _wrong(node: pytest.Item, why: str) -> None:
    pytest.fail(f"@pytest.mark.{MARK} of {node.name}: {why}", pytrace=False)


@pytest.fixture
def tenure_order(request: pytest.FixtureRequest) -> int:
    """Of this run of the test: 0 is the plain one. For `interrupted(..., order=tenure_order)`."""
    return int(getattr(request, "param", 0))


@pytest.fixture
def make_stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tenure_order: int
) -> Iterator[Callable[..., Stage]]:
    """Makes stages, each with a folder of its own: `make_stage(order=3, patience="20s")`, both as
    the test is run unless they are given. At its end all are closed, and their folders are gone,
    unless it failed."""
    from tenure.testing import Stage

    node = request.node
    stages = node.stash.setdefault(_STAGES, [])
    with ExitStack() as ends:

        def make(order: int | None = None, patience: Span | None = None) -> Stage:
            name = re.sub(r"\W", "_", node.name)[:MAX_NAME]
            stage = Stage(
                tmp_path_factory.mktemp(f"stage-{name}-"),
                order=tenure_order if order is None else order,
                patience=_marked(node, "patience", "10s") if patience is None else patience,
            )
            stages.append(stage)
            ends.callback(_end, stage, node)
            return stage

        yield make


def _end(stage: Stage, node: pytest.Item) -> None:
    stage.close()
    if not node.stash.get(_FAILED, False):
        shutil.rmtree(stage.folder, ignore_errors=True)


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Stage:
    """A stage: `stage.deploy("charms/web", units=3)`. See docs/testing-charms.md."""
    return make_stage()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, Any]:
    """A failed test's report has the story of its stages, and names their folders."""
    report = yield
    if report.failed:
        item.stash[_FAILED] = True
        report.sections += [(SECTION, told) for told in _told(item, call)]
    return report


def _told(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[str]:
    for stage in item.stash.get(_STAGES, []):
        yield f"folder: {stage.folder}\n{stage.story.last()}"
    errors = sys.modules.get("tenure.testing.kit.errors")
    fault = call.excinfo.value if call.excinfo else None
    if errors is not None and isinstance(fault, errors.WorldsFailed):
        yield f"of the first world that failed:\n{fault.story}"
