"""`slalom records rebuild`: what MLflow shows of a study, made again from the trials that Optuna keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slalom.cli.options import add_json, add_place, add_ray, add_study, home_of, print_json

if TYPE_CHECKING:
    import argparse


def add(commands: Any) -> None:
    """Add the command to the subparsers of the command line."""
    about = "records in MLflow"
    group = commands.add_parser("records", help=about, description=about)
    ways = group.add_subparsers(title="commands", required=True, metavar="COMMAND")
    about = "make a study's records again from its trials; a broken file of records is set aside, not deleted"
    one = ways.add_parser("rebuild", help=about, description=about)
    one.set_defaults(command=_rebuild)
    for adder in (add_study, add_place, add_ray, add_json):
        adder(one)


def _rebuild(options: argparse.Namespace) -> None:
    from slalom import api, wiring
    from slalom.cli.terminal import verdict
    from slalom.loop.notes import Note, Notes
    from slalom.status.watch import Watch
    from slalom.verdict.summary import State

    spec, home = api.load(options.study), home_of(options)
    result = api.show(spec, home)
    with home.alone():
        aside = wiring.set_records_aside(home)
        store, here = wiring.store(spec, home), home.shown()["tracking_uri"]
        # so that a complete study is not taken for one that is on record here
        store.note(Note.RECORDED, [uri for uri in Notes.read(store.notes()).recorded if uri != here])
        complete = result.summary.state is State.COMPLETE
        if not complete:
            with store.held(str(home.folder.resolve())):
                wiring.record(spec, home, store)
    if complete:
        # each arm's best net is trained once more, for its model
        with Watch() as watch, options.stop.between_turns(watch) as turn:
            result = api.run(spec, home, ray=options.ray, watch=turn)
    if options.json:
        print_json({**result.as_json(), "set_aside": None if aside is None else str(aside)})
        return
    verdict(result)
    print(f"The records of {spec.name} are rebuilt at {here}.")
    if not complete:
        print("The study goes on by `slalom run`, which also records its models.")
    if aside is not None:
        print(
            f"The broken file is {aside}. It held the records of other studies and of regression nights too: rebuild "
            "each study likewise; nights are in no other place."
        )
