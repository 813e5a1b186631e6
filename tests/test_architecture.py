"""The arrows of Tenure: who may import whom, and who may read a clock.

The table below is the whole architecture. What is not in it may not be imported; an exception
needs a line with its reason.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.support.parsing import parsed
from tests.support.patience import HANG

SOURCE = Path(__file__).parent.parent / "src"

ARROWS: dict[str, set[str]] = {
    "errors": set(),
    "names": {"errors"},
    "clock": set(),
    "durations": set(),
    "children": set(),
    "files": set(),
    "defaults": set(),
    "core": {"defaults", "names", "errors"},
    "wire": {"core", "defaults", "errors"},
    "net": {"wire", "errors"},
    "stores": {"core", "files", "defaults", "errors"},
    "client": {"wire", "durations", "names", "errors", "clock"},
    "uprecord": {"defaults", "errors"},
    "statefolder": {"uprecord", "files", "names", "errors"},
    "process": {"errors"},
    "jujuyaml": {"wire"},
    "charms": {"jujuyaml", "core", "files", "names", "errors"},
    "controller": {"stores", "net", "wire", "core", "defaults", "names", "errors", "clock"},
    "leadership": {"wire", "core", "files", "errors", "clock"},
    "agent": {"leadership", "charms", "jujuyaml", "net", "wire", "core", "files", "children",
              "defaults", "durations", "names", "errors", "clock"},
    "up": {"charms", "client", "wire", "statefolder", "uprecord", "files", "defaults", "names",
           "errors", "clock"},
    "cli": {"up", "charms", "jujuyaml", "client", "wire", "statefolder", "uprecord", "children",
            "defaults", "durations", "names", "errors", "clock"},
    "testing": {"agent", "leadership", "controller", "stores", "charms", "jujuyaml", "wire", "core",
                "durations", "names", "errors", "clock"},
    "pytestplugin": {"testing"},
    "simulation": {"testing", "agent", "controller", "stores", "wire", "core", "charms", "names",
                   "errors", "clock"},
    "hooktool": set(),
    "__main__": {"cli"},
    "__init__": set(),
}  # fmt: skip
"""Package or module -> what it may import besides itself."""

EXCEPTIONS: dict[tuple[str, str], str] = {
    ("tenure.controller.__main__", "statefolder"): "a process finds its folders when it starts",
    ("tenure.controller.__main__", "process"): "a process follows the one that started it",
    ("tenure.agent.__main__", "statefolder"): "a process finds its folders when it starts",
    ("tenure.agent.__main__", "process"): "a process follows the one that started it",
    ("tenure.cli.commands.exec", "agent"): "a command sees what hooks see, and ends as they do",
    ("tenure.cli.commands.up", "agent"): "what the kernel forbids is refused before it starts",
    ("tenure.cli.commands.deploy", "core"): "a lease that cannot be is refused before it is made",
    ("tenure.cli.commands.drill", "testing"): "drills are a face of the test kit, in a command",
    ("tenure.cli.commands.up", "core"): "a lease that cannot be is refused before it is made",
}

NOT_IN_CORE = {"time", "asyncio", "socket", "os", "threading", "random", "datetime", "secrets"}

CLOCKS = {
    "time": {"time", "time_ns", "monotonic", "monotonic_ns", "clock_gettime", "clock_gettime_ns",
             "perf_counter", "perf_counter_ns", "localtime", "gmtime"},
    "datetime": {"now", "utcnow", "today"},
}  # fmt: skip

MAY_READ_A_CLOCK: dict[str, str] = {
    "tenure.clock": "it is the clock",
}


def modules() -> dict[str, ast.Module]:
    """Every module's name and syntax tree."""
    found = {}
    for path in sorted((SOURCE / "tenure").rglob("*.py")):
        name = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        found[name] = parsed(path)
    return found


MODULES = modules()


def part_of(module: str) -> str:
    """The part of Tenure that a module belongs to: `tenure.core.lease` is of `core`."""
    return [*module.split("."), "__init__"][1]


def imports(module: str, tree: ast.AST) -> Iterator[str]:
    """The full names of all modules that are imported anywhere in the tree."""
    package = module.removesuffix(".__init__").split(".")
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                full = f"{origin}.{alias.name}"
                yield full if full in MODULES or f"{full}.__init__" in MODULES else origin


def imported_parts(module: str) -> set[str]:
    """The other parts of Tenure that a module imports."""
    found = {
        part_of(name) for name in imports(module, MODULES[module]) if name.split(".")[0] == "tenure"
    }
    return found - {part_of(module), "__init__"}


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_along_the_arrows(module: str) -> None:
    part = part_of(module)
    assert part in ARROWS, f"{part} has no arrows: say in the table what it may import"
    wrong = {
        other
        for other in imported_parts(module) - ARROWS[part]
        if (module, other) not in EXCEPTIONS
    }
    assert not wrong, f"{module} imports {sorted(wrong)}"


def test_there_are_no_cycles_between_the_parts() -> None:
    graph: dict[str, set[str]] = {}
    for module in MODULES:
        graph.setdefault(part_of(module), set()).update(imported_parts(module))
    list(TopologicalSorter(graph).static_order())


CORE = [module for module in MODULES if part_of(module) == "core"]


@pytest.mark.parametrize("module", CORE)
def test_the_core_is_pure(module: str) -> None:
    outside = {name.split(".")[0] for name in imports(module, MODULES[module])} - {"tenure"}
    impure = (outside & NOT_IN_CORE) | (outside - set(sys.stdlib_module_names) - {"msgspec"})
    assert not impure, f"{module} imports {sorted(impure)}"


@pytest.mark.parametrize("module", CORE)
def test_the_core_imports_nothing_inside_functions(module: str) -> None:
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert not list(imports(module, node)), f"{module}: {node.name} imports"


def clock_reads(tree: ast.Module) -> list[str]:
    """Calls and names that read a clock, with their lines."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else None
            owner = node.value.id if isinstance(node.value, ast.Name) else owner
            if owner is not None and node.attr in CLOCKS.get(owner, ()):
                found.append(f"line {node.lineno}: {owner}.{node.attr}")
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            names = {alias.name for alias in node.names} & CLOCKS["time"]
            found += [f"line {node.lineno}: {name}" for name in sorted(names)]
    return found


@pytest.mark.parametrize("module", [m for m in MODULES if m not in MAY_READ_A_CLOCK])
def test_only_the_clock_reads_a_clock(module: str) -> None:
    """G4"""
    assert not clock_reads(MODULES[module]), module


def test_status_does_not_pay_for_sockets_it_does_not_use() -> None:
    """O3"""
    code = (
        "import tenure.cli.commands.status, sys\n"
        "print('aiohttp' in sys.modules, 'rich' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=HANG,
        check=False,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "False False\n", "")


def test_no_test_waits_without_bound_for_what_it_started() -> None:
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.With | ast.AsyncWith):
                begun = {ast.unparse(each.context_expr).partition("(")[0] for each in node.items}
                line = f"{path.name}:{node.lineno}"
                assert "subprocess.Popen" not in begun, f"{line}: use tests.support.patience.ending"


def test_there_is_no_arrow_that_nobody_uses() -> None:
    used: dict[str, set[str]] = {}
    for module in MODULES:
        used.setdefault(part_of(module), set()).update(imported_parts(module))
    unused = {part: sorted(others - used[part]) for part, others in ARROWS.items()}
    assert not {part: others for part, others in unused.items() if others}


def test_there_is_no_circle_of_modules_not_even_for_types() -> None:
    graph = {
        module.removesuffix(".__init__"): {
            name for name in imports(module, MODULES[module]) if name.split(".")[0] == "tenure"
        } - {module.removesuffix(".__init__")}
        for module in MODULES
    }  # fmt: skip
    list(TopologicalSorter(graph).static_order())


def test_exceptions_are_needed_and_have_reasons() -> None:
    for (module, other), reason in EXCEPTIONS.items():
        assert reason and other in imported_parts(module), f"{module} needs no {other} any more"
    for module in MAY_READ_A_CLOCK:
        assert clock_reads(MODULES[module]), f"{module} reads no clock any more"
