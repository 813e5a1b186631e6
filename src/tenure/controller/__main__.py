"""The controller's process: `python -m tenure.controller --state DIR`, started by `up`.

stdin is held open by `up` (`tenure.process`). SIGTERM ends it cleanly. It prints `ready` when it
listens; an error is one line on stderr.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import signal
import sys

from tenure.clock import SystemClock
from tenure.controller.api import Api
from tenure.controller.block import Blocks
from tenure.controller.server import Server, bind_unix
from tenure.controller.service import Service
from tenure.errors import TenureError
from tenure.net.unix import identity
from tenure.process import allow_all_files, follow_parent, report_fault, tell_of_shortage
from tenure.statefolder import StateFolder
from tenure.stores.open import open_store

LOOK_EVERY = 3.0
"""Seconds between two looks at whether the socket is at its path."""


def main() -> int:
    """Run until told to end. Exit code 0 after a clean end, 1 after an error."""
    parser = argparse.ArgumentParser(prog="tenure.controller", description="the controller")
    parser.add_argument("--state", required=True)
    parser.add_argument(
        "--must-exist", action="store_true", help="refuse to begin with an empty store"
    )
    parser.add_argument("--new-addresses", action="store_true", help="give units other addresses")
    options = parser.parse_args()
    try:
        asyncio.run(_serve(StateFolder.at(options.state, os.environ), options))
    except TenureError as fault:
        return report_fault(fault)
    return 0


async def _serve(folder: StateFolder, options: argparse.Namespace) -> None:
    folder.ensure()
    allow_all_files()
    tell_of_shortage(asyncio.get_running_loop(), _say)
    store = open_store(folder.store_file, create=not options.must_exist)
    service = Service(
        store,
        SystemClock(),
        hidden=folder.store_file,
        place=lambda source: str(folder.charm_folder(source)),
    )
    await service.controller.start()
    spare_the_collector()
    addresses = await _claim_addresses(service, folder, anew=options.new_addresses)
    server = Server(service, Api(service, str(folder.store_file)))
    ending = asyncio.Event()
    running = asyncio.ensure_future(service.controller.run())
    keeping = None
    try:
        await _settle_addresses(service, anew=options.new_addresses)
        await server.start(bind_unix(folder.controller_socket))
        keeping = asyncio.ensure_future(_keep_listening(folder, server))
        follow_parent(on_stop=ending.set, on_end=lambda: os._exit(1))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        print("ready", flush=True)
        waiting = asyncio.ensure_future(ending.wait())
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if running.done():
            running.result()
    finally:
        if keeping is not None:
            keeping.cancel()
        running.cancel()
        await server.close()
        with contextlib.suppress(OSError):
            folder.controller_socket.unlink()
        await asyncio.gather(running, return_exceptions=True)
        addresses.close()
        await store.close()


async def _claim_addresses(service: Service, folder: StateFolder, *, anew: bool) -> Blocks:
    """Raises Refused if another state folder has those of ours."""
    addresses, blocks = service.model.applications.addresses, Blocks(folder.state)
    if addresses.kept and not anew:
        blocks.keep(addresses.kept)
    else:
        addresses.use(blocks.find(but=addresses.kept))
    addresses.another = blocks.find
    await blocks.tell()
    return blocks


async def _settle_addresses(service: Service, *, anew: bool) -> None:
    """Units of an earlier version had none in the store."""
    settled = await service.settle_addresses(anew=anew)
    if settled:
        print(f"INFO new addresses for {', '.join(settled)}", file=sys.stderr, flush=True)


async def _keep_listening(folder: StateFolder, server: Server) -> None:
    """A socket that somebody removed is bound again: the path is looked at now and then."""
    bound = identity(folder.controller_socket)
    while True:
        await asyncio.sleep(LOOK_EVERY)
        if bound is not None and identity(folder.controller_socket) == bound:
            continue
        try:
            folder.ensure()
            await server.move(bind_unix(folder.controller_socket))
            bound = identity(folder.controller_socket)
            _say(f"{folder.controller_socket} was gone: it was bound again")
        except TenureError as fault:
            _say(str(fault))


def _say(text: str) -> None:
    print(f"ERROR {text}", file=sys.stderr, flush=True)


def spare_the_collector() -> None:
    """What was loaded stays, and to look at it again and again would cost fail-overs. Closed
    connections are cycles, though: seldom enough, everything is looked at."""
    gc.freeze()
    gc.set_threshold(20_000, 5, 5)


if __name__ == "__main__":
    sys.exit(main())
