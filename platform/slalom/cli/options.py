"""The options that several commands take, and what becomes of them."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
from pathlib import Path
from typing import Any, NoReturn

from slalom.errors import InputError, quoted, shortened
from slalom.home import DEFAULT_FOLDER, Home
from slalom.urls import STORAGE, TRACKING_URI, hide_passwords


class Parser(argparse.ArgumentParser):
    """A parser of argparse's that takes options by their whole names.

    Its refusals show no URL, which may be a secret under a misspelt option, and of a long word only the beginning.
    """

    def __init__(self, **words: Any) -> None:
        super().__init__(**{**words, "allow_abbrev": False})

    def error(self, message: str) -> NoReturn:
        """End the process with exit code 2, and say why."""
        hint = "; the command comes first, and its options after it"
        super().error(_harmless(message) + (hint if message.startswith("argument COMMAND: invalid choice") else ""))


class ScheduledParser(Parser):
    """A parser of what is scheduled, whose refusals are InputError: it is not this process that it parses for."""

    def error(self, message: str) -> NoReturn:
        """Raise InputError."""
        raise InputError(f"--arguments: {_harmless(message)}")

    def print_help(self, file: Any = None) -> NoReturn:  # noqa: ARG002 (argparse's name)
        """Raise InputError."""
        self.error("nobody reads the help of a scheduled run")


def _harmless(message: str) -> str:
    message = re.sub(r"[^\s='\"]+://[^\s'\"]+", "***", message)
    return re.sub(r"\S{200,}", lambda word: shortened(word[0]), message)


def add_study(parser: argparse.ArgumentParser) -> None:
    """Add the argument of a study, as `study`."""
    parser.add_argument("study", metavar="STUDY", help="a bundled study's name, or a study file (*.yaml)")


def add_place(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where the study's state lies: `home_of` makes a Home of them."""
    parser.add_argument(
        "--home", type=Path, default=DEFAULT_FOLDER, help="the folder with a study's state (default: %(default)s)"
    )
    parser.add_argument(
        "--storage",
        metavar="URL",
        default=os.environ.get(STORAGE),
        help=f"an Optuna storage instead of HOME/optuna.db (default: {STORAGE} in the environment)",
    )
    parser.add_argument(
        "--tracking-uri",
        metavar="URI",
        default=os.environ.get(TRACKING_URI),
        help=f"an MLflow server or store instead of HOME/mlflow.db (default: {TRACKING_URI} in the environment)",
    )


def add_ray(parser: argparse.ArgumentParser) -> None:
    """Add the option of the Ray cluster's address, as `ray`."""
    parser.add_argument("--ray", metavar="ADDRESS", help="a running Ray cluster, host:port; else one is started here")


def add_anew(parser: argparse.ArgumentParser) -> None:
    """Add the option `--anew`."""
    parser.add_argument(
        "--anew", action="store_true", help="train it beside what the home holds of it with other data or settings"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add the option `--json`: the answer as JSON."""
    parser.add_argument("--json", action="store_true", help="print nothing but JSON on standard output")


def home_of(options: argparse.Namespace) -> Home:
    """The home that the options of `add_place` name; InputError where the folder or a URL cannot be used."""
    return Home(options.home, options.storage, options.tracking_uri)


def port(text: str, least: int = 1) -> int:
    """A port's number; for argparse."""
    if text.isdecimal() and least <= int(text) < 2**16:
        return int(text)
    raise argparse.ArgumentTypeError(f"a port is a whole number from {least} to {2**16 - 1}, but got {quoted(text)}")


def command(*words: str) -> str:
    """A command line of `slalom` that a person can copy, without its passwords."""
    return hide_passwords(shlex.join(["slalom", *words]))


def print_json(value: Any) -> None:
    """Print a plain value on standard output."""
    print(json.dumps(value, indent=2, allow_nan=False))


def write(file: Path, text: str) -> None:
    """Write what `--output` asks for; InputError where the file cannot be written."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise InputError(f"--output: cannot write {file}: {exc.strerror}") from exc
