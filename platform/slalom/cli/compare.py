"""The command on several studies: compare."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slalom.cli.options import add_json, add_place, home_of, print_json, write

if TYPE_CHECKING:
    import argparse


def add(commands: Any) -> None:
    """Add the command to the subparsers of the command line."""
    about = "which arm is best over several finished studies with the same arms"
    compare = commands.add_parser("compare", help=about, description=about)
    compare.set_defaults(command=_compare)
    compare.add_argument("study", nargs="+", metavar="STUDY", help="bundled studies' names, or study files (*.yaml)")
    add_place(compare)
    compare.add_argument(
        "--rope",
        type=float,
        metavar="DIFFERENCE",
        help="up to it two arms count as equal in a task, in the metric's unit (default: the studies' margin, or 0)",
    )
    compare.add_argument("--format", choices=("html", "json"), default="html", help="of FILE: a page, or its numbers")
    compare.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the page, too")
    add_json(compare)


def _compare(options: argparse.Namespace) -> None:
    from slalom import api
    from slalom.cli.terminal import tasks_table

    page = api.compare(options.study, home_of(options), rope=options.rope)
    if options.output is not None:
        is_json = options.format == "json"
        write(options.output, json.dumps(page.json, indent=2, allow_nan=False) + "\n" if is_json else page.html())
    if options.json:
        print_json(page.json)
        return
    tasks_table(page.found)
    if options.output is not None:
        print(f"It is told in {options.output}, which needs no other file and no network.")
