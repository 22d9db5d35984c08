"""The command line: a thin face of `slalom.api`."""

from __future__ import annotations

import argparse
import json
import os
import select
import shlex
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slalom.errors import Crashed, Infrastructure, InputError, Interrupted, SlalomError
from slalom.stop import Stop
from slalom_worker.environment import pin_kernels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slalom.home import Home


DEFAULT_HOME = Path("slalom-home")
STANDARD_OUTPUT = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Gives the exit code: 0 done, 1 a regression, 2 wrong input, 3 infrastructure failed, 70 crashed, 130 interrupted.
    Python's own code for an exception that nobody caught is 1, so none gets out.
    """
    try:
        return _obeyed(arguments)
    except SystemExit:  # the parser's, which has said why
        raise
    except KeyboardInterrupt:  # once more, while the first was told
        return Interrupted.exit_code
    except BaseException as exc:  # noqa: BLE001 (told whole, and by an exit code of its own)
        if isinstance(exc, BrokenPipeError) and _unread():
            # Who read, `head` for one, has enough; Python flushes once more at its end, where nothing must complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), STANDARD_OUTPUT)
            return 0
        sys.excepthook(type(exc), exc, exc.__traceback__)
        return Crashed.exit_code


def _obeyed(arguments: Sequence[str] | None) -> int:
    pin_kernels()  # before anything imports numpy
    stop = Stop()
    stop.listen()
    options = _parser().parse_args(arguments, argparse.Namespace(stop=stop))
    try:
        code = options.command(options) or 0
        sys.stdout.flush()
    except Interrupted as exc:
        print(f"slalom: {exc}; go on with: {_same_command(arguments)}", file=sys.stderr)
        return exc.exit_code
    except SlalomError as exc:
        print(f"slalom: {exc}", file=sys.stderr)
        return exc.exit_code
    except KeyboardInterrupt:
        print(f"slalom: stopped; again with: {_same_command(arguments)}", file=sys.stderr)
        return Interrupted.exit_code
    except SystemExit as exc:  # of code that is called, a task's for one: it does not choose the answer
        raise RuntimeError(f"the command was left by SystemExit({exc.code!r})") from exc
    return int(code)


def _unread() -> bool:
    """Whether standard output is a pipe that nobody reads: connections to servers break, too."""
    output = select.poll()
    output.register(STANDARD_OUTPUT, 0)
    return any(event & select.POLLERR for _, event in output.poll(0))


def _run(options: argparse.Namespace) -> None:
    from slalom import api
    from slalom.terminal import Watch, verdict

    spec = api.load(options.study)
    with Watch() as watch, options.stop.between_turns(watch) as turn:
        result = api.run(spec, _home(options), ray=options.ray, watch=turn)
    if options.json:
        _print_json(result.as_json())
        return
    verdict(result)
    print(f"Browse every trial: {_browse(options)}")


def _show(options: argparse.Namespace) -> None:
    from slalom import api
    from slalom.terminal import verdict

    result = api.show(options.study, _home(options))
    if options.json:
        _print_json(result.as_json())
    else:
        verdict(result)


def _export(options: argparse.Namespace) -> None:
    from slalom import api

    result = api.show(options.study, _home(options))
    if options.format == "json":
        text = json.dumps(result.export(), indent=2, allow_nan=False)
    else:
        text = result.trials().to_csv(index=False).rstrip("\n")
    if options.output is None:
        print(text)
        return
    try:
        options.output.write_text(text + "\n", encoding="utf-8")
    except OSError as exc:
        raise InputError(f"--output: cannot write {options.output}: {exc.strerror}") from exc


def _check(options: argparse.Namespace) -> None:
    from slalom import api
    from slalom.halving import rungs

    spec = api.load(options.study)
    per_arm = spec.tune.trials + spec.confirm_seeds
    plan = {
        "study": spec.name,
        "question": spec.question,
        "fingerprint": spec.fingerprint,
        "arms": {arm.name: list(arm.space) for arm in spec.arms},
        "tuning_trials_per_arm": spec.tune.trials,
        "confirm_seeds_per_arm": spec.confirm_seeds,
        "rungs": rungs(spec),
        "trials": per_arm * len(spec.arms),
        "facts": dict(spec.facts),
    }
    if options.json:
        _print_json(plan)
        return
    print(f"{spec.name}: {spec.question}")
    for arm in spec.arms:
        print(f"  {arm.name}: tunes {', '.join(arm.space) or 'nothing'}")
    print(
        f"{spec.tune.trials} tuning trials and {spec.confirm_seeds} confirm seeds an arm, "
        f"{plan['trials']} trials in all"
    )
    print(f"epochs at which a generation of {spec.tune.generation} is judged: {', '.join(map(str, rungs(spec)))}")
    print(f"fingerprint {spec.fingerprint}")


def _studies(options: argparse.Namespace) -> None:
    from slalom import api
    from slalom.spec.yaml import read_yaml

    found = [(file.stem, read_yaml(file.read_text(encoding="utf-8"), file.name).plain()) for file in api.bundled()]
    if options.json:
        _print_json([{"study": name, "question": document["question"]} for name, document in found])
        return
    for name, document in found:
        print(f"{name:22} {document['question']}")


def _ui(options: argparse.Namespace) -> None:
    home = _home(options)
    if not home.has_records:
        raise InputError(f"--home: no records are in {home.folder}: `slalom run` makes some")
    if home.artifacts is None:
        raise InputError(f"--tracking-uri: open {home.shown()['tracking_uri']} in a browser; `slalom ui` serves a home")
    from slalom.records.on_mlflow import pages, serve

    with suppress(KeyboardInterrupt), serve(home, options.host, options.port) as server:
        for name, address in pages(options.host, options.port):
            print(f"{name}: {address}")
        print("Ctrl-C stops the server.", flush=True)
        if server.wait():
            raise Infrastructure(f"MLflow's server has ended by itself: see {home.folder / 'ui.log'}")


def _schema(_options: argparse.Namespace) -> None:
    from slalom.spec.schema import schema
    from slalom_worker.catalogue import CATALOGUE

    _print_json(schema(CATALOGUE))


def _parser() -> argparse.ArgumentParser:
    from slalom.commands import regression, schedule, status, submit

    parser = argparse.ArgumentParser(prog="slalom", description="Which way of training is better, at equal effort?")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, command, about, adders in (
        ("run", _run, "run a study, or go on with one; a finished one only prints its verdict", (_study, _place, _ray)),
        ("check", _check, "check a study file and print its plan; nothing is started", (_study,)),
        ("studies", _studies, "list the studies that come with Slalom", ()),
        ("show", _show, "what a study has found so far", (_study, _place)),
        ("export", _export, "every trial of a study, as JSON or CSV", (_study, _place, _output)),
        ("ui", _ui, "open the MLflow browser on a home", (_place, _address)),
        ("schema", _schema, "print the JSON Schema of study files, for editors", ()),
    ):
        one = commands.add_parser(name, help=about, description=about)
        one.set_defaults(command=command)
        for add in adders:
            add(one)
        if name not in ("export", "schema", "ui"):
            one.add_argument("--json", action="store_true", help="print nothing but JSON on standard output")
    shared = {"study": _study, "place": _place, "ray": _ray}
    for group in (regression, schedule, status, submit):
        group.add(commands, shared, _home)
    return parser


def _study(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", metavar="STUDY", help="a bundled study's name, or a study file (*.yaml)")


def _place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--home", type=Path, default=DEFAULT_HOME, help="the folder with a study's state (default: %(default)s)"
    )
    parser.add_argument("--storage", metavar="URL", help="an Optuna storage instead of HOME/optuna.db")
    parser.add_argument("--tracking-uri", metavar="URI", help="an MLflow server or store instead of HOME/mlflow.db")


def _ray(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ray", metavar="ADDRESS", help="a running Ray cluster, host:port; else one is started here")


def _output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("json", "csv"), default="json")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="instead of standard output")


def _address(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen at (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=5000, help="the port to listen at (default: %(default)s)")


def _port(text: str) -> int:
    if text.isdecimal() and 0 < int(text) < 2**16:
        return int(text)
    raise argparse.ArgumentTypeError(f"a port is a whole number from 1 to {2**16 - 1}, but got {text!r}")


def _home(options: argparse.Namespace) -> Home:
    from slalom.home import Home

    return Home(options.home, options.storage, options.tracking_uri)


def _browse(options: argparse.Namespace) -> str:
    """The command, or the server's address, that shows what a run has recorded."""
    home = _home(options)
    if home.artifacts is None:
        return home.shown()["tracking_uri"]
    words = [] if options.home == DEFAULT_HOME else ["--home", str(options.home)]
    words += [] if options.tracking_uri is None else ["--tracking-uri", options.tracking_uri]
    return _command("ui", *words)


def _same_command(arguments: Sequence[str] | None) -> str:
    return _command(*(sys.argv[1:] if arguments is None else arguments))


def _command(*words: str) -> str:
    """A command to copy, without its passwords."""
    from slalom.home import hide_passwords

    return hide_passwords(shlex.join(["slalom", *words]))


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, allow_nan=False))


if __name__ == "__main__":
    sys.exit(main())
