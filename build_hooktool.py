"""Builds what the package has beyond its sources: the manual page, and the compiled client of the
hook tools, where there is a compiler.

The client is one C file without dependencies. Linked statically it starts fastest and runs on every
Linux of its architecture, so that is tried first. The compiler is `$CC`, or `cc`. Without one the
wheel is pure, and the agent falls back to the client in Python.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import sys_tags

SOURCE = Path("src/tenure/hooktool.c")
CLIENT = Path("src/tenure/_hooktool")
MANUAL = Path("build/tenure.1")


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Does it before a wheel is packed, also for an editable install."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and mark the wheel as this platform's if that worked."""
        if self.target_name != "wheel":
            return
        write_manual(Path(self.root))
        client = Path(self.root, CLIENT)
        if not compiled(Path(self.root, SOURCE), client):
            client.unlink(missing_ok=True)
            self.app.display_warning(
                "no working C compiler: hook tools will use the client in Python, "
                "which takes some milliseconds longer to start"
            )
            return
        build_data["artifacts"].append(f"/{CLIENT}")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform()}"


def write_manual(root: Path) -> None:
    """The manual page, of the documentation of the commands."""
    argv = [sys.executable, str(root / "tools/man.py"), str(root / "docs/commands.md")]
    done = subprocess.run(argv, capture_output=True, check=True)
    (root / MANUAL).parent.mkdir(exist_ok=True)
    (root / MANUAL).write_bytes(done.stdout)


def compiled(source: Path, client: Path) -> bool:
    """Whether the compiler made the client, static or else dynamic."""
    compiler = shlex.split(os.environ.get("CC") or "cc")
    new = client.with_name(f"{client.name}.new-{os.getpid()}")
    try:
        for kind in (["-static"], []):
            command = [*compiler, "-O2", *kind, "-s", "-o", str(new), str(source)]
            done = subprocess.run(command, capture_output=True, check=False)
            if done.returncode == 0 and new.is_file():
                new.chmod(0o755)
                new.replace(client)
                return True
    except OSError:
        return False
    finally:
        new.unlink(missing_ok=True)
    return False


def platform() -> str:
    """The platform's tag, as pip of this machine takes it: `linux_x86_64`."""
    tags = (tag.platform for tag in sys_tags())
    return next(tag for tag in tags if not tag.startswith(("manylinux", "musllinux")))
