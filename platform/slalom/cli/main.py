"""The command line: a thin face of `slalom.api`."""

from __future__ import annotations

import argparse
import os
import select
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from slalom.cli.options import Parser, command
from slalom.cli.stop import Stop
from slalom.errors import Crashed, Interrupted, SlalomError
from slalom_worker.lane.environment import pin_kernels

if TYPE_CHECKING:
    from collections.abc import Sequence

STANDARD_OUTPUT, STANDARD_ERROR = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    arguments: None for those of this process, which is the command then, and keeps standard output for its answer
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
        if arguments is None and isinstance(exc, BrokenPipeError) and _unread():
            # Who read, `head` for one, has enough; Python flushes once more at its end, where nothing must complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        sys.excepthook(type(exc), exc, exc.__traceback__)
        return Crashed.exit_code


def _obeyed(arguments: Sequence[str] | None) -> int:
    if sys.stdout is None:  # closed by whoever started this process
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 (for the process's life)
    elif arguments is None:
        _keep_output()
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


def _keep_output() -> None:
    """Give standard output a descriptor of its own, and the old one to standard error.

    The user's code may start children, or call C libraries, which print to the old one; the answer may be JSON.
    """
    kept = os.dup(STANDARD_OUTPUT)
    os.dup2(STANDARD_ERROR, STANDARD_OUTPUT)
    sys.stdout = open(kept, "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors)  # noqa: SIM115, PTH123


def _unread() -> bool:
    """Whether standard output is a pipe that nobody reads: connections to servers break, too."""
    output = select.poll()
    output.register(sys.stdout, 0)
    return any(event & select.POLLERR for _, event in output.poll(0))


def _parser() -> argparse.ArgumentParser:
    from slalom.cli import compare, records, regression, schedule, status, study, submit

    parser = Parser(prog="slalom", description="Which way of training is better, at equal effort?")
    parser.add_argument("--version", action="version", version=f"slalom {version('slalom')}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for group in (study, compare, records, regression, schedule, status, submit):
        group.add(commands)
    return parser


def _same_command(arguments: Sequence[str] | None) -> str:
    return command(*(sys.argv[1:] if arguments is None else arguments))
