"""The commands on one study: run, check, show, export, and the studies, the browser and the schema that go with it."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slalom.cli.options import (
    add_anew,
    add_json,
    add_place,
    add_ray,
    add_study,
    command,
    home_of,
    port,
    print_json,
    write,
)
from slalom.errors import Infrastructure, InputError
from slalom.home import DEFAULT_FOLDER
from slalom.urls import TRACKING_URI

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator


def add(commands: Any) -> None:
    """Add the commands to the subparsers of the command line."""
    for name, run, about, adders in (
        (
            "run",
            _run,
            "run a study, or go on with one; a finished one only prints its verdict",
            (add_study, add_place, add_anew, add_ray),
        ),
        ("check", _check, "check a study file and print its plan; nothing is started", (add_study,)),
        ("studies", _studies, "list the studies that come with Slalom", ()),
        ("show", _show, "what a study has found so far", (add_study, add_place)),
        ("report", _report, "a study as one web page, to look at and to send on", (add_study, add_place, _page)),
        ("export", _export, "every trial of a study, as JSON or CSV", (add_study, add_place, _output)),
        ("ui", _ui, "open the MLflow browser on a home", (add_place, _address)),
        ("schema", _schema, "print the JSON Schema of study files, for editors", ()),
    ):
        one = commands.add_parser(name, help=about, description=about)
        one.set_defaults(command=run)
        for adder in adders:
            adder(one)
        if name not in ("export", "report", "schema", "ui"):
            add_json(one)


def _run(options: argparse.Namespace) -> None:
    with _reading(options.study):  # before anything is imported that takes seconds
        from slalom import api
        from slalom.cli.terminal import verdict
        from slalom.status.watch import Watch

        spec = api.load(options.study)
    with Watch() as watch, options.stop.between_turns(watch) as turn:
        result = api.run(spec, home_of(options), ray=options.ray, watch=turn, anew=options.anew)
    if options.json:
        print_json(result.as_json())
        return
    verdict(result)
    print(f"Browse every trial: {_browse(options)}")


@contextmanager
def _reading(study: str) -> Iterator[None]:
    """Show a line in a terminal that the study is being read, until the block is left."""
    if not sys.stderr.isatty():
        yield
        return
    print(f"Reading {study} ...", end="", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        print("\r\x1b[2K", end="", file=sys.stderr, flush=True)


def _show(options: argparse.Namespace) -> None:
    from slalom import api
    from slalom.cli.terminal import verdict

    result = api.show(options.study, home_of(options))
    if options.json:
        print_json(result.as_json())
    else:
        verdict(result)


def _export(options: argparse.Namespace) -> None:
    from slalom import api

    result = api.show(options.study, home_of(options))
    if options.format == "json":
        text = json.dumps(result.export(), indent=2, allow_nan=False)
    else:
        text = result.trials().to_csv(index=False).rstrip("\n")
    if options.output is None:
        print(text)
    else:
        write(options.output, text + "\n")


def _report(options: argparse.Namespace) -> None:
    from slalom import api

    page = api.page(options.study, home_of(options))
    is_json = options.format == "json"
    if is_json and options.output is None:
        print_json(page.json)
        return
    file = options.output or Path(f"{page.spec.name}.html")
    write(file, json.dumps(page.json, indent=2, allow_nan=False) + "\n" if is_json else page.html())
    print(f"{page.spec.name} is told in {file}, which needs no other file and no network.")


def _check(options: argparse.Namespace) -> None:
    from slalom import api, wiring
    from slalom.reading import check_elsewhere
    from slalom.report.plan import plan, plan_lines

    spec = api.load(options.study)
    check_elsewhere(spec)
    rehearsal = wiring.rehearse(spec)
    if options.json:
        print_json({**plan(spec), **({} if rehearsal is None else {"rehearsal": asdict(rehearsal)})})
    else:
        print("\n".join([*plan_lines(spec), *(rehearsal.lines() if rehearsal else ())]))


def _studies(options: argparse.Namespace) -> None:
    from slalom.study.bundled import bundled
    from slalom.study.yaml import read_yaml

    found = [(file.stem, read_yaml(file.read_text(encoding="utf-8"), file.name).plain()) for file in bundled()]
    if options.json:
        print_json([{"study": name, "question": document["question"]} for name, document in found])
        return
    width = max(len(name) for name, _ in found)
    for name, document in found:
        print(f"{name:{width}}  {document['question']}")


def _ui(options: argparse.Namespace) -> None:
    home = home_of(options)
    if not home.has_records:
        raise InputError(f"--home: no records are in {home.folder}: `slalom run` makes some")
    from slalom.records.on_mlflow import pages, serve

    with suppress(KeyboardInterrupt), serve(home, options.host, options.port) as server:
        for name, address in pages(options.host, options.port):
            print(f"{name}: {address}")
        print("Ctrl-C stops the server.", flush=True)
        if server.wait():
            raise Infrastructure(f"MLflow's server has ended by itself: see {home.folder / 'ui.log'}")


def _schema(_options: argparse.Namespace) -> None:
    from slalom.reading import catalogue
    from slalom.study.schema import schema

    print_json(schema(catalogue()))


def _output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("json", "csv"), default="json")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="instead of standard output")


def _page(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("html", "json"), default="html", help="a page, or every number of it")
    file = "instead of NAME.html by the study; of JSON, of standard output"
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help=file)


def _address(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen at (default: %(default)s)")
    parser.add_argument("--port", type=port, default=5000, help="the port to listen at (default: %(default)s)")


def _browse(options: argparse.Namespace) -> str:
    """The command that shows what a run has recorded, or the address of the server that does."""
    home = home_of(options)
    if home.artifacts is None:
        return home.shown()["tracking_uri"]
    words = [] if options.home == DEFAULT_FOLDER else ["--home", str(options.home)]
    words += [] if options.tracking_uri == os.environ.get(TRACKING_URI) else ["--tracking-uri", options.tracking_uri]
    return command("ui", *words)
