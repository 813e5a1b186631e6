"""The agent's process: `python -m tenure.agent --state DIR --charm DIR UNIT`, started by `up`.

stdin comes from `up`: the line `stop` means that everything on this machine stops, its end that
`up` is gone and all must end at once. SIGTERM stops this one agent cleanly.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

from tenure import children
from tenure.agent.beginning import take_up
from tenure.agent.charm import copy as charm
from tenure.agent.charm.files import CharmFiles
from tenure.agent.config import UnitConfig
from tenure.agent.daemon import Agent
from tenure.agent.execserver import ExecServer
from tenure.agent.hooks.log import UnitLog
from tenure.agent.hooks.process import HookRunner
from tenure.agent.hooks.warden_client import Warden
from tenure.agent.host import jujupaths
from tenure.agent.host.presence import Presence
from tenure.agent.toolserver import ToolServer
from tenure.agent.unit import Unit
from tenure.clock import SystemClock, boot_id
from tenure.core.localstate import LocalState
from tenure.defaults import HOOK_TIMEOUT, JUJU_VERSION, UPDATE_STATUS
from tenure.errors import TenureError
from tenure.leadership.statefile import StateFile, instance_id, lock_folder
from tenure.names import split_unit
from tenure.net.websocket import dial_unix
from tenure.process import follow_parent, report_fault, tell_of_shortage
from tenure.statefolder import StateFolder

MODEL_NAME = "tenure"

SAVED_WITHIN = 5.0
"""Seconds that an agent which ends waits for what it was to save soon."""


def main() -> int:
    """Run until told to end. Exit code 0 after a clean end, 1 after an error."""
    parser = argparse.ArgumentParser(prog="tenure.agent", description="an agent of one unit")
    parser.add_argument("--state", required=True)
    parser.add_argument("--charm", required=True, type=Path)
    parser.add_argument("--charm-revision", type=int, default=0)
    parser.add_argument("--update-status-interval", type=float, default=UPDATE_STATUS.value)
    parser.add_argument("--hook-timeout", type=float, default=HOOK_TIMEOUT.value)
    parser.add_argument("--juju-version", default=JUJU_VERSION.value)
    parser.add_argument("--juju-paths", action="store_true")
    parser.add_argument("--allow-host-changes", action="store_true")
    parser.add_argument("unit")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # because `up` has its own word for the end
    children.ignore_nothing()
    children.block_nothing()
    try:
        number = split_unit(options.unit)[1]
        if options.juju_paths:
            jujupaths.enter(number, options.juju_version)
        return asyncio.run(_Process(options).run())
    except TenureError as fault:
        _leave_word(options, str(fault))
        return report_fault(fault)
    except Exception as fault:
        _leave_word(options, f"something unexpected happened: {type(fault).__name__}: {fault}")
        raise


def _leave_word(options: argparse.Namespace, why: str) -> None:
    """Say why it ends where operators look: only `up` hears what an agent writes to stderr."""
    with suppress(TenureError):
        path = StateFolder.at(options.state, os.environ).unit_log(options.unit)
        UnitLog(path, options.unit, SystemClock()).log("ERROR", f"the agent ended: {why}")


class _Process:
    """Everything that one agent process holds."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.unit_name: str = options.unit
        self.source: Path = options.charm
        self.update_every: float = options.update_status_interval
        self.hook_timeout: float = options.hook_timeout
        self.juju_version: str = options.juju_version
        self.charm_revision: int = options.charm_revision
        self.allow_host_changes: bool = options.allow_host_changes
        self.paths = StateFolder.at(options.state, os.environ)
        self.folder = self.paths.unit_folder(self.unit_name)
        self.clock = SystemClock()
        self.log = UnitLog(self.paths.unit_log(self.unit_name), self.unit_name, self.clock)
        self.presence = Presence(self.folder / "tools", self.folder / "shims", self.log.log)

    async def run(self) -> int:
        self.paths.ensure()
        tell_of_shortage(asyncio.get_running_loop(), partial(self.log.log, "ERROR"))
        self.folder.mkdir(mode=0o700, exist_ok=True)
        lock_folder(self.folder, self.unit_name)
        warden = Warden()
        warden.start()
        rng = random.SystemRandom()
        dial = dial_unix(self.paths.controller_socket)
        agent = Agent(self.clock, rng, dial, os.getpid())
        config = self._config()
        files = CharmFiles(self.folder, self.log.log, self.paths.charm_folder)
        runner = HookRunner(warden, self.log)
        file = StateFile(self.folder / "state.json", LocalState)
        unit = Unit(
            config,
            take_up(config, file, runner=runner, clock=self.clock, log=self.log),
            clock=self.clock,
            rng=rng,
            find_hook=partial(self._find_hook, files),
            runner=runner,
            log=self.log,
            connection=agent.connection,
            wake=agent.wake,
            charm=files,
        )
        is_new = not 0 < self.charm_revision <= unit.state.charm_copied
        if (is_new or not files.is_whole()) and self._refresh_charm(files):
            unit.upgrade.copied(self.charm_revision)
        unit.upgrade.look()
        files.facts()  # here, because to read them may take long
        agent.add(unit)
        tools = ToolServer(
            config.socket, unit.contexts.by_id, on_refused=unit.contexts.tool_refused
        )
        execs = ExecServer(unit, self.paths.exec_socket(self.unit_name))
        await tools.start()
        await execs.start()
        keeping = asyncio.ensure_future(self.presence.keep((tools, execs), self.paths.ensure))
        follow_parent(on_stop=agent.halt, on_end=lambda: self._end_at_once(unit))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, agent.stop)
        print("ready", flush=True)
        await agent.run()
        keeping.cancel()
        file.settled(SAVED_WITHIN)
        await execs.close()
        await tools.close()
        await warden.close()
        if unit.membership.gone:
            with suppress(OSError):  # because it is only about a folder that is kept longer
                self.paths.left_mark(self.unit_name).touch(mode=0o600)
        self.log.log("INFO", "the unit has left" if unit.membership.gone else "the agent ends")
        return 0

    def _config(self) -> UnitConfig:
        record = self.paths.read()
        self.presence.make_folders()
        return UnitConfig(
            unit=self.unit_name,
            instance=instance_id(self.folder),
            boot_id=boot_id(),
            charm=self.folder / "charm",
            tools=self.folder / "tools",
            socket=self.paths.tool_socket(self.unit_name),
            model_name=MODEL_NAME,
            model_uuid=record.model_uuid if record else "",
            inherited={k: v for k, v in os.environ.items() if k in ("PATH", "HOME")},
            update_every=self.update_every,
            hook_timeout=self.hook_timeout,
            juju_version=self.juju_version,
            shims=self.folder / "shims",
            allow_host_changes=self.allow_host_changes,
            charm_revision=self.charm_revision,
        )

    def _find_hook(self, files: CharmFiles, hook: str) -> tuple[str, ...] | None:
        """See `find_hook`; what hooks find on their PATH is looked at first."""
        self.presence.look()
        return files.find_hook(hook)

    def _refresh_charm(self, files: CharmFiles) -> bool:
        """Whether that went well: a charm that is gone from its source is no reason to stop a unit
        that has a copy."""
        try:
            files.refresh_now(str(self.source))
        except charm.CharmError as fault:
            if not charm.is_copied(files.manifest):
                raise
            self.log.log("WARNING", f"the charm's copy was not refreshed: {fault}")
            return False
        return True

    def _end_at_once(self, unit: Unit) -> None:
        """`up` is gone. The warden would end the hook as well; this is only sooner."""
        unit.dispatcher.kill()
        self.log.log("WARNING", "ended at once: `tenure up` is gone")
        sys.stderr.flush()
        os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
