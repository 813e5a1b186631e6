"""A stage says what `tenure up` does: the same hooks, reasons and terms on each unit."""

from __future__ import annotations

import shutil
import signal

from tenure.testing import Stage

from .conftest import Place, wait_for

HOOKS = ("install", "leader-elected", "leader-deposed", "leader-settings-changed",
         "config-changed", "start")  # fmt: skip

NOTE = (
    'echo "${0##*/} ${TENURE_REASON--} ${TENURE_TERM--}" '
    '>>"$JUJU_CHARM_DIR/../notes-${JUJU_UNIT_NAME##*/}"'
)


def notes(folder: str) -> str:
    return NOTE.replace("$JUJU_CHARM_DIR/..", folder)


def test_the_same_story_runs_the_same_hooks_with_the_same_reasons_and_terms(place: Place) -> None:
    """H1, H3, U1"""
    real, staged = place.folder / "real", place.folder / "staged"
    for folder in (real, staged):
        folder.mkdir()

    def write(folder: str) -> None:
        for hook in HOOKS:
            body = notes(folder)
            if hook == "leader-elected":
                body += '\nleader-set owner="$JUJU_UNIT_NAME"'
            place.write_hook(hook, body)

    write(str(real))
    run = place.up("--lease", "5s", "--units", "1")
    place.settles(["web/0"])
    place.text("add-unit", "web")
    place.settles(["web/0", "web/1"])
    place.text("elect", "web/1")
    wait_for(lambda: (_told(real, 0) and "leader-deposed" in _told(real, 0)[-2:][0]) or
             "leader-deposed" in " ".join(_told(real, 0)), "web/0 to be deposed")  # fmt: skip
    place.settles(["web/0", "web/1"])
    wait_for(lambda: "leader-elected" in " ".join(_told(real, 1)), "web/1 to be elected")
    run.send(signal.SIGINT)
    run.ends()

    shutil.rmtree(place.charm)
    write(str(staged))
    with Stage() as stage:
        web = stage.deploy(place.charm, "web", lease="5s", guarantee="2500ms")
        web.add_unit()
        web.elect(web[1])
    for number in (0, 1):
        assert _told(staged, number) == _told(real, number)


def _told(folder: object, number: int) -> list[str]:
    path = folder / f"notes-{number}"  # type: ignore[operator]
    return path.read_text().splitlines() if path.exists() else []
