"""The commands of drills, as a table. Each answers a text; most have nothing to say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tenure.jujuyaml.reader import NotYaml, read
from tenure.testing.drill.play import Play, failed
from tenure.testing.drill.usage import Args, Usage
from tenure.testing.kit.errors import KitError
from tenure.testing.kit.records import Outcome


def _deploy(play: Play, args: Args) -> str:
    spans = {key: args[f"{key}="] for key in ("lease", "guarantee") if f"{key}=" in args}
    app = play.stage.deploy(
        play.path(args["CHARM"]),
        args.get("APP"),
        units=int(args.get("units=") or 1),
        leader=int(args.get("leader=") or 0),
        config=_pairs(args, "config="),
        resources={name: play.path(path) for name, path in _pairs(args, "resource=").items()},
        settle="--no-wait" not in args,
        **spans,
    )
    return app.name


def _elect(play: Play, args: Args) -> None:
    unit = play.unit(args["UNIT"])
    play.app(args["UNIT"].partition("/")[0]).elect(unit, wait="--no-wait" not in args)


def _config(play: Play, args: Args) -> None:
    put, reset = _pairs(args, "KEY=VALUE"), args.all("--reset=")
    if not put and not reset:
        raise KitError(f"say what to set; `expect config {args['APP']}` looks at it")
    play.app(args["APP"]).configure(put, reset)


def _refresh(play: Play, args: Args) -> None:
    charm = args.get("CHARM")
    play.app(args["APP"]).refresh(None if charm is None else play.path(charm))


def _exec(play: Play, args: Args) -> str:
    words = args.all("WORD")
    return _answer(play.unit(args["UNIT"]).exec(*words[words[0] == "--" :]))


def _run(play: Play, args: Args) -> str:
    params = {key: _param(key, text) for key, text in _pairs(args, "KEY=VALUE").items()}
    done = play.unit(args["UNIT"]).run(args["ACTION"], params)
    if done.status != "completed":
        raise KitError(f"the action failed: {done.message or failed(done.code, '', done.stderr)}")
    own = " ".join(f"{key}={value}" for key, value in sorted(done.results.items()))
    return own or done.stdout.rstrip("\n")


def _param(key: str, text: str) -> Any:
    try:
        return read(text, empty=text)
    except NotYaml as fault:
        raise KitError(f"the value of {key} is no YAML: {fault}") from fault


def _answer(done: Outcome) -> str:
    if done.code:
        raise KitError(failed(done.code, done.stdout, done.stderr))
    return done.stdout.rstrip("\n")


def _pairs(args: Args, name: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in args.all(name):
        key, _, value = word.partition("=")
        if key in found:
            raise KitError(f"{key} is given twice")
        found[key] = value
    return found


def _halt(play: Play, args: Args) -> None:
    name = (args.get("NAME:") or "").removesuffix(":")
    play.check_free(name)
    halt = play.unit(args["UNIT"]).halt(
        args["HOOK"], args["TOOL"],
        when="after" if args.get("WHEN") == "after" else "before", nth=int(args.get("nth=") or 1),
    )  # fmt: skip
    play.keep_halt(name, halt)


def _controller(play: Play, args: Args) -> None:
    controller = play.stage.controller
    (controller.kill if args["DEED"] == "kill" else controller.start)()


Do = Callable[[Play, Args], str | None]

COMMANDS: Mapping[str, tuple[Usage, Do]] = {
    usage.split()[0]: (Usage(usage), do)
    for usage, do in {
        "deploy CHARM [APP] [units=N] [leader=N] [config=KEY=VALUE...] [resource=NAME=PATH...] "
        "[lease=SPAN] [guarantee=SPAN] [--no-wait]": _deploy,
        "settle": lambda play, args: play.stage.settle(),
        "pass SPAN": lambda play, args: play.stage.pass_time(args["SPAN"]),
        "controller DEED": _controller,
        "elect UNIT [--no-wait]": _elect,
        "step-down APP [--no-wait]": lambda play, args: play.app(args["APP"]).step_down(
            wait="--no-wait" not in args
        ),
        "revoke APP": lambda play, args: play.app(args["APP"]).revoke(),
        "config APP [KEY=VALUE...] [--reset=KEY...]": _config,
        "add-unit APP": lambda play, args: play.app(args["APP"]).add_unit().name,
        "remove-unit UNIT": lambda play, args: play.unit(args["UNIT"]).remove(),
        "remove-application APP": lambda play, args: play.app(args["APP"]).remove(),
        "refresh APP [CHARM]": _refresh,
        "exec UNIT WORD...": _exec,
        "run UNIT ACTION [KEY=VALUE...]": _run,
        "resolve UNIT [--no-retry]": lambda play, args: play.unit(args["UNIT"]).resolve(
            retry="--no-retry" not in args
        ),
        "update-status UNIT": lambda play, args: play.unit(args["UNIT"]).update_status(),
        "kill UNIT": lambda play, args: play.unit(args["UNIT"]).kill(),
        "stop UNIT": lambda play, args: play.unit(args["UNIT"]).stop(),
        "start UNIT": lambda play, args: play.unit(args["UNIT"]).start(),
        "cut-off UNIT": lambda play, args: play.unit(args["UNIT"]).cut_off(),
        "reconnect UNIT": lambda play, args: play.unit(args["UNIT"]).reconnect(),
        "freeze UNIT SPAN": lambda play, args: play.unit(args["UNIT"]).freeze(args["SPAN"]),
        "halt UNIT HOOK TOOL [WHEN] [nth=N]": _halt,
        "reached [NAME]": lambda play, args: play.reach(args.get("NAME") or ""),
        "go-on [NAME]": lambda play, args: play.let_go(args.get("NAME") or "", fails=False),
        "fail [NAME]": lambda play, args: play.let_go(args.get("NAME") or "", fails=True),
        "sh WORD...": lambda play, args: play.shell(" ".join(args.all("WORD"))),
    }.items()
}
"""What each is followed by, and what it does."""

OF_SUBJECTS = ("expect", "until", "never", "let", "get")
"""Those that are followed by a subject."""
