"""The story of a leader, told by the commands themselves: `make demo`.

Three units of `examples/shared-secret` start, one is elected and makes a secret, its agent is
killed, another takes over and still has the secret, and leadership is handed over by order.

Everything is real: the processes, the sockets, the store. The script runs the commands that it
shows, and looks at nothing but what they print. What is not as told ends it with exit code 1.
The state folder is a temporary one; it is removed, and every process has ended, when this ends.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CHARM = "examples/shared-secret"
LEASE, GUARANTEE = 5, 2
FINGERPRINT = 'printf %s "$(leader-get secret)" | sha256sum | cut -c 1-8'
PATIENCE = 20.0
POLL = 0.05


class NotAsTold(Exception):
    """Something in the story did not come to pass; `str()` says what."""


def main() -> int:
    """Tell the story; 0 if it was as told."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    try:
        with tempfile.TemporaryDirectory(prefix="tenure-demo-") as folder:
            tell(Demo(Path(folder)))
    except NotAsTold as fault:
        print(f"\nThis is not as told: {fault}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped, and cleaned up.", file=sys.stderr)
        return 130
    except OSError as fault:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(fault, BrokenPipeError):
            print(f"\nThe story cannot be told: {fault}", file=sys.stderr)
        return 1
    return 0


def tell(demo: Demo) -> None:
    """The story, line by line."""
    print("Tenure: leadership of an application, as a charm sees it.")
    print(f"For the show a lease lasts {LEASE} s and its guarantee {GUARANTEE} s.")
    print("The defaults are 60 s and 30 s.")
    with demo.running():
        leader, secret = tell_first_leader(demo)
        second = tell_crash(demo, leader, secret)
        tell_hand_over(demo, leader, second, secret)
        tell_history(demo)
    demo.step("Ctrl-C ended the controller and every agent. Nothing is left behind.")


def tell_first_leader(demo: Demo) -> tuple[str, str]:
    """Who leads first, and the fingerprint of its secret."""
    print("Every unit has an agent of its own. Each agent asks the controller for the lease.")
    found = demo.until("all three units have a secret", have_secret)
    leader = str(found["leader"])
    demo.show("status")

    demo.step(f"{leader} got the lease. Its charm made a secret and ran `leader-set`.")
    print("The others were told, and read it with `leader-get`. All see the same:")
    secrets = {unit: demo.fingerprint(unit) for unit in found["units"]}
    shown = found["units"][leader]["status"]["message"].removeprefix("has secret ")
    require(set(secrets.values()) == {shown}, f"the units have not all {shown}: {secrets}")

    demo.step("At most one unit may say that it leads, and it is surely so for the guarantee.")
    said = {unit: demo.show("exec", unit, "--", "is-leader") for unit in found["units"]}
    require(
        said == {unit: "True" if unit == leader else "False" for unit in said},
        f"it is {leader} that leads, but they said {said}",
    )
    return leader, secrets[leader]


def tell_crash(demo: Demo, leader: str, secret: str) -> str:
    """The leader's agent dies; who leads then."""
    demo.step(f"The agent of {leader} is killed. It has no chance to say good-bye.")
    env = demo.environment(leader)
    pid = demo.application()["units"][leader]["pid"]
    print(f"$ kill -9 {pid}")
    killed_at = time.time()
    os.kill(pid, signal.SIGKILL)
    print("Nobody may lead before its lease is over: it might still believe in it.")
    found = demo.until(
        "another unit leads", lambda now: now["leader"] not in (None, leader), LEASE + PATIENCE
    )
    second = str(found["leader"])
    print(f"{second} led {demo.granted_at(found['term']) - killed_at:.1f} s after the kill.")
    demo.until(
        f"the leader-elected hook of {second} has run",
        lambda now: now["units"][second]["hook"]["last"] == "leader-elected",
    )
    demo.show("status")

    demo.step(f"{second} still has the secret: settings outlive the leader that wrote them.")
    require(demo.fingerprint(second) == secret, f"{second} has another secret")

    demo.step(f"{leader} cannot believe any more. A helper that its hook left behind asks in vain:")
    demo.ask_in_vain(env)
    demo.show("why", leader)
    return second


def tell_hand_over(demo: Demo, first: str, second: str, secret: str) -> None:
    """An operator wants another leader; the promises that were given are kept."""
    units = demo.application()["units"]
    third = next(unit for unit in units if unit not in (first, second))
    demo.step(f"An operator hands leadership to {third}. Nobody waits for a lease to run out.")
    begun_at = time.monotonic()
    demo.show("elect", third)
    print(f"The command took {time.monotonic() - begun_at:.2f} s in all.")
    require(demo.application()["leader"] == third, f"{third} does not lead")
    said = (demo.show("exec", second, "--", "is-leader"), demo.fingerprint(third))
    require(said == ("False", secret), f"{second} still leads, or the secret is lost: {said}")


def tell_history(demo: Demo) -> None:
    """What an operator can read afterwards."""
    demo.step("Each change has its cause on record.")
    text = demo.show("history", "web", "--wide")
    require(text.count(" granted ") == 3, "the history does not show three leaders")


class Demo:
    """The commands, run and shown, over one state folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._env = {**os.environ, "TENURE_STATE": str(folder / "state")}
        self._steps = 0
        self._up: subprocess.Popen[bytes] | None = None

    def step(self, text: str) -> None:
        """Print the next numbered step."""
        self._steps += 1
        print(f"\n{self._steps}. {text}")

    @contextmanager
    def running(self) -> Iterator[None]:
        """`tenure up` for as long as the block lasts; whatever happens, nothing outlives it."""
        self.step("Three units of a bash charm start, and a controller beside them.")
        words = (
            "up",
            CHARM,
            "--name",
            "web",
            "--units",
            "3",
            "--no-restart",
            "--lease",
            f"{LEASE}s",
            "--guarantee",
            f"{GUARANTEE}s",
        )
        print(f"$ tenure {shlex.join(words)} &")
        output = self._folder / "up.txt"
        with output.open("wb") as file:
            self._up = up = subprocess.Popen(
                command(words),
                env=self._env,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        try:
            yield
        except NotAsTold as fault:
            raise NotAsTold(f"{fault}\n`tenure up` printed:\n{output.read_text()}") from fault
        finally:
            exit_code = end(up)
        require(exit_code == 0, f"`tenure up` ended with {exit_code}:\n{output.read_text()}")

    def show(self, *words: str) -> str:
        """Show a command and what it prints, which is also returned. It must succeed."""
        print(f"$ tenure {shlex.join(words)}")
        text = self._run(*words)
        print(text)
        return text

    def fingerprint(self, unit: str) -> str:
        """The first digits of the hash of the secret, as the unit sees it."""
        return self.show("exec", unit, "--", "sh", "-c", FINGERPRINT)

    def environment(self, unit: str) -> dict[str, str]:
        """The environment that the unit's hooks get."""
        lines = self._run("exec", unit, "--", "env").splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def ask_in_vain(self, env: dict[str, str]) -> None:
        """`is-leader` with a hook's environment, when that hook's agent is dead."""
        print("$ is-leader")
        done = subprocess.run(
            ["sh", "-c", "is-leader"], env=env, capture_output=True, text=True, check=False
        )
        print(done.stderr.strip())
        require(done.returncode == 1 and not done.stdout, f"is-leader said {done.stdout!r}")

    def application(self) -> dict[str, Any]:
        """What `tenure status` says about web; {} while there is nothing to see."""
        done = self._try("status", "--format", "json")
        if done.returncode != 0:
            return {}
        return dict(json.loads(done.stdout)["applications"].get("web", {}))

    def until(
        self, what: str, is_so: Callable[[dict[str, Any]], Any], within: float = PATIENCE
    ) -> dict[str, Any]:
        """Look until it is so. Raises NotAsTold."""
        deadline = time.monotonic() + within
        while not ((found := self.application()) and is_so(found)):
            require(self._up is not None and self._up.poll() is None, "`tenure up` has ended")
            require(time.monotonic() < deadline, f"after {within:g} s it is not so that {what}")
            time.sleep(POLL)
        return found

    def granted_at(self, term: int) -> float:
        """When that term began, in seconds since 1970, as the history has it."""
        entries = json.loads(self._run("history", "web", "--format", "json"))["entries"]
        found = [e for e in entries if e["kind"] == "granted" and e["term"] == term]
        require(len(found) == 1, f"the history has no single grant of term {term}")
        return datetime.fromisoformat(found[0]["at"]).timestamp()

    def _run(self, *words: str) -> str:
        done = self._try(*words)
        require(
            done.returncode == 0,
            f"`tenure {shlex.join(words)}` ended with {done.returncode}: {done.stderr.strip()}",
        )
        return done.stdout.rstrip("\n")

    def _try(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(words),
            env=self._env,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def have_secret(application: dict[str, Any]) -> bool:
    """Whether all three units have a secret and are at rest."""
    units = application["units"].values()
    return len(units) == 3 and all(
        unit["status"]["current"] == "active" and unit["hook"]["running"] is None for unit in units
    )


def command(words: tuple[str, ...]) -> list[str]:
    """The command line of `tenure`, whether or not it is on the PATH."""
    return [sys.executable, "-m", "tenure", *words]


def end(up: subprocess.Popen[bytes]) -> int:
    """End `tenure up` as Ctrl-C does; its exit code."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        up.send_signal(signal.SIGINT)
        return up.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        up.kill()
        return up.wait()
    finally:
        signal.signal(signal.SIGINT, before)


def require(is_so: bool, otherwise: str) -> None:
    """Raises NotAsTold."""
    if not is_so:
        raise NotAsTold(otherwise)


if __name__ == "__main__":
    sys.exit(main())
